package dts

import "time"

// More time than this before the first D_PDU of an answer is read, and the peer may think that there is none.
const quickAck = 5 * time.Second

// After a round without an answer so much time is spent on finding out whether the peer is there.
const probeTime = 10 * time.Second

func (s *Station) pdu(p *peer, t Type) *PDU {
	d := &PDU{Type: t, To: p.addr, From: s.cfg.Address, EOW: p.eow}
	p.eow = 0
	return d
}

func (s *Station) ackOnly(p *peer) *PDU {
	d := s.pdu(p, AckOnly)
	d.Acks = p.rx.acks()
	return d
}

// addARQ puts in all that the ARQ services have to say to p.
func (s *Station) addARQ(p *peer, brief bool) {
	b, y := &s.out, &p.sync
	if y.owed {
		d := s.pdu(p, Reset)
		if d.Resync = y.answer; b.add(d, nil) {
			y.owed = false
			b.again(d, nil)
		}
	}
	if y.want != resyncNone {
		// S5066 C.6.3: types 0 to 2 pause until the command is answered.
		d := s.pdu(p, Reset)
		if d.Resync = y.command(p.tx.lwe); b.add(d, nil) {
			y.sent, b.expect = true, p
			p.answered, p.sent, p.rx.owed = false, 0, false
			b.again(d, nil)
		}
		return
	}
	send := !p.called && !brief
	if p.xrx.owed {
		d := s.pdu(p, ExpAck)
		if d.Acks = p.xrx.acks(); b.add(d, nil) {
			p.xrx.owed = false
			b.again(d, nil)
		}
		// The rest of the C_PDU is to come in the peer's next turn.
		send = send && !p.xrx.partial()
	}
	if send {
		p.xtx.begin(s.chooser(p))
	}
	// S5066 C.6.1: in the EXPEDITED-DATA state there are no D_PDUs of types 0 and 2.
	switch {
	case !send:
		s.addAck(p)
	case p.xtx.current != nil:
		s.addAck(p)
		s.addExpedited(p)
	default:
		s.addFrames(p)
		s.addAck(p)
	}
}

// addAck sends an acknowledgement by itself.
func (s *Station) addAck(p *peer) {
	if !p.rx.owed {
		return
	}
	d := s.ackOnly(p)
	if s.out.add(d, nil) {
		p.rx.owed = false
		s.out.again(d, nil)
	}
}

// addExpedited sends the frames of the present expedited C_PDU that are not acknowledged.
func (s *Station) addExpedited(p *peer) {
	x := &p.xtx
	n := 0
	for fsn := range x.current.frames() {
		if x.acked[fsn] {
			continue
		}
		d := s.pdu(p, ExpData)
		if x.fill(d, fsn); !s.out.add(d, nil) {
			break
		}
		n++
	}
	s.expectAcks(p, n)
}

// expectAcks leaves the channel to p after n frames.
func (s *Station) expectAcks(p *peer, n int) {
	if n > 0 {
		s.out.expect, p.sent, p.answered = p, n, false
	}
}

// addFrames sends lost frames and new ones, with an acknowledgement on the first and the last if one is owed.
func (s *Station) addFrames(p *peer) {
	if !p.tx.busy() {
		return
	}
	b := &s.out
	size := s.chooser(p)
	if p.rx.owed && b.timing.bitTime(8*(s.firstSize(p, size)+overhead)) > quickAck {
		s.addAck(p)
	}
	owed, acks := p.rx.owed, p.rx.acks()
	riding := 0 // bytes of the acknowledgement
	if owed {
		riding = 1 + int(acks.Size)
		b.limit -= 8 * riding // for the last frame
		defer func() { b.limit += 8 * riding }()
	}
	from := len(b.pdus)
	p.round++
	add := func(fsn uint8) bool {
		d := s.pdu(p, DataOnly)
		p.tx.fill(d, fsn)
		if owed && len(b.pdus) == from {
			d.Type, d.Acks = DataAck, acks
		}
		if !b.add(d, nil) {
			return false
		}
		p.tx.slots[fsn].round = p.round
		return true
	}
	n := s.addUrgent(p, size, add)
	n += s.addLost(p, add)
	for (!p.probe || n == 0) && p.tx.unsent() && p.tx.inFlight() < p.tx.limit && p.tx.roomy(size) {
		need := p.tx.peekSize(size) + overhead
		if len(b.pdus) == from {
			need += riding
		}
		if !b.fits(need) {
			break
		}
		p.tx.make(size)
		if !add(p.tx.next - 1) {
			break
		}
		n++
	}
	p.tx.share(p.round)
	s.expectAcks(p, n)
	if !owed || n == 0 {
		return
	}
	p.rx.owed = false
	if last := &b.pdus[len(b.pdus)-1]; n > 1 {
		last.Type, last.Acks = DataAck, acks
		b.bits += 8 * riding
	}
	d := s.pdu(p, AckOnly)
	d.Acks = acks
	b.again(d, nil)
}

// addLost sends the frames that were sent before and not acknowledged: the urgent first, then the oldest.
func (s *Station) addLost(p *peer, add func(fsn uint8) bool) (n int) {
	b := &s.out
	start := b.bits
	for _, fsn := range p.tx.lost(p.round) {
		if p.probe && n > 0 && b.timing.bitTime(b.bits-start) > probeTime || !add(fsn) {
			break
		}
		n++
	}
	return n
}

// firstSize is about how long the first segment is.
func (s *Station) firstSize(p *peer, size func(int) int) int {
	if p.tx.inFlight() > 0 {
		return p.tx.slots[p.tx.lwe].n
	}
	return p.tx.peekSize(size)
}
