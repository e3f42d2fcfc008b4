package dts_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"longwire/links/dts"
)

func TestAnyPDUCutAnywhereAsksForMore(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 1))
	for range 10000 {
		p := random(r)
		b := encode(t, p)
		for n := range b {
			if _, _, err := dts.Decode(b[:n:n]); !errors.Is(err, dts.ErrShort) {
				t.Fatalf("%+v cut at %d: %v", p, n, err)
			}
		}
	}
}

// Any flipped bit of the header is caught by the header's check, and any of the segment or its check by that one, which leaves the header
// readable. More bytes follow, so that nothing is refused for want of them.
func TestAnyFlippedBitIsCaughtByItsOwnCheck(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 2))
	behind := bytes.Repeat([]byte{0xAA}, dts.MaxPDU)
	const sizes = 5 // byte that says how long the header is: with that wrong, the check is of other bytes, and one in 65536 fits
	flips, missed := 0, 0
	for i := range 10000 {
		p := random(r)
		good := encode(t, p)
		header := len(good)
		if p.Segment != nil {
			header -= len(p.Segment) + 4
		}
		b := append(bytes.Clone(good), behind...)
		flip := func(bit int) (dts.PDU, int, error) {
			b[bit/8] ^= 1 << (bit % 8)
			defer func() { b[bit/8] ^= 1 << (bit % 8) }()
			flips++
			return dts.Decode(b)
		}
		for bit := range 8 * header {
			if _, _, err := flip(bit); !errors.Is(err, dts.ErrNoise) {
				if missed++; bit/8 != sizes {
					t.Fatalf("%d: %+v, bit %d of the header: %v", i, p, bit, err)
				}
			}
		}
		for range min(40, 8*(len(good)-header)) {
			bit := 8*header + r.IntN(8*(len(good)-header))
			q, n, err := flip(bit)
			if err != nil || !q.Damaged || n != len(good) || q.Type != p.Type || q.From != p.From || q.Frame != p.Frame || q.Part != p.Part {
				t.Fatalf("%d: %+v, bit %d of the segment: %+v, %d, %v", i, p, bit-8*header, q, n, err)
			}
		}
	}
	if missed > 8 { // of 80,000
		t.Errorf("%d flipped bits of the sizes are not caught", missed)
	}
	t.Logf("%d bits flipped, %d in the sizes fit another header", flips, missed)
}
