package s2s

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// A Violation is a stanza that the peer may not send. The stanza is dropped, and counts as taken: whoever delivered it
// commits its number all the same. One is a slip; a link that sees many of them closes with the condition.
type Violation struct {
	Condition string // a stream error: invalid-from or improper-addressing
	From, To  jid.JID
}

func (v *Violation) Error() string {
	return fmt.Sprintf("s2s: %s: stanza from %q to %q dropped", v.Condition, v.From, v.To)
}

// Deliver routes a stanza that came from the peer. The errors are a *Violation, which leaves the Turn fit to be
// committed, and what router.Route returns.
func (p *Peer) Deliver(t *router.Turn, s *stanza.Stanza) error {
	t.Incoming = true
	r := p.rules.Load()
	if s.From.IsZero() || s.To.IsZero() {
		t.After(func() { p.stats.add(func(s *Stats) { s.NoAddress++ }) })
		return &Violation{"improper-addressing", s.From, s.To} // RFC 6120 §4.9.3.7
	}
	if !r.domains[s.From.Domain()] {
		// XEP-0361 §4.5, RFC 6120 §4.9.3.9. Choice: on a link where each connection is dear, the stanza goes and the
		// stream stays.
		t.After(func() { p.stats.add(func(s *Stats) { s.BadFrom++ }) })
		return &Violation{"invalid-from", s.From, s.To}
	}
	if !p.ours(r, s.To.Domain()) {
		t.After(func() { p.stats.add(func(s *Stats) { s.Misaddressed++ }) })
		return p.refuse(t, r, s)
	}
	if r.Dedup && s.Kind == stanza.Message && s.ID != "" && !roomRepeat(s) {
		again, err := p.repeated(t, r, s)
		if err != nil {
			return err
		}
		if again {
			t.After(func() { p.stats.add(func(s *Stats) { s.Duplicates++ }) })
			return nil
		}
	}
	s, err := p.whole(t, r, s)
	if err == nil {
		s, err = p.foldIn(t, r, s)
	}
	if s == nil || err != nil {
		return err
	}
	if err := p.learn(t, s); err != nil {
		return err
	}
	t.After(func() { p.stats.add(func(s *Stats) { s.Delivered++ }) })
	if r.Heard != nil {
		r.Heard(t, s)
	}
	return p.peers.Router.Route(t, s)
}

// repeated tells whether a message came before.
func (p *Peer) repeated(t *router.Turn, r *rules, s *stanza.Stanza) (bool, error) {
	if r.DedupKept && t.Tx != nil {
		return t.Tx.Repeat(r.Name, digest(s), time.Now(), max(r.DedupFor, ringAge))
	}
	key := p.ring.key(s)
	if p.ring.seen(key, r.DedupFor) {
		return true, nil
	}
	// Noted after the commit: a repeat in the same commit may slip through, but a commit that fails must not make
	// the peer's second try look like a repeat.
	t.After(func() { p.ring.note(key) })
	return false, nil
}

// nsHop marks the receipts that a node of our kind gives for a hop.
const nsHop = "urn:x-longwire:delivery:0"

// learn notes what a receipt or an error tells of a message of ours.
func (p *Peer) learn(t *router.Turn, s *stanza.Stanza) error {
	if p.peers.Track == nil || t.Tx == nil || s.Kind != stanza.Message {
		return nil
	}
	var err error
	if s.IsError() {
		if s.ID != "" {
			_, err = t.Tx.FateRefused(s.To.String(), s.From.String(), s.ID, errorText(s))
		}
	} else if c, ok := s.Child(nsReceipts, "received"); ok {
		// XEP-0184 §7. Choice: a receipt that a node made of its own is no better than its confirmation.
		e, fault := s.Element(c)
		if fault != nil || e.Attr("id") == "" || s.Has(nsHop, "hop") {
			return nil
		}
		_, err = t.Tx.FateDelivered(s.To.String(), s.From.String(), e.Attr("id"))
	}
	return err
}

// errorText is what an error says, for people: its condition and its words.
func errorText(s *stanza.Stanza) string {
	c, ok := s.Child("", "error")
	if !ok {
		return "refused by the far side"
	}
	e, err := s.Element(c)
	if err != nil {
		return "refused by the far side"
	}
	condition, text := "", ""
	for _, c := range e.Children {
		switch {
		case c.Name.Space != stanza.NSErrors:
		case c.Name.Local == "text":
			text = c.Text
		default:
			condition = c.Name.Local
		}
	}
	if text != "" {
		return condition + ": " + strings.ToValidUTF8(text[:min(len(text), 200)], "") // no half of a letter
	}
	return condition
}

// refuse answers a stanza for a domain that is not ours. The answer comes from that domain: the peer believes that it is
// ours, or it would not have sent the stanza here, and its user waits for an answer from there.
func (p *Peer) refuse(t *router.Turn, r *rules, s *stanza.Stanza) error {
	return p.answer(t, r, s, stanza.Fail(stanza.RemoteServerNotFound, ""))
}

// answer refuses a stanza of the peer.
func (p *Peer) answer(t *router.Turn, r *rules, s *stanza.Stanza, why *stanza.Err) error {
	back := s.ErrorReply(why)
	if back == nil || s.Kind == stanza.Presence && !s.Has(nsMUC, "x") {
		return nil // RFC 6121 §4: presence is not answered; XEP-0045 §7.2: but who wants to enter a room waits
	}
	err := p.enqueue(t, r, back)
	var refusal *stanza.Err
	if errors.As(err, &refusal) {
		return nil // an error that cannot be sent ends there
	}
	return err
}
