package s5066

import (
	"bytes"
	"context"
	"slices"
	"time"

	"longwire/links/s5066/frame"
	"longwire/store"
)

// This file is what one lane has to know of the other, so that what one sender tells one recipient stays in order: nothing goes before an earlier stanza of
// its From and To but a more urgent message.

const (
	expressSize   = 1200 // bytes of a stanza, so that it fits a U_PDU whole, however badly it is compressed
	expressWindow = 4    // frames of the express lane without an answer
	expressMost   = 16   // and stanzas of it that are not confirmed
)

// A path is the way from a sender to a recipient.
type path struct{ from, to string }

func pathOf(e store.Entry) path { return path{e.From, e.To} }

// open tells whether the express lane may be used: the peer is known to have it, and this link may carry what is urgent.
func (l *lanes) open() bool {
	if !speaks(l.ordinary.into.in) || l.classes() == 0 {
		return false
	}
	handed, err := l.p.desk.Handed()
	return err == nil && !handed
}

// classes are the urgent ones that may go on the express lane of this link; 0: none.
func (l *lanes) classes() (s store.ClassSet) {
	load := l.p.way.Express()
	if load.None() {
		return 0
	}
	for _, c := range []store.Class{store.ClassFlash, store.ClassImmediate} {
		if load.Classes.Has(uint8(c)) {
			s |= store.Classes(c)
		}
	}
	if !load.Kinds.Has(uint8(store.KindChat)) {
		return 0
	}
	return s
}

// swift are the stanzas for the express lane, the most urgent first. The caller holds turn.
func (l *lanes) swift(n, bytes int, now time.Time) ([]store.Entry, error) {
	if !l.open() {
		return nil, nil
	}
	entries, err := l.p.queue.Pick(store.Pick{N: n, Bytes: bytes, Now: now, Classes: l.classes(), Alone: true, MaxSize: expressSize})
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	// What is as urgent or more and went before on the other lane must have arrived.
	sent, err := l.p.queue.Unconfirmed(l.ordinary.book.State().OutID) // by whichever link
	if err != nil {
		return nil, err
	}
	before := map[path]store.Class{}
	for _, e := range sent {
		if c := before[pathOf(e)]; c == 0 || e.Class < c {
			before[pathOf(e)] = e.Class
		}
	}
	kept := entries[:0]
	for _, e := range entries {
		if c := before[pathOf(e)]; c == 0 || c > e.Class {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// slow leaves out of entries what is to go on the express lane, and what has to go behind that. What is behind something that is under way there says so on
// the wire. The caller holds turn.
func (l *lanes) slow(entries []store.Entry, now time.Time) ([]store.Entry, error) {
	if !slices.ContainsFunc(entries, func(e store.Entry) bool { return e.Class <= store.ClassImmediate }) {
		return entries, nil
	}
	next, err := l.swift(len(entries), 1<<20, now)
	if err != nil || len(next) == 0 {
		return entries, err
	}
	swift := map[uint64]bool{}
	for _, e := range next {
		swift[e.ID] = true
	}
	behind := map[path]bool{}
	kept := entries[:0]
	for _, e := range entries {
		if behind[pathOf(e)] = behind[pathOf(e)] || swift[e.ID]; !behind[pathOf(e)] {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// next are the stanzas of the queue that are for this lane.
func (w *longwire) next(n, bytes int, now time.Time) ([]store.Entry, error) {
	if w.fast {
		return w.lanes.swift(n, bytes, now)
	}
	entries, err := w.p.pick(n, bytes, true)
	if err != nil {
		return nil, err
	}
	w.finds(entries, now)
	return w.lanes.slow(entries, now)
}

// most is how many stanzas may be under way.
func (w *longwire) most() int {
	if w.fast {
		return expressMost
	}
	return maxUnmarked
}

// frames is how many frames may be without an answer.
func (w *longwire) frames() int {
	if w.fast {
		return expressWindow
	}
	return window
}

// ackDelay is how long our mark waits for something to ride on. On the express lane for nothing: the answer to the transmission is about to go.
func (w *longwire) ackDelay() time.Duration {
	if w.fast {
		return 0
	}
	return w.p.link.AckDelay
}

// released makes the ordinary lane look again: what had to go behind something on the other may go now. The caller holds turn.
func (w *longwire) released() {
	w.out.quiet = time.Time{}
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// mostBehind bounds the U_PDUs of the ordinary lane that wait for something on the express lane.
const mostBehind = 8

// due tells whether a U_PDU of the ordinary lane may be taken; else it is kept. The caller holds turn.
func (w *longwire) due(updu []byte) bool {
	f, err := frame.Parse(updu)
	if err != nil {
		return true
	}
	h := f.Peek()
	if !h.Behind {
		return true
	}
	if taken := w.lanes.express.book.Taken(); !after(nearest(h.After, taken+1), taken) {
		return true
	}
	in := &w.into
	switch {
	case slices.ContainsFunc(in.behind, func(b []byte) bool { return bytes.Equal(b, updu) }):
	case len(in.behind) >= mostBehind:
		w.p.drops.gap.Add(1)
	default:
		if len(in.behind) == 0 {
			in.behindAt = time.Now()
		}
		in.behind = append(in.behind, updu)
	}
	return false
}

// follow takes what waited for the express lane. The caller holds turn.
func (w *longwire) follow(ctx context.Context) {
	waiting := w.into.behind
	w.into.behind = nil
	for _, updu := range waiting {
		w.takeDue(ctx, updu)
	}
}

// ride lets the ordinary lane's mark go now, if one is owed: a transmission is about to go anyway.
func (w *longwire) ride() {
	w.mu.Lock()
	owed := w.owed > 0
	if owed {
		w.owedAt = w.owedAt.Add(-w.p.radio(w.p.link.AckDelay))
	}
	w.mu.Unlock()
	if owed {
		w.wake()
	}
}
