package s5066

import (
	"slices"
	"time"

	"longwire/links"
	"longwire/links/meter"
	"longwire/links/s5066/frame"
	"longwire/links/sis"
	"longwire/store"
)

const (
	window       = 2                // frames without an answer: the server always has the next, and an urgent stanza waits for no more
	windowBytes  = 1000             // and more frames if they are short, as where much time goes into turns
	maxUnmarked  = frame.MaxStanzas // stanzas, so that the low byte of a number names it
	unmarkedSize = 256 << 10        // and bytes of them, but one may be larger
	frameAir     = 25 * time.Second // what a frame should take at the measured rate
	leastFrame   = 256              // bytes, and more only if the rate says so
	unknownFrame = 400              // bytes while no rate is known: 43 s at 75 bit/s

	backoffMin = 30 * time.Second
	backoffMax = 600 * time.Second
)

// outward is the state of our stream.
type outward struct {
	enc    frame.Encoder
	id     string   // name of this life: numbering and life
	since  uint32   // last number given before this life, or before the first of chain
	chain  []string // names of the lives since then that nobody has answered to
	claims bool     // this one is among them, on flash
	proof  bool     // the peer has answered to this one
	of     string   // numbering that it is of
	known  bool     // the peer knows that name,
	marked bool     // and has told its mark under it: stanzas need not introduce themselves
	newRun bool     // what is sent next must be readable without history

	items []item // numbered and not confirmed, without a gap
	bytes int    // of them
	next  uint32 // number that is sent next
	safe  uint32 // up to here the peer's node has everything

	flights []flight
	leaving *flight // composed, and not handed over yet
	backed  bool    // the encoder has to go back to next
	run     uint32  // first number of the run
	pieces  int     // bytes of the pieces so far of a stanza that is split

	untold  int    // our name has to go with so many frames more, as what we read is not what the peer knows
	told    uint32 // mark that the peer is known to have been told
	anyTold bool
	quiet   time.Time // nothing new is begun before: stanzas that come together go together
	barren  time.Time // until then the queue has nothing for us, unless it tells otherwise
	askAt   time.Time // when to ask for a mark; zero: no need
	asks    int
	asked   uint32 // the peer was asked when its node had everything up to here,
	isAsked bool   // and has not answered
	again   *frame.Header
	lastBad time.Time // when we last said Again

	stretch int // of the desk, in which we were the last to send

	stuck time.Time // the store fails: nothing is tried before
	patience

	rate      float64 // bit/s, measured; 0: not known
	rtt       time.Duration
	busySince time.Time // since when there are flights
	busyBytes int       // confirmed since then
	frames    uint64

	resend   time.Time     // non-ARQ: when all is sent again that is not confirmed
	blind    time.Time     // when the next frame may go,
	blindTry time.Duration // and how long to wait before all is sent again
}

// item is a stanza of ours under way.
type item struct {
	seq    uint32
	entry  store.Entry
	text   []byte // as it was sent, and will be sent again
	sent   bool
	far    bool // the peer's node has it
	filler bool // stands for one that was cancelled
}

func (it item) size() int {
	if it.text != nil {
		return len(it.text)
	}
	return len(it.entry.Stanza)
}

// flight is a frame that the SIS server has not answered.
type flight struct {
	ticket      sis.Ticket
	kind        action
	first, last uint32 // stanzas; last is before first for a piece that is not the last
	size        int
	at          time.Time
	priority    uint8
	begins      bool // a run begins with it
	void        bool // its stanzas will be sent again, whatever becomes of it
	mark        uint32
	hasMark     bool
	names       bool
	head        int // bytes of it that say nothing of stanzas
}

// back makes n the next number to send, if it is before that.
func (o *outward) back(n uint32, kind action) {
	if kind != sendData {
		return
	}
	o.backed = true
	if after(o.next, n) {
		o.next = n
	}
	for i := range o.items {
		if !after(o.next, o.items[i].seq) {
			o.items[i].far = false
		}
	}
}

