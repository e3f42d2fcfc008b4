package dts

import (
	"slices"
	"time"
)

// A plan is what the next transmission is for.
type plan struct {
	peer  *peer // the one that is to answer, if any is
	right bool  // it is our turn: we need not compete
	brief bool  // others wait too: answer, but send no data
}

// choose decides what the next transmission is for; ok is false when there is nothing to send.
//
// At most one peer is made to answer a transmission, as two would answer at the same time.
func (s *Station) choose() (plan, bool) {
	tired := s.tired()
	if s.await.peer != nil {
		// Somebody else asks us for something meanwhile. He has the channel's attention now: our peer does not answer before we do.
		p := s.replyTo
		return plan{peer: p, right: true, brief: true}, s.interrupts()
	}
	if p := s.replyTo; p != nil && s.owes(p) {
		return plan{peer: p, right: true, brief: tired}, true
	}
	best := s.first()
	if p := s.floor; p != nil && !tired && (p.hasData() || s.owes(p)) {
		if s.urgency(best) >= s.urgency(p)+overtakeBy {
			p = best // the turn is ours
		}
		return plan{peer: p, right: true}, true
	}
	if len(s.casts.list) > 0 {
		c := s.casts.list[0]
		if c.reply && (best == nil || !s.owes(best)) {
			if p, err := s.peer(c.to); err == nil {
				return plan{peer: p, right: s.floor == p && !tired}, true
			}
		}
	}
	if best == nil && len(s.casts.list) == 0 && len(s.warnings) == 0 {
		return plan{}, false
	}
	return plan{peer: best}, true
}

// first is the peer with the most urgent things to send; of several, who has waited longest.
func (s *Station) first() (best *peer) {
	for _, p := range s.peers {
		if u := s.urgency(p); u >= 0 && (best == nil || u > s.urgency(best) || u == s.urgency(best) && p.served.Before(best.served)) {
			best = p
		}
	}
	return best
}

// Two that talk without a pause give way after so long, even if they never heard of others.
const talkTime = 10 * time.Minute

// tired tells whether we are to give way, after one exchange where others share the channel.
func (s *Station) tired() bool {
	return s.chain > 0 && (s.shared(s.channel.until) || s.channel.until.Sub(s.since) > talkTime)
}

// interrupts tells whether an answer to another goes before that we wait for.
func (s *Station) interrupts() bool {
	p := s.replyTo
	return p != nil && p != s.await.peer && !p.mgmt.busy() && s.casts.answer(p.addr)
}

// start is the earliest time for a plan.
//
// Choice: the standard leaves access to the channel open; see the comments of Config for the waiting times.
func (s *Station) start(p plan) time.Time {
	if p.right {
		return s.channel.until.Add(s.cfg.Guard)
	}
	return laterOf(s.channel.until.Add(s.channel.wait), s.channel.backoff)
}

// A Transmission is one time on the air.
type Transmission struct {
	Data   []byte   // all D_PDUs, to be sent lowest bit first
	Frames [][]byte // each of them, parts of Data
	Timing Timing   // the modem's, for whom it is meant
	Air    time.Duration
}

// Transmit gives what is to be sent at this moment, or nil. The caller keys the modem at once and calls Sent when the signal is over,
// even if it was broken off.
func (s *Station) Transmit(now time.Time) *Transmission {
	s.Tick(now)
	c := &s.channel
	if s.muted || c.sending || c.carrier || c.open || s.await.peer != nil && !s.interrupts() {
		return nil
	}
	p, ok := s.choose()
	if !ok || now.Before(s.start(p)) {
		return nil
	}
	t := s.build(now, p)
	if t == nil {
		return nil
	}
	if p.right {
		s.chain++
	} else {
		s.chain, s.since = 0, now
	}
	if p.peer != nil {
		p.peer.served = now
	}
	c.sending, c.passed, s.replyTo, s.floor = true, 0, nil, nil
	return t
}

// Sent tells that the signal of the last transmission is over.
func (s *Station) Sent(now time.Time) {
	c := &s.channel
	if !c.sending {
		return
	}
	c.sending, c.open, c.until, c.talker = false, false, now, s.cfg.Address
	s.gap(now)
	b := &s.out
	if p := b.expect; p != nil && !s.muted {
		if p.sent > 0 {
			p.last = now
		}
		s.await = await{peer: p, until: now.Add(s.timingOf(p).Answer()), casts: b.asked}
	} else if p == nil && s.await.peer != nil {
		s.await.until = laterOf(s.await.until, now.Add(s.timingOf(s.await.peer).Answer()))
	} else if p != nil {
		for _, id := range b.asked { // muted: it was broken off
			s.emit(NoReply{id, p.addr})
		}
	}
	for _, x := range b.finished {
		s.queued -= len(x.data)
		s.emit(Sent{x.id, x.to})
	}
	for _, p := range s.peers {
		s.managementSent(p)
		s.settle(p)
	}
	b.expect, b.asked, b.finished = nil, nil, nil
	s.Tick(now)
}

// A builder puts a transmission together.
type builder struct {
	pdus     []PDU
	casts    []*cast // of each D_PDU, or nil
	timing   Timing
	bits     int
	limit    int
	addrSize uint8
	expect   *peer // is to answer
	asked    []ID  // C_PDUs that want an answer of their own
	finished []*cast

	repeat     PDU
	repeatCast *cast

	peer   *peer // of the plan
	began  time.Time
	copies int           // how many of the D_PDUs, at the end, are
	sent   *Transmission // that they became
	undo   func()        // of the last Amend
}

