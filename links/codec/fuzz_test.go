package codec_test

import (
	"bytes"
	"testing"

	"longwire/links/codec"
	"longwire/links/codec/arith"
)

func said(m *codec.Model, s []byte) []byte { return coded(m.Plan(s, nil)) }

// coded is how choices go over the air.
func coded(choices []arith.Choice) []byte {
	var e arith.Encoder
	e.Begin()
	e.Take(choices)
	return bytes.Clone(e.Finish())
}

// Whatever comes, a decoder neither panics nor hangs, gives out no more than it may, and reads good stanzas after Reset.
func FuzzDecode(f *testing.F) {
	l := small("the boat is late", "send more fuel", "the bridge is closed")
	var good [][]byte
	for _, s := range stanzas {
		s, err := codec.Canonical(s)
		if err != nil {
			f.Fatal(err)
		}
		good = append(good, s)
		f.Add(said(l.Model(), s), uint16(500))
		f.Add(said(l.Model(), s), uint16(20))
	}
	f.Add([]byte{}, uint16(100))
	f.Add(bytes.Repeat([]byte{0xFF}, 300), uint16(100))
	f.Add(bytes.Repeat([]byte{0x5A, 0}, 300), uint16(60000))
	m, in := l.Model(), l.Model()
	f.Fuzz(func(t *testing.T, b []byte, most uint16) {
		var d arith.Decoder
		m.Reset()
		d.Begin(b)
		text, ok := m.Decode(&d, int(most))
		if !ok && text != nil || len(text) > int(most) {
			t.Fatalf("%d bytes of at most %d, %v", len(text), most, ok)
		}
		if ok {
			if _, err := codec.Canonical(text); err != nil { // attributes may come in any order
				t.Fatalf("%q is no stanza: %v", text, err)
			}
		}
		m.Reset()
		for i, s := range good {
			in.Reset()
			for _, s := range good[:i] {
				in.Learn(s)
			}
			d.Begin(said(in, s))
			if got, ok := m.Decode(&d, 1000); !ok || !bytes.Equal(got, s) {
				t.Fatalf("%q comes as %q, %v", s, got, ok)
			}
		}
	})
}

// Any stanza comes back in its canonical form, and what both ends know stays the same, whichever way they came to it.
func FuzzTexts(f *testing.F) {
	l := small("the boat is late", "send more fuel")
	for i, s := range stanzas {
		f.Add(s, stanzas[(i+1)%len(stanzas)])
	}
	f.Add([]byte(`<iq type='get'><q xmlns='odd:space' x='1'><y/>&lt;text</q></iq>`), []byte(`<a/>`))
	out, in, learner := l.Model(), l.Model(), l.Model()
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, m := range []*codec.Model{out, in, learner} {
			m.Reset()
		}
		var d arith.Decoder
		for _, s := range [][]byte{a, b, a} {
			c, err := codec.Canonical(s)
			if err != nil {
				continue
			}
			x := said(out, c)
			if y := said(learner, c); !bytes.Equal(x, y) {
				t.Fatal("two models that know the same say other bytes")
			}
			learner.Reset()
			d.Begin(x)
			got, ok := in.Decode(&d, len(c))
			if !ok || !bytes.Equal(got, c) {
				t.Fatalf("%q comes back as %q, %v", c, got, ok)
			}
			learner.Learn(c)
			in.Reset()
			out.Reset()
			in.Learn(c)
			out.Learn(c)
		}
	})
}
