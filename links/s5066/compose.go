package s5066

import (
	"errors"
	"slices"
	"time"

	"longwire/links"
	"longwire/links/codecs"
	"longwire/links/s5066/frame"
	"longwire/links/sis"
	"longwire/store"
)

var (
	arq = sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: sis.NodeConfirmation}
	// A mark that nobody waits for is one transmission without a link: when it is lost, the peer asks.
	once = sis.ServiceType{TransmissionMode: sis.NonARQ}
)

// arq is how frames go that are to be confirmed. Those of the express lane may come as they arrive: it puts them in order itself, and none waits for others'.
func (w *longwire) arq() sis.ServiceType {
	m := arq
	m.AsTheyArrive = w.fast
	return m
}

// compose makes the next U_PDU, or nil. It is called when the server takes it.
func (w *longwire) compose(mtu int) *upload {
	w.turn.Lock()
	defer w.turn.Unlock()
	defer w.publish()
	now := time.Now()
	w.digest(now)
	a, _ := w.plan(now)
	if a == idle {
		return nil
	}
	if err := w.book.Name(); err != nil {
		return w.stuck(err)
	}
	if w.out.of == "" {
		w.out.of = w.book.State().OutID
	}
	if a == sendData {
		u, err := w.composeData(mtu, now)
		if err != nil {
			return w.stuck(err)
		}
		if u == nil { // what was there is gone
			w.out.quiet = now.Add(time.Second)
		}
		return u
	}
	h := w.header()
	f := flight{kind: a, first: w.out.next, at: now}
	mode := w.arq()
	switch a {
	case sendAgain:
		h = *w.out.again
		h.Out = w.name()
		h.Reads = w.lanes.dialect.reading(codecs.Codec{}, false)
		w.out.again, w.out.lastBad = nil, now
	case sendAsk:
		h.Ask = true
		w.out.asked, w.out.isAsked = w.out.safe, true
		w.out.asks++
		w.out.askAt = now.Add(w.askDelay())
	case sendMark:
		mode = once
	}
	if a == sendAnswer || a == sendMark {
		w.tellMark(&h, true)
	} else if a != sendAgain {
		w.tellMark(&h, false)
	}
	b, err := frame.Append(nil, h)
	if err != nil {
		return w.stuck(err)
	}
	f.size, f.mark, f.hasMark, f.names = len(b), h.Mark, h.HasMark, h.Names
	f.priority = w.p.link.ofKind(store.KindChat)
	return w.upload(f, b, mode, w.p.link.TTL, nil, 0)
}

// stuck waits a little after a fault of the store.
func (w *longwire) stuck(err error) *upload {
	w.p.log.Error("nothing can be sent", "err", err)
	w.out.stuck = time.Now().Add(10 * time.Second)
	w.out.until = w.out.stuck
	return nil
}

// unheard tells whether the peer has spoken on another link only: what we know it by is of none of the lives that it has here.
func (w *longwire) unheard() bool {
	return w.into.elsewhere
}

// header is what every frame of ours says.
func (w *longwire) header() frame.Header {
	return frame.Header{Names: !w.out.known || w.unheard() || w.out.untold > 0, Out: w.name(), In: w.into.in, Express: w.fast, Reads: w.lanes.dialect.reading(codecs.Codec{}, false)}
}

