package ip_test

import (
	"math/rand"
	"testing"
	"time"

	"longwire/links/codecs"
	"longwire/links/linktest"
	"longwire/store"
)

// BenchmarkLink is messages through two stores and a compressed link on the loopback, until they are confirmed.
func BenchmarkLink(b *testing.B) {
	for _, bb := range []struct {
		name    string
		methods []codecs.Method
	}{{"deflate", nil}, {"mix", set(mix())}} {
		b.Run(bb.name, func(b *testing.B) { benchmarkLink(b, bb.methods) })
	}
}

func benchmarkLink(b *testing.B, methods []codecs.Method) {
	x, y := newEnd(b, "headquarters.net", "field.net"), newEnd(b, "field.net", "headquarters.net")
	cx, cy := pair(b)
	cx.Methods, cy.Methods = methods, methods
	x.apply(b, cx)
	y.apply(b, cy)
	run(b, x, y)
	rnd := rand.New(rand.NewSource(1))
	x.Send("first")
	linktest.Eventually(b, 10*time.Second, "contact", func() bool { return len(y.Received()) == 1 })
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		n := min(left, 100)
		var entries []store.Entry
		for range n {
			entries = append(entries, chat(rnd, phrases[rnd.Intn(len(phrases))]))
		}
		x.Put(entries...)
		left -= n
		for x.Waiting() > 2000 {
			time.Sleep(time.Millisecond)
		}
	}
	for x.status("to field").Out.Stanzas < uint64(b.N) || y.status("to hq").In.Stanzas < uint64(b.N) {
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(x.status("to field").Out.Wire)/float64(b.N), "wire-B/op")
}
