package s5066

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/meter"
	"longwire/links/s5066/frame"
	"longwire/store"
)

// mostHeld bounds the frames that wait for one before them.
const mostHeld = 4

// inward is the state of the peer's stream.
type inward struct {
	dec       frame.Decoder
	in        string        // name that the peer goes by
	life      string        // name under which stanzas of it were last taken; on flash
	was       store.Custody // its numbering before the present one
	taken     uint32        // last number handed to Inbound
	epoch     int           // of the book
	elsewhere bool          // in is what it goes by on other links, and it has said nothing here since
	held      [][]byte      // came too early
	gapAt     time.Time     // the first of them

	behind   [][]byte // U_PDUs that wait for something on the express lane
	behindAt time.Time

	heard  time.Time
	frames uint64
	wire   int // bytes of frames since the last stanza

	foreign uint64 // U_PDUs taken that were RCOP
	version bool   // the last was a frame in another version of the format
}

// take acts on a U_PDU of the peer. The caller holds turn.
func (w *longwire) take(ctx context.Context, updu []byte) {
	in := &w.into
	in.frames++
	in.wire += len(updu)
	w.p.meter.Add(func(c *meter.Counts) { c.In.Wire += uint64(len(updu)) })
	w.takeDue(ctx, updu)
}

// takeDue acts on one that was counted, unless it has to wait for the express lane.
func (w *longwire) takeDue(ctx context.Context, updu []byte) {
	in := &w.into
	if err := w.mend(); err != nil {
		w.p.log.Error("nothing can be taken", "err", err)
		return
	}
	if err := w.refresh(); err != nil {
		w.p.log.Error("nothing can be taken", "err", err)
		return
	}
	if !w.due(updu) {
		return
	}
	before := in.taken
	if !w.read(ctx, updu) || in.taken == before {
		return
	}
	if w.fast {
		defer w.lanes.ordinary.follow(ctx)
	}
	// What came too early may be due now.
	for progress := true; progress && len(in.held) > 0; {
		progress = false
		held := in.held
		in.held = nil
		again := w.out.again
		for _, b := range held {
			before := in.taken
			w.read(ctx, b)
			progress = progress || in.taken != before
		}
		w.out.again = again // the peer has gone back since it sent them, or it asks
	}
}

// mend makes the flash the truth again after a stanza could not be stored.
func (w *longwire) mend() error {
	w.mu.Lock()
	broken := w.broken
	w.broken = false
	w.mu.Unlock()
	if !broken {
		return nil
	}
	return w.settle()
}

// settle waits for what is being stored, and believes the flash.
func (w *longwire) settle() error {
	if err := w.book.Settle(); err != nil {
		return err
	}
	c := w.book.State()
	w.into.taken, w.into.epoch = c.Mark, w.book.Epoch()
	return w.readLife(c.InID)
}

// read decodes a frame and does what it says. False means that it had no effect.
func (w *longwire) read(ctx context.Context, updu []byte) bool {
	f, err := frame.Parse(updu)
	if errors.Is(err, frame.ErrVersion) {
		w.foreignVersion(updu)
		return false
	}
	if err != nil {
		level := slog.LevelDebug
		if w.p.drops.format.Add(1) == 1 { // of a peer with another connection or application than ours this is the loss of a stanza
			level = slog.LevelWarn
		}
		w.p.log.Log(ctx, level, "U_PDU is no frame; does the peer, too, have the mapping longwire?", "err", err, "size", len(updu))
		return false
	}
	h := f.Peek()
	if h.Names {
		if h.Data != frame.None && !w.current(h.Out) {
			w.past(&f)
			return false
		}
	} else if h.Data != frame.None {
		if numbering(w.into.in) != w.book.State().InID || w.into.life == "" {
			w.p.drops.check.Add(1)
			w.complain()
			return false
		}
		if n := f.Seq(w.into.taken); after(n, w.into.taken+1) {
			w.hold(updu)
			return false
		}
	}
	w.used = time.Now()
	k := frame.Known{Out: w.into.in, In: w.name(), Taken: w.into.taken, Sent: w.book.State().Sent, Near: [2]uint64{w.lanes.near[1], w.lanes.near[0]}}
	h, texts, err := w.into.dec.Decode(&f, k)
	switch {
	case errors.Is(err, frame.ErrCodec):
		w.p.drops.codec.Add(1)
		w.p.log.Warn("peer codes stanzas in a way that is not known here; it is told what is", "by", codecName(h.Uses))
		w.complain()
		return false
	case errors.Is(err, frame.ErrTooLong), errors.Is(err, frame.ErrFormat):
		w.p.drops.format.Add(1)
		return false
	case err != nil:
		w.p.drops.check.Add(1)
		w.p.log.Debug("frame cannot be read", "err", err)
		if h.Names && h.Run && errors.Is(err, frame.ErrCheck) {
			w.lanes.unread(h.Uses)
		}
		w.complain()
		return false
	}
	if err := w.understood(ctx, h, texts); err != nil {
		w.p.log.Error("frame not taken", "err", err)
		return false
	}
	return true
}

