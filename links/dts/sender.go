package dts

import (
	"slices"
	"time"
)

const (
	maxWindow = 128                                                              // S5066 C.6.2: half of all frame numbers
	overhead  = syncSize + fixedSize + MaxAddressSize + 3 + crcSize + segCRCSize // bytes of a DATA-ONLY D_PDU beside its segment
)

// A message is a C_PDU on its way by ARQ.
type message struct {
	id       ID
	data     []byte
	priority uint8
	ordered  bool
	expires  time.Time // zero: never

	size    int  // of its segments, all but the last
	off     int  // bytes that are in segments
	open    int  // segments not acknowledged
	begun   bool // the first segment is made
	closed  bool // the last one is
	dropped bool // told to be thrown away
	done    bool // confirmed or failed
}

// A slot is a frame with a number.
type slot struct {
	m          *message
	off, n     int
	start, end bool
	acked      bool
	round      uint32 // of transmissions, in which it was sent last; 0: never
}

// A sender is the transmit window of the normal ARQ service. It knows nothing of time or turns.
//
// S5066 C.6.2: TX LWE is lwe, TX UWE is next-1; all frame arithmetic is modulo 256.
type sender struct {
	limit     int
	lwe, next uint8
	slots     [256]slot
	current   *message   // being cut into segments
	queue     []*message // behind it, most urgent first
	starved   int        // transmissions running with nothing of what is less urgent, and waits
}

// busy tells whether anything is to be sent or awaits its acknowledgement.
func (s *sender) busy() bool { return s.inFlight() > 0 || s.unsent() }

// unsent tells whether a new frame could be made.
func (s *sender) unsent() bool { return s.current != nil || len(s.queue) > 0 }

// inFlight is how many numbers the window spans.
func (s *sender) inFlight() int { return int(s.next - s.lwe) }

// push puts m behind all that is as urgent.
func (s *sender) push(m *message) {
	i := len(s.queue)
	for i > 0 && s.queue[i-1].priority < m.priority {
		i--
	}
	s.queue = slices.Insert(s.queue, i, m)
}

// make cuts the next segment and gives it a number; false when there is none or the window is full. size chooses how long the segments
// of a new C_PDU are.
func (s *sender) make(size func(total int) int) bool {
	if s.inFlight() >= s.limit || !s.unsent() {
		return false
	}
	if s.current == nil {
		i := s.pick()
		s.current = s.queue[i]
		s.queue = slices.Delete(s.queue, i, i+1)
		s.current.size = size(len(s.current.data))
	}
	m := s.current
	x := slot{m: m, off: m.off, n: min(m.size, len(m.data)-m.off), start: !m.begun}
	if m.dropped {
		x.n, m.off = 0, len(m.data)
	}
	m.off += x.n
	m.begun = true
	m.open++
	if m.off == len(m.data) {
		x.end, m.closed, s.current = true, true, nil
	}
	s.slots[s.next] = x
	s.next++
	return true
}

// peekSize is how long the segment is that make would cut next.
func (s *sender) peekSize(size func(total int) int) int {
	switch m := s.current; {
	case m == nil:
		n := len(s.queue[s.pick()].data)
		return min(n, size(n))
	case m.dropped:
		return 0
	default:
		return min(m.size, len(m.data)-m.off)
	}
}

// fill writes frame fsn into p.
func (s *sender) fill(p *PDU, fsn uint8) {
	x := &s.slots[fsn]
	// S5066 C.3.3: the edges are those of this moment; a frame sent for the first time is the upper one.
	p.Frame = Frame{Start: x.start, End: x.end, InOrder: x.m.ordered, UWE: fsn == s.next-1, LWE: fsn == s.lwe, FSN: fsn}
	if x.m.dropped || x.m.done {
		// S5066 C.3.3: what will not be needed any more is sent without its bytes.
		p.Frame.Drop, p.Segment = true, nil
		return
	}
	p.Segment = x.m.data[x.off : x.off+x.n]
}

