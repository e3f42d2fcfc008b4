package frame_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"testing"

	"longwire/links/s5066/frame"
)

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A run so long that its window moves, with ends that go back, and what a peer's history and models hold in memory then.
func TestLongRun(t *testing.T) {
	long := 4000
	if testing.Short() {
		long = 800
	}
	r := rand.New(rand.NewPCG(41, 42))
	e, d := newEncoder(), newDecoder()
	encode(t, newEncoderAt(1), names, plain(r)) // what all share is there
	before := heap()
	e.Start(1)
	var sent [][]byte
	text := func(n uint32) []byte {
		for uint32(len(sent)) < n {
			sent = append(sent, canonical(plain(r)))
		}
		return sent[n-1]
	}
	size, taken := 0, uint32(0)
	for int(taken) < long {
		b := encode(t, e, names, text(e.Next()), text(e.Next()+1))
		h, s := decode(t, d, b, known(taken, 0))
		for i, x := range s {
			if !bytes.Equal(x, text(h.Seq+uint32(i))) {
				t.Fatalf("number %d is %q", h.Seq+uint32(i), x)
			}
		}
		size += len(b)
		taken = h.Seq + uint32(len(s)) - 1
		if r.IntN(200) == 0 {
			if back := taken - r.Uint32N(60); !e.Back(back) {
				t.Fatalf("cannot go back to %d", back)
			}
		}
	}
	n := heap() - before - 2*len(sent)*100 // the test's own texts, about
	t.Logf("%d stanzas of %.1f bytes; one direction, both ends: %d KiB", taken, float64(size)/float64(taken), n>>10)
	runtime.KeepAlive(e)
	runtime.KeepAlive(d)
	if n > 3<<20 {
		t.Errorf("%d bytes are held", n)
	}
}

func newEncoderAt(n uint32) *frame.Encoder {
	e := newEncoder()
	e.Start(n)
	return e
}