// hold keeps a frame before which something is missing: it may be on its way.
func (w *longwire) hold(updu []byte) {
	in := &w.into
	for _, b := range in.held {
		if bytes.Equal(b, updu) {
			return
		}
	}
	if len(in.held) >= mostHeld {
		w.p.drops.gap.Add(1)
		return
	}
	if len(in.held) == 0 {
		in.gapAt = time.Now()
	}
	in.held = append(in.held, updu)
}

// complain makes the sender tell the peer that it has to begin anew.
func (w *longwire) complain() {
	h := frame.Header{Names: true, Express: w.fast, In: w.into.in, Again: true}
	if w.vouches() {
		h.HasMark, h.Mark = true, w.book.State().Mark
	} else if c := w.book.State(); c.InID != "" && numbering(w.into.life) == c.InID {
		h.In, h.HasMark, h.Mark = w.into.life, true, c.Mark
		// What the peer says next is by the name that it hears it is known by. The other may have been a late word of an earlier life.
		w.into.in = w.into.life
	}
	w.out.again = &h
}

// vouches tells whether our mark is one of the stream that the peer goes by. When we have taken what that life of it thinks it never numbered, the mark
// is of another one.
func (w *longwire) vouches() bool {
	return w.into.life != "" && numbering(w.into.in) == w.book.State().InID && w.current(w.into.in)
}

// current tells whether a frame that introduces itself by this name may bring stanzas.
func (w *longwire) current(name string) bool {
	id, c, in := numbering(name), w.book.State(), &w.into
	if id == "" {
		return false
	}
	if id != c.InID {
		return id != in.was.InID // else it is a frame from before, or its record is
	}
	since, says := sinceOf(name)
	return name == in.life || !says || !after(in.taken, since) // else we have taken what it thinks it never numbered
}

// past answers a frame that is not current: the peer is told how far we know that stream. If it still goes by it, its record is an old one.
func (w *longwire) past(f *frame.Frame) {
	c, in := w.book.State(), &w.into
	name := f.Peek().Out
	alone := frame.Decoder{Methods: w.lanes.dialect.ours} // what introduces itself needs no history, and must not change ours
	if _, _, err := alone.Decode(f, frame.Known{}); err != nil {
		w.p.drops.check.Add(1)
		return
	}
	w.p.drops.old.Add(1)
	w.p.log.Warn("peer introduces itself by a name that is over", "name", name, "life", in.life, "taken", in.taken)
	h := frame.Header{Names: true, Express: w.fast, Again: true, HasMark: true, In: in.life, Mark: c.Mark}
	if numbering(name) != c.InID {
		h.In, h.Mark = in.was.InID, in.was.Mark
	}
	w.out.again = &h
}

// understood acts on a frame that the check has proved to be the peer's. The error is of the store.
func (w *longwire) understood(ctx context.Context, h frame.Header, texts [][]byte) error {
	now := time.Now()
	o, in := &w.out, &w.into
	in.heard, in.version = now, false
	o.relent()
	if h.Names {
		o.known = h.In == w.name()
		if !o.known {
			o.marked = false
		}
		w.lanes.hear(h)
		if err := w.meet(h); err != nil {
			return err
		}
	} else if h.HasMark {
		o.known = true // else the check is not made over our name
	}
	if err := w.marks(h); err != nil {
		return err
	}
	if h.Again && !w.beginning() {
		// The peer lacks our history, or more, as how we code.
		o.newRun, o.marked = true, false
		w.goBack(w.book.State().Acked + 1)
	}
	if len(texts) > 0 {
		w.takeAll(ctx, h, texts)
	}
	if h.Ask {
		if !w.vouches() {
			w.complain()
		} else {
			w.mu.Lock()
			w.question = true
			w.mu.Unlock()
		}
	}
	return nil
}

// beginning tells whether what needs no history is on its way, from the first that the peer has not taken. The peer may not have had it when it
// complained; else it complains again.
func (w *longwire) beginning() bool {
	next := w.book.State().Acked + 1
	return slices.ContainsFunc(w.out.flights, func(f flight) bool { return f.kind == sendData && f.begins && !f.void && f.first == next })
}

