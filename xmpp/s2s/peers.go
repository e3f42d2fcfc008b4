package s2s

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Env is what peers need from the node. All but DB and Router may be nil.
type Env struct {
	DB     *store.DB
	Router *router.Router
	LinkUp func(peer string) bool                                    // is a link to the peer up now? nil: never
	Track  func(from, to jid.JID) bool                               // does the sender want to know what becomes of a message? nil: no
	Tell   func(t *router.Turn, s *stanza.Stanza, note string) error // says something about s to its sender
	Room   func(domain string) bool                                  // is it one where rooms live?
	Log    *slog.Logger
}

// Peers are all peers of the node. mu guards the maps; the router and the peers themselves are used without it.
type Peers struct {
	Env
	wake    chan struct{} // for Run: something expires sooner than planned
	timing  timing        // Run's own
	soonest atomic.Int64  // when Run's timer fires, in Unix nanoseconds; 0: Run is looking

	mu    sync.RWMutex
	peers map[string]*Peer // by name
	doors map[string]*door // by domain
}

// New makes an empty set; Apply fills it, and Run must be running.
func New(e Env) *Peers {
	if e.Log == nil {
		e.Log = slog.New(slog.DiscardHandler)
	}
	return &Peers{Env: e, timing: timing{now: systemTime()}, wake: make(chan struct{}, 1), peers: make(map[string]*Peer), doors: make(map[string]*door)}
}

func (ps *Peers) linkUp(peer string) bool { return ps.LinkUp != nil && ps.LinkUp(peer) }

// A door stands in the router for one domain, so that a domain can change hands without ever being unknown.
type door struct {
	peer   atomic.Pointer[Peer]
	unbind func()
}

func (d *door) Accept(t *router.Turn, s *stanza.Stanza) error { return d.peer.Load().Accept(t, s) }

// Apply makes the peers those of the configuration. It names all faults it finds, and then changes nothing.
//
// A peer that is gone from the configuration takes nothing more; what waits in its queue stays until it expires, so that
// a slip in a configuration loses nothing.
func (ps *Peers) Apply(cfgs []Config) error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	all, owner, err := ps.check(cfgs)
	if err != nil {
		return err
	}
	left, err := ps.DB.Queues()
	if err != nil {
		return fmt.Errorf("s2s: listing the queues: %w", err)
	}
	peers := make(map[string]*Peer)
	for _, r := range all {
		peers[r.Name] = ps.peer(r)
	}
	for _, name := range left {
		if peers[name] == nil {
			r, _ := Config{Name: name}.rules() // without domains, which would be a fault in a configuration
			peers[name] = ps.peer(r)
			all = append(all, r)
		}
	}
	if err := ps.open(owner, peers); err != nil {
		return err
	}
	for _, r := range all {
		peers[r.Name].rules.Store(r)
	}
	ps.peers = peers
	for d, door := range ps.doors {
		if name, ok := owner[d]; ok {
			door.peer.Store(peers[name])
			continue
		}
		door.unbind()
		delete(ps.doors, d)
	}
	ps.poke()
	return nil
}

// check reads the configuration and finds each domain's owner.
func (ps *Peers) check(cfgs []Config) (all []*rules, owner map[string]string, err error) {
	var faults []error
	names := make(map[string]bool)
	owner = make(map[string]string)
	for _, c := range cfgs {
		r, err := c.rules()
		if err != nil {
			faults = append(faults, err)
		}
		if names[r.Name] {
			faults = append(faults, fmt.Errorf("s2s: two peers are called %q", r.Name))
		}
		names[r.Name] = true
		for _, d := range r.Domains {
			if other, ok := owner[d]; ok {
				faults = append(faults, fmt.Errorf("s2s: domain %s belongs to peer %q and to peer %q", d, other, r.Name))
				continue
			}
			owner[d] = r.Name
			if sink := ps.Router.Sink(d); sink != nil && ps.doors[d] == nil {
				faults = append(faults, fmt.Errorf("s2s: domain %s of peer %q is one of our own", d, r.Name))
			}
		}
		all = append(all, r)
	}
	return all, owner, errors.Join(faults...)
}

// open binds the domains that are new, all or none.
func (ps *Peers) open(owner map[string]string, peers map[string]*Peer) error {
	var opened []string
	for d, name := range owner {
		if ps.doors[d] != nil {
			continue
		}
		n := &door{}
		n.peer.Store(peers[name])
		unbind, err := ps.Router.Bind(d, n)
		if err != nil {
			for _, d := range opened {
				ps.doors[d].unbind()
				delete(ps.doors, d)
			}
			return fmt.Errorf("s2s: peer %s: %w", name, err)
		}
		n.unbind = unbind
		ps.doors[d] = n
		opened = append(opened, d)
	}
	return nil
}

// peer finds the peer that r is for, or makes it.
func (ps *Peers) peer(r *rules) *Peer {
	if p := ps.peers[r.Name]; p != nil {
		return p
	}
	p := &Peer{peers: ps, name: r.Name, queue: ps.DB.Queue(r.Name)}
	p.rules.Store(r)
	return p
}

// Peer finds a peer by name, nil if there is none.
func (ps *Peers) Peer(name string) *Peer {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	return ps.peers[name]
}

// Find finds the peer that a domain belongs to, nil if there is none.
func (ps *Peers) Find(domain string) *Peer {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	if d := ps.doors[domain]; d != nil {
		return d.peer.Load()
	}
	return nil
}

// All lists the peers by name, also those that are no longer configured but for whom something still waits.
func (ps *Peers) All() []*Peer {
	return slices.DeleteFunc(ps.sorted(), func(p *Peer) bool {
		return len(p.Domains()) == 0 && p.queue.Stats().Entries == 0
	})
}

func (ps *Peers) sorted() []*Peer {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	all := make([]*Peer, 0, len(ps.peers))
	for _, p := range ps.peers {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *Peer) int { return strings.Compare(a.name, b.name) })
	return all
}
