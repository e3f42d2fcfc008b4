package token

// numbers is what short ids are told from. Both ends of a link give such numbers to the stanzas they send, the one odd ones and the other
// even ones, so that a number tells whose it is: ours is what the sender of this stream gives.
type numbers struct {
	known bool
	odd   uint64    // 1 when ours are odd
	last  [2]uint64 // ours and theirs; 0: none yet
	near  [2]uint64
}

// Near tells about which number the next stanza has, and about which numbers of the other side it refers to, when none was met since
// Reset: of an id near to that only the low byte crosses. Both ends must say about the same; 0 is unknown.
func (t *Table) Near(ours, theirs uint64) {
	n := &t.numbers
	n.near = [2]uint64{ours, theirs}
	switch {
	case n.known:
	case ours != 0:
		n.known, n.odd = true, ours&1
	case theirs != 0:
		n.known, n.odd = true, theirs&1^1
	}
}

// side is whose number n is, which stands in field f. The first number settles whose the odd ones are: an id is ours unless it is that of
// an answer.
func (t *Table) side(f *field, n uint64) int {
	s := &t.numbers
	if !s.known {
		ours := f.own && !t.answer
		s.known, s.odd = true, n&1
		if !ours {
			s.odd ^= 1
		}
	}
	return int(n&1 ^ s.odd)
}

// keep makes n the last of its side, unless it stands where old ones stand.
func (s *numbers) keep(f *field, side int, n uint64) {
	if f.keeps {
		s.last[side] = n
	}
}

// step is the first of the forms of a difference in one byte.
func step(side int) byte {
	if side == 0 {
		return formStep
	}
	return formTheir
}
