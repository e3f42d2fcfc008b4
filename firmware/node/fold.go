package node

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/links/fold"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

// Folding of what crosses to a peer happens twice, by the same rules unless another link carries than the one that is preferred:
//
//	router -> s2s.Accept -> folds.accept -> queue -> links.Sieve: folds.sift -> number -> link
//	              (the policy of the peer's first link)    (that of the link that carries, and what the peer knows already)
//
// What comes from it passes folds.deliver. All that is remembered is fold.Memory, one for each peer for the life of the node.

// folding is what the node knows of folding, by peer.
type folding struct {
	peers atomic.Pointer[map[string]*folds] // of the configuration in force

	mu      sync.Mutex // guards what follows
	lasting map[string]*lasting
}

// lasting is what of a peer's folding outlives a reload.
type lasting struct {
	memory fold.Memory

	mu      sync.Mutex // guards what follows
	out, in fold.Tally
	counted map[uint64]bool // entries that were folded once more on their way out
}

// folds are the policies for one peer. They are never changed once made.
type folds struct {
	*lasting
	peer    string
	since   time.Time               // since when they are in force
	out     *fold.Folder            // of the first link; nil: nothing is folded
	in      *fold.Folder            // nil: nothing is folded
	links   map[string]*fold.Folder // by link
	watched bool                    // telemetry is kept
	first   string                  // the first link
	note    func(peer string, inbound bool, s *stanza.Stanza, r fold.Result)
}

// newFolds makes the policies of a configuration, and changes nothing.
func (n *Node) newFolds(cfg *config.Config) (map[string]*folds, error) {
	all := make(map[string]*folds)
	for i := range cfg.Peers {
		p := &cfg.Peers[i]
		f, err := n.foldsOf(cfg, p)
		if err != nil {
			return nil, fmt.Errorf("node: peer %q: %w", p.Name, err)
		}
		all[p.Name] = f
	}
	return all, nil
}

func (n *Node) foldsOf(cfg *config.Config, p *config.Peer) (*folds, error) {
	f := &folds{lasting: n.folding.of(p.Name), peer: p.Name, since: time.Now(), links: make(map[string]*fold.Folder), note: n.noteFold, watched: cfg.Telemetry.Enabled}
	federated := cfg.Federates(p)
	for i, name := range p.Links {
		l := cfg.Link(name)
		if l == nil {
			continue // which the configuration's own check reports
		}
		folder, err := folderOf(&p.Fold, l.Class, p.Pubsub, federated)
		if err != nil {
			return nil, err
		}
		f.links[name] = folder
		if i == 0 {
			f.out, f.first = folder, name
		}
	}
	if len(f.links) == 0 { // what waits for a link is folded by the rules that are the same for all
		var err error
		if f.out, err = folderOf(&p.Fold, "", p.Pubsub, federated); err != nil {
			return nil, err
		}
	}
	// Choice: what comes in was paid for already, so rules for it are the operator's alone, and "auto" is for none.
	in, err := folderOf(&p.FoldIn, "", true, federated)
	f.in = in
	return f, err
}

// folderOf makes a Folder of what an operator says; nil when it would fold nothing.
func folderOf(c *config.Fold, class string, pubsub, federated bool) (*fold.Folder, error) {
	p, err := c.Policy(class, pubsub)
	if err != nil {
		return nil, err
	}
	if p.Messages == fold.MessagesOff && p.Presence == fold.PresenceOff {
		return nil, nil
	}
	return fold.New(p, federated)
}

// of finds what outlives a reload.
func (f *folding) of(peer string) *lasting {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lasting == nil {
		f.lasting = make(map[string]*lasting)
	}
	l := f.lasting[peer]
	if l == nil {
		l = new(lasting)
		f.lasting[peer] = l
	}
	return l
}

// peer finds the policies in force for a peer, nil if it is not configured.
func (f *folding) peer(name string) *folds {
	if all := f.peers.Load(); all != nil {
		return (*all)[name]
	}
	return nil
}

// hook makes the policies those of what a peer's stanzas pass on this side of the queue.
func (f *folds) hook(c *s2s.Config) {
	switch {
	case f.out != nil:
		c.Fold = f.accept
	case f.watched:
		c.Fold = f.pass
	}
	c.FoldIn = f.deliver
}

