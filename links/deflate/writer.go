package deflate

import "io"

// Mode is how a flush makes the far inflater give out what was written.
type Mode uint8

const (
	// Sync ends each flush with an empty stored block (zlib's Z_SYNC_FLUSH), which every inflater understands.
	Sync Mode = iota
	// Dense leaves the block open and fills the last byte with spaces, so it is for XML streams only. Every inflater that gives out what
	// it can decode reads it (C zlib, and with it most servers; our Reader), but not Go's compress/flate, which waits for a
	// stored block. It saves the four to five bytes of the marker, and a code that fits the traffic serves for as long as it is good.
	Dense
)

const (
	segment = 4 << 10       // pending text is encoded when it reaches this
	weight  = 16            // of a symbol seen, against one of the prior
	horizon = weight * 6000 // so much traffic counts; what is older fades
	again   = 16            // how often a further lasting code must have paid for itself before it is bought
)

// A Writer makes one zlib stream. Nothing goes to the underlying writer but with Flush, in one Write. It uses about 400 KiB, half of what
// compress/zlib takes, and can be used again with Reset. It is used by one goroutine.
type Writer struct {
	w    io.Writer
	mode Mode
	h    history
	p    parser

	out []byte
	acc uint64 // bits not yet in out
	n   uint

	fix   *code // the fixed code
	open  *code // the code of the open block, nil between blocks
	spare []*code

	seen   freqs // what the traffic of late is made of
	credit int64 // bits that a code made for it would have saved so far
	first  bool  // nothing was flushed yet
	dirty  bool  // something was written since the last flush
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer, mode Mode) *Writer {
	z := &Writer{fix: fixedCode(), spare: []*code{{}, {}, {}, {}}}
	z.Reset(w, mode)
	return z
}

// Reset makes z begin a new stream to w, with nothing known; memory is used again.
func (z *Writer) Reset(w io.Writer, mode Mode) {
	z.w, z.mode = w, mode
	z.h.reset()
	// RFC 1950 §2.2: CM 8, window 32 KiB, no dictionary, default level: what C zlib sends unless told otherwise.
	z.out = append(z.out[:0], 0x78, 0x9C)
	z.use(nil)
	z.acc, z.n, z.credit = 0, 0, 0
	z.first, z.dirty = true, false
	z.seen.prior()
}

// Write takes p in; errors come from Flush.
func (z *Writer) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		n := min(len(p), segment-(len(z.h.buf)-z.h.done))
		z.h.slide()
		z.h.buf = append(z.h.buf, p[:n]...)
		p = p[n:]
		z.dirty = true
		if len(z.h.buf)-z.h.done >= segment {
			z.encode()
		}
	}
	return total, nil
}

// Flush writes everything so that the far side can read it. It does nothing when nothing was written since the last one.
func (z *Writer) Flush() error {
	if !z.dirty {
		return nil
	}
	z.encode()
	switch z.mode {
	case Sync:
		z.end()
		z.bits(0, 3) // stored, not final
		z.align()
		z.out = append(z.out, 0, 0, 0xFF, 0xFF)
	case Dense:
		z.pad()
	}
	z.dirty, z.first = false, false
	_, err := z.w.Write(z.out)
	z.out = z.out[:0]
	return err
}

// pad fills the last byte with the beginning of a space, or of two, which the XML stream may have between stanzas.
func (z *Writer) pad() {
	for z.n > 0 {
		have := len(z.out)
		z.bits(uint32(z.open.lit.code[' ']), uint(z.open.lit.len[' ']))
		z.h.buf = append(z.h.buf, ' ')
		z.h.done++
		if len(z.out) > have {
			return
		}
	}
}

// encode puts what is pending into a block.
func (z *Writer) encode() {
	end := len(z.h.buf)
	if end == z.h.done {
		return
	}
	z.p.load(&z.h, end)
	c := z.choose()
	if c == nil {
		z.store()
		return
	}
	tokens, _ := z.p.parse(&c.costs)
	if c != z.open {
		z.begin(c)
	}
	for _, t := range tokens {
		z.token(t)
	}
	if z.mode == Sync {
		return
	}
	z.seen.add(tokens, weight)
	if z.seen.total() > horizon {
		z.seen.fade()
	}
}

// choose picks the code for the loaded text: the open one, the fixed one, one made for this text, one made for the traffic of late,
// or nil, which means to store it.
func (z *Writer) choose() *code {
	best, least := (*code)(nil), z.leaving()+3+7+32+8*uint32(len(z.p.text))
	if z.open != nil {
		if n := z.price(z.open); n < least {
			best, least = z.open, n
		}
	}
	if n := z.price(z.fix); n < least {
		best, least = z.fix, n
	}
	for range 3 {
		c := z.take()
		var f freqs
		f.add(z.p.out, 1)
		f.lit[eob] = 1
		f.lit[' '] = max(f.lit[' '], 1) // for pad
		c.build(&f)
		if n := z.price(c); n < least {
			z.give(best)
			best, least = c, n
		} else {
			z.give(c)
		}
	}
	if z.mode == Dense {
		best = z.invest(best, least)
	}
	return best
}

