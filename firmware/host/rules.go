package host

import (
	"fmt"
	"slices"
	"strings"
)

// Rules is a firewall. The zero value lets nothing in but what every machine needs: its own traffic, answers, ICMP, and DHCP's answers.
// Whatever goes out may go.
type Rules struct {
	Ports     []Port
	ServeDHCP []string // interfaces on which we give addresses
	Off       bool     // everything is let in
}

// RulesFor are those of a machine with open ports.
func RulesFor(c *Config, ports []Port) Rules {
	r := Rules{Ports: slices.Clone(ports), Off: !c.Firewall.Enabled}
	for _, n := range c.Networks {
		if n.ServeDHCP && n.Interface != "" {
			r.ServeDHCP = append(r.ServeDHCP, n.Interface)
		}
	}
	return r
}

// String lists what is open, for people.
func (r Rules) String() string {
	if r.Off {
		return "off: everything is open"
	}
	var words []string
	for _, p := range r.Ports {
		words = append(words, fmt.Sprintf("%v (%s)", p, p.Why))
	}
	for _, name := range r.ServeDHCP {
		words = append(words, "udp/67 on "+name+" (DHCP)")
	}
	if len(words) == 0 {
		return "nothing is open"
	}
	return "open: " + strings.Join(words, ", ")
}

// Types of ICMP that a machine needs. RFC 4890 §4.4 says it of ICMPv6: errors, echoes, neighbours and routers, listeners of multicast.
var (
	icmpTypes   = []byte{3, 8, 11, 12} // RFC 792: unreachable, echo, time exceeded, parameter problem
	icmpv6Types = []byte{1, 2, 3, 4, 128, 130, 131, 132, 133, 134, 135, 136, 143}
)
