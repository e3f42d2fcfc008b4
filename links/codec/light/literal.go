package light

import "longwire/links/codec/arith"

// A tree has the chances of the bits of one byte, in 65536ths that it is 1: node 1 is of the top bit, node 2n+b of the one behind bit b of
// node n.
type tree [256]uint16

const (
	even = 1 << 15 // a chance of which nothing is known
	rate = 5       // a chance moves by a 32nd of what it was wrong

	narrow   = 512 // contexts of one byte before, or of a kind of byte
	wide     = 512 // contexts of two
	contexts = narrow + wide
)

// Literals are the chances of bytes in two contexts each, of which the mean counts. They are learned from every byte of every text, whatever
// the parse, so that they are a function of the texts alone.
type literals struct {
	shared *[contexts]*tree // what ships; never changed. nil is a tree of even chances
	own    [contexts]*tree  // what was changed since reset
	used   []uint16
	spare  []*tree
}

// A context is two places in literals: below narrow, and from there on.
type context [2]uint16

func (l *literals) reset() {
	for _, c := range l.used {
		l.spare = append(l.spare, l.own[c])
		l.own[c] = nil
	}
	l.used = l.used[:0]
}

// in are the trees of a context, to look at.
func (l *literals) in(c context) pair { return pair{l.tree(c[0]), l.tree(c[1])} }

func (l *literals) tree(c uint16) *tree {
	switch {
	case l.own[c] != nil:
		return l.own[c]
	case l.shared[c] != nil:
		return l.shared[c]
	}
	return &unknown
}

var unknown = func() (t tree) {
	for i := range t {
		t[i] = even
	}
	return t
}()

// learn takes in a byte.
func (l *literals) learn(c context, b byte) {
	for _, c := range c {
		t := l.own[c]
		if t == nil {
			t = l.take()
			*t = *l.tree(c)
			l.own[c] = t
			l.used = append(l.used, c)
		}
		t.learn(b)
	}
}

func (l *literals) take() *tree {
	if n := len(l.spare); n > 0 {
		t := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return t
	}
	return new(tree)
}

func (t *tree) learn(b byte) {
	node := 1
	for i := 7; i >= 0; i-- {
		bit := int(b>>i) & 1
		if bit == 1 {
			t[node] += (65535 - t[node]) >> rate
		} else {
			t[node] -= t[node] >> rate
		}
		node = node<<1 | bit
	}
}

// A pair are the trees of one context.
type pair [2]*tree

// chance keeps clear of certainty.
func (p pair) chance(node int) uint32 {
	return min(max((uint32(p[0][node])+uint32(p[1][node]))>>1, 32), 65536-32)
}

// price of a byte, in 64ths of a bit.
func (p pair) price(b byte) (n uint32) {
	node := 1
	for i := 7; i >= 0; i-- {
		bit := uint32(b>>i) & 1
		n += price(bit, p.chance(node))
		node = node<<1 | int(bit)
	}
	return n
}

// plan appends the choices that say b.
func (p pair) plan(b byte, out []arith.Choice) []arith.Choice {
	node := 1
	for i := 7; i >= 0; i-- {
		bit := int(b>>i) & 1
		out = append(out, arith.Choose(bit, p.chance(node)))
		node = node<<1 | bit
	}
	return out
}

// read is a byte that d says.
func (p pair) read(d *arith.Decoder) byte {
	node := 1
	for range 8 {
		node = node<<1 | d.Decode(p.chance(node))
	}
	return byte(node)
}
