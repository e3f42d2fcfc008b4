package mix

import (
	"math/rand/v2"
	"testing"

	"longwire/links/codec/arith"
)

type sayer struct{ e arith.Encoder }

func (s *sayer) Code(bit int, p uint32) int {
	s.e.Encode(arith.Choose(bit, p))
	return bit
}

type hearer struct{ d arith.Decoder }

func (h *hearer) Code(_ int, p uint32) int { return h.d.Decode(p) }

func design() Design {
	x := NewIndex([]byte("\x00send more fuel\x00the road is closed\x00"))
	views := [Views]int{4, 4, 4, 4}
	return Design{Words: Shape{x, views, 6, 6}, Marks: Shape{nil, views, 6, 6}}
}

// asks are some, the same for the same seed.
func ask(r *rand.Rand) *Ask {
	a := &Ask{Refine: r.Uint32()}
	for i := range a.Contexts {
		a.Contexts[i] = r.Uint32N(40) * 0x9E3779B1
	}
	for i := range a.Runs {
		a.Runs[i] = r.Uint32N(40) * 0x9E3779B1
	}
	for i := range a.Orders {
		a.Orders[i] = r.IntN(25)
	}
	for i := range a.Views {
		a.Views[i] = r.Uint32N(4)
	}
	return a
}

// Any symbols come back, whatever they are guessed from, and a mind that is reset is as a new one.
func TestSymbolsComeBack(t *testing.T) {
	base := Prime(design(), func(m *Mind) {
		m.Words.Begin()
		for _, c := range []byte("the road\x00") {
			m.Words.Symbol(&Ask{}, c, &sayer{})
		}
	})
	var a, b Mind
	var first []byte
	for range 2 {
		a.Reset(base)
		b.Reset(base)
		s, h := &sayer{}, &hearer{}
		s.e.Begin()
		text := make([]byte, 3000)
		r := rand.New(rand.NewPCG(3, 3))
		run := func(m *Mind, c Coder, visit func(i int, f *Faculty, a *Ask)) {
			q := rand.New(rand.NewPCG(4, 4))
			m.Words.Begin()
			for i := range text {
				f := m.Words
				if i%3 == 0 {
					f = m.Marks
				}
				visit(i, f, ask(q))
			}
		}
		for i := range text {
			text[i] = byte(r.Uint32N(256) & r.Uint32N(256))
		}
		run(&a, s, func(i int, f *Faculty, q *Ask) { f.Symbol(q, text[i], s) })
		out := append([]byte(nil), s.e.Finish()...)
		if first == nil {
			first = out
		} else if string(first) != string(out) {
			t.Fatal("a mind that was reset says other bytes")
		}
		h.d.Begin(out)
		run(&b, h, func(i int, f *Faculty, q *Ask) {
			if c := f.Symbol(q, 0, h); c != text[i] {
				t.Fatalf("symbol %d is %d, want %d", i, c, text[i])
			}
		})
	}
}

func TestFlagsComeBack(t *testing.T) {
	a, b := NewFlag(), NewFlag()
	s, h := &sayer{}, &hearer{}
	s.e.Begin()
	at := func(i int) (*[FlagContexts]uint32, uint32) {
		return &[FlagContexts]uint32{uint32(i) << 22, 1 << 30, 2 << 30, 3 << 30}, uint32(i % 16)
	}
	for i := range 500 {
		c, v := at(i)
		a.Bit(c, v, i/7&1, s, usual)
	}
	h.d.Begin(s.e.Finish())
	for i := range 500 {
		c, v := at(i)
		if bit := b.Bit(c, v, 0, h, usual); bit != i/7&1 {
			t.Fatalf("flag %d is %d", i, bit)
		}
	}
}
