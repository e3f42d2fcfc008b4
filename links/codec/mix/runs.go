package mix

// runs keeps for each of many contexts the one symbol that came last in it, and how often in a row: four bytes a context, as most contexts of
// some length have only one. What is not in slots is as it is in under, which all models share and none changes.
type runs struct {
	slots []slot
	under []slot
}

// A slot is a check of 16 bits, the symbol, and its state: in the low half how often it came in a row, above that how often another one came.
type slot uint32

func (s slot) symbol() byte  { return byte(s >> 8) }
func (s slot) state() uint32 { return uint32(s & 0xFF) }

const (
	longestRun = 15
	mostMisses = 3
)

// find is the slot of a context. It may take the place of one that has less to say. Symbols are in it if the state is not 0.
func (t *runs) find(h uint32) *slot {
	h = (h ^ h>>15) * 0x2C1B3C6D
	check := slot(h<<16 | 1<<16)
	s := spot(t.slots, h, check)
	if *s&^0xFFFF == check {
		return s
	}
	*s = check
	if t.under != nil {
		if u := spot(t.under, h, check); *u&^0xFFFF == check {
			*s = *u
		}
	}
	return s
}

func spot(slots []slot, h uint32, check slot) *slot {
	i := int(uint64(h) * uint64(len(slots)) >> 32)
	a, b := &slots[i], &slots[i^1]
	if *a&^0xFFFF == check || *b&^0xFFFF != check && *a&15 <= *b&15 {
		return a
	}
	return b
}

// step takes in the symbol that came.
func (s *slot) step(c byte) {
	run, misses := uint32(*s)&15, uint32(*s)>>4&15
	switch {
	case run == 0:
		run = 1
	case s.symbol() == c:
		run = min(run+1, longestRun)
	default:
		run, misses = 1, min(misses+1, mostMisses)
	}
	*s = *s&^0xFFFF | slot(c)<<8 | slot(misses<<4|run)
}
