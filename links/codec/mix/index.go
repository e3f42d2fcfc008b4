package mix

import (
	"bytes"
	"math/bits"
	"slices"
)

// An Index counts in a fixed text what follows any context, exactly and for contexts of any length. It holds the text's symbols in the order
// of what is before them, as a tree of bits that is counted in: rows is the number of places, and each context is a span of rows.
type Index struct {
	tree   *Tree
	rows   uint32
	first  [257]uint32   // the row where contexts that end with the symbol begin
	start  [Nodes]uint32 // where the bits of a node begin
	ones   [Nodes]uint32 // and how many ones are before
	words  []uint64
	before []uint32 // ones before each word
}

// A span is the rows of one context.
type span struct{ lo, hi uint32 }

func (s span) size() uint32 { return s.hi - s.lo }

// NewIndex makes an index of text, in which symbol 0 stands at the start and between its lines.
func NewIndex(text []byte) *Index { return indexOf(Sorted(text)) }

// none follows the end of the text. No UTF-8 has it.
const none = 0xFF

// Sorted is what follows each place of text, in the order of what is before it, read backwards.
func Sorted(text []byte) []byte {
	n := len(text)
	back := bytes.Clone(text)
	slices.Reverse(back)
	rows := make([]int32, n+1)
	for i := range rows {
		rows[i] = int32(i)
	}
	slices.SortFunc(rows, func(a, b int32) int { return bytes.Compare(back[a:], back[b:]) })
	last := make([]byte, n+1)
	for i, r := range rows {
		last[i] = none
		if r > 0 {
			last[i] = back[r-1]
		}
	}
	return last
}

func indexOf(last []byte) *Index {
	var counts [256]uint32
	for _, c := range last {
		counts[c]++
	}
	x := &Index{tree: Shaped(&counts), rows: uint32(len(last))}
	x.first[0] = 1 // behind the row of the empty context
	for c, n := range counts {
		x.first[c+1] = x.first[c] + n
	}
	for c := range x.first {
		x.first[c] = min(x.first[c], x.rows)
	}
	total := uint32(0)
	var at [Nodes]uint32
	sizes := x.tree.sizes(&counts)
	for n, s := range sizes {
		x.start[n], at[n] = total, total
		total += s
	}
	x.words = make([]uint64, total/64+1)
	for _, c := range last {
		n := uint16(0)
		code := x.tree.code[c]
		for i := bits.Len32(code) - 2; i >= 0; i-- {
			bit := code >> i & 1
			x.words[at[n]/64] |= uint64(bit) << (at[n] % 64)
			at[n]++
			n = x.tree.next[n][bit]
		}
	}
	x.before = make([]uint32, len(x.words))
	sum := uint32(0)
	for i, w := range x.words {
		x.before[i] = sum
		sum += uint32(bits.OnesCount64(w))
	}
	for n := range x.ones {
		x.ones[n] = x.rank(x.start[n])
	}
	return x
}

// sizes is how many symbols are below each node.
func (t *Tree) sizes(counts *[256]uint32) (sizes [Nodes]uint32) {
	for c, n := range counts {
		node := uint16(0)
		code := t.code[c]
		for i := bits.Len32(code) - 2; i >= 0; i-- {
			sizes[node] += n
			node = t.next[node][code>>i&1]
		}
	}
	return sizes
}

func (x *Index) rank(at uint32) uint32 {
	w := at / 64
	return x.before[w] + uint32(bits.OnesCount64(x.words[w]&(1<<(at%64)-1)))
}

// split is the parts of s that go on with 0 and with 1 from a node.
func (x *Index) split(n uint16, s span) (zero, one span) {
	from := x.start[n]
	one.lo = x.rank(from+s.lo) - x.ones[n]
	one.hi = x.rank(from+s.hi) - x.ones[n]
	return span{s.lo - one.lo, s.hi - one.hi}, one
}
