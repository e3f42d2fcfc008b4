package deflate

// An inflater decodes RFC 1951 from bytes that arrive in any portions. It stops only where the next symbol is not whole
// yet, so nothing that could be known stays inside: a partial flush, or no flush at all, suffices.
//
// Everything it keeps is bounded: 32 KiB of window, which is also the output buffer, and two code tables.
type inflater struct {
	state state
	in    []byte // what was fed and not yet taken
	acc   uint64 // bits taken and not yet used, the next one lowest
	n     uint   // how many
	taken int64  // bytes taken from in, for the ratio

	win    [winSize]byte // ring; the byte at w-1 is the newest
	w      int
	unread int   // bytes of the ring, ending at w, that were not handed out
	made   int64 // bytes decoded in all

	final     bool
	stored    int // bytes left of a stored block
	copyLen   int // what is left of a match that had no room
	copyDist  int
	lit, dist decTable
	head      dynHead
}

// state tells what the next bits are.
type state uint8

const (
	inBlock state = iota // a block header
	inStoredLen
	inStored
	inDynamic
	inSymbols
	atEnd
)

// dynHead is how far the header of a dynamic block was read.
type dynHead struct {
	part        uint8 // 0: counts, 1: code length code, 2: code lengths
	nlit, ndist int
	ncl, i      int
	lens        [numLit + numDist]uint8
	cl          [19]uint8
}

// wait says why step returned.
type wait uint8

const (
	needInput wait = iota
	needRoom
	finished
)

func (z *inflater) fill() {
	for z.n <= 56 && len(z.in) > 0 {
		z.acc |= uint64(z.in[0]) << z.n
		z.in = z.in[1:]
		z.n += 8
		z.taken++
	}
}

// take removes n ≤ 32 bits; ok is false when they are not there yet.
func (z *inflater) take(n uint) (v uint32, ok bool) {
	if z.n < n {
		if z.fill(); z.n < n {
			return 0, false
		}
	}
	v = uint32(z.acc & (1<<n - 1))
	z.drop(n)
	return v, true
}

func (z *inflater) drop(n uint) { z.acc >>= n; z.n -= n }

func (z *inflater) put(c byte) {
	z.win[z.w] = c
	z.w = (z.w + 1) & (winSize - 1)
	z.unread++
	z.made++
}

// room is how many bytes the ring takes before something unread would be overwritten.
func (z *inflater) room() int { return winSize - z.unread }

// read moves decoded bytes into p.
func (z *inflater) read(p []byte) int {
	total := 0
	for len(p) > 0 && z.unread > 0 {
		start := (z.w - z.unread) & (winSize - 1)
		n := copy(p, z.win[start:min(start+z.unread, winSize)])
		z.unread -= n
		total += n
		p = p[n:]
	}
	return total
}

// step decodes until input, room or the stream ends.
func (z *inflater) step() (wait, error) {
	for {
		var ok bool
		var err error
		switch z.state {
		case inBlock:
			ok, err = z.block()
		case inStoredLen:
			ok, err = z.storedLen()
		case inStored:
			if ok = z.storedBytes(); !ok && z.room() == 0 {
				return needRoom, nil
			}
		case inDynamic:
			ok, err = z.dynamic()
		case inSymbols:
			var w wait
			if w, err = z.symbols(); err == nil && w != finished {
				return w, nil
			}
			ok = true
		case atEnd:
			return finished, nil
		}
		if err != nil || !ok {
			return needInput, err
		}
	}
}

func (z *inflater) block() (bool, error) {
	if z.final {
		z.state = atEnd
		return true, nil
	}
	v, ok := z.take(3)
	if !ok {
		return false, nil
	}
	z.final = v&1 != 0
	switch v >> 1 { // RFC 1951 §3.2.3, BTYPE
	case 0:
		z.drop(z.n & 7) // RFC 1951 §3.2.4: to the next byte boundary
		z.state = inStoredLen
	case 1:
		z.lit.init(fixedLit[:])
		z.dist.init(fixedDist[:])
		z.state = inSymbols
	case 2:
		z.head = dynHead{}
		z.state = inDynamic
	default:
		return false, ErrCorrupt
	}
	return true, nil
}

func (z *inflater) storedLen() (bool, error) {
	v, ok := z.take(32)
	if !ok {
		return false, nil
	}
	if uint16(v) != ^uint16(v>>16) {
		return false, ErrCorrupt
	}
	z.stored = int(uint16(v))
	z.state = inStored
	return true, nil
}