// digest acts on the fates that came. The caller holds turn.
func (w *longwire) digest(now time.Time) {
	w.mu.Lock()
	notes := w.notes
	w.notes = nil
	w.mu.Unlock()
	o := &w.out
	w.catchUp()
	for _, n := range notes {
		for i, f := range o.flights {
			if f.ticket != n.ticket {
				continue
			}
			o.flights = append(o.flights[:i:i], o.flights[i+1:]...)
			switch n.fate.kind {
			case confirmed:
				at := now
				if !n.fate.at.IsZero() {
					at = n.fate.at // it was withheld
				}
				w.arrived(f, at, now)
			case rejected:
				w.failed(f, n.fate.reason, now)
			case unanswered:
				w.failed(f, sis.RejectNoResponse, now)
			case lost:
				if !f.void {
					w.goBack(o.safe + 1)
				}
			}
			break
		}
	}
	if len(notes) > 0 && len(o.flights) == 0 {
		o.busySince = time.Time{}
	}
}

// arrived: the peer's node has the frame, since at.
func (w *longwire) arrived(f flight, at, now time.Time) {
	o := &w.out
	w.p.way.Confirmed(now)
	o.relent()
	w.measure(f, at)
	if f.names {
		o.untold = 0
	}
	if f.kind != sendData || f.void {
		return
	}
	if f.hasMark {
		o.told, o.anyTold = f.mark, true
	}
	for i := range o.items {
		it := &o.items[i]
		if after(f.first, it.seq) || after(it.seq, f.last) {
			continue
		}
		if !it.far {
			it.far = true
			if it.entry.ID != 0 {
				w.event(links.Event{Kind: links.EventOnFarNode}.Of(it.entry))
			}
		}
	}
	for _, it := range o.items {
		if it.seq == o.safe+1 && it.far {
			o.safe = it.seq
		}
	}
	if after(o.safe, w.book.State().Acked) {
		o.asks = 0
		o.askAt = now.Add(w.askDelay())
	}
}

// askDelay is how long a mark may stay out. The peer tells by itself after AckDelay, and may have to wait for its turn.
func (w *longwire) askDelay() time.Duration {
	d := w.p.radio(w.ackDelay() + time.Minute)
	return (d + 4*w.out.rtt) << min(w.out.asks, 5)
}

// measure learns the rate, from how much was confirmed since there is something to send.
func (w *longwire) measure(f flight, now time.Time) {
	o := &w.out
	took := now.Sub(f.at)
	if o.rtt == 0 {
		o.rtt = took
	} else {
		o.rtt += (took - o.rtt) / 4
	}
	o.busyBytes += f.size
	busy := w.p.onAir(now.Sub(o.busySince)).Seconds()
	if o.busySince.IsZero() || o.busyBytes < leastFrame/2 || busy <= 0 {
		return
	}
	r := float64(o.busyBytes*8) / busy
	if o.rate == 0 {
		o.rate = r
	} else {
		o.rate += (r - o.rate) / 4
	}
}

// failed: the frame was not delivered, or is not known to be. Each reason has a back-off of its own.
func (w *longwire) failed(f flight, why sis.RejectReason, now time.Time) {
	o := &w.out
	if f.void {
		return
	}
	for i := range o.flights {
		o.flights[i].void = true
	}
	w.goBack(o.safe + 1)
	w.p.log.Info("U_PDU not delivered", "reason", why, "size", f.size, "first", f.first)
	w.event(links.Event{Kind: links.EventRejected, Reason: why.String(), Wire: f.size})
	o.until = now.Add(w.p.radio(o.rejected(why, f.size)))
}

// goBack has everything from n on sent again. What was cancelled meanwhile is not.
func (w *longwire) goBack(n uint32) {
	w.out.back(n, sendData)
	if err := w.reload(); err != nil {
		w.p.log.Error("cannot go back", "err", err)
	}
}

