package s5066

import (
	"time"

	"longwire/store"
)

// An action is what there is to send.
type action uint8

const (
	idle       action = iota
	sendAgain         // the peer is to begin anew
	sendData          // stanzas, and what there is to tell
	sendAnswer        // our mark, as the peer asked for it
	sendAsk           // for the peer's
	sendMark          // our mark, as it waits for long
)

const (
	againEvery     = 30 * time.Second // of what cannot be read, one is complained of
	gapWait        = 60 * time.Second // what is missing may still come
	gatherTime     = 100 * time.Millisecond
	lookAgain      = time.Hour
	manyOwed       = maxUnmarked / 2  // stanzas of the peer that it is told of at once
	resendBlind    = 10 * time.Minute // doubled each time, up to
	resendBlindMax = 4 * time.Hour
	blindRate      = 150 // bit/s that a non-ARQ frame is taken to need
)

// gather gives what comes together the time to go together. A radio's turn costs ten times as much.
func (w *longwire) gather() {
	w.turn.Lock()
	defer w.turn.Unlock()
	w.out.barren = time.Time{}
	if o := &w.out; len(o.flights) == 0 && !o.quiet.After(time.Now()) {
		o.quiet = time.Now().Add(w.p.radio(gatherTime))
	}
}

// plan tells what is due, or when to look again. The caller holds turn.
func (w *longwire) plan(now time.Time) (action, time.Time) {
	next := now.Add(lookAgain)
	soonest := func(at time.Time) bool {
		if at.After(now) && at.Before(next) {
			next = at
		}
		return !at.After(now)
	}
	o, in := &w.out, &w.into
	if !soonest(o.stuck) {
		return idle, next
	}
	w.mu.Lock()
	if w.owed > 0 && !w.book.Untold() {
		w.owed = 0 // another link told it
	}
	owed, owedAt, question := w.owed, w.owedAt, w.question
	w.mu.Unlock()
	busy := w.book.Busy() // an answer that covers what is being committed is worth the wait; the commit wakes us
	if len(in.held) > 0 && soonest(in.gapAt.Add(w.p.radio(gapWait))) {
		in.held = nil
		w.complain()
	}
	carries := w.carry()
	if !carries && !w.fast && !w.p.way.May().None() {
		soonest(now.Add(time.Second)) // another link is about to yield
	}
	if len(in.behind) > 0 && soonest(in.behindAt.Add(w.p.radio(gapWait))) {
		// What they wait for may be of a numbering that is over. They come again, as nobody has heard that they were taken.
		w.p.drops.gap.Add(uint64(len(in.behind)))
		in.behind = nil
	}
	if carries && len(o.items) > 0 && !o.resend.IsZero() && soonest(o.resend) {
		o.resend, o.blindTry = time.Time{}, min(2*o.blindTry, resendBlindMax)
		w.goBack(w.book.State().Acked + 1)
	}
	if len(o.flights) >= 2*w.frames() {
		return idle, next // a fate comes first. Behind the SIS client's window all peers of the bind would wait
	}
	// Marks are told in a back-off too: who waits for them has been heard.
	ready := soonest(o.until)
	if o.again != nil && ready && soonest(o.lastBad.Add(w.p.radio(againEvery))) {
		return sendAgain, next
	}
	if carries && ready && w.hasData(now, soonest) && w.mayFly(now, soonest) && soonest(o.quiet) {
		return sendData, next
	}
	switch {
	case question && !busy:
		return sendAnswer, next
	case owed > 0 && !busy && (owed >= manyOwed || w.p.pair.answering() || soonest(owedAt.Add(w.p.radio(w.ackDelay())))):
		return sendMark, next
	case carries && ready && w.mayAsk() && soonest(o.askAt):
		return sendAsk, next
	}
	return idle, next
}

// hasData tells whether stanzas may be sent.
func (w *longwire) hasData(now time.Time, soonest func(time.Time) bool) bool {
	o := &w.out
	if n := len(o.items); n > 0 && !after(o.next, o.items[n-1].seq) {
		return true
	}
	if len(o.items) >= w.most() || o.bytes >= unmarkedSize {
		return false
	}
	st := w.p.queue.Stats()
	if st.Entries == st.Sent || !w.fast {
		return st.Entries > st.Sent && soonest(o.barren)
	}
	next, err := w.next(1, 1, now)
	return err == nil && len(next) > 0
}

// finds notes whether the queue has something for us. What is held is due some time; all else it tells (Watch).
func (w *longwire) finds(entries []store.Entry, now time.Time) {
	w.out.barren = time.Time{}
	if len(entries) > 0 {
		return
	}
	w.out.barren = now.Add(lookAgain)
	if due, err := w.p.queue.Due(now); err != nil {
		w.out.barren = now.Add(time.Second)
	} else if !due.IsZero() && due.Before(w.out.barren) {
		w.out.barren = now.Add(due.Sub(now)) // by the monotonic clock
	}
}

// mayFly tells whether the window is open.
func (w *longwire) mayFly(now time.Time, soonest func(time.Time) bool) bool {
	if w.p.c.Delivery == DeliveryNoARQ {
		return soonest(w.out.blind)
	}
	n, bytes := len(w.out.flights), 0
	for _, f := range w.out.flights {
		bytes += f.size
	}
	full := bytes >= n*leastFrame*3/4 // else what comes meanwhile goes together in the next
	if n == 1 && !full && !w.fast && !soonest(w.out.flights[0].at.Add(w.out.rtt*3/4)) {
		return false // that one has the transmission at hand; this one is in time for the next
	}
	return n < w.frames() || n < 2*w.frames() && full && bytes < windowBytes
}

// mayAsk tells whether there is something to ask after, and nothing under way that could bring it.
func (w *longwire) mayAsk() bool {
	o := &w.out
	return w.p.c.Delivery != DeliveryNoARQ && len(o.items) > 0 && len(o.flights) == 0 && !o.askAt.IsZero()
}
