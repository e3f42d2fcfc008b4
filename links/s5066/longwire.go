package s5066

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/s5066/frame"
	"longwire/links/sis"
	"longwire/store"
)

// longwire is the mapping between two Longwire nodes. One frame (package frame) is one U_PDU.
//
//	queue -> compose: Encode, Number (commit) -> port.submit      inbox -> take: Decode, names, mark check -> Inbound -> done
//	            ^                                                              | marks: book.Confirm, queue entry gone
//	            +--- next, safe <--- fates (notes) <--- bind's reader          | owed marks wake the sender
//
//	send     owns the way out: it plans, submits, and keeps the timers.
//	receive  owns the way in. It also digests fates, as send waits while the server takes nothing.
//	turn     guards the state of both, and is the desk's; it is held over commits, so only goroutines take it that may wait.
//	mu       guards what the bind's reader and the store's committer leave here; nothing waits under it.
//
// A stanza has its number on flash before its first byte is sent, and leaves the queue when the peer's mark covers it. A node confirmation says
// that the far SIS server has it: it moves safe, behind which nothing is sent again unless the peer says so.
type longwire struct {
	p     *port
	key   string // of its records
	lanes *lanes
	fast  bool // this is the express lane
	book  *custody.Book
	user  *custody.User // what we are to the desk
	box   *inbox
	kick  chan struct{} // wakes send

	turn *sync.Mutex // the desk's
	out  outward
	into inward
	used time.Time // when something was last coded, or read
	rcop rcopIn    // receive's own: for a peer that is set up for the other mapping

	mu       sync.Mutex // guards what follows
	notes    []note
	state    bindState
	owed     int       // stanzas taken since the peer was last told
	owedAt   time.Time // the last of them
	owedFrom time.Time // the first
	question bool      // the peer asks for our mark
	broken   bool      // a stanza of the peer could not be stored
	snap     Status    // what report tells
}

// A note is the fate of a request.
type note struct {
	ticket sis.Ticket
	fate   fate
}

func newLongwire(p *port, key string) *longwire {
	return &longwire{p: p, key: key, turn: &p.desk.Turn, box: newInbox(), kick: make(chan struct{}, 1), state: bindState{emcon: p.link.EMCON}, rcop: newRCOPIn(p)}
}

func (w *longwire) heard(u sis.UnidataIndication) {
	if !w.box.put(u) {
		w.p.drops.overflow.Add(1)
	}
}

func (w *longwire) fate(t sis.Ticket, f fate) {
	w.mu.Lock()
	w.notes = append(w.notes, note{t, f}) // at most as many as were submitted
	w.mu.Unlock()
	w.wake()
}

func (w *longwire) changed(s bindState) {
	w.mu.Lock()
	w.state = s
	w.mu.Unlock()
	w.wake()
}

func (w *longwire) report(s *Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.snap
	s.Outstanding, s.OnFarNode, s.Unconfirmed, s.Rate = n.Outstanding, n.OnFarNode, n.Unconfirmed, n.Rate
	s.FramesOut, s.FramesIn, s.Foreign, s.Heard, s.RTT = n.FramesOut, n.FramesIn, n.Foreign, n.Heard, n.RTT
	if w.owed > 0 {
		s.MarkOwed = w.owedFrom
	}
	if s.State == links.Up && time.Now().Before(n.Until) {
		s.State, s.Until, s.Fault = links.BackingOff, n.Until, n.Fault
	} else if s.State == links.Up {
		s.Fault = n.Fault
	}
}

// publish makes the state visible. The caller holds turn.
func (w *longwire) publish() {
	o := &w.out
	n := Status{Outstanding: len(o.flights), Unconfirmed: len(o.items), Rate: int(o.rate), FramesOut: o.frames, FramesIn: w.into.frames}
	n.Foreign, n.Heard, n.Until, n.Fault, n.RTT = w.into.foreign, w.into.heard, o.until, o.fault, o.rtt
	if w.into.version {
		n.Fault = "the peer speaks another version of the mapping longwire"
	}
	for _, it := range o.items {
		if it.far {
			n.OnFarNode++
		}
	}
	w.mu.Lock()
	w.snap = n
	w.mu.Unlock()
}

