package sis_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"

	"longwire/links/sis"
)

// open tells whether what is left of a cut primitive may be one: a management message has any body.
func open(ty sis.Type) bool {
	return ty == sis.TypeManagementMsgRequest || ty == sis.TypeManagementMsgIndication
}

// A primitive that is not all there yet is waited for, wherever it is cut; a body that is shorter than its envelope says is refused.
func TestAnyPrimitiveCutAnywhereAsksForMore(t *testing.T) {
	r := rand.New(rand.NewPCG(5066, 10))
	cuts := 0
	for i := range 10000 {
		p := randomPrimitive(r)
		b, err := sis.Strict.Append(nil, p)
		if err != nil {
			t.Fatal(err)
		}
		for n := range b {
			if body, used, err := sis.Split(b[:n:n]); body != nil || used != 0 || err != nil {
				t.Fatalf("%d: %v cut at %d of %d: % X, %d, %v", i, p.Type(), n, len(b), body, used, err)
			}
		}
		body := b[5:]
		for k := range min(len(body), 60) {
			n := k
			if len(body) > 60 && k > 30 {
				n = r.IntN(len(body))
			}
			cuts++
			for name, codec := range codecs {
				var e *sis.Error
				q, err := codec.Decode(body[:n:n])
				if open(p.Type()) && n >= 2 {
					if err != nil {
						t.Fatalf("%d, %s: %v cut at %d: %v", i, name, p.Type(), n, err)
					}
					continue
				}
				if q != nil || !errors.As(err, &e) || e.Offset > n {
					t.Fatalf("%d, %s: %v cut at %d: %+v, %v", i, name, p.Type(), n, q, err)
				}
			}
		}
		// A clean carrier that ends inside of it says so; one that ends before it just ends.
		n := r.IntN(len(b))
		rd := sis.NewReader(bytes.NewReader(b[:n]))
		if q, err := rd.Next(); q != nil || n > 0 && err != io.ErrUnexpectedEOF || n == 0 && err != io.EOF {
			t.Fatalf("%d: a carrier that ends after %d of %d bytes: %+v, %v", i, n, len(b), q, err)
		}
	}
	if cuts < 10000 {
		t.Errorf("only %d cuts", cuts)
	}
}

// Streams of any primitives, each cut in two at every byte: both halves together say the same.
func TestAnyStreamCutAtEveryByteIsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(5066, 11))
	for cases := 0; cases < 20000; {
		var b []byte
		var want []sis.Primitive
		for len(want) < 5 {
			p := randomPrimitive(r)
			c, _ := sis.Strict.Append(nil, p)
			if len(c) < 150 { // each cut is a reading of all
				b, want = append(b, c...), append(want, p)
			}
		}
		for cut := range b {
			rd := sis.NewReader(&pieces{b[:cut:cut], b[cut:]})
			if cut == 0 {
				rd = sis.NewReader(&pieces{b})
			}
			rd.Codec, rd.Noisy = sis.Strict, cut%2 == 0
			if got := all(t, rd); !reflect.DeepEqual(got, want) {
				t.Fatalf("% X cut at %d: %+v, want %+v", b, cut, got, want)
			}
			if noise, faulty := rd.Skipped(); noise+faulty != 0 {
				t.Fatalf("% X cut at %d: %d bytes and %d primitives skipped", b, cut, noise, faulty)
			}
			cases++
		}
	}
}
