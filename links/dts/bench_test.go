package dts_test

import (
	"testing"
	"time"

	"longwire/links/dts"
)

func frame(n int) dts.PDU {
	return ab(dts.PDU{Type: dts.DataOnly, EOT: 4, Frame: dts.Frame{Start: true, InOrder: true}, Segment: make([]byte, n)})
}

func BenchmarkAppend(b *testing.B) {
	p := frame(200)
	buf := make([]byte, 0, 2048)
	b.SetBytes(int64(p.Len()))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = p.Append(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	in := encode(b, frame(200))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := dts.Decode(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScanner looks for D_PDUs in a stream that is out of line by three bits.
func BenchmarkScanner(b *testing.B) {
	one := encode(b, frame(200))
	var stream []byte
	for range 100 {
		stream = append(stream, one...)
	}
	stream = shifted(stream, 3, 0x5a)
	var s dts.Scanner
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		s.Write(stream)
		n := 0
		for _, ok := s.Next(); ok; _, ok = s.Next() {
			n++
		}
		s.End()
		s.Next()
		if n < 99 {
			b.Fatalf("%d found", n)
		}
	}
}

func BenchmarkScannerNoise(b *testing.B) {
	noise := make([]byte, 4096)
	for i := range noise {
		noise[i] = byte(i*7 ^ i>>3)
	}
	var s dts.Scanner
	b.SetBytes(int64(len(noise)))
	b.ReportAllocs()
	for b.Loop() {
		s.Write(noise)
		for _, ok := s.Next(); ok; _, ok = s.Next() {
		}
	}
}

// BenchmarkExchange is one C_PDU of 2 KB sent, received and confirmed, in frames of 200 bytes.
func BenchmarkExchange(b *testing.B) {
	x := newNet(b, 2, 1, dts.Config{Timing: short(2400), Segment: 200})
	x.OnAir = nil
	x.on = func(int, dts.Event) {}
	b.SetBytes(2048)
	b.ReportAllocs()
	for b.Loop() {
		x.send(0, 1, dts.Request{CPDU: make([]byte, 2048)})
		x.Run(b, time.Hour, nil)
	}
}
