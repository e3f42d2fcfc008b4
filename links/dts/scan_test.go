package dts_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"longwire/links/dts"
)

// scan feeds b in portions and collects what is found.
func scan(b []byte, portion int) (found []dts.Found) {
	var s dts.Scanner
	take := func() {
		for {
			f, ok := s.Next()
			if !ok {
				return
			}
			f.Raw = bytes.Clone(f.Raw)
			if f.PDU.Segment != nil {
				f.PDU.Segment = bytes.Clone(f.PDU.Segment)
			}
			if f.PDU.Message.Extended != nil {
				f.PDU.Message.Extended = bytes.Clone(f.PDU.Message.Extended)
			}
			found = append(found, f)
		}
	}
	for len(b) > 0 {
		n := min(portion, len(b))
		s.Write(b[:n])
		b = b[n:]
		take()
	}
	s.End()
	take()
	return found
}

// shifted puts n bits in front of b, lowest bit first.
func shifted(b []byte, n int, fill byte) []byte {
	if n == 0 {
		return bytes.Clone(b)
	}
	out := make([]byte, 0, len(b)+1)
	last := fill
	for _, c := range b {
		out = append(out, last&(1<<n-1)|c<<n)
		last = c >> (8 - n)
	}
	return append(out, last)
}

func TestEveryPDUIsFoundAtAnyBitAfterNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for round := range 10000 {
		noise := make([]byte, r.IntN(40))
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		stream := bytes.Clone(noise)
		var want []dts.PDU
		for range 1 + r.IntN(6) {
			p := random(r)
			want = append(want, p)
			stream = append(stream, encode(t, p)...)
		}
		shift := round % 8
		got := scan(shifted(stream, shift, byte(r.Uint32())), 1+r.IntN(50))
		if len(got) != len(want) {
			t.Fatalf("round %d: found %d of %d", round, len(got), len(want))
		}
		at := int64(8*len(noise) + shift)
		for i := range want {
			if want[i].Segment != nil && len(want[i].Segment) == 0 {
				got[i].PDU.Segment = []byte{}
			}
			if !reflect.DeepEqual(got[i].PDU, want[i]) || got[i].Bit != at || got[i].Fault != nil {
				t.Fatalf("round %d, D_PDU %d at %d, want %d:\n%+v, want\n%+v", round, i, got[i].Bit, at, got[i].PDU, want[i])
			}
			at += int64(8 * want[i].Len())
		}
	}
}

func TestEveryVectorIsFoundWhereverTheStreamIsCut(t *testing.T) {
	var stream []byte
	for _, v := range vectors() {
		stream = append(stream, unhex(t, v.hex)...)
	}
	for portion := 1; portion <= len(stream); portion++ {
		got := scan(stream, portion)
		if len(got) != len(vectors()) {
			t.Fatalf("portions of %d: %d found", portion, len(got))
		}
	}
}

func TestFalseStartHidesNothing(t *testing.T) {
	pdu := unhex(t, vectors()[0].hex)
	for _, lead := range []string{"90", "90 EB", "90 EB 00 00 04 FF", "90 EB 90 EB", "90 90 EB FF FF FF FF", "90 EB 00 00 04 E9 10 10 00 21 01 00 01 EC 0E"} {
		got := scan(append(unhex(t, lead), pdu...), 7)
		if len(got) != 1 || !bytes.Equal(got[0].Raw, pdu) {
			t.Errorf("after %s: %+v", lead, got)
		}
	}
}

func TestDamagedSegmentKeepsItsHeaderAndHidesNothing(t *testing.T) {
	a, b := unhex(t, vectors()[0].hex), unhex(t, vectors()[1].hex)
	flipped := bytes.Clone(a)
	flipped[25] ^= 4
	for name, c := range map[string]struct {
		stream []byte
		size   int
	}{
		"a bit flipped": {append(bytes.Clone(flipped), b...), 14},
		"a byte lost":   {append(append(bytes.Clone(a[:20]), a[21:]...), b...), 14},
		"cut short":     {append(bytes.Clone(a[:20]), b...), 14},
		"at the end":    {append(bytes.Clone(b), a[:20]...), 2},
	} {
		t.Run(name, func(t *testing.T) {
			got := scan(c.stream, 1000)
			if len(got) != 2 {
				t.Fatalf("%d found", len(got))
			}
			damaged, good := got[0].PDU, got[1].PDU
			if name == "at the end" {
				damaged, good = good, damaged
			}
			if !damaged.Damaged || !damaged.Frame.Start || len(damaged.Segment) != c.size || good.Damaged || good.Frame.FSN != 9 {
				t.Errorf("%+v, %+v", damaged, good)
			}
		})
	}
}

func TestInvalidHeaderIsReported(t *testing.T) {
	bad := seal(unhex(t, "90 EB 30 00 00 E9 10 10 00 21 01 00 01 00 00 00"))
	got := scan(append(bad, unhex(t, vectors()[1].hex)...), 3)
	if len(got) != 2 || got[0].Fault == nil || got[0].PDU.From != nodeA || got[1].Fault != nil {
		t.Errorf("%+v", got)
	}
}

func TestScannerBeginsAnewAfterTheEnd(t *testing.T) {
	var s dts.Scanner
	b := unhex(t, vectors()[0].hex)
	s.Write(b[:10])
	s.End()
	if _, ok := s.Next(); ok {
		t.Error("found in 10 bytes")
	}
	s.Write(b[10:])
	if _, ok := s.Next(); ok {
		t.Error("glued together over the end")
	}
	s.End()
	s.Next()
	s.Write(b)
	if f, ok := s.Next(); !ok || f.Bit != 0 {
		t.Errorf("%v at %d", ok, f.Bit)
	}
}

func TestNoiseIsNotKept(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	var s dts.Scanner
	b := make([]byte, 4096)
	allocs := testing.AllocsPerRun(200, func() {
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		s.Write(b)
		for _, ok := s.Next(); ok; _, ok = s.Next() {
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations for each 4 kB of noise", allocs)
	}
}
