package host

import (
	"fmt"
	"net/netip"
	"strings"
)

// networkFiles are the files of systemd-networkd for the settings, by name; systemd.network(5). They sort before those of the image, which
// has DHCP for every interface that no file is about.
func networkFiles(c *Config) map[string]string {
	files := make(map[string]string)
	for i, n := range c.Networks {
		name := fmt.Sprintf("10-kit-%02d.network", i)
		if n.Interface == "" {
			name = "20-kit.network"
		}
		files[name] = n.file()
	}
	return files
}

// file is what systemd-networkd reads about an interface. Everything in it was checked.
func (n Network) file() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Made from kit.toml.\n[Match]")
	if n.Interface != "" {
		line("Name=%s", n.Interface)
	} else {
		// Real Ethernet: neither Wi-Fi, nor bridges and the like, which have a kind.
		line("Type=ether\nKind=!*")
	}
	// A kit starts without any cable, too.
	line("\n[Link]\nRequiredForOnline=no\n\n[Network]")
	for _, server := range n.DNS {
		line("DNS=%s", server)
	}
	if n.Address == "" {
		// With both, an IPv4 link-local address is taken when DHCP gave none for some time; DHCP goes on.
		line("DHCP=yes\nLinkLocalAddressing=yes")
		line("\n[DHCPv4]\nUseHostname=no\nClientIdentifier=mac")
		return b.String()
	}
	line("Address=%s\nLinkLocalAddressing=ipv6\nConfigureWithoutCarrier=yes", n.Address)
	if n.Gateway != "" {
		line("Gateway=%s", n.Gateway)
	}
	if p, err := netip.ParsePrefix(n.Address); err == nil && p.Addr().Is6() {
		line("IPv6AcceptRA=no")
	}
	if n.ServeDHCP {
		// The kit is no router, and knows no names.
		line("DHCPServer=yes\n\n[DHCPServer]\nEmitRouter=no\nEmitDNS=no\nEmitNTP=no")
	}
	return b.String()
}

// timesyncFiles are the drop-ins of systemd-timesyncd, by name; timesyncd.conf(5).
func timesyncFiles(c *Config) map[string]string {
	if len(c.Clock.NTP) == 0 {
		return nil
	}
	return map[string]string{"20-kit.conf": "# Made from kit.toml.\n[Time]\nNTP=" + strings.Join(c.Clock.NTP, " ") + "\n"}
}
