package dts

import (
	"slices"
	"time"
)

// Sequence numbers of non-ARQ C_PDUs have 12 bits.
const castIDs = 1 << 12

// A cast is a C_PDU on its way without ARQ.
type cast struct {
	id        ID
	to        Address
	expedited bool
	data      []byte
	priority  uint8
	inOrder   bool
	expires   time.Time
	reply     bool // the peer will answer
	answer    bool // the peer waits for it

	begun  bool
	pduID  uint16
	size   int       // of its segments
	copies int       // to be sent, the present one included
	off    int       // of the next segment in the present copy
	whole  bool      // one copy is out
	until  time.Time // end of the reception window that was told; zero: not told
}

// casts are the non-ARQ C_PDUs that wait, the expedited first, then by priority.
type casts struct {
	list   []*cast
	nextID [2]uint16 // of normal and expedited C_PDUs
}

func (c *cast) rank() int {
	rank := int(c.priority)
	if c.expedited {
		rank += 16
	}
	if c.answer {
		rank += 32
	}
	return rank
}

// push puts c behind all that is as urgent.
func (q *casts) push(c *cast) {
	i := len(q.list)
	for i > 0 && q.list[i-1].rank() < c.rank() && !q.list[i-1].begun {
		i--
	}
	q.list = slices.Insert(q.list, i, c)
}

// answer tells whether an answer to peer a waits.
func (q *casts) answer(a Address) bool {
	return slices.ContainsFunc(q.list, func(c *cast) bool { return c.answer && c.to == a })
}

func (q *casts) remove(c *cast) {
	if i := slices.Index(q.list, c); i >= 0 {
		q.list = slices.Delete(q.list, i, i+1)
	}
}

// begin gives c its number.
//
// S5066 C.3.10: non-ARQ C_PDUs are numbered modulo 4096, normal and expedited ones each by themselves.
func (q *casts) begin(c *cast, size int) {
	if c.begun {
		return
	}
	kind := bit(c.expedited, 0)
	c.begun, c.size, c.pduID = true, size, q.nextID[kind]
	q.nextID[kind] = (c.pduID + 1) % castIDs
}

// fill writes the segment at the present offset into p and moves on. The window is left for later, as it counts from the D_PDU's start.
func (c *cast) fill(p *PDU) {
	p.Type, p.To = NonARQ, c.to
	if c.expedited {
		p.Type = ExpNonARQ
	}
	p.Part = Part{ID: c.pduID, InOrder: c.inOrder, Size: uint16(len(c.data)), Offset: uint16(c.off)}
	p.Segment = c.data[c.off:min(len(c.data), c.off+c.size)]
}

// next moves on to the next segment; false when all copies are out.
func (c *cast) next() bool {
	c.off = min(len(c.data), c.off+c.size)
	if c.off < len(c.data) {
		return true
	}
	c.off, c.whole = 0, true
	c.copies--
	return c.copies > 0
}

// left is how many segments are still to be sent.
func (c *cast) left() int {
	each := max(1, (len(c.data)+c.size-1)/c.size)
	return c.copies*each - c.off/c.size
}

// castSize chooses the segments of a non-ARQ C_PDU.
func (s *Station) castSize(c *cast) int {
	size := s.firstSegment()
	if p := s.known(c.to); p != nil {
		size = p.segment
	}
	size = max(1, min(size, s.out.limit/8-overhead-6))
	if n := len(c.data); n <= min(size*3/2, MaxSegment, s.out.limit/8-overhead-6) {
		return max(1, n)
	}
	return size
}

// addCasts sends non-ARQ C_PDUs.
func (s *Station) addCasts(now time.Time, plan plan, expedited bool) {
	b := &s.out
	for _, c := range slices.Clone(s.casts.list) {
		mine := plan.peer != nil && plan.peer.addr == c.to
		if c.expedited != expedited || (c.reply || c.answer) && !mine || plan.brief && !c.answer {
			continue
		}
		if !c.until.IsZero() && !now.Before(c.until) {
			// The window told to receivers is over. What arrived is theirs; what did not needs a new number.
			if c.whole {
				s.end(c)
				s.emit(Sent{c.id, c.to})
				continue
			}
			c.begun, c.off, c.until = false, 0, time.Time{}
		}
		s.casts.begin(c, s.castSize(c))
		for more := true; more; more = c.next() {
			d := PDU{From: s.cfg.Address}
			if c.fill(&d); !b.add(&d, c) {
				return
			}
			if len(c.data) <= c.size {
				b.again(&d, c)
			}
		}
		s.casts.remove(c)
		b.finished = append(b.finished, c)
		if c.reply {
			b.expect, b.asked = plan.peer, append(b.asked, c.id)
		}
	}
}

// Between two transmissions with copies of the same C_PDU so much time may pass.
const castGap = MaxTransmission + time.Minute

// closeWindows decides when the receivers of the C_PDUs in this transmission may stop waiting for more of them.
//
// S5066 C.3.10: the window ends with the last segment of the last copy. While copies remain for later transmissions, it can only be
// guessed; what does not keep to the first guess is not sent.
func (s *Station) closeWindows(now time.Time) {
	b := &s.out
	off := 0
	for i := range b.pdus {
		off += 8 * b.pdus[i].Len()
		c := b.casts[i]
		switch {
		case c == nil:
		case c.copies <= 0:
			c.until = now.Add(b.timing.Preamble + b.timing.bitTime(off) + b.timing.Block)
		case c.until.IsZero():
			rest := c.left() * 8 * (c.size + overhead + 6)
			c.until = now.Add(b.timing.Air(b.bits) + time.Duration(1+rest/max(1, b.limit))*castGap)
		}
	}
}
