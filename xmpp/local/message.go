package local

import (
	"errors"
	"time"

	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Accept takes a stanza for one of the local domains.
func (h *Host) Accept(t *router.Turn, s *stanza.Stanza) error {
	if c := h.contact.Load(); c != nil && s.To.Local() == c.name {
		return c.sink.Accept(t, s)
	}
	switch s.Kind {
	case stanza.Message:
		return h.message(t, s)
	case stanza.IQ:
		return h.iq(t, s)
	}
	if s.To.Local() == "" {
		return nil // nobody's presence interests the server itself
	}
	if ok, err := h.AccountExists(t, s.To.Bare()); err != nil || !ok {
		return err // RFC 6121 §8.5.1: never reveal that an account does not exist
	}
	return h.presence.ToAccount(t, s)
}

// verdict is what the table of RFC 6121 §8.5 says of one message.
type verdict uint8

const (
	deliver verdict = iota + 1 // to the resources that targets finds
	behind                     // keep it: who will get it is still busy with older ones
	offline                    // keep it until someone comes
	refuse                     // service-unavailable
	drop                       // silently
)

// message brings a message to an account. A Turn with a transaction keeps whatever is worth keeping in the account's
// spool first, so that it survives until a client confirms it; who gets it is then decided after the commit, in the
// order of the commits, so that a client that comes online in between misses nothing and gets nothing twice.
func (h *Host) message(t *router.Turn, s *stanza.Stanza) error {
	if s.To.Local() == "" {
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	bare := s.To.Bare()
	s = h.stripped(bare, s)
	if bare != s.From.Bare() && !t.Verdict {
		if blocked, err := h.Blocked(t, bare, s.From); err != nil {
			return err
		} else if blocked {
			return refusal(s) // XEP-0191 §3.3
		}
	}
	if s.IsError() && t.Verdict {
		return h.keepVerdict(t, s)
	}
	v := judge(s, h.Resources(bare))
	if v != deliver && v != behind {
		if ok, err := h.AccountExists(t, bare); err != nil {
			return err
		} else if !ok {
			v = refuse // RFC 6121 §8.5.1
		}
	}
	if v == offline && !Keepable(s) {
		// XEP-0160 §3: what is not worth storing is refused when it asked for an answer, else forgotten.
		v = drop
		if s.Type != stanza.Headline && hasContent(s) {
			v = refuse
		}
	}
	switch v {
	case refuse:
		return refusal(s)
	case drop:
		return nil
	case behind, offline:
		if err := t.NeedTx(); err != nil {
			return err
		}
	}
	k, err := h.number(t, bare, s.From, s)
	if err != nil {
		return err
	}
	s = h.marked(k)
	if t.Tx == nil || !Keepable(s) {
		t.After(func() {
			// One that nobody took came back to message, and was kept there.
			if h.hand(s, 0) {
				_ = h.archive(nil, k)
			}
		})
		return nil
	}
	if v == offline && !t.Incoming && t.Tx.Tight() {
		return stanza.Fail(stanza.ResourceConstraint, "the node's store is nearly full")
	}
	e := store.SpoolEntry{Stanza: s.Bytes(), Received: time.Now()}
	id, err := t.Tx.SpoolPut(bare.String(), e, false)
	if errors.Is(err, store.ErrQuota) && v != offline {
		// The quota is for those who are away.
		if n, size := t.Tx.SpoolCount(bare.String()); n < maxUnread && size < maxUnreadBytes {
			id, err = t.Tx.SpoolPut(bare.String(), e, true)
		}
	}
	if errors.Is(err, store.ErrQuota) {
		return stanza.Fail(stanza.ServiceUnavailable, "the recipient's offline store is full") // XEP-0160 §3
	}
	if err != nil {
		return err
	}
	if err := h.archive(t.Tx, k); err != nil {
		return err
	}
	t.After(func() { h.hand(s, id) })
	return nil
}

// What the spool of an account may hold whose clients are there: one that stays and confirms nothing must not fill the
// flash.
const (
	maxUnread      = 5000
	maxUnreadBytes = 16 << 20
)

// refusal is the answer to a message that goes nowhere; an error is never answered (RFC 6120 §8.3.1).
func refusal(s *stanza.Stanza) error {
	if s.IsError() {
		return nil
	}
	return stanza.Fail(stanza.ServiceUnavailable, "")
}

// keepVerdict keeps the node's own word on a message that it had accepted. Choice: RFC 6121 §8.5.2.2.1 lets errors to
// an absent client vanish; here that would leave a sender believing that a message is still on its way.
func (h *Host) keepVerdict(t *router.Turn, s *stanza.Stanza) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	bare := s.To.Bare()
	if ok, err := h.AccountExists(t, bare); err != nil || !ok {
		return err
	}
	if h.Resource(s.To) == nil {
		s = s.Copy()
		s.To = bare
	}
	id, err := t.Tx.SpoolPut(bare.String(), store.SpoolEntry{Stanza: s.Bytes(), Received: time.Now()}, true)
	if err != nil {
		return err
	}
	t.After(func() { h.hand(s, id) })
	return nil
}

// judge reads the table of RFC 6121 §8.5.4 for an account with these resources.
func judge(s *stanza.Stanza, rs []*Resource) verdict {
	if s.To.Resource() != "" {
		for _, r := range rs {
			if r.full != s.To {
				continue
			}
			if Keepable(s) && r.catchingUp() {
				return behind
			}
			return deliver // RFC 6121 §8.5.3.1
		}
	}
	if s.IsError() {
		return drop
	}
	chatty, full := false, s.To.Resource() != ""
	switch s.Type {
	case stanza.Groupchat:
		return refuse
	case stanza.Headline:
		if full {
			return refuse
		}
	case stanza.Chat:
		chatty = true
	default: // normal, absent, unknown: RFC 6121 §5.2.2
		if full {
			if s.Has(nsReceipts, "received") {
				return drop // RFC 6121 §8.5.3.2.1: or an error, which is of no use to who sent a receipt, and costs a transmission
			}
			return refuse
		}
		chatty = true
	}
	keep, found := Keepable(s), false
	for _, r := range rs {
		if r.takesMessages(keep) {
			return deliver
		}
		found = found || r.catchingUp()
	}
	switch {
	case found && keep:
		return behind
	case chatty:
		return offline
	}
	return refuse
}
