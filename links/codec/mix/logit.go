// Package mix guesses symbols bit by bit from what came before them: by counts of a fixed text, by what the contexts of a stream have
// seen, and by where the stream repeats itself, all weighed by how right each was before. It is in whole numbers throughout, and so are the
// tables made: both ends must come to the same bit, on whatever processor.
package mix

const (
	logit = 256        // a chance p is kept as ln(p/(1-p)) in 256ths
	far   = 11 * logit // and no further out than this
)

var (
	squashTable  = makeSquash()
	stretchTable = makeStretch()
)

// makeSquash computes 65536/(1+e^-x) for -far <= x <= far.
func makeSquash() *[2*far + 1]uint16 {
	var t [2*far + 1]uint16
	const one = 1 << 32
	e := uint64(one) // e^(-i/256), by multiplication with e^(-1/256)
	for i := 0; i <= far; i++ {
		p := uint64(one) << 16 / (one + e)
		t[far+i] = uint16(min(p, 65535))
		t[far-i] = uint16(max(65536-p, 1))
		e = e * 0xFF007FD5 >> 32
	}
	return &t
}

func squash(x int32) uint32 { return uint32(squashTable[min(max(x, -far), far)+far]) }

// makeStretch is the inverse, for chances in 4096ths.
func makeStretch() *[4096]int16 {
	var t [4096]int16
	x := int32(-far)
	for p := range t {
		for x < far && squash(x) < uint32(p)*16+8 {
			x++
		}
		t[p] = int16(x)
	}
	return &t
}

func stretch(p uint32) int32 { return int32(stretchTable[p>>4]) }