// ack takes an acknowledgement and gives the C_PDUs it completed. ok is false when it does not fit the window.
func (s *sender) ack(a *Acks) (done []*message, news, ok bool) {
	flight := s.inFlight()
	// S5066 C.6.3, sync test 4: RX LWE within [TX LWE, TX UWE+1].
	ahead := int(a.LWE - s.lwe)
	if ahead > flight {
		return nil, false, false
	}
	for i := range 8 * int(a.Size) {
		// Sync test 5: only what was sent can be acknowledged.
		if a.Bits[i/8]>>(i%8)&1 == 1 && ahead+1+i >= flight {
			return nil, false, false
		}
	}
	finish := func(m *message) {
		if !m.done {
			m.done = true
			done = append(done, m)
		}
	}
	take := func(fsn uint8) {
		x := &s.slots[fsn]
		if x.acked {
			return
		}
		x.acked, news = true, true
		x.m.open--
		if x.m.closed && x.m.open == 0 && !x.m.ordered {
			finish(x.m)
		}
	}
	for i := range ahead {
		take(s.lwe + uint8(i))
	}
	for i := range 8 * int(a.Size) {
		if a.Bits[i/8]>>(i%8)&1 == 1 {
			take(a.LWE + 1 + uint8(i))
		}
	}
	for s.lwe != s.next && s.slots[s.lwe].acked {
		// Choice: a C_PDU to be delivered in order is confirmed only when nothing before it is missing, as else the peer keeps it back, and
		// forgets it should the link break.
		if x := &s.slots[s.lwe]; x.end {
			finish(x.m)
		}
		s.slots[s.lwe] = slot{}
		s.lwe++
	}
	return done, news, true
}

// drop gives up m: at once if nothing of it was sent, else by DROP frames.
func (s *sender) drop(m *message) {
	m.done = true
	if i := slices.Index(s.queue, m); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		return
	}
	m.dropped = true
}

// each visits all C_PDUs that are neither confirmed nor failed, in the order they were begun.
func (s *sender) each(visit func(m *message)) {
	var last *message
	for fsn := s.lwe; fsn != s.next; fsn++ {
		if m := s.slots[fsn].m; m != last {
			last = m
			if m != s.current && !m.done {
				visit(m)
			}
		}
	}
	if s.current != nil && !s.current.done {
		visit(s.current)
	}
	for _, m := range slices.Clone(s.queue) {
		visit(m)
	}
}

// priority is that of the most urgent C_PDU.
func (s *sender) priority() uint8 {
	var most uint8
	if s.inFlight() > 0 {
		most = s.slots[s.lwe].m.priority
	}
	if s.current != nil {
		most = max(most, s.current.priority)
	}
	if len(s.queue) > 0 {
		most = max(most, s.queue[0].priority)
	}
	return most
}

// reset puts the window back to its start and forgets what was begun, which it returns.
func (s *sender) reset() (begun []*message) {
	s.each(func(m *message) {
		if m.begun {
			begun = append(begun, m)
		}
	})
	*s = sender{limit: s.limit, queue: s.queue, starved: s.starved}
	return begun
}

// rewind resets the window and puts what was begun back in front of the queue, to be sent from its first byte.
func (s *sender) rewind() {
	begun := s.reset()
	for _, m := range begun {
		m.off, m.open, m.begun, m.closed = 0, 0, false, false
	}
	s.queue = append(begun, s.queue...)
}

// atStart tells whether a receiver that knows nothing before TX LWE could still put together all that follows.
func (s *sender) atStart() bool {
	if s.lwe == s.next {
		return s.current == nil || !s.current.begun
	}
	x := s.slots[s.lwe]
	return x.start || x.m.done
}

// forget treats all frames in flight as not received.
func (s *sender) forget() {
	for fsn := s.lwe; fsn != s.next; fsn++ {
		if x := &s.slots[fsn]; x.acked {
			x.acked = false
			x.m.open++
		}
	}
}
