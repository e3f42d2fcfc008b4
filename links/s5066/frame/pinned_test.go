package frame_test

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"longwire/links/codec/arith"
	"longwire/links/codecs"
	"longwire/links/s5066/frame"
)

// letters is a model that knows nothing: each byte as it is, and a 0 behind the text. What codecs make of texts is pinned where they are.
type letters struct{}

func (letters) Reset()       {}
func (letters) Learn([]byte) {}

func (letters) Plan(text []byte, out []arith.Choice) []arith.Choice {
	for _, c := range append(text[:len(text):len(text)], 0) {
		for i := 7; i >= 0; i-- {
			out = append(out, arith.Choose(int(c>>i&1), 1<<15))
		}
	}
	return out
}

func (letters) Decode(d *arith.Decoder, max int) (text []byte, ok bool) {
	for len(text) < max && !d.Over() {
		c := 0
		for range 8 {
			c = c<<1 | d.Decode(1<<15)
		}
		if c == 0 {
			return text, true
		}
		text = append(text, byte(c))
	}
	return nil, false
}

// Both ends must compute the same frames, on any processor and in any release: a change that this test notices is a new version of the format.
func TestFormatIsPinned(t *testing.T) {
	r := rand.New(rand.NewPCG(42, 42))
	e := frame.Encoder{Method: codecs.Method{Codec: codecs.Codec{Kind: codecs.Mix, ID: [4]byte{1, 2, 3, 4}}, New: func() codecs.Model { return letters{} }}}
	e.Start(1)
	var all []byte
	for i := range 300 {
		h := names
		h.Names, h.Express, h.HasMark, h.Ask, h.Far = r.IntN(20) == 0, r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(20) == 0, r.IntN(20) == 0
		h.Mark = uint32(i)
		h.Behind, h.After = !h.Express && r.IntN(5) == 0, byte(i)
		all = append(all, encode(t, &e, h, number(i))...)
		if r.IntN(10) == 0 {
			e.Start(e.Next())
		}
	}
	const want = 0x17e4079f
	if got := crc32.ChecksumIEEE(all); got != want {
		t.Errorf("%d bytes with sum %#x, want %#x", len(all), got, uint32(want))
	}
}
