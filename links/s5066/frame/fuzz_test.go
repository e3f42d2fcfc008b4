package frame_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"longwire/links/s5066/frame"
)

// Whatever comes, a decoder neither panics nor hangs, gives out no more than it may, and reads good frames afterwards.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 5))
	e := newEncoder()
	e.Start(1)
	var good [][]byte
	for range 6 {
		good = append(good, encode(f, e, names, stanza(r)))
	}
	next := encode(f, e, names, number(1), number(2))
	f.Add(next, uint8(0))
	f.Add(good[0], uint8(3))
	f.Add(frame.Piece(names, 7, 0, false, []byte("piece")), uint8(1))
	f.Add([]byte{0x49, 1, 1, 2, 't', 'e', 'x', 't', 1, 'a', 1, 'b', 1, 2, 3, 4, 5}, uint8(0))
	f.Add(append([]byte{0x29, 0, 7}, bytes.Repeat([]byte{0xFF}, 300)...), uint8(0))
	if b, err := frame.Append(nil, names); err == nil {
		f.Add(b, uint8(2))
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint8) {
		d := newDecoder()
		for i, g := range good {
			decode(t, d, g, known(uint32(i), 0))
		}
		for _, b := range [][]byte{b, b[min(len(b), int(cut)):]} {
			p, err := frame.Parse(b)
			if err != nil {
				continue
			}
			p.Peek()
			_, texts, err := d.Decode(&p, known(6, 50))
			total := 0
			for _, s := range texts {
				total += len(s)
			}
			if total > frame.MaxText || len(texts) > frame.MaxStanzas || err != nil && texts != nil {
				t.Fatalf("%d stanzas of %d bytes, %v", len(texts), total, err)
			}
			if err == nil {
				return // the fuzzer has found a check, and the history is another
			}
		}
		if _, s := decode(t, d, next, known(6, 50)); len(s) != 2 {
			t.Fatalf("%q", s)
		}
	})
}

// Any bytes come back as they were, coded or not.
func FuzzRoundTrip(f *testing.F) {
	r := rand.New(rand.NewPCG(6, 6))
	for range 8 {
		f.Add(stanza(r), stanza(r), uint16(r.IntN(500)))
	}
	f.Add([]byte("<a b='c'"), []byte(""), uint16(0))
	f.Add([]byte("<a><b></a></b></c>"), []byte("</a>"), uint16(10))
	f.Add([]byte("<a id='1'><b id='1'/></a>"), []byte("<a id='' ><b id=''/></a>"), uint16(10))
	f.Fuzz(func(t *testing.T, a, b []byte, limit uint16) {
		if len(a) > frame.MaxStanza || len(b) > frame.MaxStanza {
			return
		}
		e := newEncoder()
		d := newDecoder()
		e.Start(1)
		want := [][]byte{a, b, a}
		for len(want) > 0 {
			seq := e.Next()
			x, n, err := e.Encode(nil, names, want, 12+int(limit))
			if err != nil {
				t.Fatal(err)
			}
			h, s := decode(t, d, x, known(seq-1, 0))
			if h.Seq != seq || len(s) != n {
				t.Fatalf("number %d, %d stanzas for %d, %d", h.Seq, len(s), seq, n)
			}
			for i := range s {
				if !bytes.Equal(s[i], canonical(want[i])) {
					t.Fatalf("%q comes back as %q", want[i], s[i])
				}
			}
			want = want[n:]
		}
	})
}
