package dts

import "slices"

// Overtakes tells whether something waits for which it may be worth to Amend the transmission that is on the air.
func (s *Station) Overtakes() bool {
	o, ok := s.amends()
	return ok && s.out.timing.bitTime(8*o.ahead) >= overtakeFor
}

// everyRound is the number of no round: what counts are all frames.
const everyRound = ^uint32(0)

// amends is what could overtake what is on the air.
func (s *Station) amends() (o overtaking, ok bool) {
	b := &s.out
	p := b.peer
	if !s.channel.sending || s.muted || p == nil || b.expect != p || p.sent == 0 || !p.connected || p.called || p.mgmt.busy() || p.sync.want != resyncNone {
		return o, false
	}
	return p.tx.overtaker(everyRound, s.chooser(p))
}

// A remainder is what of a transmission is not on the air yet.
type remainder struct {
	pdus  []PDU
	casts []*cast
	first int   // D_PDU,
	off   int   // and byte with which it begins
	free  int   // bytes that may be used otherwise: of less urgent frames, and of copies
	acks  *Acks // that ride on one of the frames
}

// Amend makes the rest of the transmission on the air another one, for what waits and is more urgent, from the first D_PDU on that begins at byte from or
// later. It stays as long as it was, as its end was promised. nil means that nothing changes.
//
// What makes place is as if it had been lost: it goes with what is sent next. So no harm is done if nobody knows whether the modem has heeded the change. If it
// is known that it has not, Unamend takes it back.
func (s *Station) Amend(from int) *Transmission {
	s.out.undo = nil // what was changed before stays so
	o, ok := s.amends()
	if !ok {
		return nil
	}
	b := &s.out
	p, size := b.peer, s.chooser(b.peer)
	r := b.remainder(from, &p.tx, &o)
	if need := o.n*(overhead+17) + len(o.m.data); r.free < need || b.timing.bitTime(8*r.free) < overtakeFor {
		return nil
	}
	undo := s.before(p)
	room := len(b.sent.Data) - r.off
	b.pdus, b.casts, b.copies = b.pdus[:r.first:r.first], b.casts[:r.first:r.first], 0
	add := func(d *PDU, c *cast, spare int) bool {
		d.AddrSize = max(b.addrSize, uint8(d.To.nibbles()), uint8(d.From.nibbles()))
		if d.Len()+spare > room {
			return false
		}
		room -= d.Len()
		b.pdus, b.casts = append(b.pdus, *d), append(b.casts, c)
		return true
	}
	fsn := p.tx.overtake(o, size)
	urgent := make([]PDU, o.n)
	for i := range urgent {
		urgent[i] = *s.pdu(p, DataOnly)
		p.tx.fill(&urgent[i], fsn+uint8(i))
		p.tx.slots[urgent[i].Frame.FSN].round = p.round
	}
	for i, d := range urgent {
		if i == 0 && r.acks != nil { // what rode on a frame that may have to make place
			d.Type, d.Acks = DataAck, *r.acks
		}
		add(&d, nil, 0)
	}
	s.refit(p, &r, add)
	for i := 0; add(&urgent[i%len(urgent)], nil, 0); i++ { // for nothing, as the time is ours
		b.copies++
	}
	for b.repeat.From != 0 && add(&b.repeat, b.repeatCast, 0) {
		b.copies++
	}
	p.tx.share(p.round)
	p.sent = p.tx.inRound(p.round)
	s.closeWindows(b.began)
	t := b.amended(&r)
	b.undo = undo
	return t
}

// Unamend undoes the last Amend, of which the modem has said that it came too late.
func (s *Station) Unamend() {
	if undo := s.out.undo; undo != nil {
		s.out.undo = nil
		undo()
	}
}

// before gives what brings the present state of the transmission and of what is sent to p back.
func (s *Station) before(p *peer) func() {
	b, tx, sent := s.out, p.tx, p.sent
	b.pdus, b.casts = slices.Clone(b.pdus), slices.Clone(b.casts)
	tx.queue = slices.Clone(tx.queue)
	var messages []*message
	var states []message
	p.tx.each(func(m *message) { messages, states = append(messages, m), append(states, *m) })
	return func() {
		for i, m := range messages {
			*m = states[i]
		}
		s.out, p.tx, p.sent = b, tx, sent
	}
}

// remainder looks at what begins at byte from or later.
func (b *builder) remainder(from int, tx *sender, o *overtaking) (r remainder) {
	for r.first < len(b.pdus) && r.off < from {
		r.off += len(b.sent.Frames[r.first])
		r.first++
	}
	r.pdus, r.casts = append(r.pdus, b.pdus[r.first:]...), append(r.casts, b.casts[r.first:]...)
	copies := max(0, len(r.pdus)-b.copies)
	for i := range r.pdus {
		d := &r.pdus[i]
		if d.Type == DataAck {
			r.acks = &d.Acks
		}
		if i >= copies || d.isFrame() && o.passes(tx.slots[d.Frame.FSN].m) {
			r.free += d.Len()
		}
	}
	r.pdus, r.casts = r.pdus[:copies], r.casts[:copies]
	return r
}

func (p *PDU) isFrame() bool { return p.Type == DataOnly || p.Type == DataAck }

// refit adds as much of a remainder as there is room for. Only frames make place, and those that do are not in this round.
func (s *Station) refit(p *peer, r *remainder, add func(d *PDU, c *cast, spare int) bool) {
	kept := 0
	for i := range r.pdus {
		if !r.pdus[i].isFrame() {
			kept += r.pdus[i].Len()
		}
	}
	full := false
	for i := range r.pdus {
		d := &r.pdus[i]
		if !d.isFrame() {
			kept -= d.Len()
			add(d, r.casts[i], 0)
			continue
		}
		t, acks := d.Type, d.Acks
		p.tx.fill(d, d.Frame.FSN) // the edges have changed
		d.Type, d.Acks = t, acks
		if full = full || !add(d, nil, kept); full {
			p.tx.slots[d.Frame.FSN].round = 0
		}
	}
}

// amended turns the D_PDUs of an amended transmission into bytes, and idles to its end.
func (b *builder) amended(r *remainder) *Transmission {
	old := b.sent
	t := &Transmission{Data: append(make([]byte, 0, len(old.Data)), old.Data[:r.off]...), Timing: old.Timing, Air: old.Air}
	t.Frames = append(t.Frames, old.Frames[:r.first]...)
	for i := r.first; i < len(b.pdus); i++ {
		b.put(t, i)
	}
	t.Data = append(t.Data, make([]byte, len(old.Data)-len(t.Data))...)
	b.sent = t
	return t
}
