package cas_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"longwire/links/cas"
)

// Any C_PDU comes back. Cut anywhere, one with data is one with less, one of a byte none: its length is that of the D_PDUs around it.
func TestAnyCPDUComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	seen := map[cas.Type]int{}
	for range 20000 {
		want := cas.CPDU{Type: cas.Type(r.IntN(6))}
		seen[want.Type]++
		switch want.Type {
		case cas.Data:
			want.SPDU = make([]byte, r.IntN(100))
			for i := range want.SPDU {
				want.SPDU[i] = byte(r.Uint32())
			}
		case cas.Request:
			want.Exclusive = r.IntN(2) == 0
		case cas.Rejected:
			want.Reject = cas.RejectReason(r.IntN(16))
		case cas.Break:
			want.Break = cas.BreakReason(r.IntN(16))
		}
		b := want.Append(nil)
		if got, err := cas.Decode(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("% X: %+v, %v, want %+v", b, got, err, want)
		}
		for n := range b {
			got, err := cas.Decode(b[:n:n])
			if n == 0 && !errors.Is(err, cas.ErrCPDU) || n > 0 && (err != nil || got.Type != want.Type || !bytes.Equal(got.SPDU, want.SPDU[:n-1])) {
				t.Fatalf("% X cut at %d: %+v, %v", b, n, got, err)
			}
		}
		// A type that there is not.
		b[0] = byte(6+r.IntN(10))<<4 | b[0]&0xf
		if got, err := cas.Decode(b); !errors.Is(err, cas.ErrCPDU) {
			t.Fatalf("% X: %+v, %v", b, got, err)
		}
	}
	if len(seen) != 6 {
		t.Errorf("types %v", seen)
	}
}