// confirm takes the peer's mark.
func (w *longwire) confirm(mark uint32) {
	c := w.book.State()
	id := c.OutID
	if after(mark, c.Acked) {
		w.p.way.Confirmed(time.Now())
		defer w.p.desk.Confirmed(w)
	}
	err := w.book.Confirm(id, mark, false, func(gone []store.Entry, err error) {
		if err != nil {
			w.p.log.Error("mark of the peer not stored", "err", err)
			return
		}
		for _, e := range gone {
			w.event(links.Event{Kind: links.EventConfirmed}.Of(e))
		}
	})
	if err != nil {
		w.p.drops.check.Add(1)
		return
	}
	w.landed(mark)
}

// landed drops what the peer has confirmed, up to mark.
func (w *longwire) landed(mark uint32) {
	o := &w.out
	for len(o.items) > 0 && !after(o.items[0].seq, mark) {
		o.bytes -= o.items[0].size()
		o.items = o.items[1:]
	}
	if after(mark, o.safe) {
		o.safe = mark
	}
	if !after(o.next, mark) {
		o.next = mark + 1
	}
	w.lanes.other(w).released()
	if len(o.items) == 0 {
		o.items, o.askAt, o.asks, o.isAsked = nil, time.Time{}, 0, false
		o.resend, o.blindTry = time.Time{}, 0
	}
}

// release makes numbered entries unsent whose time is over before they could be sent, so that their senders are told. What the peer's node has is
// as good as delivered, and waits for its mark.
func (w *longwire) release(now time.Time) error {
	if !w.holds() {
		return nil // another link looks after them
	}
	o := &w.out
	var over []uint64
	for _, it := range o.items {
		if it.entry.ID == 0 || it.far || it.entry.Expires.IsZero() || it.entry.Expires.After(now) || w.aloft(it.seq) {
			continue
		}
		over = append(over, it.entry.ID)
	}
	if len(over) == 0 {
		return nil
	}
	const released = "released" // longer than any name of ours
	for _, id := range over {   // one by one: another may be gone meanwhile
		err := w.p.db.Update(func(tx *store.Tx) error {
			if err := w.p.queue.Number(tx, released, 1, []uint64{id}); err != nil {
				return err
			}
			return w.p.queue.Requeue(tx, released)
		})
		if err != nil && err != store.ErrNotFound {
			return err
		}
	}
	w.out.backed, w.out.newRun = true, true
	return w.reload()
}

// aloft tells whether the server has the stanza, or is about to.
func (w *longwire) aloft(n uint32) bool {
	in := func(f flight) bool {
		return f.kind == sendData && !after(f.first, n) && (!after(n, f.last) || n == f.first)
	}
	return w.out.leaving != nil && in(*w.out.leaving) || slices.ContainsFunc(w.out.flights, in)
}

// account counts a frame that was handed over.
func (w *longwire) account(f flight, carried []item, raw int) {
	w.out.frames++
	w.p.meter.Add(func(c *meter.Counts) {
		c.Out.Raw += uint64(raw)
		c.Out.Wire += uint64(f.size)
		c.Out.Flushes++
		c.Out.Stanzas += uint64(len(carried))
		for _, it := range carried {
			if it.sent {
				c.Out.Repeated++
			}
		}
	})
	wire := f.size + w.out.pieces
	line := w.p.line(w.out.rate, len(w.out.flights) > 0)
	air := line.Air(wire)
	if w.p.c.Delivery == DeliveryNoARQ {
		air *= time.Duration(1 + w.p.c.Repeats)
	}
	for _, it := range carried {
		if it.entry.ID == 0 {
			continue
		}
		e := links.Event{Kind: links.EventSent, Again: it.sent, Batch: len(carried), Folded: len(it.text)}.Of(it.entry)
		e.Seq, e.Air = it.seq, shareOf(air, len(it.text), raw)
		e.Wire = share(wire, len(it.text), raw)
		e.Compressed = share(wire-f.head, len(it.text), raw)
		w.event(e)
	}
}
