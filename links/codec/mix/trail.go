package mix

import "math/bits"

// maxOrder is the longest context that an index is asked about.
const maxOrder = 20

// A trail follows a line through an index: the span of each context that ends where the line is, from none at all to the longest that the
// text has.
type trail struct {
	x     *Index
	spans [maxOrder + 2]span
	n     int // of them

	now       [maxOrder + 2]span // the spans, as far as they go on with the bits of the symbol so far
	zero, one [maxOrder + 2]span // and what of them goes on with which bit

	// own tells that the text holds the line itself, as it is the text that the weights are learned by. What the line itself adds to the
	// counts is then taken away, as no other line will find itself.
	own bool
}

// begin is at the start of a line.
func (t *trail) begin() {
	t.n = 0
	if t.x == nil {
		return
	}
	t.spans[0], t.spans[1] = span{0, t.x.rows}, span{t.x.first[0], t.x.first[1]}
	t.n = 2
}

// symbol begins the next one.
func (t *trail) symbol() { copy(t.now[:t.n], t.spans[:t.n]) }

// ask finds the parts at a node.
func (t *trail) ask(node uint16) {
	for k := range t.now[:t.n] {
		s := t.now[k]
		if k > 0 && s == t.now[k-1] {
			t.zero[k], t.one[k] = t.zero[k-1], t.one[k-1]
			continue
		}
		if s.lo == s.hi {
			t.zero[k], t.one[k] = s, s
			continue
		}
		t.zero[k], t.one[k] = t.x.split(node, s)
	}
}

// longest is the longest context that the text has elsewhere too.
func (t *trail) longest() int {
	least := uint32(0)
	if t.own {
		least = 1
	}
	k := t.n - 1
	for k > 0 && t.now[k].size() <= least {
		k--
	}
	return max(k, 0)
}

// counts of zeros and ones behind the context of length k. The bit that comes is not used but to take the line itself away.
func (t *trail) counts(k, bit int) (n0, n1 uint32) {
	if k <= 0 || k >= t.n {
		return 0, 0
	}
	n0, n1 = t.zero[k].size(), t.one[k].size()
	if t.own {
		if bit == 0 && n0 > 0 {
			n0--
		}
		if bit == 1 && n1 > 0 {
			n1--
		}
	}
	return n0, n1
}

func (t *trail) turn(bit int) {
	if bit == 1 {
		copy(t.now[:t.n], t.one[:t.n])
	} else {
		copy(t.now[:t.n], t.zero[:t.n])
	}
}

// step takes the symbol that the bits made.
func (t *trail) step(c byte) {
	n := 1
	for k := range t.now[:min(t.n, maxOrder+1)] {
		s := t.now[k]
		if s.lo == s.hi {
			break
		}
		f := t.x.first[c]
		t.spans[k+1] = span{min(s.lo+f, t.x.rows), min(s.hi+f, t.x.rows)}
		n++
	}
	t.n = n
}

// follow goes along a known symbol.
func (t *trail) follow(c byte) {
	t.symbol()
	node := uint16(0)
	code := t.x.tree.code[c]
	for i := bits.Len32(code) - 2; i >= 0; i-- {
		bit := int(code >> i & 1)
		t.ask(node)
		t.turn(bit)
		node = t.x.tree.next[node][bit]
	}
	t.step(c)
}

// Alike tells whether most of a line of the index stands in other lines too. By such the weights must not learn: they would come to think
// that what is said was mostly said before.
func (f *Faculty) Alike(line []byte) bool {
	t := &f.trail
	t.begin()
	n := 0
	for _, c := range line {
		t.follow(c)
		t.symbol()
		if t.longest() >= likeness {
			n++
		}
	}
	return n > len(line)/3
}

const likeness = 10