// fits tells whether n more bytes may be sent. The first D_PDU always may.
func (b *builder) fits(n int) bool { return len(b.pdus) == 0 || b.bits+8*n <= b.limit }

// add puts p at the end if it fits.
func (b *builder) add(p *PDU, c *cast) bool {
	p.AddrSize = max(b.addrSize, uint8(p.To.nibbles()), uint8(p.From.nibbles()))
	n := p.Len()
	if !b.fits(n) {
		return false
	}
	b.pdus, b.casts = append(b.pdus, *p), append(b.casts, c)
	b.bits += 8 * n
	return true
}

// build makes the transmission of a plan.
func (s *Station) build(now time.Time, plan plan) *Transmission {
	b := &s.out
	t := *s.timingOf(plan.peer)
	longest := s.cfg.MaxTransmission
	if s.alerted(now, plan.peer) {
		longest = s.cfg.Brief
	}
	*b = builder{pdus: b.pdus[:0], casts: b.casts[:0], timing: t, limit: t.Capacity(longest), addrSize: uint8(s.cfg.AddrSize),
		peer: plan.peer, began: now}
	s.addWarnings()
	p := plan.peer
	s.addCasts(now, plan, true)
	if p != nil && p.mgmt.busy() {
		s.addManagement(p)
	} else {
		first := p == nil || len(s.casts.list) > 0 && int(s.casts.list[0].priority) > s.urgency(p)
		if first {
			s.addCasts(now, plan, false)
		}
		if p != nil && p.connected {
			s.addARQ(p, plan.brief)
		}
		if !first {
			s.addCasts(now, plan, false)
		}
	}
	for _, q := range s.peers {
		// Others may have waited long for theirs; this obliges them to nothing.
		if q != p && q.connected && q.rx.owed && !q.mgmt.busy() && q.sync.want == resyncNone {
			if b.add(s.ackOnly(q), nil) {
				q.rx.owed = false
			}
		}
	}
	s.addCopies()
	if len(b.pdus) == 0 {
		return nil
	}
	return s.encode(now)
}

// addWarnings sends what we could make no use of.
func (s *Station) addWarnings() {
	s.warnings = slices.DeleteFunc(s.warnings, func(w warning) bool {
		return s.out.add(&PDU{Type: WarningType, To: w.to, From: s.cfg.Address, Warning: w.Warning}, nil)
	})
}

// addManagement sends the present step of the exchange.
func (s *Station) addManagement(p *peer) {
	g := &p.mgmt
	if !g.want && !g.owed {
		return
	}
	e, m := g.part()
	d := PDU{Type: Management, EOW: e, To: p.addr, From: s.cfg.Address, Message: m}
	if !s.out.add(&d, nil) {
		return
	}
	s.out.again(&d, nil)
	g.owed, g.sent, p.answered, p.sent = false, g.want, false, 0
	if g.waiting() || g.step == drcSwitch {
		s.out.expect = p
	}
}

// again makes p what fills the last block of the interleaver, if it ends up with room for it.
func (b *builder) again(p *PDU, c *cast) {
	b.repeat, b.repeatCast = *p, c
	b.repeat.EOW = 0
	if p.Type == Management {
		b.repeat.EOW = p.EOW
	}
}

// addCopies repeats a D_PDU where that takes no more time.
func (s *Station) addCopies() {
	b, n := &s.out, max(0, s.cfg.Copies)
	if b.repeat.From == 0 {
		return
	}
	if b.repeat.Type == Management {
		n *= 4 // S5066 C.6.4: nearly to the end of the block
	}
	for size := 8 * b.repeat.Len(); n > 0 && size <= b.timing.spare(b.bits) && size+b.bits <= b.limit; n-- {
		if b.add(&b.repeat, b.repeatCast) {
			b.copies++
		}
	}
}

// encode gives each D_PDU its times and turns all into bytes.
func (s *Station) encode(now time.Time) *Transmission {
	b := &s.out
	t := &Transmission{Data: make([]byte, 0, b.bits/8), Frames: make([][]byte, 0, len(b.pdus)), Timing: b.timing, Air: b.timing.Air(b.bits)}
	s.closeWindows(now)
	for i := range b.pdus {
		b.put(t, i)
	}
	b.sent = t
	return t
}

// put writes D_PDU i at the end of t.
func (b *builder) put(t *Transmission, i int) {
	p := &b.pdus[i]
	before := len(t.Data)
	off := b.timing.bitTime(8 * before)
	// S5066 C.3.2.3: half seconds to the end of the whole transmission, rounded up.
	p.EOT = uint8(halves(b.timing.Span(b.bits)-off, MaxEOT))
	if c := b.casts[i]; c != nil {
		p.Part.Window = uint16(halves(c.until.Sub(b.began)-b.timing.Preamble-off, 65535))
	}
	var err error
	if t.Data, err = p.Append(t.Data); err != nil {
		panic("dts: a D_PDU of ours: " + err.Error()) // all its fields are made here
	}
	t.Frames = append(t.Frames, t.Data[before:len(t.Data):len(t.Data)])
}
