// Package local answers for the node's own domains: it knows who is online and brings stanzas to accounts and their
// resources by the rules of RFC 6121 §8.
package local

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Host is the Sink of all local domains.
type Host struct {
	db       *store.DB
	router   *router.Router
	presence Presence
	blocker  Blocker
	archiver Archiver // nil: none

	iqs      map[iqKey]iqEntry // written before the first stanza, read-only afterwards
	features [2][]string       // by scope: server, account
	answers  func(*stanza.Stanza)

	contact atomic.Pointer[contact] // nil: none

	mu       sync.RWMutex // guards what follows
	domains  map[string]func()
	accounts map[jid.JID]*account
}

// account is an account with at least one bound resource, or with messages in a stream that is about to end. Host.mu
// guards resources and holds.
type account struct {
	resources []*Resource // in bind order; replaced, never changed in place
	holds     int         // how many need it to stay known

	// returning counts the calls of Returned whose commit is under way. While it is not 0, no message worth keeping is
	// handed out, as what is given back may be older: it stays behind in the spool, and the last of these commits hands
	// out all that waits there.
	returning atomic.Int32

	// order makes "choose the clients for a message and give it to them" whole, and so "end a client and give back what
	// it had": no message overtakes an earlier one of its sender in between. It is taken by done functions of the store,
	// so that nobody may wait for a commit with it. It comes before all other locks of this package and of c2s.
	order sync.Mutex

	mu     sync.Mutex     // guards flight
	flight map[uint64]int // spool entries that are in some resource's stream, and in how many
}

// New makes a Host that answers through r. Register services, then call Serve, before the first stanza comes.
func New(db *store.DB, r *router.Router) *Host {
	return &Host{
		db: db, router: r,
		iqs:      make(map[iqKey]iqEntry),
		domains:  make(map[string]func()),
		accounts: make(map[jid.JID]*account),
	}
}

// Use names the presence engine and the blocker.
func (h *Host) Use(p Presence, b Blocker) { h.presence, h.blocker = p, b }

// SetDomains makes the Host answer for exactly these domains.
func (h *Host) SetDomains(domains []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for d, unbind := range h.domains {
		if !slices.Contains(domains, d) {
			unbind()
			delete(h.domains, d)
		}
	}
	for _, d := range domains {
		if _, ok := h.domains[d]; ok {
			continue
		}
		unbind, err := h.router.Bind(d, h)
		if err != nil {
			return fmt.Errorf("local: %w", err)
		}
		h.domains[d] = unbind
	}
	return nil
}

// Local tells whether the domain is one of ours.
func (h *Host) Local(domain string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	_, ok := h.domains[domain]
	return ok
}

// DB is the store behind the accounts.
func (h *Host) DB() *store.DB { return h.db }

// Route hands a stanza on.
func (h *Host) Route(t *router.Turn, s *stanza.Stanza) error { return h.router.Route(t, s) }

// Read runs f in the Turn's transaction when it has one, else on the last committed state.
func (h *Host) Read(t *router.Turn, f func(*store.Tx) error) error {
	if t.Tx != nil {
		return f(t.Tx)
	}
	return h.db.View(f)
}

// AccountExists tells whether there is an account of that bare JID.
func (h *Host) AccountExists(t *router.Turn, bare jid.JID) (ok bool, err error) {
	if len(h.Resources(bare)) > 0 {
		return true, nil
	}
	err = h.Read(t, func(tx *store.Tx) (err error) {
		ok, err = tx.AccountExists(bare.String())
		return err
	})
	return ok, err
}

// Blocked tells whether the account has blocked other.
func (h *Host) Blocked(t *router.Turn, account, other jid.JID) (bool, error) {
	return h.blocker.Blocked(t, account, other)
}

// Trusted tells whether other may know that the account's resources exist.
func (h *Host) Trusted(t *router.Turn, account, other jid.JID) (bool, error) {
	return h.presence.Trusted(t, account, other)
}

// Resources are the account's bound resources in bind order. The slice must not be changed.
func (h *Host) Resources(bare jid.JID) []*Resource {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if a := h.accounts[bare]; a != nil {
		return a.resources
	}
	return nil
}

// Resource finds a bound resource by its full JID, nil if there is none.
func (h *Host) Resource(full jid.JID) *Resource {
	for _, r := range h.Resources(full.Bare()) {
		if r.full == full {
			return r
		}
	}
	return nil
}

// Online counts accounts and resources.
func (h *Host) Online() (accounts, resources int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, a := range h.accounts {
		resources += len(a.resources)
		if len(a.resources) > 0 {
			accounts++
		}
	}
	return accounts, resources
}

// All lists every bound resource.
func (h *Host) All() (all []*Resource) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, a := range h.accounts {
		all = append(all, a.resources...)
	}
	return all
}

// Bind adds a resource. It returns the resource of the same full JID that was bound before and must be ended, nil if none;
// ok is false when the account has max resources already.
func (h *Host) Bind(r *Resource, max int) (old *Resource, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.accounts[r.bare]
	if a == nil {
		a = &account{}
	}
	n := make([]*Resource, 0, len(a.resources)+1)
	for _, o := range a.resources {
		if o.full == r.full {
			old = o
			continue
		}
		n = append(n, o)
	}
	if len(n) >= max {
		return nil, false
	}
	a.resources = append(n, r)
	h.accounts[r.bare] = a
	return old, true
}

// Unbind takes out a resource whose stream holds nothing.
func (h *Host) Unbind(r *Resource) { h.Leave(r, func() {}) }

// Leave runs settle, which gives back what the resource's stream held and may not wait for a commit, and takes the resource
// out, unless another took its place already. Meanwhile no message is brought to the account; and only when what is
// given back is on its way to the store may a newer message find nobody there, and go the same way.
func (h *Host) Leave(r *Resource, settle func()) {
	a := h.hold(r.bare)
	defer h.release(r.bare, a)
	a.order.Lock()
	defer a.order.Unlock()
	settle()
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(a.resources, r); i >= 0 {
		a.resources = slices.Delete(slices.Clone(a.resources), i, i+1)
	}
}

// hold finds an account, known or not, and keeps it known until release.
func (h *Host) hold(bare jid.JID) *account {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.accounts[bare]
	if a == nil {
		a = &account{}
		h.accounts[bare] = a
	}
	a.holds++
	return a
}

func (h *Host) release(bare jid.JID, a *account) {
	h.mu.Lock()
	a.holds--
	h.mu.Unlock()
	h.forget(bare)
}

// lock finds an account and takes its order; nil if nobody of it is known.
func (h *Host) lock(bare jid.JID) *account {
	for {
		a := h.account(bare)
		if a == nil {
			return nil
		}
		a.order.Lock()
		if h.account(bare) == a {
			return a
		}
		a.order.Unlock() // it was forgotten meanwhile, and perhaps made anew
	}
}

// account finds an account that is known, nil if there is none.
func (h *Host) account(bare jid.JID) *account {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.accounts[bare]
}

// forget drops an account of which nothing is known any more.
func (h *Host) forget(bare jid.JID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.accounts[bare]
	if a == nil || len(a.resources) > 0 || a.holds > 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.flight) == 0 {
		delete(h.accounts, bare)
	}
}
