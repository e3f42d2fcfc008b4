package host_test

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"longwire/firmware/config"
	"longwire/firmware/host"
)

func TestExampleMeansTheDefaults(t *testing.T) {
	example := host.Example()
	c, err := host.Parse("kit.toml", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	want := host.Default()
	want.File = "kit.toml"
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v", c)
	}
	// And with every # in front of a setting away, it is a file without faults.
	all := regexp.MustCompile(`(?m)^#(\[|[a-z_]+ = )`).ReplaceAllString(example, "$1")
	if c, err = host.Parse("kit.toml", []byte(all)); err != nil {
		t.Errorf("%v\n%s", err, all)
	}
	if len(c.Networks) != 1 || c.Clock.NTP == nil || c.Firewall.Open == nil || c.Hostname == "" {
		t.Errorf("%+v", c)
	}
	for line := range strings.Lines(example) {
		if len(line) > 125 {
			t.Errorf("a long line: %s", line)
		}
	}
}

func TestFaultsNameLineAndRemedy(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{`hostname = "two words"`, `kit.toml:1: hostname: "two words" is no name of a machine; write letters`},
		{`hostnam = "field"`, `kit.toml:1: hostnam: there is no such setting; did you mean hostname?`},
		{`gps = "auto"`, `kit.toml:1: gps: there is no such setting; it belongs below [clock]`},
		{"[network]\naddress = \"192.0.2.1/24\"", `kit.toml:1: network: there can be several; write [[network]] with two brackets`},
		{"[[network]]\naddress = \"192.0.2.1\"", `kit.toml:2: network.address: "192.0.2.1" is no address of an interface; write address and prefix`},
		{"[[network]]\naddress = \"192.0.2.0/24\"", `kit.toml:2: network.address: 192.0.2.0/24 is no address of a machine`},
		{"[[network]]\naddress = \"127.0.0.1/8\"", `kit.toml:2: network.address: 127.0.0.1/8 is no address of a machine`},
		{"[[network]]\ngateway = \"192.0.2.1\"", `kit.toml:2: network.gateway: there is a gateway, but no fixed address`},
		{"[[network]]\naddress = \"192.0.2.7/24\"\ngateway = \"192.0.3.1\"", `kit.toml:3: network.gateway: 192.0.3.1 cannot be reached from 192.0.2.7/24; name another machine in 192.0.2.0/24`},
		{"[[network]]\ndns = [\"one.one\"]", `kit.toml:2: network.dns: "one.one" is no address`},
		{"[[network]]\nserve_dhcp = true", `kit.toml:2: network.serve_dhcp: who gives addresses must have a fixed one; set address too`},
		{"[[network]]\nserve_dhcp = true\naddress = \"192.0.2.1/24\"", `kit.toml:2: network.serve_dhcp: addresses must not be given on every interface`},
		{"[[network]]\ninterface = \"eth0\"\nserve_dhcp = true\naddress = \"192.0.2.1/30\"", `kit.toml:3: network.serve_dhcp: 192.0.2.1/30 has no room for clients`},
		{"[[network]]\n[[network]]", `kit.toml:2: network.interface: table 1 is about the same interface; join the two tables`},
		{"[[network]]\ninterface = \"eth0\\n[Network]\"", `kit.toml:2: network.interface: "eth0\n[Network]" is no name of an interface`},
		{"[clock]\nntp = [\"a b\"]", `kit.toml:2: clock.ntp: "a b" is neither an address nor a name`},
		{"[clock]\nntp = [\"x\\nFallbackNTP=evil\"]", `is neither an address nor a name`},
		{"[clock]\ngps = \"/etc/shadow\"", `kit.toml:2: clock.gps: "/etc/shadow" is no serial port`},
		{"[clock]\ngps = \"/dev/../etc/shadow\"", `is no serial port`},
		{"[clock]\ngps_baud = 7", `kit.toml:2: clock.gps_baud: 7 is out of range; receivers have`},
		{"[clock]\ngps_baud = \"9600\"", `kit.toml:2: clock.gps_baud: it must be a whole number, not text`},
		{"[firewall]\nopen = [\"tcp/8080\", \"8080\"]", `kit.toml:2: firewall.open: "8080" is no port; as in "tcp/8080"`},
		{"[firewall]\nopen = [\"tcp/0\"]", `"tcp/0" is no port`},
		{"[firewall]\nopen = [\"sctp/5\"]", `"sctp/5" is no port`},
		{"[firewall]\nopen = [\"udp/65536\"]", `"udp/65536" is no port`},
		{"hostname = field", `kit.toml:1: this is not TOML`},
	} {
		_, err := host.Parse("kit.toml", []byte(c.doc))
		var faults config.Faults
		if !errors.As(err, &faults) || len(faults) != 1 || !strings.Contains(faults[0].String(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.doc, err, c.want)
		}
	}
}

func TestGoodSettings(t *testing.T) {
	c, err := host.Parse("kit.toml", []byte(`
hostname = "field-1"
[[network]]
interface = "eth0"
address = "192.0.2.1/24"
serve_dhcp = true
[[network]]
interface = "enp1s0.7"
address = "2001:db8::7/64"
gateway = "fe80::1"
dns = ["2001:db8::53", "192.0.2.53"]
[[network]]
[clock]
ntp = ["ntp.field.net", "192.0.2.1"]
gps = "/dev/serial/by-id/usb-u-blox_GPS-if00"
peers = false
[firewall]
open = ["tcp/8080", "udp/5353"]
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Networks) != 3 || c.Clock.Peers || !c.Firewall.Enabled || c.Clock.GPSBaud != 9600 {
		t.Errorf("%+v", c)
	}
}

// FuzzKit: whatever kit.toml says is judged without a panic, and what is accepted can be applied.
func FuzzKit(f *testing.F) {
	f.Add([]byte(host.Example()))
	f.Add([]byte("hostname = \"x\"\n[[network]]\ninterface=\"eth0\"\naddress=\"192.0.2.1/24\"\nserve_dhcp=true\n[clock]\nntp=[\"a.b\"]\n[firewall]\nopen=[\"tcp/1\"]"))
	f.Add([]byte("[[network]]\naddress = \"::/0\"\ngateway = \"::\"\ndns = [1, \"x\"]\n[network]\n"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := host.Parse("kit.toml", doc)
		if c == nil {
			t.Fatal("no settings")
		}
		rules := host.RulesFor(c, host.Ports(nil, host.ReadSIS(doc), c))
		if err != nil {
			return
		}
		for name, text := range host.NetworkFiles(c) {
			// A value that brought lines of its own would set what the operator did not mean.
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); line != "" && !strings.ContainsAny(line[:1], "#[") && !strings.Contains(line, "=") {
					t.Errorf("%s: %q", name, line)
				}
			}
		}
		_ = rules.String()
	})
}
