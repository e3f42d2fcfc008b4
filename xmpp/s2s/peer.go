// Package s2s keeps the node's side of each peer: which domains are the peer's, what may cross, and how long a stanza may
// wait in the peer's durable queue until its sender is told that it did not get through.
//
// It knows nothing of links. Outward it ends at store.Queue, which the peer's links empty; inward it begins with
// Peer.Deliver, which they call through a function they were given.
package s2s

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// A Peer takes stanzas for the domains of one peer into its queue. Get it from Peers; safe for concurrent use.
type Peer struct {
	peers *Peers
	name  string
	queue *store.Queue
	rules atomic.Pointer[rules]
	ring  ring
	stats stats

	// Run's own:
	due  time.Time // when something that is held will be due
	mark uint64    // what had been queued when the clock was looked at
}

var _ router.Sink = (*Peer)(nil)

// Name is the peer's name in the configuration.
func (p *Peer) Name() string { return p.name }

// Queue is the peer's queue.
func (p *Peer) Queue() *store.Queue { return p.queue }

// Domains are the peer's domains; none for a peer that is no longer configured and whose queue is not empty.
func (p *Peer) Domains() []string { return p.rules.Load().Domains }

// ours tells whether a domain is answered for by this node and open to the peer.
func (p *Peer) ours(r *rules, domain string) bool {
	if r.locals != nil && !r.locals[domain] {
		return false
	}
	switch p.peers.Router.Sink(domain).(type) {
	case nil, *door:
		return false
	}
	return true
}

