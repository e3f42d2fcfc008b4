// Package proxy answers what our clients ask of far entities, so that no question crosses a link where each costs air
// that somebody's message needs. It says what is true and known here, and refuses the rest at once, clearly: a client that
// waits for a time-out complains, and asks again.
//
//	client ─ iq get ─▶ router ─▶ s2s.Peer.Accept ─▶ Answer ─┬─▶ result or refusal, at once
//	                                                        └─▶ crosses, by a rule: queue ─▶ link … ─▶ Heard ─▶ kept
//
// Where presence does not cross either, it shows our users their far contacts as the link is: see Synthetic.
//
// The README beside this file lists what is answered how.
package proxy

import (
	"sync"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Host is what the service asks of the local domains' Sink.
type Host interface {
	Route(t *router.Turn, s *stanza.Stanza) error
	Local(domain string) bool
	Resource(full jid.JID) *local.Resource
	All() []*local.Resource
}

// Env is what the service learns from the rest of the node. The functions are called concurrently.
type Env struct {
	Host Host
	// Sees are the contacts whose presence an account is subscribed to, and Subscribed tells whether one is of them.
	Sees       func(t *router.Turn, account jid.JID) ([]jid.JID, error)
	Subscribed func(t *router.Turn, account, contact jid.JID) (bool, error)
	// Rooms are the far rooms that are known as rooms of ours are federated with them.
	Rooms func(t *router.Turn) ([]Room, error)
	// State tells how a peer is reached now, and Silent whether presence does not cross to it.
	State  func(peer string) State
	Silent func(peer string) bool
	// Info is the inside of the answer to disco#info that a verification string stands for (XEP-0115).
	Info func(hash, ver string) ([]byte, bool)
}

// A Room is one across a link that acts as one with a room of ours.
type Room struct {
	Far, Ours jid.JID
	Name      string
	Hidden    bool
}

// State is how a peer is reached.
type State struct {
	Usable bool   // what is sent now goes out as soon as its turn comes
	By     string // the kind of link in people's words, as "HF"
}

// A Peer is what the operator says about questions to one peer.
type Peer struct {
	Name    string
	Domains []string // all that are its own
	Rooms   []string // those of them where its rooms live
	Enter   []string // those of Rooms that may be entered across the link though presence does not cross
	Policy
	// Wait is how long a question may wait for its answer; default 10 min.
	Wait      time.Duration
	Synthetic Synthetic
}

// Service answers for the far entities of all peers. mu guards what stands below it.
type Service struct {
	Env
	kept   kept
	flight flight
	wake   chan struct{}

	// show makes "see what is to be shown of a contact, and show it" whole, so that the last word is the newest. It is held
	// only while stanzas are put into outboxes.
	show sync.Mutex

	mu    sync.Mutex
	peers map[string]*peer // by name; replaced, never changed in place
	views map[string]view  // by peer
	lost  []loss           // for Run
	faces faces
}

// peer is a Peer with what is shown of it.
type peer struct {
	Peer
	domains map[string]bool
	rooms   map[string]bool
}

// New makes a service that knows no peer.
func New(e Env) *Service {
	return &Service{Env: e, wake: make(chan struct{}, 1), peers: make(map[string]*peer), views: make(map[string]view)}
}

// SetPeers makes the peers those of a configuration.
func (s *Service) SetPeers(list []Peer) {
	peers := make(map[string]*peer)
	for _, p := range list {
		if p.Wait <= 0 {
			p.Wait = 10 * time.Minute
		}
		peers[p.Name] = &peer{p, set(p.Domains), set(p.Rooms)}
	}
	s.mu.Lock()
	s.loseLocked(peers)
	s.peers = peers
	s.mu.Unlock()
	s.Changed()
}

func set(list []string) map[string]bool {
	m := make(map[string]bool)
	for _, x := range list {
		m[x] = true
	}
	return m
}

func (s *Service) peer(name string) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers[name]
}

// Answer looks at what one of ours sends to a peer. done: it was answered, or needs no answer, and does not cross. A
// *stanza.Err refuses it.
func (s *Service) Answer(name string, t *router.Turn, st *stanza.Stanza) (done bool, err error) {
	p := s.peer(name)
	switch {
	case p == nil:
		return false, nil
	case st.Kind == stanza.Presence:
		return s.presence(t, p, st)
	case !st.IsRequest():
		return false, nil
	}
	q := &question{Turn: t, s: s, p: p, st: st}
	// What a room of ours has to say to another crosses. A user who says it as if he were one is no room.
	if st.Has(nsFMUC, "fmuc") && !s.Host.Local(st.From.Domain()) || p.crosses(st, p.rooms[st.To.Domain()]) {
		return s.repeated(q)
	}
	return true, q.answer()
}
