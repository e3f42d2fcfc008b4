package arith

// maxOver is how many bytes behind the end of its input a decoder takes in at the most, of what an encoder wrote.
const maxOver = 8 + maxStripped

// A Decoder makes choices of bytes. Begin makes it ready.
type Decoder struct {
	low, high, code uint64
	in              []byte
	over            int  // bytes taken behind the end
	last            byte // of the input
}

// Begin starts to read b, which must not change meanwhile.
func (c *Decoder) Begin(b []byte) {
	*c = Decoder{high: 1<<64 - 1, in: b, last: 1}
	if len(b) > 0 {
		c.last = b[len(b)-1]
	}
	for range 8 {
		c.code = c.code<<8 | uint64(c.next())
	}
}

func (c *Decoder) next() byte {
	if len(c.in) == 0 {
		c.over++
		return 0
	}
	b := c.in[0]
	c.in = c.in[1:]
	return b
}

// Over tells that no encoder wrote the input: more was read than there can be.
func (c *Decoder) Over() bool { return c.over > maxOver }

// Decode is the next choice, where 1 has the chance p, in 65536ths, 0 < p < 65536.
func (c *Decoder) Decode(p uint32) int {
	mid := split(c.low, c.high, p)
	bit := 0
	if c.code <= mid {
		bit, c.high = 1, mid
	} else {
		c.low = mid + 1
	}
	if straddles(c.low, c.high) {
		c.low, c.high = cut(c.low, c.high)
	}
	for (c.low^c.high)>>56 == 0 {
		c.low, c.high = c.low<<8, c.high<<8|0xFF
		c.code = c.code<<8 | uint64(c.next())
	}
	return bit
}

// Ended tells whether the input is just what an encoder gives out whose last choice was the last one decoded: it ends here, with the shortest ending.
// Input that was made of other choices hardly ever does, so this is as good as some bits of check that nobody pays for.
func (c *Decoder) Ended() bool {
	v, n := end(c.low, c.high)
	stripped := c.over - 8 + n
	return len(c.in) == 0 && c.code == v && stripped >= 0 && (stripped == maxStripped || stripped < maxStripped && c.last != 0)
}
