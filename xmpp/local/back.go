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

// Returned takes back stanzas that a client's stream could not deliver, in their order: messages not spooled yet are
// kept now, with the time they first came; then they go to whoever else is there, or wait. done, which may be nil,
// runs when that has happened or failed. Returned does not wait for it.
func (h *Host) Returned(bare jid.JID, back []Undelivered, done func()) {
	t := new(router.Turn)
	h.db.Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		moving := false
		for _, u := range back {
			put, err := h.takeBack(t, bare, u, moving)
			if err != nil {
				return err
			}
			moving = moving || put
		}
		return nil
	}, func(err error) {
		if err == nil {
			t.Done()
		} else {
			h.bounceBack(back)
		}
		if done != nil {
			done()
		}
	})
}

// takeBack takes one stanza back; put tells that it got a new number in the spool. Then moving must be true for those
// behind it, which get new numbers, too, lest they come before it.
func (h *Host) takeBack(t *router.Turn, bare jid.JID, u Undelivered, moving bool) (put bool, err error) {
	s := u.Stanza
	switch {
	case u.Spool != 0 && !t.Tx.SpoolHas(bare.String(), u.Spool):
		return false, nil // another client has it
	case u.Spool != 0 && moving:
		if err := t.Tx.SpoolDelete(bare.String(), u.Spool); err != nil {
			return false, err
		}
		return true, h.keepBack(t, bare, s, u, true)
	case u.Spool != 0:
		t.After(func() { h.hand(Stamp(s, bare.Domain(), u.Came), u.Spool, false) })
		return false, nil
	case s.From.IsZero():
		return false, nil
	case s.IsRequest():
		// RFC 6121 §8.5.3.2.3: a request whose resource went away is answered in its place.
		return false, h.router.Route(t, s.ErrorReply(stanza.Fail(stanza.ServiceUnavailable, "")))
	case !Keepable(s) || isCopy(s):
		return false, nil
	}
	if ok, err := h.AccountExists(t, bare); err != nil || !ok {
		return false, err
	}
	// The address is widened so that another resource of the account may take it.
	s = s.Copy()
	s.To = bare
	err = h.keepBack(t, bare, s, u, false)
	if errors.Is(err, store.ErrQuota) {
		return false, h.router.Route(t, u.Stanza.ErrorReply(stanza.Fail(stanza.RecipientUnavailable, "")))
	}
	return true, err
}

// keepBack spools a message that came back and hands it to whoever is there.
func (h *Host) keepBack(t *router.Turn, bare jid.JID, s *stanza.Stanza, u Undelivered, hard bool) error {
	id, err := t.Tx.SpoolPut(bare.String(), store.SpoolEntry{Stanza: s.Bytes(), Received: u.Came}, hard)
	if err != nil {
		return err
	}
	if u.Kept != nil {
		if err := u.Kept(t.Tx, id); err != nil {
			return err
		}
	}
	t.After(func() { h.hand(Stamp(s, bare.Domain(), u.Came), id, false) })
	return nil
}

// bounceBack tells the senders of what could not be kept, as far as that needs no store. XEP-0198 §5: what a stream
// held when it ended is not lost silently.
func (h *Host) bounceBack(back []Undelivered) {
	for _, u := range back {
		s := u.Stanza
		if u.Spool != 0 || s.From.IsZero() || !s.IsRequest() && (!Keepable(s) || isCopy(s)) {
			continue
		}
		t := new(router.Turn)
		if h.router.Route(t, s.ErrorReply(stanza.Fail(stanza.RecipientUnavailable, ""))) == nil {
			t.Done()
		}
	}
}
