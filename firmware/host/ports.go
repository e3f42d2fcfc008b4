package host

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"longwire/firmware/config"
)

// Protocols of ports.
const (
	TCP = "tcp"
	UDP = "udp"
)

// Port is what others may connect to.
type Port struct {
	Protocol string
	Number   uint16
	Address  netip.Addr // of this machine; the zero Addr is any
	Why      string     // who wants it open
}

func (p Port) String() string {
	if !p.Address.IsValid() {
		return fmt.Sprintf("%s/%d", p.Protocol, p.Number)
	}
	return fmt.Sprintf("%s/%d at %v", p.Protocol, p.Number, p.Address)
}

// Ports are those that the settings of a node, of its SIS server and of the machine ask for, each once and in order. Any may be nil.
func Ports(node *config.Config, sis *SIS, kit *Config) []Port {
	var all []Port
	add := func(why string, addresses ...string) {
		for _, a := range addresses {
			if p, ok := listening(a); ok {
				p.Why = why
				all = append(all, p)
			}
		}
	}
	if node != nil {
		add("clients", node.Clients.Listen...)
		add("clients", node.Clients.DirectTLS...)
		add("clients", node.Clients.Plaintext...)
		for _, l := range node.Links {
			if l.Type == config.LinkIP && l.Listen {
				add(l.Name, net.JoinHostPort(l.LocalAddress, strconv.Itoa(l.LocalPort)))
			}
		}
	}
	if sis != nil {
		add("SIS clients", sis.Listen...)
	}
	if kit != nil {
		for _, text := range kit.Firewall.Open {
			if p, err := parsePort(text); err == nil {
				p.Why = "kit.toml"
				all = append(all, p)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Port) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Number, b.Number), a.Address.Compare(b.Address))
	})
	// A port that is open at any address need not be open at one as well: "any" is sorted first.
	return slices.CompactFunc(all, func(a, b Port) bool {
		return a.Protocol == b.Protocol && a.Number == b.Number && (a.Address == b.Address || !a.Address.IsValid())
	})
}

// listening turns an address that a program listens on into a port; not ok if others cannot reach it, or if it is not known.
func listening(address string) (p Port, ok bool) {
	host, number, err := net.SplitHostPort(address)
	if err != nil {
		return Port{}, false
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 { // the system picks a port, which nobody was told
		return Port{}, false
	}
	p = Port{Protocol: TCP, Number: uint16(n)}
	at, err := netip.ParseAddr(host)
	switch {
	case strings.EqualFold(host, "localhost"), err == nil && at.IsLoopback():
		return Port{}, false
	case err == nil && !at.IsUnspecified():
		p.Address = at.Unmap().WithZone("")
	}
	// Choice: a host's name may stand for several addresses, so it opens all.
	return p, true
}

// SIS is of the SIS server's settings what the machine must know.
type SIS struct {
	Listen []string // TCP addresses
}

// ReadSIS reads it from s5066d's file, which has been checked by s5066d itself.
func ReadSIS(doc []byte) *SIS {
	c := struct {
		Clients struct {
			Listen []string `toml:"listen"`
		} `toml:"clients"`
	}{}
	c.Clients.Listen = []string{"127.0.0.1:5066"} // s5066d's default
	// All other settings are unknown here, which are faults that mean nothing.
	config.Read("", doc, &c)
	return &SIS{Listen: c.Clients.Listen}
}
