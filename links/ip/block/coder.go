package block

import (
	"math/bits"

	"longwire/links/codec/arith"
)

// A chance is how likely a 1 is, in 65536ths; it learns from what came.
type chance uint16

const (
	even    chance = 1 << 15
	speed          = 4       // of learning: a sixteenth of the way
	extreme        = 1 << 10 // no bit is surer than 64 to 1: the words are few
)

// A coder says things to an encoder, or asks a decoder for them: then what it is given is ignored, and what it returns is what was said.
type coder struct {
	out *arith.Encoder
	in  *arith.Decoder // nil: out is used; both nil: nothing is said, and the chances learn
}

func (c coder) bit(p *chance, bit int) int {
	q := uint32(min(max(*p, extreme), 65535-extreme))
	switch {
	case c.in != nil:
		bit = c.in.Decode(q)
	case c.out != nil:
		c.out.Encode(arith.Choose(bit, q))
	}
	if bit == 1 {
		*p += (65535 - *p) >> speed
	} else {
		*p -= *p >> speed
	}
	return bit
}

// flag is a bit for whoever thinks in bool.
func (c coder) flag(p *chance, yes bool) bool {
	bit := 0
	if yes {
		bit = 1
	}
	return c.bit(p, bit) == 1
}

// tree is a value of n bits, the highest first; t has 2^n chances.
func (c coder) tree(t []chance, n int, v uint32) uint32 {
	node := uint32(1)
	for i := n - 1; i >= 0; i-- {
		node = node<<1 | uint32(c.bit(&t[node], int(v>>i)&1))
	}
	return node - 1<<n
}

// plain is a value of n bits of which nothing is known.
func (c coder) plain(n int, v uint32) (got uint32) {
	for i := n - 1; i >= 0; i-- {
		p := even
		got = got<<1 | uint32(c.bit(&p, int(v>>i)&1))
	}
	return got
}

// lengths are the chances of how many bits a number has, 0 to 32.
type lengths [64]chance

// number is a number of 32 bits: how many it has, and those behind the first.
func (c coder) number(t *lengths, v uint32) uint32 {
	n := int(c.tree(t[:], 6, uint32(bits.Len32(v))))
	if n <= 1 {
		return uint32(n)
	}
	if n > 32 {
		n = 32 // garbage, which is found out by its end
	}
	return 1<<(n-1) | c.plain(n-1, v)
}

// bytes are any, behind their number, of which there are at most most.
func (c coder) bytes(t *lengths, b []byte, most int) (got []byte, ok bool) {
	n := c.number(t, uint32(len(b)))
	if n > uint32(most) {
		return nil, false
	}
	if c.in == nil {
		for _, x := range b {
			c.plain(8, uint32(x))
		}
		return b, true
	}
	for i := uint32(0); i < n && !c.in.Over(); i++ {
		got = append(got, byte(c.plain(8, 0)))
	}
	return got, true
}