// invest weighs a code made for the traffic of late against the best for this text alone. Its header, some 50 bytes, is paid once, and the
// code serves as long as the contact.
// Choice: the first flush is kept short, as a link may be opened for one stanza. With the second there will be more, so the code is bought. A
// later change of traffic must have been worth it many times before.
func (z *Writer) invest(best *code, least uint32) *code {
	f := z.seen
	f.add(z.p.out, weight)
	f.cover()
	c := z.take()
	c.build(&f)
	header := int64(z.leaving() + c.headerBits())
	n := int64(z.price(c))
	z.credit = max(0, z.credit+int64(least)-(n-header))
	dear := n > int64(least)
	if best != z.open {
		// The open block is left anyway. A code for this text alone is of no use later, so this one may cost half its header more.
		dear = n > int64(least)+header/2
	}
	if dear && (z.first || z.lasting() && z.credit < again*header) {
		z.give(c)
		return best
	}
	z.give(best)
	c.lasting, z.credit = true, 0
	return c
}

// price is what the loaded text costs in c, in bits.
func (z *Writer) price(c *code) uint32 {
	_, n := z.p.parse(&c.costs)
	if c != z.open {
		n += z.leaving() + c.headerBits()
	}
	if z.mode == Sync {
		n += uint32(c.lit.len[eob])
	}
	return n
}

// leaving is the price of the end of the open block. A lasting code is given up with it, and would have to be bought anew.
func (z *Writer) leaving() uint32 {
	if z.open == nil {
		return 0
	}
	n := uint32(z.open.lit.len[eob])
	if z.lasting() {
		n += z.open.headerBits()
	}
	return n
}

func (z *Writer) lasting() bool { return z.open != nil && z.open.lasting }

func (z *Writer) take() *code {
	c := z.spare[len(z.spare)-1]
	c.lasting = false
	z.spare = z.spare[:len(z.spare)-1]
	return c
}

func (z *Writer) give(c *code) {
	if c != nil && c != z.fix && c != z.open {
		z.spare = append(z.spare, c)
	}
}

// use makes c the open block's code.
func (z *Writer) use(c *code) {
	old := z.open
	z.open = c
	z.give(old)
}

// end closes the open block.
func (z *Writer) end() {
	if z.open != nil {
		z.bits(uint32(z.open.lit.code[eob]), uint(z.open.lit.len[eob]))
		z.use(nil)
	}
}

// begin opens a block. RFC 1951 §3.2.3.
func (z *Writer) begin(c *code) {
	z.end()
	z.use(c)
	if c.fixed {
		z.bits(1<<1, 3)
		return
	}
	z.bits(2<<1, 3)
	z.bits(uint32(c.nlit-257), 5)
	z.bits(uint32(c.ndist-1), 5)
	z.bits(uint32(c.ncl-4), 4)
	for _, s := range clOrder[:c.ncl] {
		z.bits(uint32(c.cl.len[s]), 3)
	}
	for _, s := range c.header {
		z.bits(uint32(c.cl.code[s.sym]), uint(c.cl.len[s.sym]))
		z.bits(uint32(s.extra), uint(s.bits))
	}
}

// store writes the loaded text as it is. RFC 1951 §3.2.4.
func (z *Writer) store() {
	z.end()
	z.bits(0, 3)
	z.align()
	n := len(z.p.text)
	z.out = append(z.out, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8))
	z.out = append(z.out, z.p.text...)
}

func (z *Writer) token(t token) {
	lit := &z.open.lit
	if t.dist == 0 {
		z.bits(uint32(lit.code[t.length]), uint(lit.len[t.length]))
		return
	}
	l := lenCode[t.length-minMatch]
	z.bits(uint32(lit.code[257+int(l)]), uint(lit.len[257+int(l)]))
	z.bits(uint32(t.length-lenBase[l]), uint(lenExtra[l]))
	d := distCode(int(t.dist))
	z.bits(uint32(z.open.dist.code[d]), uint(z.open.dist.len[d]))
	z.bits(uint32(t.dist-distBase[d]), uint(distExtra[d]))
}

func (z *Writer) bits(v uint32, n uint) {
	z.acc |= uint64(v) << z.n
	for z.n += n; z.n >= 8; z.n -= 8 {
		z.out = append(z.out, byte(z.acc))
		z.acc >>= 8
	}
}

func (z *Writer) align() {
	if z.n > 0 {
		z.bits(0, 8-z.n)
	}
}
