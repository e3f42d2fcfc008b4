package links

import (
	"fmt"
	"slices"
	"time"

	"longwire/links/custody"
	"longwire/links/plan"
	"longwire/store"
)

// This file is what a Pump has to do with the other links of its peer.

// yieldTime is how long what was sent may still be confirmed when another link is to carry, where that cannot go on with our numbers.
const yieldTime = 30 * time.Second

// tell reports the state of the link.
func (p *Pump) tell() {
	s := p.Status()
	r := Report{State: plan.Down, Fault: s.Fault, Until: s.Until, RTT: s.RTT}
	switch s.State {
	case Up:
		r.State = plan.Up
	case Waiting:
		r.State = plan.Closed
	case Dialling, BackingOff:
		r.State = plan.Trying
	}
	p.env.Way.Report(r)
}

// pressed is called when another link of the peer has taken what it does not confirm itself, or the peer has confirmed something there.
func (p *Pump) pressed(took bool) {
	p.mu.Lock()
	contacts := slices.Clone(p.contacts) // k.mu comes before p.mu
	p.mu.Unlock()
	now := time.Now()
	for _, k := range contacts {
		if !took {
			k.wake()
			continue
		}
		k.mu.Lock()
		if k.owed == 0 && len(k.answers) == 0 {
			k.owedAt = now
		}
		k.owed = max(k.owed, 1)
		k.mu.Unlock()
		k.wake()
	}
}

// holds tells whether what is numbered is ours to look after: no other link has taken over since.
func (p *Pump) holds() bool { return p.desk.Holds(p) }

// takeOver is called when k carries our stanzas; false means not yet. Where numbering goes on from contact to contact, and from link to link, what was said
// of it here is out of date, and what is not confirmed is sent again. Else each role has numbers of its own: then the other contact's stanzas must be
// confirmed first, or ours could overtake them. The caller holds the turn.
func (k *contact) takeOver() (bool, error) {
	p := k.p
	if ok, err := p.takeDesk(); !ok || err != nil {
		return false, err
	}
	if p.carrier == k {
		return true, nil
	}
	if !p.c.ZeroRTT {
		if ok, err := k.confirmedElsewhere(); !ok || err != nil {
			return false, err
		}
		p.carrier = k
		return true, nil
	}
	k.spokeBefore = k.spokeBefore || k.out != silent
	p.carrier, k.out = k, silent
	return true, nil
}

// takeDesk makes this link the one that sends; false means that another has to yield first. The caller holds the turn.
func (p *Pump) takeDesk() (bool, error) {
	if p.desk.Carries(p) {
		return true, nil
	}
	if ok, err := p.desk.Take(p, p.user); !ok || err != nil {
		return false, err
	}
	p.carrier, p.yield = nil, time.Time{}
	return true, p.disclaim()
}

// disclaim forgets under which names links/s5066 has sent our stream without an answer: what the peer takes from now on may be ours.
func (p *Pump) disclaim() error {
	key := custody.Claims(p.c.Peer)
	var claims store.Custody
	err := p.env.DB.View(func(tx *store.Tx) (err error) {
		claims, err = tx.Custody(key)
		return err
	})
	if err == nil && claims.OutID != "" {
		err = p.env.DB.Update(func(tx *store.Tx) error { return tx.PutCustody(key, store.Custody{}) })
	}
	if err != nil {
		return fmt.Errorf("links: taking over the stream to %s: %w", p.c.Peer, err)
	}
	return nil
}

// confirmedElsewhere waits until what other contacts of this link have sent is confirmed, or cannot be any more.
func (k *contact) confirmedElsewhere() (bool, error) {
	for _, b := range k.p.books {
		c := b.State()
		if b == k.book || c.OutID == "" || c.Sent == c.Acked {
			continue
		}
		if k.p.alive(b) {
			return false, nil
		}
		// The peer may have taken some of these, and will get them again: XEP-0198 §5 has no way to ask but on a contact that it or we resume.
		if err := b.Renumber(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// yields lets go of what was sent in numbers that no other link can go on with, when it can no longer be confirmed. The caller holds the turn.
func (p *Pump) yields() (bool, error) {
	p.carrier = nil
	now := time.Now()
	if p.yield.IsZero() {
		p.yield = now
	}
	for _, b := range p.books {
		c := b.State()
		if c.OutID == "" || c.Sent == c.Acked {
			continue
		}
		if p.alive(b) {
			if now.Sub(p.yield) < yieldTime {
				return false, nil
			}
			p.failAll(b, errYielded)
			return false, nil
		}
		if err := b.Renumber(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// pick is what the queue has for this link, as far as it may take it.
func (p *Pump) pick(lim Limits) ([]store.Entry, error) {
	pick := store.Pick{N: lim.Stanzas, Bytes: lim.Bytes}
	switch load := p.env.Way.May(); {
	case load.None():
		return nil, nil
	case !load.All():
		pick.Classes, pick.Kinds = store.ClassSet(load.Classes), store.KindSet(load.Kinds)
	}
	now := time.Now()
	for looked := 0; ; {
		entries, err := p.queue.Pick(pick)
		if err != nil {
			return nil, err
		}
		n := len(entries)
		entries = slices.DeleteFunc(entries, func(e store.Entry) bool {
			return !e.Expires.IsZero() && !e.Expires.After(now) // its sender is about to be told
		})
		if entries, err = p.desk.Behind(entries); err != nil || len(entries) > 0 || n == looked || n >= farthest {
			return within(entries, lim), err
		}
		looked, pick.N, pick.Bytes = n, 8*pick.N, 8*pick.Bytes // those of others may be behind them
	}
}

// farthest is how many entries are looked at for some that may go.
const farthest = 4096

// within is as many of entries as go at once.
func within(entries []store.Entry, lim Limits) []store.Entry {
	for i, e := range entries {
		if lim.Bytes -= len(e.Stanza); i > 0 && lim.Bytes < 0 || i >= lim.Stanzas {
			return entries[:i]
		}
	}
	return entries
}

// keepQuiet passes on what this contact would say: other links of the peer may.
func (k *contact) keepQuiet() {
	k.mu.Lock()
	pass := k.owed > 0 || k.question
	k.owed, k.question = 0, false
	k.mu.Unlock()
	if pass && k.book.Untold() {
		k.p.desk.Pass(k.p)
	}
}

// catchUp takes off the flight what the peer has confirmed on another link. While this one carries that tells that it got through when the last of that was
// sent, whatever happened since; else what was asked here is to be answered here. The caller holds the turn.
func (k *contact) catchUp() {
	if k.p.user.Numbering != k.p.c.Peer {
		return
	}
	c, carries := k.book.State(), k.p.desk.Carries(k.p) && k.p.carries(k)
	k.mu.Lock()
	var sent time.Time // when the last that landed was
	if k.outID == c.OutID {
		for _, f := range k.flight {
			if int32(f.seq-c.Acked) > 0 {
				break
			}
			sent = f.at
		}
	}
	landed := !sent.IsZero()
	if landed && carries && !k.asked.IsZero() && int32(k.askedSeq-c.Acked) <= 0 {
		k.asked = time.Time{}
	}
	k.mu.Unlock()
	if landed {
		k.landed(c.Acked)
	}
	if landed && carries {
		k.p.env.Way.Confirmed(sent)
	}
}