// pass folds nothing, and has that noted: other rules can be tried on what crosses.
func (f *folds) pass(_ time.Time, s *stanza.Stanza) s2s.Folded {
	return s2s.Folded{Stanza: s, Noted: func() { f.note(f.peer, false, s, fold.Result{Stanza: s}) }}
}

// accept folds what is about to wait for the peer.
func (f *folds) accept(now time.Time, s *stanza.Stanza) s2s.Folded {
	r := f.out.Fold(now, s)
	return f.folded(false, s, r)
}

// deliver folds what came from the peer.
func (f *folds) deliver(now time.Time, s *stanza.Stanza) s2s.Folded {
	if s.Kind == stanza.Presence && s.Type == stanza.Probe {
		// It has forgotten what it was told, or never heard it.
		f.memory.Forget(s.From)
	}
	if why := f.refuseEntry(s); why != nil {
		return s2s.Folded{Refuse: why, Reason: string(fold.NoRoom), Saved: len(s.Bytes())}
	}
	if f.in == nil {
		return s2s.Folded{Stanza: s}
	}
	return f.folded(true, s, f.in.Fold(now, s))
}

// refuseEntry is for users of the peer who want to enter a room here though no presence of it may cross to them.
func (f *folds) refuseEntry(s *stanza.Stanza) *stanza.Err {
	if f.out == nil {
		return nil
	}
	return f.out.RefuseEntry(s)
}

// folded translates a Result, and has it counted once the stanza is committed.
func (f *folds) folded(inbound bool, s *stanza.Stanza, r fold.Result) s2s.Folded {
	return s2s.Folded{
		Stanza: r.Stanza, Refuse: r.Refuse, Reason: reasonOf(r), Saved: r.Saved, Hold: r.Hold,
		Noted: func() { f.count(inbound, s, r) },
	}
}

func reasonOf(r fold.Result) string {
	if r.Reason == fold.ByRule {
		return fmt.Sprintf("%s %d", r.Reason, r.Rule)
	}
	return string(r.Reason)
}

// count adds to the tallies.
func (f *folds) count(inbound bool, s *stanza.Stanza, r fold.Result) {
	f.mu.Lock()
	if inbound {
		f.lasting.in.Add(s, r)
	} else {
		f.lasting.out.Add(s, r)
	}
	f.mu.Unlock()
	f.note(f.peer, inbound, s, r)
}

// noteFold tells whoever keeps accounts what folding did.
func (n *Node) noteFold(peer string, inbound bool, s *stanza.Stanza, r fold.Result) {
	if n.folded != nil {
		n.folded(peer, inbound, s, r)
	}
}

// presencePasses tells whether presence for a far entity would be sent: what would not must not be taken for something it was told.
func (n *Node) presencePasses(s *stanza.Stanza) bool {
	p := n.peers.Find(s.To.Domain())
	if p == nil {
		return true
	}
	f := n.folding.peer(p.Name())
	return f == nil || f.out == nil || f.out.Fold(time.Now(), s).Stanza != nil
}

// presenceCrosses tells whether a peer hears of the presence of our users, and we of that of its users if it does the same.
func (n *Node) presenceCrosses(peer string) bool {
	f := n.folding.peer(peer)
	return f == nil || f.out == nil || f.out.PassesPresence()
}

// hasRooms tells whether a domain is one where rooms live, here or at a peer.
func (n *Node) hasRooms(domain string) bool {
	cfg := n.Config()
	return slices.Contains(cfg.RoomService.Domains, domain) || cfg.RoomsOf(domain) != nil
}

// counts tells operators what folding did.
func (f *folding) counts() map[string]admin.Folded {
	all := make(map[string]admin.Folded)
	if peers := f.peers.Load(); peers != nil {
		for name, p := range *peers {
			known, _ := p.memory.Size()
			p.mu.Lock()
			all[name] = admin.Folded{Out: p.lasting.out.Clone(), In: p.lasting.in.Clone(), Known: known}
			p.mu.Unlock()
		}
	}
	return all
}
