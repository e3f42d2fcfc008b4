package mix

import (
	"cmp"
	"slices"
)

// A Tree says in which order the bits of a symbol are asked for: each inner node is one question. Frequent symbols take few.
type Tree struct {
	next [Nodes][2]uint16 // an inner node, or leaf + a symbol
	code [256]uint32      // the answers that lead to a symbol, first one highest, behind a 1
}

// Nodes is how many inner nodes a tree of all 256 symbols has. The root is 0.
const Nodes = 255

const leaf = 1 << 8

// Plain is the tree that asks for the bits of a byte, highest first.
func Plain() *Tree {
	t := &Tree{}
	for n := range Nodes {
		for bit := range 2 {
			c := 2*(n+1) + bit // nodes count as in a heap, from 1
			if c < 256 {
				t.next[n][bit] = uint16(c - 1)
			} else {
				t.next[n][bit] = uint16(leaf + c - 256)
			}
		}
	}
	t.number()
	return t
}

// Shaped is the tree that asks the least for text with these counts of symbols.
func Shaped(counts *[256]uint32) *Tree {
	type item struct {
		weight uint32
		ref    uint16 // into nodes, or leaf + symbol
	}
	var live []item
	for c, n := range counts {
		live = append(live, item{n + 1, uint16(leaf + c)})
	}
	var nodes [][2]uint16
	for len(live) > 1 {
		slices.SortStableFunc(live, func(a, b item) int { return cmp.Compare(a.weight, b.weight) })
		nodes = append(nodes, [2]uint16{live[0].ref, live[1].ref})
		live[1] = item{live[0].weight + live[1].weight, uint16(len(nodes) - 1)}
		live = live[1:]
	}
	t := &Tree{}
	slices.Reverse(nodes)
	for i, n := range nodes {
		for bit, ref := range n {
			if ref < leaf {
				ref = uint16(Nodes - 1 - int(ref))
			}
			t.next[i][bit] = ref
		}
	}
	t.number()
	return t
}

func (t *Tree) number() {
	var walk func(n uint16, code uint32)
	walk = func(n uint16, code uint32) {
		if n >= leaf {
			t.code[n-leaf] = code
			return
		}
		walk(t.next[n][0], code<<1)
		walk(t.next[n][1], code<<1|1)
	}
	walk(0, 1)
}
