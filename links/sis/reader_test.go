package sis_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"longwire/links/sis"
)

// all reads until the carrier ends.
func all(t testing.TB, r *sis.Reader) (list []sis.Primitive) {
	t.Helper()
	for {
		p, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// pieces gives out what a carrier delivers at a time.
type pieces [][]byte

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	if (*p)[0] = (*p)[0][n:]; len((*p)[0]) == 0 {
		*p = (*p)[1:]
	}
	return n, nil
}

func stream(t testing.TB) (b []byte, want []sis.Primitive) {
	for _, v := range vectors() {
		b = append(b, unhex(t, v.hex)...)
		want = append(want, v.p)
	}
	return b, want
}

func TestAStreamCutAtEveryByteIsTheSame(t *testing.T) {
	b, want := stream(t)
	for _, noisy := range []bool{false, true} {
		for cut := range b {
			r := sis.NewReader(&pieces{b[:cut], b[cut:]})
			if cut == 0 {
				r = sis.NewReader(iotest.OneByteReader(bytes.NewReader(b)))
			}
			r.Codec, r.Noisy = sis.Strict, noisy
			if got := all(t, r); !reflect.DeepEqual(got, want) {
				t.Fatalf("cut at %d: %v", cut, got)
			}
		}
	}
}

func TestRandomStreamsInRandomPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(5066, 2))
	for i := range 10000 {
		var b []byte
		var want []sis.Primitive
		for range 1 + r.IntN(4) {
			p := randomPrimitive(r)
			b, _ = sis.Strict.Append(b, p)
			want = append(want, p)
		}
		var ps pieces
		for len(b) > 0 {
			n := 1 + r.IntN(min(len(b), 3000))
			ps, b = append(ps, b[:n]), b[n:]
		}
		rd := sis.NewReader(&ps)
		rd.Codec, rd.Noisy = sis.Strict, i%2 == 0
		if got := all(t, rd); !reflect.DeepEqual(got, want) {
			t.Fatalf("%d: %+v became %+v", i, want, got)
		}
		if noise, faulty := rd.Skipped(); noise+faulty != 0 {
			t.Fatalf("%d: %d bytes and %d primitives skipped", i, noise, faulty)
		}
	}
}

func TestACleanCarrierLosesItsFraming(t *testing.T) {
	for hex, why := range map[string]string{
		"91 EB 00 00 01 11": "sis: framing lost at 91 eb 00 00 01: no preamble",
		"90 EC 00 00 01 11": "sis: framing lost at 90 ec 00 00 01: no preamble",
		"90 EB 01 00 01 11": "sis: framing lost at 90 eb 01 00 01: version 1",
		"90 EB 00 00 00 11": "sis: framing lost at 90 eb 00 00 00: size 0",
	} {
		r := sis.NewReader(bytes.NewReader(append(unhex(t, "90 EB 00 00 01 0F"), unhex(t, hex)...)))
		if p, err := r.Next(); err != nil || p != (sis.DataFlowOn{}) {
			t.Errorf("%v, %v", p, err)
		}
		for range 2 {
			var e *sis.FramingError
			if p, err := r.Next(); p != nil || !errors.As(err, &e) || err.Error() != why {
				t.Errorf("%v, %v", p, err)
			}
		}
	}
}

func TestACleanCarrierPassesOverBadPrimitives(t *testing.T) {
	r := sis.NewReader(bytes.NewReader(unhex(t, "90 EB 00 00 03 63 01 02 90 EB 00 00 01 11 90 EB 00 00 02 11 00 90 EB 00 00 01 0F 90 EB 00 00")))
	var e *sis.Error
	if _, err := r.Next(); !errors.As(err, &e) || !e.Unknown() {
		t.Error(err)
	}
	if p, err := r.Next(); err != nil || p != (sis.KeepAlive{}) {
		t.Error(p, err)
	}
	if _, err := r.Next(); !errors.As(err, &e) || e.Unknown() {
		t.Error(err)
	}
	if p, err := r.Next(); err != nil || p != (sis.DataFlowOn{}) {
		t.Error(p, err)
	}
	if _, err := r.Next(); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
	if _, faulty := r.Skipped(); faulty != 2 {
		t.Error(faulty)
	}
}

// noise never holds the three bytes that a primitive begins with.
func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = []byte{0x90, 0xEB, uint8(1 + r.IntN(255))}[r.IntN(3)]
	}
	return b
}

