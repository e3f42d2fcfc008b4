package mix

import "math/bits"

// Sizes of what a symbol is guessed from.
const (
	Contexts = 4 // hashes of a stream's contexts that are short
	Runs     = 6 // and of those that are long
	Orders   = 9 // lengths of contexts in the index
	Views    = 4 // of the situation, to choose weights by
)

// An Ask is what the next symbol is guessed from.
type Ask struct {
	Contexts [Contexts]uint32
	Runs     [Runs]uint32
	Orders   [Orders]int   // only of a faculty with an index
	Views    [Views]uint32 // each below the faculty's
	Refine   uint32        // hash of the context of the last correction
	Lo, Hi   int           // only of a faculty without index: symbols from Lo on and below Hi are those that come into question; none: all
	Again    int           // and as many that are greater by this, if it is not 0
}

// A Coder says bits, or finds them out.
type Coder interface {
	// Code takes the chance that a bit is 1, in 65536ths. Where the bit is known it comes back.
	Code(bit int, p uint32) int
}

// A Faculty guesses symbols of one kind. It is for one goroutine.
type Faculty struct {
	tree  *Tree
	trail trail
	cells cells
	runs  runs
	seen  *matches

	blend  *blend
	counts [][levels * levels]counter // what counts of the index are worth
	trust  [Contexts][256]counter     // and what the states of contexts are
	steady [Runs][64]counter          // and what runs are
	hits   [16]counter                // and whether a bit of the expected symbol comes
	plain  []counter                  // chances of the nodes by the first view
	nodes  *refiner
	last   *refiner

	lineBits, runBits int
	rate              int64
	views             [Views + 3]uint32
	lines             [Contexts]*line
	slots             [Runs]*slot
	meant             [Runs]uint32 // the answers that lead to a slot's symbol
	depths            [Runs]int
	taught            [Orders + Contexts]*counter
	running           [Runs]*counter
	told              [Runs]int // by the runs, of the bit
}

// Shape is what kind of faculty it is.
type Shape struct {
	Index    *Index     // nil: none
	Views    [Views]int // sizes
	LineBits int        // room for short contexts of one stream, as a power of two of 16 bytes
	RunBits  int        // and for long ones, of 4 bytes
}

const (
	lastBits   = 8  // of the hash of the last correction's context
	plainViews = 16 // rows of the first view that chances of nodes are kept for
	manySaid   = 40 // counts beyond tell the chance by themselves
	slowest    = 500
	hitsLimit  = 250
)

// NewFaculty is one that has learned nothing.
func NewFaculty(s Shape, seen *matches) *Faculty {
	f := &Faculty{tree: Plain(), seen: seen, lineBits: s.LineBits, runBits: s.RunBits}
	inputs := Contexts + Runs + 3
	if s.Index != nil {
		f.tree = s.Index.tree
		f.trail.x = s.Index
		inputs += Orders
		f.counts = make([][levels * levels]counter, Orders)
	} else {
		inputs++
	}
	sizes := append(s.Views[:], 16*8, Nodes, 16*16)
	f.blend = newBlend(inputs, sizes, 16*8)
	for j := range f.counts {
		for i := range f.counts[j] {
			a, b := uint32(i/levels), uint32(i%levels)
			f.counts[j][i].set((2*b + 1) * 65535 / (2*(a+b) + 2))
		}
	}
	for k := range f.trust {
		for i, s := range states {
			f.trust[k][i].set(s.chance())
		}
	}
	for k := range f.steady {
		for i := range f.steady[k] {
			f.steady[k][i].set(3 << 14)
		}
	}
	for i := range f.hits {
		f.hits[i].set(3 << 14)
	}
	f.plain = make([]counter, min(s.Views[0], plainViews)*256)
	for i := range f.plain {
		f.plain[i].set(1 << 15)
	}
	f.nodes, f.last = newRefiner(256), newRefiner(1<<lastBits)
	return f
}

// levels is how many counts are told apart.
const levels = 24

// level of a count: exact up to 4, then two to each doubling.
func level(n uint32) uint32 {
	if n < 5 {
		return n
	}
	l := uint32(bits.Len32(n))
	return min(2*(l-3)+n>>(l-2)&1+5, levels-1)
}

// Begin is at the start of a line of the index.
func (f *Faculty) Begin() { f.trail.begin() }

// Symbol says, or finds out, a symbol.
func (f *Faculty) Symbol(a *Ask, c byte, code Coder) byte {
	f.trail.symbol()
	say := f.tree.code[c]
	say <<= bits.LeadingZeros32(say) // the answers are below the highest bit
	want, wanted := f.seen.expected()
	expect := f.tree.code[want]
	long := bits.Len32(expect) - 1
	copy(f.views[:], a.Views[:])
	f.findRuns(a)
	node, path, cell := uint16(0), uint32(1), uint32(1)
	for depth := 0; ; depth++ {
		say <<= 1
		bit := int(say >> 31)
		if depth%4 == 0 {
			f.find(a, path)
			cell = 1
		}
		hit := -1
		if wanted && depth < long && expect>>(long-depth) == path {
			hit = int(expect >> (long - depth - 1) & 1)
		}
		bit = f.decide(a, node, cell, bit, hit, path, depth, code)
		path, cell = path<<1|uint32(bit), cell<<1|uint32(bit)
		n := f.tree.next[node][bit]
		if n >= leaf {
			c = byte(n)
			break
		}
		node = n
	}
	for _, s := range f.slots {
		s.step(c)
	}
	f.trail.step(c)
	f.seen.step(c)
	return c
}

func (f *Faculty) find(a *Ask, path uint32) {
	for k := range f.lines {
		f.lines[k] = f.cells.find(a.Contexts[k] + path*0x3D4D51CB)
	}
}

func (f *Faculty) findRuns(a *Ask) {
	for k := range f.slots {
		s := f.runs.find(a.Runs[k])
		f.slots[k], f.depths[k] = s, 0
		if s.state() != 0 {
			f.meant[k] = f.tree.code[s.symbol()]
			f.depths[k] = bits.Len32(f.meant[k]) - 1
		}
	}
}
