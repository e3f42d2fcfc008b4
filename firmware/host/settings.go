// Package host is the machine below the node: its name, its network, its clock and its firewall, as kit.toml has them. Everything is made
// new from the settings each time, below /run or in the kernel, so that a kit's system stays as it was flashed.
package host

import (
	"longwire/firmware/config"
)

// Config is what kit.toml can say. The tags are those of config.Config.
type Config struct {
	Hostname string `toml:"hostname" eg:"\"field\"" doc:"The machine's name. Default: the kit's name."`

	Networks []Network `toml:"network" doc:"The wired network, one table for each interface. Without any, every interface asks for an address by DHCP."`
	Clock    Clock     `toml:"clock" doc:"Where the time comes from. The best source that is there is used: GPS and time servers, then peers, then the clock's chip, then the last time that is known. A date before this system was built is never believed."`
	Firewall Firewall  `toml:"firewall" doc:"What others may connect to. Ports that the node and the SIS server listen on are open by themselves; nothing else is."`

	// File is where the settings were read from; "": defaults.
	File string `toml:"-"`
}

// Network is how an interface gets its addresses.
type Network struct {
	Interface string   `toml:"interface" eg:"\"eth0\"" doc:"The interface's name. Default: every wired interface that no other table names."`
	Address   string   `toml:"address" eg:"\"192.0.2.10/24\"" doc:"A fixed address, with the length of its prefix. Default: by DHCP, and where nobody answers a link-local one (169.254.x.y)."`
	Gateway   string   `toml:"gateway" eg:"\"192.0.2.1\"" doc:"The way out, with a fixed address. Default: none."`
	DNS       []string `toml:"dns" eg:"[\"192.0.2.1\"]" doc:"Name servers. Default: those that DHCP tells."`
	ServeDHCP bool     `toml:"serve_dhcp" doc:"Give addresses to the machines on this interface, which must have a fixed one itself: for clients on the kit's own LAN."`
}

// SetDefaults is for config.
func (n *Network) SetDefaults() { *n = Network{} }

// Clock is where the time comes from.
type Clock struct {
	NTP     []string `toml:"ntp" eg:"[\"192.0.2.1\"]" doc:"Time servers, besides those that DHCP tells."`
	GPS     string   `toml:"gps" eg:"\"/dev/ttyACM0\"" doc:"The serial port of a GPS receiver that speaks NMEA 0183; \"auto\" is the port that is usual on this board. Default: none."`
	GPSBaud int      `toml:"gps_baud" doc:"Its speed."`
	Peers   bool     `toml:"peers" doc:"Take the time from paired headquarters when there is nothing better."`
}

// Firewall is what others may connect to.
type Firewall struct {
	Enabled bool     `toml:"enabled" doc:"false opens everything; for a network that is trusted, and to find faults."`
	Open    []string `toml:"open" eg:"[\"tcp/8080\", \"udp/5353\"]" doc:"Further ports that are open."`
}

const exampleHead = `# Longwire, the machine of a kit. Every setting is optional: what stands here behind a # is its default, or a sample
# where the default is empty. Remove the # to change it.
`

// Default is a machine that nobody said anything about.
func Default() *Config {
	return &Config{Clock: Clock{GPSBaud: 9600, Peers: true}, Firewall: Firewall{Enabled: true}}
}

// Example is a commented kit.toml with every setting. As it stands it means the defaults.
func Example() string { return config.ExampleOf(exampleHead, Default()) }

// Parse reads and checks kit.toml; file names it in faults. When it says something wrong the error is a config.Faults that names
// everything at once.
func Parse(file string, doc []byte) (*Config, error) {
	c := Default()
	c.File = file
	d := config.Read(file, doc, c)
	check(c, d)
	return c, d.Faults()
}