// meet acts on the name of the peer.
func (w *longwire) meet(h frame.Header) error {
	in := &w.into
	c := w.book.State()
	id := numbering(h.Out)
	if id == in.was.InID && id != c.InID {
		return nil // of a frame from before, without stanzas
	}
	if in.in != h.Out {
		w.out.anyTold = false // it may not know that we know it
	}
	in.in, in.elsewhere = h.Out, false
	if !w.fast && !speaks(h.Out) {
		// It runs an earlier program now, that drops what is of the express lane, and what is to go behind that.
		if err := w.lanes.handOver(); err != nil {
			return err
		}
	}
	if h.Data == frame.None {
		if c.InID != "" {
			return nil
		}
		// No stanza of it has come yet. links/ip resumes only with a peer whose name is on flash, else it numbers all anew.
		return w.book.Update(func(_ *store.Tx, c *store.Custody) error {
			c.InID = id
			return nil
		})
	}
	switch base := h.Seq - 1; {
	case id != c.InID:
		w.p.log.Info("peer begins a numbering", "name", id, "behind", base)
		return w.adopt(h.Out, base)
	case after(base, in.taken):
		// It introduces itself with the first that we have not confirmed. What is missing we took before our record was written.
		w.p.log.Warn("peer knows stanzas as taken that are not known here", "mark", in.taken, "next", h.Seq)
		return w.adopt(h.Out, base)
	}
	return nil
}

// adopt makes the record that of the stream called name, taken up to mark.
func (w *longwire) adopt(name string, mark uint32) error {
	id := numbering(name)
	if err := w.book.Settle(); err != nil {
		return err
	}
	err := w.book.Update(func(tx *store.Tx, c *store.Custody) error {
		if c.InID != "" && c.InID != id {
			if err := tx.PutCustody(wasKey(w.key), store.Custody{InID: c.InID, Mark: c.Mark, Beyond: c.Beyond}); err != nil {
				return err
			}
		}
		if c.InID != id {
			c.InID, c.Mark, c.Beyond = id, mark, 0
		}
		custody.Advance(c, mark)
		return tx.PutCustody(lifeKey(w.key), store.Custody{InID: name, Changed: time.Now()})
	})
	if err != nil {
		return err
	}
	w.into.held = nil
	w.out.anyTold = false
	return w.settle()
}

// marks acts on what the peer says it has taken.
func (w *longwire) marks(h frame.Header) error {
	o := &w.out
	c := w.book.State()
	if !h.HasMark || h.Names && numbering(h.In) != c.OutID {
		return nil
	}
	ours := !h.Names || h.In == w.name()
	if !ours && after(h.Mark, o.since) && (w.cares() || after(h.Mark, c.Sent)) {
		return w.otherLife(h)
	}
	if after(h.Mark, c.Sent) {
		w.p.drops.check.Add(1)
		return nil
	}
	w.confirm(h.Mark)
	if !ours {
		return nil
	}
	w.proven()
	// A mark before what it told us once is of a record that is an old one: it has to be told where we are.
	o.marked = !h.Again || !after(c.Acked, h.Mark)
	if o.isAsked {
		o.isAsked = false
		if after(o.asked, h.Mark) {
			// Its node had them, and it has not: it was not bound, or could not store them.
			w.goBack(w.book.State().Acked + 1)
		}
	}
	return nil
}

// takeAll hands the stanzas of a frame in that are new.
func (w *longwire) takeAll(ctx context.Context, h frame.Header, texts [][]byte) {
	in := &w.into
	epoch := w.book.Epoch()
	raw := 0
	for _, text := range texts {
		raw += len(text)
	}
	wire := in.wire
	in.wire = 0
	for i, text := range texts {
		n := h.Seq + uint32(i)
		part := share(wire, len(text), raw)
		if !after(n, in.taken) {
			w.p.meter.Add(func(c *meter.Counts) { c.In.Repeated++ })
			w.p.came(w.lane(), links.EventDuplicate, nil, len(text), part, w.p.line(w.out.rate, true).Air(part))
			w.out.anyTold = false // it has not heard of them
			w.book.Doubt()
			w.owe(1)
			continue
		}
		w.p.meter.Add(func(c *meter.Counts) { c.In.Stanzas++ })
		latest(&w.lanes.near[1], text)
		if !w.hand(ctx, epoch, n, text, part) {
			break
		}
	}
	w.p.meter.Add(func(c *meter.Counts) { c.In.Raw += uint64(raw) })
}
