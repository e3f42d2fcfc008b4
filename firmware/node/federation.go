package node

import (
	"sync"
	"time"

	"longwire/firmware/config"
	"longwire/links"
	"longwire/store"
	"longwire/xmpp/fmuc"
)

// federationOptions translates [rooms.federation] and [peer.federation].
func (n *Node) federationOptions(cfg *config.Config) fmuc.Options {
	f := cfg.RoomService.Federation
	return fmuc.Options{
		Enabled: f.Enabled, Settle: f.Settle, Log: n.log,
		Peer: func(domain string) (fmuc.Peer, bool) {
			p := cfg.RoomsOf(domain)
			if p == nil {
				return fmuc.Peer{}, false
			}
			f := p.Federation
			return fmuc.Peer{HonourKicks: f.HonourKicks, Foreign: f.Foreign, LastN: f.LastN, Stale: f.Stale, JoinTimeout: f.JoinTimeout}, true
		},
		Reachable: n.reachable,
		Queue: func(domain string) *store.Queue {
			if p := n.peers.Find(domain); p != nil {
				return p.Queue()
			}
			return nil
		},
	}
}

// reachable tells whether what is sent to a domain now gets there soon, as far as the node knows without asking. Choice: a link over IP that
// has just lost its contact, or has just opened one, still counts, as that is a matter of seconds more often than not; one that waits for
// something to carry does, too. A connection in which the peer has said nothing does not for long: what answers may be the way alone.
func (n *Node) reachable(domain string) bool {
	p := n.peers.Find(domain)
	if p == nil {
		return false
	}
	for _, s := range n.ip.Status() {
		if s.Peer == p.Name() && (s.State == links.Up && s.Heard || s.State == links.Waiting || time.Since(n.contacts.silent(p.Name())) < n.patience(s.Link)) {
			return true
		}
	}
	return n.s5066.Up(p.Name())
}

// patience is how long a link's confirmations may stay out.
func (n *Node) patience(link string) time.Duration {
	if l := n.Config().Link(link); l != nil {
		return l.AckTimeout
	}
	return 0
}

// contacts remembers since when nothing is heard of each peer.
type contacts struct {
	mu    sync.Mutex
	quiet map[string]quiet
}

// quiet is a peer's silence: since it was heard last, or since a contact that was opened for something to carry.
type quiet struct {
	since  time.Time
	missed bool // a contact has ended without a word since
}

func (c *contacts) note(e links.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.quiet[e.Peer]
	switch {
	case e.Kind == links.EventUp && !q.missed, e.Kind == links.EventDown && e.Heard:
		q = quiet{since: e.At}
	case e.Kind == links.EventDown:
		q.missed = true
	default:
		return
	}
	if c.quiet == nil {
		c.quiet = make(map[string]quiet)
	}
	c.quiet[e.Peer] = q
}

// silent is since when nothing was heard of the peer, as far as contacts tell.
func (c *contacts) silent(peer string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quiet[peer].since
}
