package local

import (
	"errors"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// How a kept message gets to a client and out of the spool:
//
//	SpoolPut ─ commit ─▶ hand ─ claim ─▶ Outbox.Send ─▶ client has it: SpoolDelete, Settled
//	                      │                          └▶ stream ended:  Settled, Returned ─▶ hand …
//	                      └ nobody there: it waits for FlushSpool ─ claim ─▶ …
//
// A claim says that the entry is in so many streams; while it is, nobody else gets it.

// hand gives a message to the clients that should have it, and copies to those that asked for them. With a spool number
// and nobody there it does nothing: the message waits. Without, a message worth keeping is kept now. It tells whether some
// client has it.
func (h *Host) hand(s *stanza.Stanza, spool uint64) (given bool) {
	keep := spool != 0 || Keepable(s)
	if a := h.lock(s.To.Bare()); a != nil {
		given = (!keep || a.returning.Load() == 0) && h.giveLocked(a, s, spool)
		a.order.Unlock()
	}
	if !given && keep && spool == 0 {
		h.keep(s)
	}
	return given
}

// keep brings a message anew, now by a transaction: the last client left just now, or is leaving. What that gives back is
// on its way to the store already, so the message comes behind it. keep waits for the commit, which keeps the sender
// from sending the next one past it.
func (h *Host) keep(s *stanza.Stanza) {
	t, done := new(router.Turn), make(chan struct{})
	h.db.Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		return h.router.Route(t, s)
	}, func(err error) {
		if err == nil {
			t.Done()
		} else if !errors.Is(err, store.ErrClosed) { // see Returned
			h.bounceBack([]Undelivered{{Stanza: s}})
		}
		close(done)
	})
	<-done
}

// giveLocked hands the message to clients of its account; false when there is none for it.
func (h *Host) giveLocked(a *account, s *stanza.Stanza, spool uint64) bool {
	rs := h.Resources(s.To.Bare())
	to := recipients(s, rs, spool != 0)
	if to == nil {
		return false
	}
	if spool != 0 && !a.claim(spool, len(to)) {
		return true // a resource that has just come online took it from the spool
	}
	for _, r := range to {
		r.out.Send(s, spool)
	}
	h.carbonReceived(s, rs, to)
	return true
}

// recipients reads the table of RFC 6121 §8.5.4 for the present moment. A spooled message is not for those who still get
// what waited before it: they will find it there.
func recipients(s *stanza.Stanza, rs []*Resource, spooled bool) (to []*Resource) {
	for _, r := range rs {
		if r.full == s.To {
			if spooled && r.catchingUp() {
				return nil
			}
			return []*Resource{r}
		}
	}
	if s.Type == stanza.Groupchat || s.To.Resource() != "" && s.Type != stanza.Chat {
		return nil
	}
	keep := spooled || Keepable(s)
	for _, r := range rs {
		if r.takesMessages(keep) { // Choice: all of non-negative priority, which RFC 6121 §8.5.2.1.1 allows
			to = append(to, r)
		}
	}
	return to
}

// claim notes that n clients have a spool entry in their streams; false when some client has it already.
func (a *account) claim(spool uint64, n int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.flight[spool] > 0 {
		return false
	}
	if a.flight == nil {
		a.flight = make(map[uint64]int)
	}
	a.flight[spool] = n
	return true
}

func (a *account) claimed(spool uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.flight[spool] > 0
}

// Settled tells the Host that a client has a spooled message for good, or that its stream is over and never will. It
// returns true when no other client has the message in its stream. Each Send with a spool number ends in one call.
func (h *Host) Settled(bare jid.JID, spool uint64) (last bool) {
	a := h.account(bare)
	if a == nil {
		return true
	}
	a.mu.Lock()
	a.flight[spool]--
	last = a.flight[spool] <= 0
	if last {
		delete(a.flight, spool)
	}
	empty := len(a.flight) == 0
	a.mu.Unlock()
	if empty {
		h.forget(bare)
	}
	return last
}