// Accept puts the stanza into the peer's queue. It needs a transaction for all but chat states that nobody would get in
// time.
func (p *Peer) Accept(t *router.Turn, s *stanza.Stanza) error {
	r := p.rules.Load()
	if s.From.IsZero() || !p.ours(r, s.From.Domain()) {
		// The peer would take it for a forgery, as only our domains may stand in from on its links.
		return stanza.Fail(stanza.RemoteServerNotFound, "your domain has no way to this one")
	}
	if r.Answer != nil {
		if done, err := r.Answer(t, s); done || err != nil {
			return err
		}
	}
	if !r.Pubsub && r.Answer == nil && asksPubsub(s) {
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	err := p.enqueue(t, r, s)
	if err == nil && r.Asked != nil && s.IsRequest() {
		r.Asked(t, s)
	}
	return err
}

// enqueue puts into the queue what folding leaves of a stanza, as it will be on the link. The steps are those of Hooks.
func (p *Peer) enqueue(t *router.Turn, r *rules, s *stanza.Stanza) error {
	now := time.Now()
	asked, err := wishesOf(r, now, s)
	if err != nil {
		return err
	}
	f, err := p.fold(t, r, now, s, r.Lifetimes.waiting(s).kind)
	if f.Stanza == nil || err != nil {
		return err
	}
	s = f.Stanza
	w := r.Lifetimes.waiting(s)
	if w.kind == store.KindState && !p.peers.linkUp(p.name) {
		t.After(func() { p.stats.add(func(s *Stats) { s.Idle++ }) })
		return nil
	}
	if err := t.NeedTx(); err != nil {
		return err
	}
	raw, err := p.raw(t, r, s)
	if err != nil {
		return err
	}
	e := store.Entry{
		Kind: w.kind, Class: r.judge(s, w.kind, len(raw), asked.precedence), Coalesce: w.coalesce,
		From: s.From.String(), To: s.To.String(), StanzaID: s.ID,
		Queued: now, Saved: f.Saved, Stanza: raw,
	}
	e.Expires, e.Ending = asked.until.within(now, w.life)
	p.follow(&e, s, asked)
	if f.Hold > 0 {
		e.NotBefore, e.HeldFor = now.Add(f.Hold), store.HeldForNewer
	}
	note, err := p.spend(t, r, s, &e)
	if err != nil {
		return err
	}
	id, err := p.put(t, r, e)
	if err != nil || id == 0 {
		return err
	}
	return p.tell(t, s, id, note)
}

// wishes are what the sender of a stanza asks for, which folding may take out.
type wishes struct {
	precedence store.Class
	until      deadline
	receipt    bool
}

func wishesOf(r *rules, now time.Time, s *stanza.Stanza) (w wishes, err error) {
	if w.precedence, err = r.Precedence.claim(s); err != nil {
		return w, err
	}
	w.until, err = deadlineOf(now, s)
	w.receipt = asksReceipt(s)
	return w, err
}

// raw is the stanza as it waits for the link.
func (p *Peer) raw(t *router.Turn, r *rules, s *stanza.Stanza) ([]byte, error) {
	if r.Terse {
		var err error
		if s, err = p.wire(t).Out(s); err != nil {
			return nil, err
		}
	}
	raw := s.Bytes()
	if len(raw) > r.MaxStanza {
		t.After(func() { p.stats.add(func(s *Stats) { s.Oversize++ }) })
		return nil, stanza.Fail(stanza.PolicyViolation, fmt.Sprintf("the way to %s takes at most %d bytes at a time", s.To.Domain(), r.MaxStanza))
	}
	return raw, nil
}

// follow has it noted what becomes of a message whose sender wants to know.
func (p *Peer) follow(e *store.Entry, s *stanza.Stanza, asked wishes) {
	if s.Kind != stanza.Message || s.IsError() || p.peers.Track == nil || e.Kind != store.KindChat && e.Kind != store.KindGroupchat {
		return
	}
	e.Track = p.peers.Track(s.From, s.To)
	// XEP-0184 §5.3: no receipts in rooms. And none is made up where the far client is still asked for one.
	e.Receipt = e.Track && asked.receipt && e.Kind == store.KindChat && !asksReceipt(s)
}

// put is where a stanza becomes durable, and gets a number; 0 when it was let go. What has to make room for it is bounced in the same transaction.
func (p *Peer) put(t *router.Turn, r *rules, e store.Entry) (uint64, error) {
	if !t.Incoming && !t.Verdict && t.Tx.Tight() {
		return 0, p.refused(t, e, stanza.Fail(stanza.ResourceConstraint, "the node's store is nearly full"))
	}
	id, dropped, err := p.queue.Put(t.Tx, e, r.Queue)
	if errors.Is(err, store.ErrQuota) {
		return 0, p.refused(t, e, overflow(e.To))
	}
	if err != nil {
		return 0, fmt.Errorf("s2s: queueing for peer %s: %w", p.name, err)
	}
	for _, d := range dropped {
		if err := p.bounce(t, d, overflow(d.To)); err != nil {
			return 0, err
		}
	}
	t.After(func() {
		p.stats.add(func(s *Stats) {
			s.Queued.add(e.Kind)
			for _, d := range dropped {
				s.Overflow.add(d.Kind)
			}
		})
		p.peers.expiresAt(e.Expires)
		p.peers.expiresAt(e.NotBefore)
	})
	return id, nil
}

// refused is for what found no room.
func (p *Peer) refused(t *router.Turn, e store.Entry, why *stanza.Err) error {
	t.After(func() { p.stats.add(func(s *Stats) { s.Overflow.add(e.Kind) }) })
	switch e.Kind {
	case store.KindPresence, store.KindReceipt, store.KindState:
		return nil // nobody is waiting for an answer to these
	}
	return why
}

// overflow is the error for what found no room.
func overflow(to string) *stanza.Err {
	return stanza.Fail(stanza.ResourceConstraint, "too much is waiting for "+domainOf(to))
}

func domainOf(full string) string {
	j, err := jid.Parse(full)
	if err != nil {
		return full
	}
	return j.Domain()
}

// bounce tells the sender of a queue entry why it will not be sent, if that is someone who waits for news: the sender of
// a message, of an iq get or set, or who wanted to enter a room. The answer is the node's verdict on something it had
// accepted, so the Turn is marked for as long as it is on its way.
func (p *Peer) bounce(t *router.Turn, e store.Entry, why *stanza.Err) error {
	s, err := parsed(e)
	if err != nil {
		p.peers.Log.Error("s2s: a queued stanza cannot be read", "peer", p.name, "id", e.ID, "err", err)
		return nil
	}
	if r := p.rules.Load(); r.Failed != nil && s.IsRequest() {
		r.Failed(t, s, why)
	}
	switch e.Kind {
	case store.KindReceipt, store.KindState, store.KindPresence:
		return nil
	}
	if s.Kind == stanza.Presence && !awaited(s) {
		return nil
	}
	back := s.ErrorReply(why)
	if back == nil {
		return nil
	}
	return p.verdict(t, back)
}

func parsed(e store.Entry) (*stanza.Stanza, error) {
	s, err := stream.ParseStanza(e.Stanza)
	if err != nil {
		return nil, err
	}
	s.ID = e.StanzaID // it, and the addresses, may be shorter on the link
	for _, a := range []struct {
		is  *jid.JID
		was string
	}{{&s.From, e.From}, {&s.To, e.To}} {
		if *a.is, err = jid.Parse(a.was); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// awaited tells whether somebody must know that a presence was lost: who wants to enter a room, or a room that is
// federated with another (XEP-0289), which would believe for ever that an occupant is still here.
func awaited(s *stanza.Stanza) bool {
	switch s.Type {
	case "":
		return s.Has(nsMUC, "x") || s.Has(nsFMUC, "fmuc")
	case stanza.Unavailable:
		return s.Has(nsFMUC, "fmuc")
	}
	return false
}
