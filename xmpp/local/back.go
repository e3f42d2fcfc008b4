package local

import (
	"errors"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Undelivered is a stanza that was in a stream that ended.
type Undelivered struct {
	Stanza *stanza.Stanza
	Spool  uint64 // 0: not spooled
	Came   time.Time
	// Kept is called in the transaction that spools the message, with its number there; it may be nil.
	Kept func(tx *store.Tx, spool uint64) error
}

// keepable tells whether it must get a number in the spool.
func (u *Undelivered) keepable() bool {
	return u.Spool == 0 && !u.Stanza.From.IsZero() && Keepable(u.Stanza) && !isCopy(u.Stanza)
}

// asks tells whether somebody waits for an answer.
func (u *Undelivered) asks() bool { return u.Stanza.IsRequest() && !u.Stanza.From.IsZero() }

// Returned takes back stanzas that a client's stream could not deliver, in their order: messages not spooled yet are
// kept now, with the time they first came; then they go to whoever else is there, or wait. Returned does not wait for
// that.
func (h *Host) Returned(bare jid.JID, back []Undelivered) {
	a := h.hold(bare)
	a.returning.Add(1)
	t := new(router.Turn)
	var ready []spooled
	h.db.Submit(func(tx *store.Tx) (err error) {
		t.Reset(tx)
		if err = h.takeBack(t, a, bare, back); err != nil {
			return err
		}
		ready, err = h.ready(tx, a, bare)
		return err
	}, func(err error) {
		switch {
		case err == nil:
			a.order.Lock()
			if a.returning.Add(-1) == 0 { // else a later commit hands it out, with what came in between
				for _, m := range ready {
					h.giveLocked(a, m.s, m.id)
				}
			}
			a.order.Unlock()
			t.Done()
		case errors.Is(err, store.ErrClosed): // then Submit itself called us, and nobody can be told anything any more
			a.returning.Add(-1)
		default:
			if len(back) > 0 {
				h.Returned(bare, nil) // what stayed behind is still to be handed out
			}
			a.returning.Add(-1)
			h.bounceBack(back)
		}
		h.release(bare, a)
	})
}

// takeBack puts what came back into the spool, and what is newer behind it.
func (h *Host) takeBack(t *router.Turn, a *account, bare jid.JID, back []Undelivered) error {
	exists, err := h.AccountExists(t, bare)
	if err != nil {
		return err
	}
	newer, err := newerThan(t.Tx, a, bare, back)
	if err != nil {
		return err
	}
	moving := false // behind a message that gets a number now all get new ones, lest they come before it
	for _, u := range slices.Concat(back, newer) {
		switch {
		case u.Spool != 0:
			// One that is gone is another client's.
			if moving && t.Tx.SpoolHas(bare.String(), u.Spool) {
				err = move(t.Tx, bare, u)
			}
		case u.asks():
			// RFC 6121 §8.5.3.2.3: a request whose resource went away is answered in its place.
			err = h.router.Route(t, u.Stanza.ErrorReply(stanza.Fail(stanza.ServiceUnavailable, "")))
		case exists && u.keepable():
			// The address is widened so that another resource of the account may take it.
			s := u.Stanza.Copy()
			s.To = bare
			err = put(t.Tx, bare, s, u, false)
			if errors.Is(err, store.ErrQuota) {
				err = h.router.Route(t, u.Stanza.ErrorReply(stanza.Fail(stanza.RecipientUnavailable, "")))
			} else {
				moving = true
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// newerThan finds what is in the spool, in nobody's stream, and came later than the first of what is given back.
func newerThan(tx *store.Tx, a *account, bare jid.JID, back []Undelivered) (newer []Undelivered, err error) {
	mine, first := make(map[uint64]bool), time.Time{}
	for _, u := range back {
		mine[u.Spool] = true
		if (u.Spool != 0 || u.keepable()) && (first.IsZero() || u.Came.Before(first)) {
			first = u.Came
		}
	}
	if first.IsZero() {
		return nil, nil
	}
	err = tx.Spool(bare.String(), 0, func(e store.SpoolEntry) error {
		if mine[e.ID] || e.Received.Before(first) || a.claimed(e.ID) {
			return nil
		}
		s, err := late(e, bare.Domain())
		if err != nil {
			return nil // see readPage
		}
		newer = append(newer, Undelivered{Stanza: s, Spool: e.ID, Came: e.Received})
		return nil
	})
	return newer, err
}

// ready finds what is in the spool, in nobody's stream, and for a client that takes it now.
func (h *Host) ready(tx *store.Tx, a *account, bare jid.JID) (ready []spooled, err error) {
	rs := h.Resources(bare)
	if len(rs) == 0 {
		return nil, nil
	}
	err = tx.Spool(bare.String(), 0, func(e store.SpoolEntry) error {
		if a.claimed(e.ID) {
			return nil
		}
		s, err := late(e, bare.Domain())
		if err == nil && recipients(s, rs, true) != nil { // as to err, see readPage
			ready = append(ready, spooled{e.ID, s})
		}
		return nil
	})
	return ready, err
}

// put spools a message that came back.
func put(tx *store.Tx, bare jid.JID, s *stanza.Stanza, u Undelivered, hard bool) error {
	id, err := tx.SpoolPut(bare.String(), store.SpoolEntry{Stanza: s.Bytes(), Received: u.Came}, hard)
	if err == nil && u.Kept != nil {
		err = u.Kept(tx, id)
	}
	return err
}

// move gives a spooled message a new number.
func move(tx *store.Tx, bare jid.JID, u Undelivered) error {
	if err := tx.SpoolDelete(bare.String(), u.Spool); err != nil {
		return err
	}
	return put(tx, bare, u.Stanza, u, true)
}

// bounceBack tells the senders of what could not be kept, as far as that needs no store. XEP-0198 §5: what a stream
// held when it ended is not lost silently.
func (h *Host) bounceBack(back []Undelivered) {
	for _, u := range back {
		if !u.asks() && !u.keepable() {
			continue
		}
		t := new(router.Turn)
		if h.router.Route(t, u.Stanza.ErrorReply(stanza.Fail(stanza.RecipientUnavailable, ""))) == nil {
			t.Done()
		}
	}
}