// wake makes both loops look.
func (w *longwire) wake() {
	for _, c := range []chan struct{}{w.kick, w.box.wake} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Keys of records beside the book's, by its key.
func lifeKey(peer string) string  { return peer + "/s5066/life" } // InID: the name under which stanzas were last taken
func wasKey(peer string) string   { return custody.Was(peer) }    // InID and Mark: the numbering before the present one
func chainKey(peer string) string { return custody.Claims(peer) } // OutID, Sent: outward.since; InID: outward.chain

// run carries stanzas until ctx is done.
func (w *longwire) run(ctx context.Context) error {
	var loops sync.WaitGroup
	var failed error
	loops.Go(func() { w.receive(ctx) })
	failed = w.send(ctx)
	loops.Wait()
	w.book.Drain()
	w.p.way.Report(links.Report{Fault: "closed here"})
	return failed
}

// open reads what is on flash.
func (w *longwire) open() (err error) {
	w.turn.Lock()
	defer w.turn.Unlock()
	peer, db := w.p.c.Peer, w.p.db
	if w.book, err = w.p.desk.Book(w.key); err != nil {
		return err
	}
	c := w.book.State()
	if err := w.begin(); err != nil {
		return err
	}
	w.out.stretch = w.p.desk.Stretch(w, w.fast)
	if err := db.View(w.rcop.open); err != nil {
		return fmt.Errorf("s5066: reading the record of %s: %w", peer, err)
	}
	w.into.taken, w.into.epoch = w.book.Taken(), w.book.Epoch()
	if err := w.reload(); err != nil {
		return err
	}
	if err := w.readLife(c.InID); err != nil {
		return err
	}
	w.into.in = w.into.life
	return nil
}

// readLife reads under which name the peer's stanzas were last taken.
func (w *longwire) readLife(id string) error {
	var life store.Custody
	err := w.p.db.View(func(tx *store.Tx) (err error) {
		if life, err = tx.Custody(lifeKey(w.key)); err != nil {
			return err
		}
		w.into.was, err = tx.Custody(wasKey(w.key))
		return err
	})
	if err != nil {
		return fmt.Errorf("s5066: reading the record of %s: %w", w.p.c.Peer, err)
	}
	w.into.life = ""
	if id != "" {
		if w.into.life = id; numbering(life.InID) == id {
			w.into.life = life.InID
		}
	}
	return nil
}

// reload makes items what is numbered on flash and not confirmed, without a gap: a filler takes the place of what was cancelled.
// What was sent keeps its bytes.
func (w *longwire) reload() error {
	c := w.book.State()
	if c.Sent == c.Acked {
		w.out.items, w.out.bytes = nil, 0
		return nil
	}
	entries, err := w.p.queue.Unconfirmed(c.OutID)
	if err != nil {
		return fmt.Errorf("s5066: reading what %s has not confirmed: %w", w.p.c.Peer, err)
	}
	there := map[uint32]store.Entry{}
	for _, e := range entries {
		there[e.Seq] = e
	}
	old := map[uint32]item{}
	for _, it := range w.out.items {
		old[it.seq] = it
	}
	w.out.items, w.out.bytes = nil, 0
	for n := c.Acked + 1; n != c.Sent+1; n++ {
		it, had := old[n]
		e, ok := there[n]
		switch {
		case ok && had:
		case ok:
			it = item{seq: n, entry: e}
		default:
			it = item{seq: n, far: it.far, filler: true, text: links.Filler(first(w.p.c.LocalDomains), first(w.p.c.Domains))}
		}
		w.out.items = append(w.out.items, it)
		w.out.bytes += it.size()
	}
	return nil
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// releaseEvery is how often it is looked whether numbered stanzas are over their time.
const releaseEvery = time.Minute

// receive takes what the peer sends, until ctx is done.
func (w *longwire) receive(ctx context.Context) {
	tick := time.NewTicker(releaseEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.box.wake:
		case <-tick.C:
			w.step(func() {
				if err := w.release(time.Now()); err != nil {
					w.p.log.Error("expired stanzas not released", "err", err)
				}
				w.relax(time.Now())
			})
			continue
		case <-ctx.Done():
			w.rest(ctx)
			return
		}
		w.step(func() {})
		w.p.tell()
		for u, ok := w.box.take(); ok; u, ok = w.box.take() {
			if w.isRCOP(u.UPDU) {
				w.takeRCOP(ctx, u)
			} else {
				w.step(func() { w.take(ctx, u.UPDU) })
			}
			if ctx.Err() != nil {
				break
			}
		}
	}
}

// step does something under turn, with all fates digested.
func (w *longwire) step(do func()) {
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

// send hands frames over when they are due, until ctx is done.
func (w *longwire) send(ctx context.Context) error {
	wake, stop := w.p.queue.Watch()
	defer stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	changed := w.p.way.Changed()
	for {
		w.p.tell()
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
			w.gather()
		case <-changed:
			changed = w.p.way.Changed() // before it is looked what that is
			w.gather()
		case <-w.kick:
		case <-timer.C:
		}
		var at time.Time
		for {
			w.turn.Lock()
			w.digest(time.Now())
			var a action
			a, at = w.plan(time.Now())
			w.publish()
			w.turn.Unlock()
			if a == idle {
				break
			}
			if err := w.p.submit(ctx, w.lanes.compose); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				w.lanes.notSent(err)
			}
		}
		timer.Reset(time.Until(at))
	}
}

// notSent undoes what was composed.
func (w *longwire) notSent(err error) {
	w.turn.Lock()
	defer w.turn.Unlock()
	o := &w.out
	f := o.leaving
	if f == nil {
		return
	}
	o.leaving = nil
	o.back(f.first, f.kind)
	if f.kind == sendMark || f.kind == sendAnswer {
		w.owe(1)
	}
	switch {
	case errors.Is(err, errNotSent):
	case errors.Is(err, sis.ErrTooLong):
		w.failed(*f, sis.RejectTooLong, time.Now())
	default:
		w.p.log.Error("request is wrong", "err", err)
		w.failed(*f, sis.RejectNoMode, time.Now())
	}
}

// stanzaLimit is what a stanza may measure.
const stanzaLimit = frame.MaxStanza
