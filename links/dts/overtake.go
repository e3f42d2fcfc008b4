package dts

import (
	"slices"
	"time"
)

// An urgent C_PDU overtakes a long one that is under way at the next D_PDU. Frame numbers follow the order of segmentation, not that of sending: the
// rest of the long C_PDU gets its numbers at once, the urgent one those behind, and its frames go first, without DELIVER IN ORDER. To the peer that
// looks as if the others had been lost and were sent again.
//
// Choice: not the expedited service. It stops and waits for each C_PDU, has room for nothing else in its transmissions (S5066 C.6.1), and its C_PDUs come
// out as expedited ones at the far client.

const (
	overtakeBy  = 2               // levels of priority; fewer are not worth the trouble
	overtakeFor = 2 * time.Second // on the air that would go before; less is not
	urgentRoom  = 4               // frames of the window that are left for what may come
	mostStarved = 8               // transmissions with urgent C_PDUs only, while others wait
)

// An overtaking is what an urgent C_PDU needs.
type overtaking struct {
	m     *message
	rest  int // frames of the present C_PDU that have no number yet
	n     int // its own
	ahead int // bytes on the air of less urgent frames, which would go before it
}

// passes tells whether it is worth while to go before m.
func (o *overtaking) passes(m *message) bool { return int(m.priority)+overtakeBy <= int(o.m.priority) }

// overtaker is what waits and is so much more urgent than what has begun that it goes first; ok is false when nothing is, or the window has no room.
func (s *sender) overtaker(round uint32, size func(total int) int) (o overtaking, ok bool) {
	if len(s.queue) == 0 || s.starved >= mostStarved {
		return o, false
	}
	o.m = s.queue[0]
	for fsn := s.lwe; fsn != s.next; fsn++ {
		switch x := &s.slots[fsn]; {
		case o.m.ordered && !x.m.done && !o.passes(x.m):
			return o, false // of two that are as urgent the second could come out first
		case !x.acked && x.round != round && o.passes(x.m):
			o.ahead += overhead + x.n
		}
	}
	if c := s.current; c != nil {
		o.rest = 1
		if !c.dropped {
			o.rest = max(1, (len(c.data)-c.off+c.size-1)/max(1, c.size))
		}
		if o.passes(c) {
			o.ahead += o.rest*overhead + len(c.data) - c.off
		}
	}
	each := max(1, size(len(o.m.data)))
	o.n = max(1, (len(o.m.data)+each-1)/each)
	return o, s.inFlight()+o.rest+o.n <= s.limit
}

// overtake gives the frames of an overtaking their numbers, and tells the first.
func (s *sender) overtake(o overtaking, size func(total int) int) (first uint8) {
	for range o.rest {
		s.make(size)
	}
	o.m.ordered = false
	first = s.next
	for range o.n {
		s.make(size)
	}
	return first
}

// inRound counts the frames that were sent in that round.
func (s *sender) inRound(round uint32) (n int) {
	for fsn := s.lwe; fsn != s.next; fsn++ {
		if s.slots[fsn].round == round {
			n++
		}
	}
	return n
}

// lost are the frames that are not acknowledged and were not sent in that round, in the order in which they go.
func (s *sender) lost(round uint32) (fsns []uint8) {
	for fsn := s.lwe; fsn != s.next; fsn++ {
		if x := &s.slots[fsn]; !x.acked && x.round != round {
			fsns = append(fsns, fsn)
		}
	}
	if s.starved < mostStarved {
		slices.SortStableFunc(fsns, func(a, b uint8) int { return int(s.slots[b].m.priority) - int(s.slots[a].m.priority) })
	}
	return fsns
}

// pick is the place in the queue of the C_PDU to begin next: the most urgent, or the one that has waited longest when only urgent ones went for long.
func (s *sender) pick() (best int) {
	if s.starved < mostStarved {
		return 0
	}
	for i, m := range s.queue {
		if m.id < s.queue[best].id {
			best = i
		}
	}
	return best
}

// share notes whether the transmission of that round has something of what is least urgent.
func (s *sender) share(round uint32) {
	least, most, any := uint8(255), uint8(0), false
	for fsn := s.lwe; fsn != s.next; fsn++ {
		if x := &s.slots[fsn]; x.round == round {
			least, most, any = min(least, x.m.priority), max(most, x.m.priority), true
		}
	}
	waits := s.current != nil && s.current.priority < least || len(s.queue) > 0 && s.queue[len(s.queue)-1].priority < least
	switch {
	case waits && any && least == most:
		s.starved++
	case any:
		s.starved = 0
	}
}

// roomy tells whether the next C_PDU may be begun: it should fit the window whole, and leave some of it, or nothing could overtake it.
func (s *sender) roomy(size func(total int) int) bool {
	if s.current != nil || s.limit < 8*urgentRoom {
		return true
	}
	total := len(s.queue[s.pick()].data)
	each := max(1, size(total))
	n := (total + each - 1) / each
	return n > s.limit/4 || s.inFlight()+n+urgentRoom <= s.limit
}

// addUrgent sends what overtakes.
func (s *Station) addUrgent(p *peer, size func(int) int, add func(fsn uint8) bool) (n int) {
	for {
		o, ok := p.tx.overtaker(p.round, size)
		if !ok || s.timingOf(p).bitTime(8*o.ahead) < overtakeFor {
			return n
		}
		first := p.tx.overtake(o, size)
		for i := range o.n {
			if !add(first + uint8(i)) {
				return n
			}
			n++
		}
	}
}
