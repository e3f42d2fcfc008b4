package frame_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"longwire/links/s5066/frame"
)

// What is read alone tells ids as near to the latest, which both ends know about; nothing can follow it.
func TestLoneFrames(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	e, d := newEncoder(), newDecoder()
	numbered := func(n uint64) []byte {
		return canonical(fmt.Appendf(nil, "<message from='carla@north.example' id='%s' to='base@south.example' type='chat'><body>%s</body></message>", strconv.FormatUint(n, 36), bodies[r.IntN(len(bodies))]))
	}
	near, far := 0, 0
	for i := range 60 {
		seq := uint32(i + 1)
		e.Start(seq)
		id := 400000 + 2*uint64(i)
		h := names
		full := encode(t, e, h, numbered(id))
		far += len(full)
		e.Start(seq)
		h.Near = [2]uint64{id - 2, 400101}
		text := numbered(id)
		b := encode(t, e, h, text)
		near += len(b)
		k := known(seq-1, 0)
		k.Near = [2]uint64{id - 2 - 2*r.Uint64N(40), 400101} // it has missed some
		if got, s := decode(t, d, b, k); !got.Lone || !got.Run || !bytes.Equal(s[0], text) {
			t.Fatalf("%+v, %q", got, s)
		}
		if _, _, err := e.Encode(nil, h, [][]byte{text}, mtu); !errors.Is(err, frame.ErrHistory) {
			t.Fatalf("something follows: %v", err)
		}
		if i%10 == 0 {
			// Who knows nothing of ids does not read another one.
			f := parse(t, b)
			if _, s, err := newDecoder().Decode(&f, known(seq-1, 0)); err == nil && !bytes.Equal(s[0], text) {
				t.Fatalf("%q for %q", s, text)
			}
		}
	}
	t.Logf("%.1f bytes, and %.1f without", float64(near)/60, float64(far)/60)
	if near+60 > far {
		t.Error("it does not save a byte")
	}
	// What needs pieces is told in full.
	e.Start(100)
	h := names
	h.Near = [2]uint64{400000, 0}
	text := numbered(400002)
	taken := 0
	for taken == 0 {
		b, n, err := e.Encode(nil, h, [][]byte{text}, 14)
		if err != nil {
			t.Fatal(err)
		}
		_, s := decode(t, d, b, known(99, 0))
		if taken = n; n == 1 && !bytes.Equal(s[0], text) {
			t.Errorf("%q", s)
		}
	}
}
