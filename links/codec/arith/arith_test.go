package arith_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"longwire/links/codec/arith"
)

func choices(r *rand.Rand, n int) (out []arith.Choice) {
	for range n {
		p := uint32(1 + r.IntN(65535))
		if r.IntN(3) == 0 {
			p = 1 // the dearest there is, and the cheapest
		}
		bit := 0
		if uint32(r.IntN(65536)) < p {
			bit = 1
		}
		out = append(out, arith.Choose(bit, p))
	}
	return out
}

func TestChoicesComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var e arith.Encoder
	var d arith.Decoder
	for n := range 400 {
		cs := choices(r, n)
		e.Begin()
		length := 0
		for _, c := range cs {
			length = e.Length(c)
			e.Encode(c)
		}
		b := e.Finish()
		if len(b) > length {
			t.Fatalf("%d choices: %d bytes, said %d", n, len(b), length)
		}
		d.Begin(b)
		for i, c := range cs {
			if bit := d.Decode(uint32(c & 0xFFFF)); bit != int(c>>16) {
				t.Fatalf("%d choices: number %d is %d", n, i, bit)
			}
		}
		if d.Over() {
			t.Fatalf("%d choices: read over the end", n)
		}
	}
}

func TestRewindTakesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var a, b arith.Encoder
	a.Begin()
	b.Begin()
	for range 100 {
		for _, c := range choices(r, 20) {
			a.Encode(c)
			b.Encode(c)
		}
		m := a.Mark()
		for _, c := range choices(r, r.IntN(60)) {
			a.Encode(c)
		}
		a.Rewind(m)
	}
	if !bytes.Equal(a.Finish(), b.Finish()) {
		t.Error("what was taken back shows")
	}
}

func TestReadingOnForeverIsSeen(t *testing.T) {
	var d arith.Decoder
	d.Begin([]byte{1, 2, 3})
	for range 8 * 80 {
		d.Decode(20000)
	}
	if !d.Over() {
		t.Error("80 bytes or so read of 3, and nothing said")
	}
}

// A decoder sees whether input ends as an encoder ends it: the same choices in other bytes do not.
func TestEnded(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	var e arith.Encoder
	for range 20000 {
		n, p := r.IntN(40), uint32(1+r.IntN(65535))
		bits := make([]int, n)
		e.Begin()
		for i := range bits {
			if r.Uint32N(65536) < p {
				bits[i] = 1
			}
			e.Encode(arith.Choose(bits[i], p))
		}
		out := bytes.Clone(e.Finish())
		for _, b := range [][]byte{out, append(bytes.Clone(out), byte(r.IntN(256))), append(bytes.Clone(out), 0), out[:max(len(out)-1, 0)]} {
			var d arith.Decoder
			d.Begin(b)
			same := true
			for _, bit := range bits {
				same = d.Decode(p) == bit && same
			}
			if want := same && len(b) == len(out); want && !d.Ended() || same && !want && d.Ended() {
				t.Fatalf("%d choices of chance %d in %x, read from %x: ended is %t", n, p, out, b, d.Ended())
			}
		}
	}
}
