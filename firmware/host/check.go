package host

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"longwire/firmware/config"
)

// check notes what is wrong with settings that were read.
func check(c *Config, d *config.Document) {
	if c.Hostname != "" && !label(c.Hostname) {
		d.Bad("hostname", `write letters, digits and hyphens, as in "field-1"`, "%q is no name of a machine", c.Hostname)
	}
	seen := make(map[string]int)
	for i, n := range c.Networks {
		at := fmt.Sprintf("network[%d]", i)
		if first, ok := seen[n.Interface]; ok {
			d.Bad(at+".interface", "join the two tables", "table %d is about the same interface", first+1)
		} else {
			seen[n.Interface] = i
		}
		n.check(at, d)
	}
	for i, server := range c.Clock.NTP {
		if _, err := netip.ParseAddr(server); err != nil && !domain(server) {
			d.Bad(fmt.Sprintf("clock.ntp[%d]", i), `as in ["192.0.2.1", "ntp.field.net"]`, "%q is neither an address nor a name", server)
		}
	}
	if g := c.Clock.GPS; g != "" && g != "auto" && !device(g) {
		d.Bad("clock.gps", `as in "/dev/ttyACM0", or "auto"`, "%q is no serial port", g)
	}
	if b := c.Clock.GPSBaud; b < 1200 || b > 921600 {
		d.Bad("clock.gps_baud", "receivers have 4800, 9600, 38400 or 115200", "%d is out of range", b)
	}
	for i, open := range c.Firewall.Open {
		if _, err := parsePort(open); err != nil {
			d.Bad(fmt.Sprintf("firewall.open[%d]", i), `as in "tcp/8080" or "udp/5353"`, "%q is no port", open)
		}
	}
}

func (n Network) check(at string, d *config.Document) {
	// IFNAMSIZ is 16 with its NUL. What the file of systemd-networkd gives a meaning is not let in.
	if n.Interface != "" && (len(n.Interface) > 15 || !word(n.Interface)) {
		d.Bad(at+".interface", `as in "eth0"; 'ip link' lists them`, "%q is no name of an interface", n.Interface)
	}
	prefix, err := netip.ParsePrefix(n.Address)
	fixed := n.Address != ""
	switch {
	case !fixed:
	case err != nil:
		d.Bad(at+".address", `write address and prefix, as in "192.0.2.10/24"`, "%q is no address of an interface", n.Address)
	case !prefix.Addr().IsGlobalUnicast() && !prefix.Addr().IsLinkLocalUnicast() || prefix.Addr().Is4() && prefix.Bits() < 31 && edge(prefix):
		d.Bad(at+".address", "choose one that a machine can have", "%s is no address of a machine", n.Address)
	}
	if n.Gateway != "" {
		gate, err2 := netip.ParseAddr(n.Gateway)
		switch {
		case err2 != nil:
			d.Bad(at+".gateway", `as in "192.0.2.1"`, "%q is no address", n.Gateway)
		case !fixed:
			d.Bad(at+".gateway", "set address too, or leave both to DHCP", "there is a gateway, but no fixed address")
		case err == nil && (!prefix.Contains(gate) || gate == prefix.Addr()) && !gate.IsLinkLocalUnicast():
			d.Bad(at+".gateway", "name another machine in "+prefix.Masked().String(), "%s cannot be reached from %s", n.Gateway, n.Address)
		}
	}
	for i, server := range n.DNS {
		if _, err := netip.ParseAddr(server); err != nil {
			d.Bad(fmt.Sprintf("%s.dns[%d]", at, i), `as in ["192.0.2.1"]`, "%q is no address", server)
		}
	}
	switch {
	case !n.ServeDHCP:
	case !fixed:
		d.Bad(at+".serve_dhcp", "set address too", "who gives addresses must have a fixed one")
	case err == nil && (!prefix.Addr().Is4() || prefix.Bits() > 29):
		d.Bad(at+".serve_dhcp", "use an IPv4 address with a prefix of /29 or less", "%s has no room for clients", n.Address)
	case n.Interface == "":
		d.Bad(at+".serve_dhcp", "name the interface of the LAN", "addresses must not be given on every interface")
	}
}

// edge tells whether an address is its network's own or its broadcast.
func edge(p netip.Prefix) bool {
	a := p.Addr().As4()
	host := uint32(1)<<(32-p.Bits()) - 1
	n := (uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])) & host
	return n == 0 || n == host
}

// label: RFC 1123 §2.1.
func label(s string) bool {
	return len(s) <= 63 && s != "" && s[0] != '-' && s[len(s)-1] != '-' && only(s, "-")
}

// domain is a name of labels.
func domain(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !label(part) {
			return false
		}
	}
	return len(s) <= 253
}

func word(s string) bool { return s != "." && s != ".." && only(s, "-_.") }

// device is a name in /dev.
func device(s string) bool {
	name, ok := strings.CutPrefix(s, "/dev/")
	return ok && name != "" && len(s) < 128 && !strings.Contains(name, "..") && only(name, "-_.:/")
}

// only tells whether a text is of letters and digits of ASCII, and of others.
func only(s, others string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(others, r)
	})
}

// parsePort reads "tcp/8080".
func parsePort(s string) (Port, error) {
	proto, number, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 || proto != TCP && proto != UDP {
		return Port{}, fmt.Errorf("host: %q is no port", s)
	}
	return Port{Protocol: proto, Number: uint16(n)}, nil
}
