package codec_test

import (
	"runtime"
	"testing"

	"longwire/links/codec"
	"longwire/links/codec/arith"
	"longwire/links/codec/lore"
)

// traffic is stanzas as they come after some that were learned.
func traffic() (known, next [][]byte) {
	s := lore.Shipped().Stanzas
	return s[:200], s[200:400]
}

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	known, next := traffic()
	m := codec.Base().Model()
	for _, s := range known {
		m.Learn(s)
	}
	var e arith.Encoder
	var plan []arith.Choice
	bytes := 0
	for i := 0; b.Loop(); i++ {
		e.Begin()
		plan = m.Plan(next[i%len(next)], plan[:0])
		for _, c := range plan {
			e.Encode(c)
		}
		bytes += len(e.Finish())
	}
	b.ReportMetric(float64(bytes)/float64(b.N), "bytes/op")
}

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	known, next := traffic()
	out, in := codec.Base().Model(), codec.Base().Model()
	for _, s := range known {
		out.Learn(s)
		in.Learn(s)
	}
	var e arith.Encoder
	var d arith.Decoder
	var frames [][]byte
	for _, s := range next {
		e.Begin()
		for _, c := range out.Plan(s, nil) {
			e.Encode(c)
		}
		frames = append(frames, append([]byte(nil), e.Finish()...))
	}
	for i := 0; b.Loop(); i++ {
		if i > 0 && i%len(frames) == 0 {
			b.StopTimer()
			in.Reset()
			for _, s := range known {
				in.Learn(s)
			}
			b.StartTimer()
		}
		d.Begin(frames[i%len(frames)])
		if _, ok := in.Decode(&d, 1<<16); !ok {
			b.Fatal("not read")
		}
	}
}

// What a stanza costs that is coded alone: the model begins anew.
func BenchmarkAlone(b *testing.B) {
	b.ReportAllocs()
	_, next := traffic()
	m := codec.Base().Model()
	var plan []arith.Choice
	for i := 0; b.Loop(); i++ {
		m.Reset()
		plan = m.Plan(next[i%len(next)], plan[:0])
	}
}

func BenchmarkReset(b *testing.B) {
	b.ReportAllocs()
	m := codec.Base().Model()
	m.Reset()
	for b.Loop() {
		m.Reset()
	}
}

func BenchmarkPrime(b *testing.B) {
	b.ReportAllocs()
	d := lore.Shipped()
	for b.Loop() {
		l, err := codec.New(d)
		if err != nil {
			b.Fatal(err)
		}
		l.Prime()
	}
}

func BenchmarkRestore(b *testing.B) {
	d := lore.Shipped()
	l, err := codec.New(d)
	if err != nil {
		b.Fatal(err)
	}
	snap := l.Snapshot()
	b.ReportMetric(float64(len(snap)), "bytes")
	for b.Loop() {
		l, _ := codec.New(lore.Data{})
		_ = l
		b.StopTimer()
		l, _ = codec.New(d)
		b.StartTimer()
		if err := l.Restore(snap); err != nil {
			b.Fatal(err)
		}
	}
}

// How much memory the lore takes, and a model that has learned a full history.
func BenchmarkMemory(b *testing.B) {
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	for b.Loop() {
		before := heap()
		l, err := codec.New(lore.Shipped())
		if err != nil {
			b.Fatal(err)
		}
		l.Prime()
		b.StopTimer()
		primed := heap()
		const models = 4
		var ms []*codec.Model
		known, _ := traffic()
		for range models {
			m := l.Model()
			for _, s := range known {
				m.Learn(s)
			}
			ms = append(ms, m)
		}
		after := heap()
		b.ReportMetric(float64(primed-before)/(1<<20), "MB/lore")
		b.ReportMetric(float64(after-primed)/models/(1<<20), "MB/model")
		runtime.KeepAlive(ms)
		runtime.KeepAlive(l)
		b.StartTimer()
	}
}