// tellMark puts our mark into a frame, if the peer is not known to have it or must has it.
func (w *longwire) tellMark(h *frame.Header, must bool) {
	c := w.book.State()
	if w.vouches() && (must || !w.out.anyTold || w.out.told != c.Mark) {
		h.HasMark, h.Mark = true, c.Mark
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.book.Busy() {
		w.question = false
		w.owed = 0
	}
}

// limit is how large a frame may be.
func (w *longwire) limit(mtu int) int {
	n := unknownFrame
	if r := w.out.rate; r > 0 {
		n = max(leastFrame, int(r*frameAir.Seconds()/8))
	}
	if w.out.cut > 0 {
		n = min(n, w.out.cut)
	}
	return min(n, mtu)
}

// composeData makes a frame of as many stanzas as are worth it.
func (w *longwire) composeData(mtu int, now time.Time) (*upload, error) {
	o := &w.out
	if err := w.claim(); err != nil {
		return nil, err
	}
	if n := len(o.items); n > 0 && !after(o.next, o.items[n-1].seq) {
		// What was cancelled meanwhile is not sent again.
		if err := w.reload(); err != nil {
			return nil, err
		}
	}
	for range 8 {
		repeats, fresh, err := w.candidates(now)
		if err != nil || len(repeats)+len(fresh) == 0 {
			return nil, err
		}
		batch := append(repeats, fresh...)
		texts := make([][]byte, len(batch))
		for i, it := range batch {
			texts[i] = it.text
		}
		h := w.dataHeader()
		b, taken, err := o.enc.Encode(nil, h, texts, w.limit(mtu))
		if errors.Is(err, frame.ErrRoom) {
			b, taken, err = o.enc.Encode(nil, h, texts, mtu)
		}
		if err != nil {
			o.backed, o.newRun = true, true
			return nil, err
		}
		if err := w.number(fresh, max(taken, 1)-len(repeats)); errors.Is(err, store.ErrNotFound) {
			o.backed = true
			continue // one was cancelled, or has expired, meanwhile
		} else if err != nil {
			o.backed = true
			return nil, err
		}
		return w.depart(h, b, batch, taken, mtu, now), nil
	}
	return nil, nil
}

// candidates are the stanzas to send next: first those that have numbers, then new ones, which get theirs when it is known how many fit.
func (w *longwire) candidates(now time.Time) (repeats, fresh []item, err error) {
	o := &w.out
	const most = 32 << 10 // what no frame can hold need not be looked at
	size := 0
	for i := range o.items {
		it := &o.items[i]
		if after(o.next, it.seq) || size > most {
			continue
		}
		if it.text == nil { // its number is of an earlier run of the node
			it.entry = w.p.sieve.Dress(w.p.c.Peer, w.p.link.Name, it.entry)
		}
		w.dress(it, now)
		size += len(it.text)
		repeats = append(repeats, *it)
	}
	room := w.most() - len(o.items)
	if size > most || room <= 0 || o.bytes >= unmarkedSize {
		return repeats, nil, nil
	}
	entries, err := w.next(room, most-size, now)
	if err != nil {
		return nil, nil, err
	}
	entries = slices.DeleteFunc(entries, func(e store.Entry) bool {
		return !e.Expires.IsZero() && !e.Expires.After(now) // its sender is about to be told
	})
	if entries, err = w.p.sieve.Sift(w.p.c.Peer, w.p.link.Name, now, entries); err != nil {
		return nil, nil, err
	}
	n := o.next + uint32(len(repeats))
	for _, e := range entries {
		it := item{seq: n, entry: e}
		w.dress(&it, now)
		fresh = append(fresh, it)
		n++
	}
	return repeats, fresh, nil
}

// dress gives an item its bytes, once: what the peer may have is sent again as it was.
func (w *longwire) dress(it *item, now time.Time) {
	if it.text != nil {
		return
	}
	it.text = links.Stamped(it.entry, now)
	if len(it.text) > stanzaLimit {
		// Nothing so large gets into a queue. If it does, it must not keep what is behind it.
		w.p.log.Error("stanza is too large for the link", "entry", it.entry.ID, "size", len(it.text))
		it.text = links.Filler(first(w.p.c.LocalDomains), first(w.p.c.Domains))
	}
}

// dataHeader readies the encoder for what is next. The name of our stream goes with the first stanza that is not confirmed, and says by that how far
// the peer is: what is before it needs no sending.
func (w *longwire) dataHeader() frame.Header {
	o := &w.out
	h := w.header()
	alone := o.next == w.book.State().Acked+1
	how := w.lanes.dialect.best()
	w.used = time.Now()
	if alone && (o.untold > 0 || o.enc.Uses() != how.Codec) && (o.pieces == 0 || o.backed) {
		o.marked = false
	}
	h.Names = !o.marked && alone
	c := w.book.State() // the peer has taken up to anywhere between the two
	h.Far = after(o.next, c.Acked+frame.MaxNear) || after(c.Sent, o.next+frame.MaxNear)
	if x := w.lanes.express.book.State(); !w.fast && x.Sent != x.Acked {
		h.Behind, h.After = true, byte(x.Sent)
	}
	// What introduces us, or nobody confirms, is read without history. The next piece of a stanza belongs to the run of those before it.
	if (h.Names || w.p.c.Delivery == DeliveryNoARQ) && (o.pieces == 0 || o.backed) {
		o.newRun = true
	}
	if o.newRun || o.enc.Next() != o.next || o.backed {
		if o.newRun || !o.enc.Back(o.next) {
			o.enc.Method = how
			o.enc.Start(o.next)
			o.run = o.next
		}
		o.newRun, o.backed, o.pieces = false, false, 0
	}
	// Beyond half of what may be unmarked the peer is asked, or it would stop us.
	if len(o.items) >= maxUnmarked/2 || o.bytes >= unmarkedSize/2 {
		h.Ask = w.p.c.Delivery != DeliveryNoARQ
	}
	if h.Names || !w.unheard() { // a mark without a name is of the name by which the peer knows that we know it
		w.tellMark(&h, false)
	}
	h.Reads = w.lanes.dialect.reading(o.enc.Uses(), true)
	if w.p.c.Delivery == DeliveryNoARQ && o.next == w.book.State().Sent+1 {
		h.Near = w.lanes.near // not of what is sent again: the peer may have missed what it would be near to
	}
	return h
}

// number gives the first n of fresh their numbers, on flash.
func (w *longwire) number(fresh []item, n int) error {
	if n <= 0 {
		return nil
	}
	entries := make([]store.Entry, n)
	for i := range entries {
		entries[i] = fresh[i].entry
	}
	if err := w.book.Number(entries); err != nil {
		return err
	}
	for i := range entries {
		fresh[i].entry = entries[i]
		w.out.items = append(w.out.items, fresh[i])
		w.out.bytes += fresh[i].size()
	}
	return nil
}

// depart makes the frame one that is about to be handed over.
func (w *longwire) depart(h frame.Header, b []byte, batch []item, taken, mtu int, now time.Time) *upload {
	o := &w.out
	f := flight{kind: sendData, first: o.next, last: o.next + uint32(taken) - 1, size: len(b), mark: h.Mark, hasMark: h.HasMark, names: h.Names, at: now, head: headOf(b),
		begins: o.next == o.run}
	carried := batch[:taken]
	raw, latest, ever := 0, time.Time{}, taken == 0
	for _, it := range batch[:max(taken, 1)] {
		f.priority = max(f.priority, w.p.link.priority(it.entry))
		if e := it.entry.Expires; e.IsZero() {
			ever = true
		} else if e.After(latest) {
			latest = e
		}
	}
	for _, it := range carried {
		raw += len(it.text)
	}
	ttl := w.p.link.TTL
	if !ever {
		ttl = min(ttl, latest.Sub(now))
	}
	// S5066 A, priority: the more urgent goes first, even if it was given later. Behind a gap it would be of no use.
	for _, fl := range o.flights {
		if fl.kind == sendData && !fl.void {
			f.priority = min(f.priority, fl.priority)
		}
	}
	mode := w.arq()
	if w.p.c.Delivery == DeliveryNoARQ {
		mode = sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: w.p.c.Repeats}
	}
	o.next += uint32(taken)
	return w.upload(f, b, mode, ttl, carried, raw)
}

