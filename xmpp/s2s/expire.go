package s2s

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// atOnce is how many entries one transaction takes out, so that others need not wait long for theirs.
const atOnce = 100

// retry is how long expiry waits after a commit that failed.
const retry = 30 * time.Second

// look is the longest pause between two looks at the queues: what a link gives back may be over already, and does not
// wake anybody here.
const look = time.Minute

// Run removes what waited too long and tells its senders. It returns when ctx is done.
func (ps *Peers) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-ps.wake:
		}
		// What is put from here on wakes us; what was put before is seen below.
		ps.soonest.Store(0)
		now, err := ps.keepTime()
		var next time.Time
		if err == nil {
			next, err = ps.sweep(ctx, now)
		}
		if err != nil {
			if !failing {
				ps.Log.Warn("s2s: expired stanzas stay in their queues", "err", err)
			}
			next = now.Add(retry)
		}
		failing = err != nil
		wait := look
		if !next.IsZero() {
			wait = min(look, max(0, next.Sub(now)))
		}
		ps.plan(time.Now().Add(wait))
		timer.Reset(wait)
	}
}

// plan notes when the timer will fire, for expiresAt. Puts that came during the sweep have left a token in wake.
func (ps *Peers) plan(at time.Time) { ps.soonest.Store(at.UnixNano()) }

// expiresAt wakes Run when an entry will expire before the timer would fire.
func (ps *Peers) expiresAt(at time.Time) {
	if at.IsZero() {
		return
	}
	if s := ps.soonest.Load(); s != 0 && at.UnixNano() >= s {
		return
	}
	ps.poke()
}

func (ps *Peers) poke() {
	select {
	case ps.wake <- struct{}{}:
	default:
	}
}

// sweep expires what is due in every queue, and tells when the next will be; zero: nothing waits.
func (ps *Peers) sweep(ctx context.Context, now time.Time) (next time.Time, err error) {
	var faults []error
	for _, p := range ps.sorted() {
		over, err1 := p.expire(ctx, now)
		due, err2 := p.release(now)
		faults = append(faults, err1, err2)
		next = soonest(next, soonest(over, due))
	}
	return next, errors.Join(faults...)
}

// soonest is the earlier one; the zero time is never.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// release makes the links look when what was held is due, and tells when the next will be.
func (p *Peer) release(now time.Time) (next time.Time, err error) {
	if !p.due.IsZero() && !p.due.After(now) {
		p.queue.Nudge()
	}
	p.due, err = p.queue.Due(now)
	if err != nil {
		return next, fmt.Errorf("s2s: peer %s: what is held: %w", p.name, err)
	}
	return p.due, nil
}

func (p *Peer) expire(ctx context.Context, now time.Time) (next time.Time, err error) {
	for ctx.Err() == nil {
		over, next, err := p.queue.Expired(now)
		if err != nil {
			return next, fmt.Errorf("s2s: peer %s: %w", p.name, err)
		}
		if len(over) == 0 {
			return next, nil
		}
		over = over[:min(len(over), atOnce)]
		told := slices.DeleteFunc(slices.Clone(over), func(e store.Entry) bool { return e.Ending != store.EndNotify })
		if len(told) > 0 {
			if err := p.commit(func(t *router.Turn) error { return p.notify(t, ids(told)) }, nil); err != nil {
				return next, fmt.Errorf("s2s: peer %s: telling of what is late: %w", p.name, err)
			}
			continue
		}
		gone, err := p.takeOut(ids(over), expired(), func(s *Stats) *Counts { return &s.Expired })
		if err != nil {
			return next, err
		}
		p.peers.Log.Info("s2s: stanzas expired", "peer", p.name, "count", len(gone))
	}
	return next, nil
}

// Cancel takes entries out of the queue that have not been sent yet, and tells their senders. It returns those it took;
// what is on its way already, or unknown, stays out of the answer.
func (p *Peer) Cancel(ids ...uint64) ([]store.Entry, error) {
	return p.cancel(cancelled("cancelled by the operator before it was sent"), ids)
}

