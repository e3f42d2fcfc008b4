package arith

// An Encoder makes bytes of choices. Begin makes it ready.
type Encoder struct {
	low, high uint64
	out       []byte
}

// A Mark is a place in the output that one can go back to.
type Mark struct {
	low, high uint64
	n         int
}

// Begin empties the encoder. What Finish returned before is no longer good.
func (c *Encoder) Begin() { *c = Encoder{high: 1<<64 - 1, out: c.out[:0]} }

// Mark is the place behind the latest choice.
func (c *Encoder) Mark() Mark { return Mark{c.low, c.high, len(c.out)} }

// Rewind takes back the choices behind m.
func (c *Encoder) Rewind(m Mark) { c.low, c.high, c.out = m.low, m.high, c.out[:m.n] }

// Encode takes in the next choice.
func (c *Encoder) Encode(d Choice) {
	mid := split(c.low, c.high, uint32(d&0xFFFF))
	if d>>16 == 1 {
		c.high = mid
	} else {
		c.low = mid + 1
	}
	if straddles(c.low, c.high) {
		c.low, c.high = cut(c.low, c.high)
	}
	for (c.low^c.high)>>56 == 0 {
		c.out = append(c.out, byte(c.low>>56))
		c.low, c.high = c.low<<8, c.high<<8|0xFF
	}
}

// Take takes in choices in their order.
func (c *Encoder) Take(all []Choice) {
	for _, d := range all {
		c.Encode(d)
	}
}

// end is the shortest ending: the bytes of a value between low and high, without the zeros that a decoder puts behind the end by itself.
func end(low, high uint64) (v uint64, n int) {
	for ; n < 8; n++ {
		v = 0
		if n > 0 {
			v = high &^ (1<<(64-8*n) - 1)
		}
		if v >= low {
			return v, n
		}
	}
	return high, 8
}

// Length is how long the output would be, in bytes, if d were the last choice.
func (c *Encoder) Length(d Choice) int {
	t := Encoder{low: c.low, high: c.high}
	t.Encode(d)
	_, n := end(t.low, t.high)
	return len(c.out) + len(t.out) + n
}

// Finish returns the output, without the zeros at its end.
func (c *Encoder) Finish() []byte {
	v, n := end(c.low, c.high)
	for i := range n {
		c.out = append(c.out, byte(v>>(56-8*i)))
	}
	k := len(c.out)
	for k > 0 && c.out[k-1] == 0 && len(c.out)-k < maxStripped {
		k--
	}
	return c.out[:k]
}

// maxStripped is how many zeros are left away, at most.
const maxStripped = 7
