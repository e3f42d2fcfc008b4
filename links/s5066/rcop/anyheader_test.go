package rcop_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"longwire/links/s5066/rcop"
)

// Any header comes back with what is behind it; cut anywhere it is too short, or has less behind it.
func TestAnyHeaderComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 20000 {
		e := rcop.Edition(r.IntN(2))
		want := rcop.Header{Connection: uint8(r.IntN(16)), ID: uint8(r.Uint32()), Segment: uint16(r.Uint32())}
		if e == rcop.Ed3 {
			want.Application = uint16(r.Uint32())
		}
		data := make([]byte, 1+r.IntN(60))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		u := append(want.Append(nil, e), data...)
		for n := range len(u) + 1 {
			h, rest, err := rcop.Parse(u[:n:n], e)
			if n <= e.Size() {
				if !errors.Is(err, rcop.ErrShort) {
					t.Fatalf("% X cut at %d: %+v, %v", u, n, h, err)
				}
			} else if err != nil || h != want || !bytes.Equal(rest, data[:n-e.Size()]) {
				t.Fatalf("% X cut at %d: %+v, % X, %v, want %+v", u, n, h, rest, err, want)
			}
		}
	}
}
