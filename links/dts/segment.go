package dts

import "time"

// Sizes of segments the Station chooses by itself.
const (
	leastSegment = 50
	wholeSegment = 225 // what is worth its header, however long it takes
	// Choice: at 300 bit/s 300 bytes. An urgent C_PDU that comes at the beginning of the last segment of a transmission waits for its end and for the answer; with
	// the short interleaver it is there within 20 s all the same. Headers take 7 % then, in place of 3 % with twice as much.
	segmentTime = 8 * time.Second
)

// firstSegment is a segment size that usually gets through at the present rate.
func (s *Station) firstSegment() int {
	if s.cfg.Segment > 0 {
		return s.cfg.Segment
	}
	switch rate := s.cfg.Timing.Rate; {
	case rate <= 150:
		return 150
	case rate <= 1200:
		return 200
	case rate <= 2400:
		return 300
	case rate <= 4800:
		return 500
	default:
		return 800
	}
}

// mostSegment is the largest size worth trying.
func (s *Station) mostSegment(p *peer) int {
	t := s.timingOf(p)
	fit := t.Capacity(s.cfg.MaxTransmission)/8 - overhead - 17
	worth := t.Rate * int(segmentTime/time.Millisecond) / 8000
	return max(1, min(MaxSegment, max(worth, wholeSegment), fit))
}

// adapt makes segments longer while all of them arrive, and shorter when many are lost.
func (p *peer) adapt(s *Station) {
	if p.sent == 0 || !p.answered || s.cfg.Segment > 0 {
		return
	}
	sent := p.sent
	p.sent = 0
	lost := 0
	for fsn := p.tx.lwe; fsn != p.tx.next; fsn++ {
		if x := &p.tx.slots[fsn]; !x.acked && x.round == p.round {
			lost++
		}
	}
	switch {
	case lost == 0 && sent > 1:
		p.segment = min(p.segment*3/2, s.mostSegment(p))
	case 5*lost > sent:
		p.segment = max(p.segment*2/3, leastSegment)
	}
}

// chooser tells how long the segments of a C_PDU are to be. All but the last have one size (S5066 C.4.1); a last one that would be
// short beside the others is avoided.
func (s *Station) chooser(p *peer) func(total int) int {
	return func(total int) int {
		size := p.segment
		if s.cfg.Segment > 0 {
			return min(size, max(1, total))
		}
		size = min(size, s.mostSegment(p))
		if total <= min(size*3/2, s.mostSegment(p)) {
			return max(1, total)
		}
		n := (total + size - 1) / size
		return (total + n - 1) / n
	}
}
