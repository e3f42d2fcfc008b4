package mix

import "math/bits"

// A state is what a context has seen at a bit: how many zeros and ones, roughly, and which came last. Few of one kind among many of the
// other are soon forgotten, as what came last counts most. State 0 has seen nothing.

// most is how many of one bit are told apart when there are so many of the other.
var most = [...]int{34, 22, 12, 8, 6, 5}

type tally struct{ n0, n1, last int }

// states are all there are, and what follows on a 0 and a 1.
var states, nexts = makeStates()

func makeStates() (all []tally, next [][2]uint8) {
	index := map[tally]int{}
	add := func(h tally) uint8 {
		i, ok := index[h]
		if !ok {
			i = len(all)
			index[h] = i
			all = append(all, h)
		}
		return uint8(i)
	}
	add(tally{})
	for i := 0; i < len(all); i++ {
		var n [2]uint8
		for bit := range n {
			n[bit] = add(all[i].follow(bit))
		}
		next = append(next, n)
	}
	if len(all) > 256 {
		panic("mix: too many states")
	}
	return all, next
}

func (h tally) follow(bit int) tally {
	same, other := h.n0, h.n1
	if bit == 1 {
		same, other = other, same
	}
	same++
	if other > 2 {
		other = bits.Len(uint(other))
	}
	other = min(other, len(most)-1)
	if same >= other {
		same = min(same, most[other])
	}
	h = tally{same, other, 0}
	if bit == 1 {
		h = tally{other, same, 0}
	}
	if h.n0 > 0 && h.n1 > 0 {
		h.last = bit
	}
	return h
}

// chance of a 1, in 65536ths, before anything better is known.
func (h tally) chance() uint32 {
	return uint32((65536*(2*h.n1) + 32768) / (2*(h.n0+h.n1) + 1))
}
