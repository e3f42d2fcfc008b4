// Package presence tells who is there, and to whom (RFC 6121 §3, §4): it broadcasts, probes, and keeps subscriptions.
//
// Contacts on this node and on others get the same stanzas. What depends on the store (who may see whom) is decided
// within the Turn. Who of our own clients is there, and with what presence, is looked up after the commit: then whoever
// of two clients comes online later sees the earlier one, on whatever goroutines their Turns run.
//
//	client ─ FromClient ─▶ state, roster ─▶ Route ─▶ contact's server (ours: ToAccount)
//	contact's server ─ ToAccount ─▶ state, roster ─▶ After ─▶ clients
package presence

import (
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/roster"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Host is what the engine asks of the local domains' Sink.
type Host interface {
	Read(t *router.Turn, f func(*store.Tx) error) error
	Resources(bare jid.JID) []*local.Resource
	Local(domain string) bool
	Route(t *router.Turn, s *stanza.Stanza) error
	FlushSpool(t *router.Turn, r *local.Resource) error
	Blocked(t *router.Turn, account, other jid.JID) (bool, error)
}

// Engine answers for the presence of all local accounts.
type Engine struct {
	host   Host
	roster *roster.Service
	watch  Watcher
	passes func(*stanza.Stanza) bool

	// live makes "note a presence and show it to the account's own", "read presences and show them" and "is the sender
	// still there? then deliver" whole, so that no client is left with an older presence on top of a newer. It is held
	// only while stanzas are put into outboxes.
	live sync.Mutex

	mu    sync.Mutex // guards plans
	plans map[*local.Resource]plan
}

// A Watcher hears of the presence of the node's own clients (package pep). It is called after the commit, once those
// concerned have got the presence, and must be brief.
type Watcher interface {
	// Up tells that a client has broadcast available presence.
	Up(r *local.Resource, s *stanza.Stanza)
	// Down tells that a client is no longer available.
	Down(r *local.Resource)
	// Shown tells that a contact on this node has been shown the presence of the account: it may see it from now on.
	Shown(account, contact jid.JID)
	// Dress adds to available presence of a client of ours what those on this node see with it; s itself when that is
	// nothing. It is called at any time.
	Dress(t *router.Turn, s *stanza.Stanza) (*stanza.Stanza, error)
}

// nobody watches.
type nobody struct{}

func (nobody) Up(*local.Resource, *stanza.Stanza) {}
func (nobody) Down(*local.Resource)               {}
func (nobody) Shown(_, _ jid.JID)                 {}
func (nobody) Dress(_ *router.Turn, s *stanza.Stanza) (*stanza.Stanza, error) {
	return s, nil
}

// plan is a presence that a Turn has planned and that is noted once the Turn is committed. Until then it counts for the
// Turns behind it in the same transaction (a client that logs in and out in one breath), and for nobody else: when the
// transaction fails or is run again, the plan was never there.
type plan struct {
	tx       *store.Tx
	presence *stanza.Stanza // nil: unavailable
	priority int8
}

var (
	_ local.Presence       = (*Engine)(nil)
	_ roster.Subscriptions = (*Engine)(nil)
)

// New makes the engine, which changes rosters through rs.
func New(h Host, rs *roster.Service) *Engine {
	e := &Engine{host: h, roster: rs, watch: nobody{}, passes: func(*stanza.Stanza) bool { return true }, plans: make(map[*local.Resource]plan)}
	rs.Use(e)
	return e
}

// Watch names who hears of presence. It is called before the first stanza comes.
func (e *Engine) Watch(w Watcher) { e.watch = w }

// Passes names who knows whether presence for an entity elsewhere gets there. It is called before the first stanza comes.
func (e *Engine) Passes(f func(*stanza.Stanza) bool) { e.passes = f }

// FromClient handles what resource r sent. RFC 6121 §4.7.1 lists the types.
func (e *Engine) FromClient(t *router.Turn, r *local.Resource, s *stanza.Stanza) error {
	broadcast := s.To.IsZero()
	switch s.Type {
	case "":
		if !e.bound(r) {
			return nil // its stream has ended and its contacts were told: nothing may come behind that
		}
		priority, err := priorityOf(s)
		if err != nil {
			return err
		}
		if broadcast {
			return e.available(t, r, s, priority)
		}
		return e.directed(t, r, s)
	case stanza.Unavailable:
		if broadcast {
			return e.unavailable(t, r, s)
		}
		return e.directed(t, r, s)
	case stanza.Error:
		if broadcast {
			return nil
		}
		return e.host.Route(t, s)
	case stanza.Probe:
		if broadcast {
			return stanza.Fail(stanza.BadRequest, "a probe needs a to")
		}
		// Choice: RFC 6121 §4.7.1 says SHOULD NOT to clients that probe; the contact's server knows what to answer.
		return e.host.Route(t, s)
	}
	ev, ok := eventOf(s.Type)
	if !ok {
		return stanza.Fail(stanza.BadRequest, "presence has no such type")
	}
	if broadcast {
		return stanza.Fail(stanza.BadRequest, s.Type+" needs a to")
	}
	return e.sent(t, r.JID().Bare(), ev, s)
}

// ToAccount handles presence for a local account that exists. RFC 6121 §8.5.2, §8.5.3.
func (e *Engine) ToAccount(t *router.Turn, s *stanza.Stanza) error {
	account := s.To.Bare()
	if s.From.IsZero() {
		return nil
	}
	if blocked, err := e.host.Blocked(t, account, s.From); err != nil || blocked {
		return err // XEP-0191 §3.3: presence of blocked contacts is dropped in silence
	}
	switch s.Type {
	case "", stanza.Unavailable:
		t.After(func() { e.deliver(s) })
		return nil
	case stanza.Error:
		if !s.To.IsBare() {
			t.After(func() { e.deliver(s) })
		}
		return nil
	case stanza.Probe:
		return e.probed(t, s)
	}
	ev, ok := eventOf(s.Type)
	if !ok {
		return nil // Choice: an error would tell a stranger that the account exists
	}
	if ev != Subscribe && !s.To.IsBare() && e.resource(s.To) == nil {
		return nil // RFC 6121 §8.5.3.2.2
	}
	return e.arrived(t, account, ev, s)
}

// deliver brings presence to clients. It drops available presence of a client of ours that is gone meanwhile, so that
// its farewell stays the last word.
func (e *Engine) deliver(s *stanza.Stanza) {
	e.live.Lock()
	defer e.live.Unlock()
	if s.Type == "" && !s.From.IsBare() && e.host.Local(s.From.Domain()) && e.resource(s.From) == nil {
		return
	}
	e.deliverLocked(s)
}

// deliverLocked brings presence for a bare JID to all available clients (RFC 6121 §8.5.2.1.2), for a full JID to that
// one. Choice: the latter need not be available, as a client may join a room without telling its contacts anything.
func (e *Engine) deliverLocked(s *stanza.Stanza) {
	for _, r := range e.host.Resources(s.To.Bare()) {
		if s.To.IsBare() && r.Available() || s.To == r.JID() {
			r.Send(s)
		}
	}
}

// resource finds a bound resource, nil if there is none.
func (e *Engine) resource(full jid.JID) *local.Resource {
	for _, r := range e.host.Resources(full.Bare()) {
		if r.JID() == full {
			return r
		}
	}
	return nil
}

// bound tells whether r is still among its account's resources, and not replaced by another of its name.
func (e *Engine) bound(r *local.Resource) bool { return e.resource(r.JID()) == r }

// state is the presence that r has in the Turn's transaction.
func (e *Engine) state(t *router.Turn, r *local.Resource) (*stanza.Stanza, int8) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p, ok := e.plans[r]; ok && t.Tx != nil && p.tx == t.Tx {
		return p.presence, p.priority
	}
	return r.Presence(), r.Priority()
}

