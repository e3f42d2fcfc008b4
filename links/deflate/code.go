package deflate

// A code is what a block is written in: the tables, what they cost, and how a decoder is told.
type code struct {
	fixed     bool
	lasting   bool // made for the traffic, not for one text
	lit, dist encTable
	costs     costs
	header    []clSym // a dynamic block's code lengths, run-length coded
	nlit      int
	ndist     int
	cl        encTable
	ncl       int
}

// clSym is one symbol of the code length code with its extra bits. RFC 1951 §3.2.7.
type clSym struct{ sym, extra, bits uint8 }

func fixedCode() *code {
	c := &code{fixed: true}
	c.lit.assign(fixedLit[:])
	c.dist.assign(fixedDist[:])
	c.costs.set(fixedLit[:numLit], fixedDist[:numDist])
	return c
}

// build makes the dynamic code that suits the frequencies.
func (c *code) build(f *freqs) {
	var lens [numLit + numDist]uint8
	lit, dist := lens[:numLit], lens[numLit:]
	huffman(f.lit[:], lit, maxBits)
	huffman(f.dist[:], dist, maxBits)
	c.lit.assign(lit)
	c.dist.assign(dist)
	c.costs.set(lit, dist)
	for c.nlit = numLit; lit[c.nlit-1] == 0; c.nlit-- {
	}
	for c.ndist = numDist; dist[c.ndist-1] == 0; c.ndist-- {
	}
	c.nlit = max(c.nlit, 257)
	all := append(lens[:c.nlit:c.nlit], dist[:c.ndist]...)
	c.header = runs(c.header[:0], all)
	var freq [19]uint32
	for _, s := range c.header {
		freq[s.sym]++
	}
	var cl [19]uint8
	huffman(freq[:], cl[:], 7)
	c.cl.assign(cl[:])
	for c.ncl = 19; c.ncl > 4 && cl[clOrder[c.ncl-1]] == 0; c.ncl-- {
	}
}

// headerBits is what the block header takes.
func (c *code) headerBits() uint32 {
	if c.fixed {
		return 3
	}
	n := uint32(3 + 14 + 3*c.ncl)
	for _, s := range c.header {
		n += uint32(c.cl.len[s.sym]) + uint32(s.bits)
	}
	return n
}

// runs codes lengths with the repeat symbols 16, 17 and 18.
func runs(out []clSym, lens []uint8) []clSym {
	for i := 0; i < len(lens); {
		v, n := lens[i], 1
		for i+n < len(lens) && lens[i+n] == v {
			n++
		}
		i += n
		if v != 0 {
			out = append(out, clSym{sym: v})
			n--
		}
		for n > 0 {
			switch {
			case v == 0 && n >= 11:
				k := min(n, 138)
				out = append(out, clSym{18, uint8(k - 11), 7})
				n -= k
			case v == 0 && n >= 3:
				out = append(out, clSym{17, uint8(n - 3), 3})
				n = 0
			case v != 0 && n >= 3:
				k := min(n, 6)
				out = append(out, clSym{16, uint8(k - 3), 2})
				n -= k
			default:
				out = append(out, clSym{sym: v})
				n--
			}
		}
	}
	return out
}

// freqs count symbols.
type freqs struct {
	lit  [numLit]uint32
	dist [numDist]uint32
}

// add counts tokens, weight for each.
func (f *freqs) add(tokens []token, weight uint32) {
	for _, t := range tokens {
		if t.dist == 0 {
			f.lit[t.length] += weight
			continue
		}
		f.lit[257+int(lenCode[t.length-minMatch])] += weight
		f.dist[distCode(int(t.dist))] += weight
	}
}

// The Writer's idea of traffic it has not seen yet: what is left of short English messages with hexadecimal ids once the matches are
// taken out, in some six messages. Every printable character, every length and all distances but the shortest must have a code: what has none is spelt out,
// or costs a new block.
const (
	priorLiterals = "eaisrcdtounblfmhpgwykv0123456789TSAEHICN,.'"
	priorLengths  = "\xa0\x48\x30\x18\x10\x10\x14\x08\x14\x0a\x04\x30\x0c\x02\x02\x02\x02\x04\x08\x08\x10\x10\x08\x08\x08\x02\x02\x02\x02"
	priorDists    = "\x04\x04\x08\x08\x10\x10\x50\x20\x28\x28\x2a\x20\x3a\x28\x38\x2c\x26\x20\x20\x20\x20\x20"
)

func (f *freqs) prior() {
	*f = freqs{}
	for c := ' '; c <= '~'; c++ {
		f.lit[c] = 4
	}
	for c := 'A'; c <= 'Z'; c++ {
		f.lit[c] = 12
	}
	for i, c := range []byte(priorLiterals) {
		f.lit[c] = uint32(max(400-14*i, 16))
	}
	f.lit[' '], f.lit['\n'] = 240, 4
	for i, n := range []byte(priorLengths) {
		f.lit[257+i] = 4 * uint32(n)
	}
	for i, n := range []byte(priorDists) {
		f.dist[8+i] = 4 * uint32(n)
	}
	f.lit[eob] = 1
}

// fade halves the counts, but forgets no symbol that any message may need.
func (f *freqs) fade() {
	for i := range f.lit {
		if f.lit[i] >>= 1; f.lit[i] == 0 && (i >= ' ' && i <= '~' || i == '\n' || i == eob) {
			f.lit[i] = 1
		}
	}
	for i := range f.dist {
		f.dist[i] >>= 1
	}
}

// cover gives a code to all of UTF-8 once some of it was seen, so that the next character of a script does not end the block. The run of equal
// lengths takes little room in the header.
func (f *freqs) cover() {
	const lo, hi = 0x80, 0xF4
	for _, n := range f.lit[lo : hi+1] {
		if n > 0 {
			for i := lo; i <= hi; i++ {
				f.lit[i] = max(f.lit[i], 1)
			}
			return
		}
	}
}

func (f *freqs) total() (n uint32) {
	for _, v := range f.lit {
		n += v
	}
	return n
}
