package s5066

import (
	"context"
	"sync"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/sis"
)

// rcopMapping is XEP-0365 v0.2.1: one stanza is one RCOP PDU, of as many segments as it needs, for any server. There is no XEP-0198 (§4: it must not be
// used), no ping and no compression; what a SIS server confirms is delivered, and leaves the queue.
//
//	queue -> compose: number (commit) -> port.submit             inbox -> take: assemble, seen before? -> Inbound -> done
//	            ^                              |                                                          (commit with the digests)
//	            +--- not delivered -- fates (notes) -- all segments confirmed: queue entry gone (commit)
//
//	send     owns the way out; receive the way in. Both digest fates, as send waits while the server takes nothing.
//	turn     guards out; it is held over commits, so only these two goroutines take it.
//	mu       guards what the bind's reader leaves here; nothing waits under it.
//
// Order: only one stanza of a sender (bare JID, or room) is under way at a time, as one that is rejected must not be overtaken by the next,
// but by a more urgent message. Different senders' stanzas are under way together.
type rcopMapping struct {
	p    *port
	key  string // of the records
	box  *inbox
	kick chan struct{}

	turn  *sync.Mutex   // the desk's
	user  *custody.User // what we are to it,
	leave func(...any)  // until this is called
	yield time.Time     // since when another link waits for us; under turn
	out   rcopOut

	in rcopIn // receive's own

	mu    sync.Mutex // guards what follows
	notes []note
	snap  Status
	last  time.Time // when the peer was heard
	inN   uint64    // U_PDUs of it
}

var _ mapping = (*rcopMapping)(nil)

func newRCOP(p *port) mapping {
	w := &rcopMapping{p: p, turn: &p.desk.Turn, key: rcopKey(p.c.Peer), box: newInbox(), kick: make(chan struct{}, 1), in: newRCOPIn(p)}
	w.use()
	return w
}

func (w *rcopMapping) heard(u sis.UnidataIndication) {
	if !w.box.put(u) {
		w.p.drops.overflow.Add(1)
	}
}

func (w *rcopMapping) fate(t sis.Ticket, f fate) {
	w.mu.Lock()
	w.notes = append(w.notes, note{t, f}) // at most as many as were submitted
	w.mu.Unlock()
	w.wake()
}

func (w *rcopMapping) changed(bindState) { w.wake() }

// wake makes both loops look.
func (w *rcopMapping) wake() {
	for _, c := range []chan struct{}{w.kick, w.box.wake} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (w *rcopMapping) report(s *Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.snap
	s.Outstanding, s.Unconfirmed, s.FramesOut, s.RTT = n.Outstanding, n.Unconfirmed, n.FramesOut, n.RTT
	s.FramesIn, s.Heard = w.inN, w.last
	if s.State == links.Up && time.Now().Before(n.Until) {
		s.State, s.Until = links.BackingOff, n.Until
	}
	if s.State == links.Up || s.State == links.BackingOff && s.Fault == "" {
		s.Fault = n.Fault
	}
}

// publish makes the state visible. The caller holds turn.
func (w *rcopMapping) publish() {
	o := &w.out
	n := Status{Unconfirmed: len(o.flights), Outstanding: len(o.tickets), FramesOut: o.frames}
	n.Until, n.Fault, n.RTT = o.until, o.fault, o.rtt
	w.mu.Lock()
	w.snap = n
	w.mu.Unlock()
}

// run reads what is on flash and carries stanzas until ctx is done.
func (w *rcopMapping) run(ctx context.Context) error {
	defer w.leave(w)
	if err := w.open(); err != nil {
		return err
	}
	w.p.pair.begin()
	var loops sync.WaitGroup
	loops.Go(func() { w.receive(ctx) })
	w.send(ctx)
	loops.Wait()
	w.p.way.Report(links.Report{Fault: "closed here"})
	return nil
}

// send hands U_PDUs over, until ctx is done.
func (w *rcopMapping) send(ctx context.Context) {
	wake, stop := w.p.queue.Watch()
	defer stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	changed := w.p.way.Changed()
	for {
		w.p.tell()
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-changed:
			changed = w.p.way.Changed() // before it is looked what that is
		case <-w.kick:
		case <-timer.C:
		}
		for w.due() {
			if err := w.p.submit(ctx, w.compose); err != nil {
				if ctx.Err() != nil {
					return
				}
				w.notSent(err)
			}
		}
		w.turn.Lock()
		wait := time.Until(w.out.until)
		waits := !w.p.way.May().None() && !w.p.desk.Carries(w)
		w.turn.Unlock()
		if waits {
			wait = time.Second // another link is about to yield
		}
		if wait <= 0 {
			wait = lookAgain
		}
		timer.Reset(wait)
	}
}

// receive takes what the peer sends, until ctx is done; then what is there already, as its senders believe it delivered.
func (w *rcopMapping) receive(ctx context.Context) {
	tick := time.NewTicker(releaseEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.box.wake:
		case <-tick.C:
			w.step(w.tidy)
			continue
		case <-ctx.Done():
			w.empty(ctx)
			return
		}
		w.step(func() {})
		w.p.tell()
		w.empty(ctx)
	}
}

func (w *rcopMapping) empty(ctx context.Context) {
	for u, ok := w.box.take(); ok; u, ok = w.box.take() {
		w.take(ctx, u)
	}
}

// step does something under turn, with all fates digested.
func (w *rcopMapping) step(do func()) {
	w.turn.Lock()
	defer w.turn.Unlock()
	w.digest(time.Now())
	do()
	w.publish()
	select {
	case w.kick <- struct{}{}:
	default:
	}
}