// CancelOf is Cancel at the wish of the sender, who can only cancel what is his own.
func (p *Peer) CancelOf(account jid.JID, ids ...uint64) ([]store.Entry, error) {
	var own []uint64
	err := p.peers.DB.View(func(tx *store.Tx) error {
		for _, id := range ids {
			f, err := tx.FateOf(p.name, id)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if from, fault := jid.Parse(f.From); err == nil && fault == nil && from.Bare() == account.Bare() && f.State == store.FateQueued {
				own = append(own, id)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("s2s: cancelling for %s: %w", account, err)
	}
	return p.cancel(cancelled("you cancelled it before it was sent"), own)
}

// A reason tells why an entry leaves the queue: the state that is remembered, and the error for its sender.
type reason struct {
	state store.FateState
	of    func(store.Entry) *stanza.Err // nil: its sender does not wait for it
}

func (r reason) text(e store.Entry) string {
	if err := r.of(e); err != nil {
		return err.Text
	}
	return "not worth its air"
}

// cancelled is of type cancel, as trying again is not what is wanted (Choice).
func cancelled(text string) reason {
	why := &stanza.Err{Condition: stanza.RecipientUnavailable, Type: "cancel", Text: text}
	return reason{store.FateCancelled, func(store.Entry) *stanza.Err { return why }}
}

// expired has the time until when it should have been sent. RFC 6120 §8.3.3.16: the far server could not be reached within a reasonable time.
func expired() reason {
	return reason{store.FateExpired, func(e store.Entry) *stanza.Err {
		if e.Tried {
			return stanza.Fail(stanza.RemoteServerTimeout, "not confirmed before "+clock(e.Expires)+"; the peer may have it all the same")
		}
		return stanza.Fail(stanza.RemoteServerTimeout, "not sent before "+clock(e.Expires))
	}}
}

// clock is a time for people who know which day it is.
func clock(at time.Time) string { return at.UTC().Format("15:04 UTC on 2 January 2006") }

func (p *Peer) cancel(why reason, ids []uint64) ([]store.Entry, error) {
	var all []store.Entry
	for chunk := range slices.Chunk(ids, atOnce) {
		gone, err := p.takeOut(chunk, why, func(s *Stats) *Counts { return &s.Cancelled })
		all = append(all, gone...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// takeOut removes unsent entries and bounces them, if there is a reason to tell, in one transaction, and waits for it.
func (p *Peer) takeOut(ids []uint64, why reason, count func(*Stats) *Counts) ([]store.Entry, error) {
	for {
		var gone []store.Entry
		err := p.commit(func(t *router.Turn) (err error) {
			gone, err = p.remove(t, ids, why)
			return err
		}, func(s *Stats) {
			for _, e := range gone {
				count(s).add(e.Kind)
			}
		})
		var sent *sentError
		if errors.As(err, &sent) {
			ids = slices.DeleteFunc(slices.Clone(ids), func(id uint64) bool { return slices.Contains(sent.ids, id) })
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("s2s: removing from the queue of peer %s: %w", p.name, err)
		}
		return gone, nil
	}
}

// commit runs f on a Turn of its own and waits for the commit; count may be nil.
func (p *Peer) commit(f func(*router.Turn) error, count func(*Stats)) error {
	t := new(router.Turn)
	fate := make(chan error, 1)
	p.peers.DB.Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		return f(t)
	}, func(err error) {
		if err == nil {
			if count != nil {
				p.stats.add(count)
			}
			t.Done()
		}
		fate <- err
	})
	return <-fate
}

// sentError undoes a removal: these entries have got numbers of a link session, so the peer may have them.
type sentError struct{ ids []uint64 }

func (e *sentError) Error() string { return "s2s: entries are on their way already" }

func (p *Peer) remove(t *router.Turn, ids []uint64, why reason) ([]store.Entry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	gone, err := p.queue.DoneAs(t.Tx, store.Because{State: why.state, Of: why.text}, ids...)
	if err != nil {
		return nil, err
	}
	var sent []uint64
	for _, e := range gone {
		if e.Session != "" {
			sent = append(sent, e.ID)
		}
	}
	if sent != nil {
		return nil, &sentError{sent}
	}
	for _, e := range gone {
		if why.of(e) == nil {
			continue
		}
		if err := p.tellEnd(t, e, why); err != nil {
			return nil, err
		}
	}
	return gone, nil
}

// tellEnd tells the sender of an entry that is gone, as it was asked for or as is usual.
func (p *Peer) tellEnd(t *router.Turn, e store.Entry, why reason) error {
	if why.state == store.FateExpired && e.Ending != 0 {
		if s, err := parsed(e); err == nil {
			if done, err := p.ended(t, s, e, why.of(e)); done || err != nil {
				return err
			}
		}
	}
	return p.bounce(t, e, why.of(e))
}

func ids(es []store.Entry) []uint64 {
	all := make([]uint64, len(es))
	for i := range es {
		all[i] = es[i].ID
	}
	return all
}

// An Away is an entry that is not worth sending after all.
type Away struct {
	ID     uint64
	Refuse *stanza.Err // if its sender waits for an answer
}

// TakeAway removes entries that no link has numbered; what has a number meanwhile, or is gone, is left as it is.
func (p *Peer) TakeAway(all []Away) error {
	for chunk := range slices.Chunk(all, atOnce) {
		list, errs := make([]uint64, len(chunk)), make(map[uint64]*stanza.Err)
		for i, a := range chunk {
			list[i], errs[a.ID] = a.ID, a.Refuse
		}
		folded := reason{store.FateRefused, func(e store.Entry) *stanza.Err { return errs[e.ID] }}
		if _, err := p.takeOut(list, folded, func(s *Stats) *Counts { return &s.Folded }); err != nil {
			return err
		}
	}
	return nil
}
