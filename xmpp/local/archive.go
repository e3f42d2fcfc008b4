package local

import (
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Archiver keeps the conversations of accounts (package archive). It is called concurrently.
type Archiver interface {
	// Number says under which number account's archive keeps s, a message that it sends to other or gets from other; 0: it
	// does not. On the quick way it may return router.ErrNeedTx.
	Number(t *router.Turn, account, other jid.JID, s *stanza.Stanza) (uint64, error)
	// StanzaID is the child that tells a client the number (XEP-0359).
	StanzaID(account jid.JID, number uint64) []byte
	// Stripped is s without what poses as a StanzaID of account's.
	Stripped(account jid.JID, s *stanza.Stanza) *stanza.Stanza
	// Keep puts the message there: in the transaction, or soon when tx is nil, and then it cannot fail.
	Keep(tx *store.Tx, k Kept) error
}

// Kept is a message that an archive keeps. The zero value is none.
type Kept struct {
	Account, Other jid.JID
	Number         uint64
	Stanza         *stanza.Stanza // as it came
}

// UseArchiver names who keeps conversations; without one nobody does.
func (h *Host) UseArchiver(a Archiver) { h.archiver = a }

// Sent is for what a client sends, before it is routed: it goes into the account's archive, and copies go to the account's
// other clients. It returns the message to be routed.
func (h *Host) Sent(t *router.Turn, r *Resource, s *stanza.Stanza) (*stanza.Stanza, error) {
	s = h.stripped(r.bare, s)
	if s.To.Bare() == r.bare {
		return s, nil // it comes back to the account, which keeps it once
	}
	k, err := h.number(t, r.bare, s.To, s)
	if err != nil {
		return nil, err
	}
	if t.Tx != nil {
		err = h.archive(t.Tx, k)
	} else if k.Number != 0 {
		t.After(func() { _ = h.archive(nil, k) })
	}
	if err != nil {
		return nil, err
	}
	h.carbonSent(t, r, k)
	return s, nil
}

// stripped is the message without a forged number of the account's archive. XEP-0359 §5.
func (h *Host) stripped(bare jid.JID, s *stanza.Stanza) *stanza.Stanza {
	if h.archiver == nil {
		return s
	}
	return h.archiver.Stripped(bare, s)
}

// number asks the archiver whether the message is kept. The result is good for marked either way.
func (h *Host) number(t *router.Turn, account, other jid.JID, s *stanza.Stanza) (Kept, error) {
	k := Kept{Account: account, Other: other, Stanza: s}
	if h.archiver == nil {
		return k, nil
	}
	var err error
	k.Number, err = h.archiver.Number(t, account, other, s)
	return k, err
}

// marked is the message as the account's clients get it.
func (h *Host) marked(k Kept) *stanza.Stanza {
	if k.Number == 0 {
		return k.Stanza
	}
	return k.Stanza.With(h.archiver.StanzaID(k.Account, k.Number))
}

func (h *Host) archive(tx *store.Tx, k Kept) error {
	if k.Number == 0 {
		return nil
	}
	return h.archiver.Keep(tx, k)
}