// headOf is how much of a frame is header.
func headOf(b []byte) int {
	f, err := frame.Parse(b)
	if err != nil {
		return 0
	}
	return len(b) - len(f.Body())
}

// upload makes the request of a frame, and notes that it is about to go.
func (w *longwire) upload(f flight, b []byte, mode sis.ServiceType, ttl time.Duration, carried []item, raw int) *upload {
	o := &w.out
	o.leaving = &f
	return &upload{updu: b, mode: mode, priority: f.priority, ttl: ttl, sent: func(t sis.Ticket, at time.Time) {
		w.turn.Lock()
		defer w.turn.Unlock()
		defer w.publish()
		o.leaving = nil
		f.ticket, f.at = t, at
		if w.fast {
			w.lanes.ordinary.ride()
		}
		if len(carried) == 0 && f.kind == sendData {
			w.account(f, nil, 0)
			o.pieces += f.size
		} else {
			w.account(f, carried, raw)
			o.pieces = 0
		}
		for i := range o.items {
			it := &o.items[i]
			if f.kind == sendData && !after(f.first, it.seq) && !after(it.seq, f.last) {
				if !it.sent {
					latest(&w.lanes.near[0], it.text)
				}
				it.sent = true
			}
		}
		switch {
		case mode.TransmissionMode == sis.ARQ:
			if len(o.flights) == 0 {
				o.busySince, o.busyBytes = at, 0
			}
			o.flights = append(o.flights, f)
			w.lanes.owns(w, t)
			return
		case f.kind == sendData:
			w.blindly(f, at)
		case f.hasMark:
			o.told, o.anyTold = f.mark, true
		}
		if f.names && o.untold > 0 {
			o.untold--
		}
	}}
}

// blindly paces what nobody confirms, and has all of it sent again after long.
func (w *longwire) blindly(f flight, at time.Time) {
	o := &w.out
	air := time.Duration(f.size*8*(1+int(w.p.c.Repeats))) * time.Second / blindRate
	o.blind = at.Add(w.p.radio(air))
	if f.hasMark {
		o.told, o.anyTold = f.mark, true
	}
	if n := len(o.items); n > 0 && after(o.next, o.items[n-1].seq) {
		o.blindTry = max(o.blindTry, resendBlind)
		o.resend = at.Add(w.p.radio(o.blindTry))
	}
}
