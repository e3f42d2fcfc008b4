package local

import (
	"errors"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Accept takes a stanza for one of the local domains.
func (h *Host) Accept(t *router.Turn, s *stanza.Stanza) error {
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
	if bare != s.From.Bare() && !s.IsError() {
		if blocked, err := h.Blocked(t, bare, s.From); err != nil {
			return err
		} else if blocked {
			return stanza.Fail(stanza.ServiceUnavailable, "") // XEP-0191 §3.3
		}
	}
	if s.IsError() && t.Verdict {
		return h.keepVerdict(t, s)
	}
	v := judge(s, h.Resources(bare))
	if v != deliver {
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
		if s.IsError() {
			return nil
		}
		return stanza.Fail(stanza.ServiceUnavailable, "")
	case drop:
		return nil
	case offline:
		if err := t.NeedTx(); err != nil {
			return err
		}
	}
	if t.Tx == nil || !Keepable(s) {
		t.After(func() { h.hand(s, 0) })
		return nil
	}
	id, err := t.Tx.SpoolPut(bare.String(), store.SpoolEntry{Stanza: s.Bytes(), Received: time.Now()}, v == deliver)
	if errors.Is(err, store.ErrQuota) {
		return stanza.Fail(stanza.ServiceUnavailable, "the recipient's offline store is full") // XEP-0160 §3
	}
	if err != nil {
		return err
	}
	t.After(func() { h.hand(s, id) })
	return nil
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
			if r.full == s.To {
				return deliver // RFC 6121 §8.5.3.1
			}
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
			return refuse
		}
		chatty = true
	}
	for _, r := range rs {
		if r.takesMessages() {
			return deliver
		}
	}
	if chatty {
		return offline
	}
	return refuse
}

// hand gives a message to the clients that should have it now, and copies to those that asked for them. With a spool
// number and nobody there it does nothing: the message waits.
func (h *Host) hand(s *stanza.Stanza, spool uint64) {
	bare := s.To.Bare()
	rs := h.Resources(bare)
	var to []*Resource
	for _, r := range rs {
		if r.full == s.To {
			to = append(to, r)
		}
	}
	if to == nil && (s.To.Resource() == "" || s.Type == stanza.Chat) && s.Type != stanza.Groupchat {
		for _, r := range rs {
			if r.takesMessages() { // Choice: all of non-negative priority, which RFC 6121 §8.5.2.1.1 allows
				to = append(to, r)
			}
		}
	}
	if to == nil {
		if spool == 0 && Keepable(s) {
			h.Returned(bare, []Undelivered{{Stanza: s, Came: time.Now()}}) // the last client left just now
		}
		return
	}
	if spool != 0 && !h.claim(bare, spool, len(to)) {
		return // a resource that has just come online took it from the spool
	}
	for _, r := range to {
		r.out.Send(s, spool)
	}
	h.carbonReceived(s, rs, to)
}

// claim notes that n clients have a spool entry in their streams; false when some client has it already.
func (h *Host) claim(bare jid.JID, spool uint64, n int) bool {
	h.mu.RLock()
	a := h.accounts[bare]
	h.mu.RUnlock()
	if a == nil {
		return false
	}
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

// Settled tells the Host that a client has a spooled message for good, or that its stream is over and never will. It
// returns true when no other client has the message in its stream.
func (h *Host) Settled(bare jid.JID, spool uint64) (last bool) {
	h.mu.RLock()
	a := h.accounts[bare]
	h.mu.RUnlock()
	if a == nil {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flight[spool]--
	if a.flight[spool] > 0 {
		return false
	}
	delete(a.flight, spool)
	return true
}

// FlushSpool gives r what waited for the account, oldest first. It needs a transaction: what is committed before it is
// in the spool, what is committed after it finds r available.
func (h *Host) FlushSpool(t *router.Turn, r *Resource) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	return t.Tx.Spool(r.bare.String(), 0, func(e store.SpoolEntry) error {
		s, err := late(e, r.full.Domain())
		if err != nil {
			return nil // cannot happen to what we wrote; a damaged entry must not lock the account out
		}
		t.After(func() {
			if h.claim(r.bare, e.ID, 1) {
				r.out.Send(s, e.ID)
			}
		})
		return nil
	})
}
