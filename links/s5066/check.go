package s5066

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"longwire/links/pair"
	"longwire/links/sis"
)

// maxScale bounds the time of simulated radios: delays of the link must stay long beside those of a computer.
const maxScale = 10_000

// Check finds what cannot work, in one link or between several; all of it, joined.
func Check(configs []Config) error {
	k := checker{peers: map[string]string{}, invitations: map[pair.Invitation]string{}}
	for i, c := range configs {
		c = c.orDefault()
		k.link = c.Name
		k.check(c)
		for _, o := range configs[:i] {
			k.compare(c, o.orDefault())
		}
	}
	return errors.Join(k.faults...)
}

type checker struct {
	link   string
	peers  map[string]string // to the link that reaches it
	faults []error

	invitations map[pair.Invitation]string // to the peer
}

func (k *checker) bad(format string, args ...any) {
	k.faults = append(k.faults, fmt.Errorf("s5066: link %q: %w", k.link, fmt.Errorf(format, args...)))
}

// check looks at one link.
func (k *checker) check(c Config) {
	if c.Name == "" {
		k.bad("it needs a name")
	}
	k.server(c.Server)
	if c.SAP > 15 {
		k.bad("there is no SAP %d", c.SAP)
	}
	if c.Rank > 15 {
		k.bad("there is no rank %d", c.Rank)
	}
	if why := badAddress(c.LocalAddress); why != "" {
		k.bad("its own STANAG 5066 address %s", why)
	}
	// S5066 A, TTL: 20 bits of 2 s.
	if c.TTL < 2*time.Second || c.TTL > sis.MaxTTL.Duration() {
		k.bad("a TTL of %v is not between 2 s and 15 days", c.TTL)
	}
	for kind, p := range c.Priority {
		if p > 15 {
			k.bad("there is no priority %d, which kind %d has", p, kind)
		}
	}
	if c.TimeScale < 1 || c.TimeScale > maxScale {
		k.bad("time cannot run %v times as fast", c.TimeScale)
	}
	if len(c.Peers) == 0 {
		k.bad("it has no peer")
	}
	addresses := map[sis.Address]string{c.LocalAddress: "this link itself"}
	for _, p := range c.Peers {
		k.peer(c, p, addresses)
	}
}

func (k *checker) server(s Server) {
	var fault error
	switch s.Network {
	case "tcp":
		_, _, fault = net.SplitHostPort(s.Address)
	case "vsock":
		if cid, port, ok := strings.Cut(s.Address, ":"); !ok || cid == "" || port == "" {
			fault = fmt.Errorf("%q is not CID:port", s.Address)
		}
	case "serial":
		if s.Address == "" {
			fault = errors.New("no device")
		}
	default:
		fault = fmt.Errorf("there is no way %q", s.Network)
	}
	if fault != nil {
		k.bad("its SIS server: %w", fault)
	}
}

func (k *checker) peer(c Config, p PeerConfig, addresses map[sis.Address]string) {
	if p.Peer == "" {
		k.bad("a peer needs a name")
	} else if other, ok := k.peers[p.Peer]; ok && (other == c.Name || p.Pairing != nil) {
		k.bad("peer %s is reached by link %q already, and whoever introduces himself does that on one", p.Peer, other)
	}
	k.peers[p.Peer] = c.Name
	if p.RemoteAddress.Size() == 0 && p.Pairing != nil && !p.Pairing.kit() {
		// It is learned.
	} else if why := badAddress(p.RemoteAddress); why != "" {
		k.bad("the STANAG 5066 address of peer %s %s", p.Peer, why)
	} else if other, ok := addresses[p.RemoteAddress]; ok {
		k.bad("peer %s has the address %v of %s", p.Peer, p.RemoteAddress, other) // it tells peers apart
	}
	if p.RemoteAddress.Size() > 0 {
		addresses[p.RemoteAddress] = "peer " + p.Peer
	}
	k.pairing(p)
	one := func(what, value string, of ...string) {
		for _, v := range of {
			if v == value {
				return
			}
		}
		k.bad("peer %s: there is no %s %q", p.Peer, what, value)
	}
	one("mapping", p.Mapping, RCOP, Longwire)
	one("confirmation", p.Confirm, ConfirmNode, ConfirmClient)
	one("delivery", p.Delivery, DeliveryARQ, DeliveryNoARQ)
	if p.ConnectionID > 15 {
		k.bad("peer %s: there is no RCOP connection %d", p.Peer, p.ConnectionID)
	}
	if p.Repeats > 15 {
		k.bad("peer %s: a U_PDU cannot be repeated %d times", p.Peer, p.Repeats)
	}
	if p.Delivery == DeliveryNoARQ && p.Mapping == RCOP {
		k.bad("peer %s: mapping rcop needs answers", p.Peer) // XEP-0365 §4: RCOP over ARQ only
	}
}

// pairing: the invitation is all that tells kits apart before they are known.
func (k *checker) pairing(p PeerConfig) {
	if p.Pairing == nil {
		return
	}
	i := p.Pairing.Token.Invitation()
	if other, ok := k.invitations[i]; ok {
		k.bad("peers %s and %s have the same token", other, p.Peer)
	}
	k.invitations[i] = p.Peer
	if p.Mapping == RCOP && p.AppID == pair.Application {
		k.bad("peer %s: RCOP application %#x is that of pairing", p.Peer, p.AppID)
	}
}

// badAddress tells what keeps a from naming one node, or "".
func badAddress(a sis.Address) string {
	switch {
	case a.Size() == 0:
		return "is missing"
	case a.Group():
		return fmt.Sprintf("%v is that of a group", a)
	}
	return ""
}

// compare looks at two links.
func (k *checker) compare(c, o Config) {
	if c.Name == o.Name {
		k.bad("there are two of that name")
	}
	if c.Server.Network == o.Server.Network && c.Server.Address == o.Server.Address && c.Server.Address != "" {
		switch {
		case c.Server.Network == "serial":
			k.bad("link %q has the same line", o.Name) // S5066 F.16: one client on a carrier
		case c.SAP == o.SAP:
			k.bad("link %q has SAP %d of that server", o.Name, c.SAP)
		}
	}
}
