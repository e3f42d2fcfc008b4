package local

import (
	"errors"
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
// kept now, with the time they first came; then they go to whoever else is there, or wait. done, which may be nil,
// runs when that has happened or failed. Returned does not wait for it.
func (h *Host) Returned(bare jid.JID, back []Undelivered, done func()) {
	a := h.hold(bare)
	a.returning.Add(1)
	t := new(router.Turn)
	var kept []spooled
	h.db.Submit(func(tx *store.Tx) (err error) {
		t.Reset(tx)
		kept, err = h.takeBack(t, a, bare, back)
		return err
	}, func(err error) {
		if err != nil {
			a.returning.Add(-1)
			if !errors.Is(err, store.ErrClosed) { // then Submit itself called us, and nobody can be told anything any more
				h.bounceBack(back)
			}
		} else {
			a.order.Lock()
			for _, m := range kept {
				h.giveLocked(a, m.s, m.id)
			}
			a.returning.Add(-1)
			a.order.Unlock()
			t.Done()
		}
		h.release(bare, a)
		if done != nil {
			done()
		}
	})
}

// takeBack puts what came back into the spool, and returns what is to be handed out after the commit: that, and what
// came behind it and has stayed behind (see account.returning).
func (h *Host) takeBack(t *router.Turn, a *account, bare jid.JID, back []Undelivered) (kept []spooled, err error) {
	exists, err := h.AccountExists(t, bare)
	if err != nil {
		return nil, err
	}
	newer, err := waiting(t.Tx, a, bare, back)
	if err != nil {
		return nil, err
	}
	moving := false // behind a message that gets a number now all get new ones, lest they come before it
	for _, u := range back {
		s, id := u.Stanza, u.Spool
		switch {
		case id != 0 && !t.Tx.SpoolHas(bare.String(), id):
			continue // another client has it
		case id != 0 && moving:
			id, err = move(t.Tx, bare, u)
		case id != 0:
		case u.asks():
			// RFC 6121 §8.5.3.2.3: a request whose resource went away is answered in its place.
			err = h.router.Route(t, s.ErrorReply(stanza.Fail(stanza.ServiceUnavailable, "")))
		case exists && u.keepable():
			// The address is widened so that another resource of the account may take it.
			s = s.Copy()
			s.To = bare
			id, err = put(t.Tx, bare, s, u, false)
			if errors.Is(err, store.ErrQuota) {
				err = h.router.Route(t, u.Stanza.ErrorReply(stanza.Fail(stanza.RecipientUnavailable, "")))
			}
			moving = moving || id != 0
		}
		if err != nil {
			return nil, err
		}
		if id != 0 {
			kept = append(kept, spooled{id, Stamp(s, bare.Domain(), u.Came)})
		}
	}
	for _, u := range newer {
		id := u.Spool
		if moving {
			if id, err = move(t.Tx, bare, u); err != nil {
				return nil, err
			}
		}
		kept = append(kept, spooled{id, Stamp(u.Stanza, bare.Domain(), u.Came)})
	}
	return kept, nil
}

// waiting finds what is in the spool, in nobody's stream, and came later than the first of what is given back.
func waiting(tx *store.Tx, a *account, bare jid.JID, back []Undelivered) (newer []Undelivered, err error) {
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

// put spools a message that came back.
func put(tx *store.Tx, bare jid.JID, s *stanza.Stanza, u Undelivered, hard bool) (id uint64, err error) {
	id, err = tx.SpoolPut(bare.String(), store.SpoolEntry{Stanza: s.Bytes(), Received: u.Came}, hard)
	if err != nil {
		return 0, err
	}
	if u.Kept != nil {
		err = u.Kept(tx, id)
	}
	return id, err
}

// move gives a spooled message a new number.
func move(tx *store.Tx, bare jid.JID, u Undelivered) (id uint64, err error) {
	if err := tx.SpoolDelete(bare.String(), u.Spool); err != nil {
		return 0, err
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
