package frame_test

import (
	"math/rand/v2"
	"testing"

	"longwire/links/s5066/frame"
)

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	r := rand.New(rand.NewPCG(1, 1))
	e := newEncoder()
	e.Start(1)
	out := make([]byte, 0, mtu)
	texts := make([][]byte, 512)
	for i := range texts {
		texts[i] = message(r, people[r.IntN(len(people))], bodies[r.IntN(len(bodies))])
	}
	for i := 0; b.Loop(); i++ {
		if _, _, err := e.Encode(out, names, texts[i%512:i%512+1], mtu); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	r := rand.New(rand.NewPCG(1, 1))
	e := newEncoder()
	e.Start(1)
	var frames [][]byte
	for range 512 {
		frames = append(frames, encode(b, e, names, message(r, people[r.IntN(len(people))], bodies[r.IntN(len(bodies))])))
	}
	d := newDecoder()
	for i := 0; b.Loop(); i++ {
		f, err := frame.Parse(frames[i%512])
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := d.Decode(&f, known(uint32(i%512), 0)); err != nil {
			b.Fatal(err)
		}
	}
}

// What it costs to go back: the model learns its history again.
func BenchmarkBack(b *testing.B) {
	b.ReportAllocs()
	r := rand.New(rand.NewPCG(1, 1))
	e := newEncoder()
	e.Start(1)
	for range 140 {
		encode(b, e, names, message(r, people[r.IntN(len(people))], bodies[r.IntN(len(bodies))]))
	}
	m := message(r, people[0], bodies[0])
	for b.Loop() {
		e.Back(140)
		encode(b, e, names, m)
	}
}
