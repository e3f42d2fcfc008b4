package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Namespaces of what a receipt holds: XEP-0184's, and ours, by which a client can tell who gave it.
const (
	nsReceipts = "urn:xmpp:receipts"
	NS         = "urn:x-longwire:delivery:0"
)

const (
	receiptsAtOnce = 64
	receiptsRetry  = 30 * time.Second
)

// Receipts gives the receipts that the far client cannot give, as folding has taken the request for it: one for each message, when
// the peer's node has taken it. It returns when ctx is done.
//
// That one is due stands on flash with the confirmation, and that it was given with the receipt in the sender's spool: no crash
// makes two or none.
func (t *Truth) Receipts(ctx context.Context, r *router.Router, log *slog.Logger) error {
	wake := t.env.DB.FatesWake()
	for {
		again, err := t.give(r)
		var retry <-chan time.Time
		switch {
		case err != nil:
			log.Warn("delivery: receipts wait", "err", err)
			retry = time.After(receiptsRetry)
		case again:
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-retry:
		}
	}
}

// give gives some that are due, and tells whether there may be more.
func (t *Truth) give(r *router.Router) (again bool, err error) {
	n, err := t.giveSome(r, 0, receiptsAtOnce)
	if err == nil {
		return n == receiptsAtOnce, nil
	}
	// One by one: whose account cannot be written to must not hold up the others. It is tried again later.
	for left := 0; left < receiptsAtOnce; {
		switch n, fault := t.giveSome(r, left, 1); {
		case fault != nil:
			left++
		case n == 0:
			return false, err
		}
	}
	return false, err
}

// giveSome gives at most so many that are due, but for some of the oldest, and tells how many it found.
func (t *Truth) giveSome(r *router.Router, but, most int) (n int, err error) {
	turn := new(router.Turn)
	err = t.env.DB.Update(func(tx *store.Tx) error {
		turn.Reset(tx)
		due, err := tx.ReceiptsDue(but + most)
		if err != nil {
			return err
		}
		due = due[min(but, len(due)):]
		n = len(due)
		for _, f := range due {
			if t.env.Mute == nil || !t.env.Mute() {
				if err := deliverReceipt(turn, r, f); err != nil {
					return err
				}
			}
			if err := tx.ReceiptMade(f.Peer, f.Entry); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("delivery: giving receipts: %w", err)
	}
	turn.Done()
	return n, nil
}

// deliverReceipt brings one to its sender's node, which is this one. A refusal ends it: nobody is told of a receipt that is not wanted.
func deliverReceipt(t *router.Turn, r *router.Router, f store.Fate) error {
	s := receipt(f)
	if s == nil {
		return nil
	}
	sink := r.Sink(s.To.Domain())
	if sink == nil {
		return nil
	}
	var refused *stanza.Err
	if err := sink.Accept(t, s); err != nil && !errors.As(err, &refused) {
		return err
	}
	return nil
}

// receipt is XEP-0184's for a message that the peer's node has. nil if the message is none that has receipts.
func receipt(f store.Fate) *stanza.Stanza {
	from, err := jid.Parse(f.To)
	if err != nil || f.StanzaID == "" {
		return nil
	}
	to, err := jid.Parse(f.From)
	if err != nil || to.Local() == "" {
		return nil
	}
	// Choice: from the bare address, as which of the recipient's clients will get it is not known. XEP-0184 §7 wants the type of the message.
	s := &stanza.Stanza{Kind: stanza.Message, From: from.Bare(), To: to, Type: stanza.Chat, ID: fmt.Sprintf("hop-%s-%d", f.Peer, f.Entry)}
	b := append([]byte(nil), "<received xmlns='"+nsReceipts+"' id='"...)
	b = markup.AppendEscaped(b, f.StanzaID)
	b = append(b, "'/><hop xmlns='"+NS+"' at='peer-node' peer='"...)
	b = markup.AppendEscaped(b, f.Peer)
	// XEP-0334 §4.4: a sender who is away gets it later.
	s.SetInner(append(b, "'/><store xmlns='urn:xmpp:hints'/>"...))
	return s
}