func (z *inflater) storedBytes() bool {
	for z.stored > 0 && z.room() > 0 && z.n > 0 {
		z.put(byte(z.acc))
		z.drop(8)
		z.stored--
	}
	for z.stored > 0 && z.room() > 0 && len(z.in) > 0 {
		n := copy(z.win[z.w:min(z.w+z.room(), winSize)], z.in[:min(z.stored, len(z.in))])
		z.in = z.in[n:]
		z.taken += int64(n)
		z.w = (z.w + n) & (winSize - 1)
		z.unread += n
		z.made += int64(n)
		z.stored -= n
	}
	if z.stored > 0 {
		return false
	}
	z.state = inBlock
	return true
}

// dynamic reads the header of a dynamic block. RFC 1951 §3.2.7.
func (z *inflater) dynamic() (bool, error) {
	h := &z.head
	if h.part == 0 {
		v, ok := z.take(14)
		if !ok {
			return false, nil
		}
		h.nlit, h.ndist, h.ncl = int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
		if h.nlit > numLit || h.ndist > numDist {
			return false, ErrCorrupt
		}
		h.part = 1
	}
	if h.part == 1 {
		for ; h.i < h.ncl; h.i++ {
			v, ok := z.take(3)
			if !ok {
				return false, nil
			}
			h.cl[clOrder[h.i]] = uint8(v)
		}
		if !z.lit.init(h.cl[:]) { // the table of literals is free until the lengths are known
			return false, ErrCorrupt
		}
		h.part, h.i = 2, 0
	}
	for h.i < h.nlit+h.ndist {
		if ok, err := z.codeLength(); !ok {
			return false, err
		}
	}
	// A code without end of block could never be left again.
	if h.lens[eob] == 0 || !z.lit.init(h.lens[:h.nlit]) || !z.dist.init(h.lens[h.nlit:h.nlit+h.ndist]) {
		return false, ErrCorrupt
	}
	z.state = inSymbols
	return true, nil
}

// codeLength reads one symbol of the code length code, with its repeat count, or nothing.
func (z *inflater) codeLength() (bool, error) {
	h := &z.head
	z.fill()
	sym, used, err := z.lit.decode(z.acc, z.n)
	if err != nil || used == 0 {
		return false, err
	}
	val, rep := uint8(sym), 1
	extra, base := uint(0), 0
	switch sym {
	case 16:
		if h.i == 0 {
			return false, ErrCorrupt
		}
		val, extra, base = h.lens[h.i-1], 2, 3
	case 17:
		val, extra, base = 0, 3, 3
	case 18:
		val, extra, base = 0, 7, 11
	}
	if z.n < used+extra {
		return false, nil
	}
	z.drop(used)
	if extra > 0 {
		rep = base + int(z.acc&(1<<extra-1))
		z.drop(extra)
	}
	if h.i+rep > h.nlit+h.ndist {
		return false, ErrCorrupt
	}
	for ; rep > 0; rep-- {
		h.lens[h.i] = val
		h.i++
	}
	return true, nil
}

// symbols decodes literals and matches; finished means the block is over. A symbol is used only when all of its bits
// are there: at most 15+5+15+13, which the accumulator holds.
func (z *inflater) symbols() (wait, error) {
	for {
		if z.copyLen > 0 {
			z.copyMatch()
		}
		if z.room() == 0 {
			return needRoom, nil
		}
		if z.n < 48 {
			z.fill()
		}
		sym, used, err := z.lit.decode(z.acc, z.n)
		if err != nil {
			return needInput, err
		}
		if used == 0 {
			return needInput, nil
		}
		switch {
		case sym < eob:
			z.drop(used)
			z.put(byte(sym))
		case sym == eob:
			z.drop(used)
			z.state = inBlock
			return finished, nil
		default:
			ok, err := z.match(sym-257, used)
			if !ok || err != nil {
				return needInput, err
			}
		}
	}
}

func (z *inflater) match(l uint16, used uint) (bool, error) {
	if int(l) >= len(lenBase) {
		return false, ErrCorrupt
	}
	acc, n := z.acc>>used, z.n-used
	x := uint(lenExtra[l])
	if n < x {
		return false, nil
	}
	length := int(lenBase[l]) + int(acc&(1<<x-1))
	acc, n = acc>>x, n-x
	d, du, err := z.dist.decode(acc, n)
	if err != nil || du == 0 {
		return false, err
	}
	if d >= numDist {
		return false, ErrCorrupt
	}
	acc, n = acc>>du, n-du
	x = uint(distExtra[d])
	if n < x {
		return false, nil
	}
	dist := int(distBase[d]) + int(acc&(1<<x-1))
	z.acc, z.n = acc>>x, n-x
	if int64(dist) > z.made {
		return false, ErrCorrupt
	}
	z.copyLen, z.copyDist = length, dist
	return true, nil
}

func (z *inflater) copyMatch() {
	for z.copyLen > 0 && z.room() > 0 {
		z.put(z.win[(z.w-z.copyDist)&(winSize-1)])
		z.copyLen--
	}
}