// isUp tells whether r is available in the Turn's transaction.
func (e *Engine) isUp(t *router.Turn, r *local.Resource) bool {
	p, _ := e.state(t, r)
	return p != nil
}

// plan makes a presence count within the Turn's transaction, until it has been noted. It is called when nothing can
// fail any more.
func (e *Engine) plan(t *router.Turn, r *local.Resource, s *stanza.Stanza, priority int8) {
	if t.Tx == nil {
		return
	}
	mine := plan{t.Tx, s, priority}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.plans[r] = mine
	t.After(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.plans[r] == mine {
			delete(e.plans, r)
		}
	})
}

// priorityOf reads the priority of available presence. RFC 6121 §4.7.2.3.
func priorityOf(s *stanza.Stanza) (int8, error) {
	c, ok := s.Child("", "priority")
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s.Text(c)), 10, 8)
	if err != nil {
		return 0, stanza.Fail(stanza.BadRequest, "the priority is a number from -128 to 127")
	}
	return int8(n), nil
}

// dressed is available presence as those on this node see it, after the commit. What keeps it from being dressed must not
// keep it from being seen.
func (e *Engine) dressed(s *stanza.Stanza) *stanza.Stanza {
	if s.Type != "" {
		return s
	}
	d, err := e.watch.Dress(new(router.Turn), s)
	if err != nil {
		slog.Error("presence is sent as it is", "client", s.From.String(), "err", err)
		return s
	}
	return d
}

// towards is a copy of s for another recipient.
func towards(s *stanza.Stanza, to jid.JID) *stanza.Stanza {
	c := s.Copy()
	c.To = to
	return c
}
