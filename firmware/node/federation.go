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
// has just lost its contact still counts, as such contacts come back in seconds more often than not; one that waits for something to
// carry does, too.
func (n *Node) reachable(domain string) bool {
	p := n.peers.Find(domain)
	if p == nil {
		return false
	}
	for _, s := range n.ip.Status() {
		if s.Peer == p.Name() && (s.State == links.Up || s.State == links.Waiting || time.Since(n.contacts.lost(p.Name())) < n.patience(s.Link)) {
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

// contacts remembers when each peer's last contact ended.
type contacts struct {
	mu    sync.Mutex
	ended map[string]time.Time
}

func (c *contacts) note(e links.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e.Kind {
	case links.EventUp:
		delete(c.ended, e.Peer)
	case links.EventDown:
		if c.ended == nil {
			c.ended = make(map[string]time.Time)
		}
		c.ended[e.Peer] = e.At
	}
}

// lost is when the last contact ended; zero if none has, or one goes on.
func (c *contacts) lost(peer string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended[peer]
}
