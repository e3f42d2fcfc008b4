package dts

import "slices"

// An expSender is the transmit side of the expedited ARQ service: one C_PDU at a time.
//
// S5066 C.3.7: its frames have numbers of their own that begin at 0 with each C_PDU; the C_PDU has a number modulo 16.
type expSender struct {
	queue   []*message
	current *message // was sent at least once
	nextID  uint8
	lwe     uint8
	acked   [maxWindow]bool
}

// busy tells whether there is anything to send or to wait for.
func (s *expSender) busy() bool { return s.current != nil || len(s.queue) > 0 }

// frames is how many segments m has.
func (m *message) frames() int { return max(1, (len(m.data)+m.size-1)/m.size) }

// begin takes the next C_PDU when the one before is done.
func (s *expSender) begin(size func(total int) int) {
	if s.current != nil || len(s.queue) == 0 {
		return
	}
	s.current, s.queue = s.queue[0], s.queue[1:]
	m := s.current
	// The C_PDU must fit one window, as nothing moves it on before the last acknowledgement.
	m.size = max(1, size(len(m.data)), (len(m.data)+maxWindow-1)/maxWindow)
	m.begun = true
	s.lwe, s.acked = 0, [maxWindow]bool{}
}

// fill writes frame fsn into p.
func (s *expSender) fill(p *PDU, fsn int) {
	m := s.current
	from, to := fsn*m.size, min(len(m.data), (fsn+1)*m.size)
	p.Frame = Frame{Start: fsn == 0, End: fsn == m.frames()-1, ID: s.nextID, FSN: uint8(fsn)}
	p.Segment = m.data[from:to]
}

// ack takes an acknowledgement; done is the C_PDU if that was its last.
func (s *expSender) ack(a *Acks) (done *message, news, ok bool) {
	m := s.current
	if m == nil {
		return nil, false, false
	}
	n := m.frames()
	if int(a.LWE) > n || a.LWE < s.lwe {
		return nil, false, false
	}
	take := func(i int) {
		if !s.acked[i] {
			s.acked[i], news = true, true
		}
	}
	for i := range int(a.LWE) {
		take(i)
	}
	for i := range 8 * int(a.Size) {
		if a.Bits[i/8]>>(i%8)&1 == 1 {
			fsn := int(a.LWE) + 1 + i
			if fsn >= n {
				return nil, news, false
			}
			take(fsn)
		}
	}
	for int(s.lwe) < n && s.acked[s.lwe] {
		s.lwe++
	}
	if int(s.lwe) < n {
		return nil, news, true
	}
	s.finish()
	return m, news, true
}

// finish ends the present C_PDU, acknowledged or not.
func (s *expSender) finish() {
	s.current = nil
	s.nextID = (s.nextID + 1) % 16
}

// each visits all C_PDUs that are not done.
func (s *expSender) each(visit func(m *message)) {
	if s.current != nil {
		visit(s.current)
	}
	for _, m := range slices.Clone(s.queue) {
		visit(m)
	}
}

// drop gives up m; a receiver that has part of it forgets that when the next begins.
func (s *expSender) drop(m *message) {
	if s.current == m {
		s.finish()
	}
	if i := slices.Index(s.queue, m); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
}

// An expReceiver is the receive side.
type expReceiver struct {
	known     bool // a C_PDU was received since the connection was made
	id        uint8
	cells     [maxWindow]cell
	top       int // frames beyond the highest received
	lwe       uint8
	delivered bool
	left      bool // the sender went on to other things
	owed      bool
	deliver   func(cpdu []byte)
}

func (r *expReceiver) reset() { *r = expReceiver{deliver: r.deliver} }

// partial tells whether a C_PDU was begun and lacks frames.
func (r *expReceiver) partial() bool { return r.known && !r.delivered && !r.left && r.top > 0 }

// expect makes ready for the C_PDU of a frame, whose segment may be damaged: an acknowledgement does not say of which C_PDU it is, so it must
// not be that of the one before.
func (r *expReceiver) expect(f *Frame) {
	r.owed, r.left = true, false
	if !r.known || f.ID != r.id {
		*r = expReceiver{known: true, id: f.ID, owed: true, deliver: r.deliver}
	}
}

// take receives a frame with a good segment.
func (r *expReceiver) take(f *Frame, segment []byte) {
	if int(f.FSN) >= maxWindow || r.delivered || r.cells[f.FSN].have {
		return
	}
	r.cells[f.FSN] = cell{have: true, start: f.Start, end: f.End, data: append([]byte(nil), segment...)}
	r.top = max(r.top, int(f.FSN)+1)
	for int(r.lwe) < maxWindow && r.cells[r.lwe].have {
		r.lwe++
	}
	if n := int(r.lwe); n > 0 && r.cells[0].start && r.cells[n-1].end {
		var cpdu []byte
		for i := range n {
			cpdu = append(cpdu, r.cells[i].data...)
			r.cells[i].data = nil
		}
		r.delivered = true
		r.deliver(cpdu)
	}
}

// acks tells what is there.
func (r *expReceiver) acks() Acks {
	a := Acks{LWE: r.lwe}
	for i := int(r.lwe) + 1; i < r.top; i++ {
		if r.cells[i].have {
			a.set(uint8(i))
		}
	}
	return a
}
