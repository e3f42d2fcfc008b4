package frame_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"longwire/links/codecs"
	"longwire/links/s5066/frame"
)

// some makes the stanzas of one frame: most are small, as a coder of much thought takes its time for every byte.
func some(r *rand.Rand) (texts [][]byte) {
	for len(texts) == 0 || r.IntN(4) == 0 {
		if texts = append(texts, canonical(fmt.Appendf(nil, "<a id='%d'/>", r.IntN(100)))); r.IntN(16) == 0 {
			texts = append(texts, stanza(r))
		}
	}
	return texts
}

// pack makes a frame of as many of the stanzas as fit.
func pack(t *testing.T, e *frame.Encoder, r *rand.Rand, texts [][]byte) (b []byte, in [][]byte) {
	t.Helper()
	h := names
	h.Names = r.IntN(20) == 0
	b, n, err := e.Encode(nil, h, texts, mtu)
	if err != nil || n == 0 {
		t.Fatalf("%d of %d stanzas, %v", n, len(texts), err)
	}
	return b, texts[:n]
}

func same(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// Any frame of a long conversation comes back.
func TestAnyFrameComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	e := newEncoder()
	d := newDecoder()
	e.Start(1)
	taken := uint32(0)
	for i := range 10000 {
		if r.IntN(400) == 0 {
			e.Start(taken + 1)
		}
		b, texts := pack(t, e, r, some(r))
		got, s := decode(t, d, b, known(taken, 0))
		if got.Seq != taken+1 || !same(s, texts) {
			t.Fatalf("frame %d: number %d, %q, want %d, %q", i, got.Seq, s, taken+1, texts)
		}
		taken += uint32(len(texts))
	}
}

// A frame that is cut anywhere, or has a bit flipped, is refused, or says the same; it never says anything else, and the whole one
// behind it is read as if nothing had been.
func TestDamagedFramesAreHarmless(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	cuts, flips, alike := 0, 0, 0
	for run := 0; cuts < 10000 || flips < 10000; run++ {
		e := newEncoder()
		d := newDecoder()
		if run%16 > 0 {
			e.Method = codecs.Method{}
		} // a coded one that is damaged costs milliseconds: all that was learnt has to be learnt again
		e.Start(1)
		start, first := pack(t, e, r, some(r))
		b, second := pack(t, e, r, some(r))
		n := uint32(len(first))
		decode(t, d, start, known(0, 0))
		try := func(bad []byte) {
			f, err := frame.Parse(bad)
			if err != nil {
				if !errors.Is(err, frame.ErrFormat) && !errors.Is(err, frame.ErrVersion) {
					t.Fatalf("% X: %v", bad, err)
				}
				return
			}
			h, texts, err := d.Decode(&f, known(n, 0))
			if err != nil {
				return
			}
			// It is taken, which must not help the whole one.
			d = newDecoder()
			decode(t, d, start, known(0, 0))
			if alike++; !same(texts, second) && len(texts) > 0 || h.Seq != n+1 && len(texts) > 0 {
				t.Fatalf("% X for % X: %+v, %q", bad, b, h, texts)
			}
		}
		for cut := range b {
			cuts++
			try(b[:cut:cut])
		}
		for range len(b) {
			bad := bytes.Clone(b)
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
			flips++
			try(bad)
		}
		if h, texts := decode(t, d, b, known(n, 0)); h.Seq != n+1 || !same(texts, second) {
			t.Fatalf("after the damaged ones: %+v, %q", h, texts)
		}
	}
	t.Logf("%d cuts, %d flips, %d of them say the same", cuts, flips, alike)
}