func TestANoisyCarrierFindsAllPrimitivesBetweenNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(5066, 3))
	for i := range 10000 {
		var ps pieces
		var want []sis.Primitive
		for len(want) < 1+i%4 {
			p := randomPrimitive(r)
			b, _ := sis.Strict.Append(noise(r, r.IntN(40)), p)
			if len(b) > 3000 {
				continue // a carrier gives it in parts, and then one inside of its data may be taken for real
			}
			ps, want = append(ps, b), append(want, p)
		}
		ps = append(ps, noise(r, 1+r.IntN(40)))
		rd := sis.NewReader(&ps)
		rd.Codec, rd.Noisy = sis.Strict, true
		if got := all(t, rd); !reflect.DeepEqual(got, want) {
			t.Fatalf("%d: %+v became %+v", i, want, got)
		}
	}
}

func TestANoisyCarrierFindsItsStepWhateverIsLost(t *testing.T) {
	r := rand.New(rand.NewPCG(5066, 4))
	keep := unhex(t, "90 EB 00 00 01 11")
	for i := range 10000 {
		var b []byte
		for range 1 + r.IntN(3) {
			b, _ = sis.Strict.Append(b, randomPrimitive(r))
		}
		for range 1 + r.IntN(5) { // bytes lost, changed, invented
			at := r.IntN(len(b))
			b = append(b[:at], append(noise(r, r.IntN(3)), b[min(at+r.IntN(3), len(b)):]...)...)
			b = append(b, 0)
		}
		// At the latest when more has passed than a primitive can claim, it is in step again.
		for _, more := range []int{100, (2*sis.BroadcastMTU + 12) / 6} {
			whole := append(bytes.Clone(b), bytes.Repeat(keep, more)...)
			whole, _ = sis.Strict.Append(whole, sis.DataFlowOn{})
			rd := sis.NewReader(bytes.NewReader(whole))
			rd.Noisy = true
			got := all(t, rd)
			if len(got) > 0 && got[len(got)-1] == (sis.DataFlowOn{}) {
				break
			}
			if more > 100 {
				t.Fatalf("%d: %v", i, got)
			}
		}
	}
}

func TestANoisyCarrierComesBack(t *testing.T) {
	keep := "90 EB 00 00 01 11"
	for name, c := range map[string]struct {
		hex  string
		want int // flow on at the end, after so many others
	}{
		"rubbish":                        {"00 FF 12 34", 0},
		"half a preamble":                {"90 90 EB", 0},
		"wrong version":                  {"90 EB 01 00 01 11", 0},
		"impossible size":                {"90 EB 00 FF FF 14", 0},
		"size that no such type has":     {"90 EB 00 00 02 11 00", 0},
		"unknown type":                   {"90 EB 00 00 03 30 01 02", 0},
		"request with two sizes":         {"90 EB 00 00 0D 14 56 E1 01 00 02 14 00 00 3C 00 00 07", 0},
		"primitive inside a false one":   {"07 90 EB 00 00 0F 14 " + keep, 1},
		"noise between primitives":       {keep + " 07 " + keep + " 90 EB " + keep, 3},
		"noise, then a false long frame": {"07 90 EB 00 10 00 14 01 02", 0},
	} {
		b := append(unhex(t, c.hex), unhex(t, "90 EB 00 00 01 0F")...)
		r := sis.NewReader(iotest.OneByteReader(bytes.NewReader(b)))
		r.Noisy = true
		got := all(t, r)
		if len(got) != c.want+1 || got[c.want] != (sis.DataFlowOn{}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestASilenceInsideEndsAPrimitiveOfANoisyCarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pr, pw := io.Pipe()
		go func() {
			pw.Write(unhex(t, vectors()[20].hex)[:20])
			time.Sleep(sis.Gap + time.Second)
			pw.Write(unhex(t, "90 EB 00 00 01 11"))
			time.Sleep(time.Hour)
			pw.Write(unhex(t, "90 EB 00 00 01"))
			time.Sleep(sis.Gap - time.Second)
			pw.Write(unhex(t, "0F"))
			pw.Close()
		}()
		r := sis.NewReader(pr)
		r.Noisy = true
		if got := all(t, r); !reflect.DeepEqual(got, []sis.Primitive{sis.KeepAlive{}, sis.DataFlowOn{}}) {
			t.Error(got)
		}
		if noise, _ := r.Skipped(); noise != 20 {
			t.Error(noise)
		}
	})
}
