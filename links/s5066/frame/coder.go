package frame

// A choice is one binary decision as the coder needs it: the chance that it is 1, in 65536ths, and above it which it was.
type choice uint32

func choose(bit int, p uint32) choice { return choice(uint32(bit)<<16 | p) }

// follows is the choice between stanzas: whether there is another one. It teaches the model nothing, as how stanzas are put into frames
// must not matter to what comes later.
func follows(more bool) choice {
	if more {
		return choose(1, followP)
	}
	return choose(0, followP)
}

const followP = 1 << 14

// An encoder is an arithmetic coder: it makes bytes of choices.
type encoder struct {
	low, high uint64
	out       []byte
}

type coderMark struct {
	low, high uint64
	n         int
}

func (c *encoder) begin() { *c = encoder{high: 1<<64 - 1, out: c.out[:0]} }

func (c *encoder) mark() coderMark { return coderMark{c.low, c.high, len(c.out)} }

func (c *encoder) rewind(m coderMark) { c.low, c.high, c.out = m.low, m.high, c.out[:m.n] }

// split is the last value of the part of low..high that stands for 1.
func split(low, high uint64, p uint32) uint64 { return low + (high-low)>>16*uint64(p) }

func (c *encoder) encode(d choice) {
	mid := split(c.low, c.high, uint32(d&0xFFFF))
	if d>>16 == 1 {
		c.high = mid
	} else {
		c.low = mid + 1
	}
	for (c.low^c.high)>>56 == 0 {
		c.out = append(c.out, byte(c.low>>56))
		c.low, c.high = c.low<<8, c.high<<8|0xFF
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

// length is how long the output would be if d were the last choice.
func (c *encoder) length(d choice) int {
	t := encoder{low: c.low, high: c.high}
	t.encode(d)
	_, n := end(t.low, t.high)
	return len(c.out) + len(t.out) + n
}

// finish returns the output, without the zeros at its end.
func (c *encoder) finish() []byte {
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

// A decoder that takes in more than maxOver bytes behind the end of its input reads what no encoder wrote.
const (
	maxStripped = 7
	maxOver     = 8 + maxStripped
)

// A decoder makes choices of bytes.
type decoder struct {
	low, high, code uint64
	in              []byte
	over            int // bytes taken behind the end
}

func (c *decoder) begin(b []byte) {
	*c = decoder{high: 1<<64 - 1, in: b}
	for range 8 {
		c.code = c.code<<8 | uint64(c.next())
	}
	c.over = 0
}

func (c *decoder) next() byte {
	if len(c.in) == 0 {
		c.over++
		return 0
	}
	b := c.in[0]
	c.in = c.in[1:]
	return b
}

func (c *decoder) decode(p uint32) int {
	mid := split(c.low, c.high, p)
	bit := 0
	if c.code <= mid {
		bit, c.high = 1, mid
	} else {
		c.low = mid + 1
	}
	for (c.low^c.high)>>56 == 0 {
		c.low, c.high = c.low<<8, c.high<<8|0xFF
		c.code = c.code<<8 | uint64(c.next())
	}
	return bit
}
