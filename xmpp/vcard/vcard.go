// Package vcard keeps one vcard-temp card for each account and shows it to whoever asks (XEP-0054).
package vcard

import (
	"errors"
	"fmt"

	"longwire/store"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// NS qualifies the card.
const NS = "vcard-temp"

// MaxBytes is the size of the largest card that is kept.
const MaxBytes = 64 << 10

// Host is what the service asks of the local domains' Sink.
type Host interface {
	HandleIQ(space, local, types string, scope local.Scope, f local.IQHandler)
	Feature(scope local.Scope, features ...string)
	Read(t *router.Turn, f func(*store.Tx) error) error
}

// Service answers for accounts, and for the server when it was given a card.
type Service struct {
	host   Host
	photos Photos
}

// New makes the service and registers it with the host. card is the server's own card, a whole <vCard/> element; nil: it
// has none, and the question is not understood.
func New(h Host, card []byte) *Service {
	s := &Service{host: h}
	h.HandleIQ(NS, "vCard", "get", local.ForAccount, s.get)
	h.HandleIQ(NS, "vCard", "set", local.ForAccount, s.set)
	h.Feature(local.ForServer|local.ForAccount, NS) // XEP-0054 §4
	if card != nil {
		h.HandleIQ(NS, "vCard", "get", local.ForServer, func(q *local.Request) error {
			q.Reply(card)
			return nil
		})
	}
	return s
}

func (s *Service) get(q *local.Request) error {
	var card []byte
	err := s.host.Read(q.Turn, func(tx *store.Tx) error {
		b, err := tx.Blob(q.Account.String(), store.BlobVCard, "")
		card = append([]byte(nil), b...)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("vcard: reading the card of %s: %w", q.Account, err)
	}
	card, err = s.shown(q, card)
	switch {
	case err != nil:
		return err
	case card == nil && q.Own:
		return stanza.Fail(stanza.ItemNotFound, "") // XEP-0054 §3.1
	case card == nil:
		// XEP-0054 §3.3 leaves the choice of item-not-found. Choice: what an account that does not exist answers too.
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	q.Reply(card)
	return nil
}

func (s *Service) set(q *local.Request) error {
	if !q.Own {
		return stanza.Fail(stanza.Forbidden, "") // XEP-0054 §3.2
	}
	if len(q.Payload.Raw) > MaxBytes {
		return stanza.Fail(stanza.PolicyViolation, fmt.Sprintf("a vCard may have at most %d bytes", MaxBytes))
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	card, err := s.stored(q, q.Payload.Raw)
	if err != nil {
		return err
	}
	if err := q.Turn.Tx.PutBlob(q.Account.String(), store.BlobVCard, "", card); err != nil {
		return fmt.Errorf("vcard: keeping the card of %s: %w", q.Account, err)
	}
	q.Reply(nil)
	return nil
}
