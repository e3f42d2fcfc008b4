package spdu_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"longwire/links/spdu"
)

func randomSPDU(r *rand.Rand) spdu.PDU {
	n := func(most int) uint8 { return uint8(r.IntN(most + 1)) }
	data := func() []byte {
		b := make([]byte, r.IntN(60))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	p := spdu.PDU{Type: spdu.Type(n(7))}
	switch p.Type {
	case spdu.Data:
		p.Priority, p.Source, p.Dest, p.Confirm, p.Data = n(15), n(15), n(15), n(1) == 0, data()
		if p.HasTTD = n(1) == 0; p.HasTTD {
			p.TTD = spdu.TTD{Day: n(15), Half: uint16(r.IntN(43200))}
		}
	case spdu.DataConfirm:
		p.Source, p.Dest, p.Data = n(15), n(15), data()
	case spdu.DataFail:
		p.Reason, p.Source, p.Dest, p.Data = n(15), n(15), n(15), data()
	case spdu.LinkRequest:
		p.LinkType, p.LinkPriority, p.Source, p.Dest = n(3), n(3), n(15), n(15)
	case spdu.LinkRejected, spdu.Terminate:
		p.Reason = n(15)
	}
	return p
}

// Any S_PDU comes back. Cut inside of its head it is refused, cut in its data it is one with less: its length is that of the C_PDU.
func TestAnySPDUComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	seen := map[spdu.Type]int{}
	for range 20000 {
		want := randomSPDU(r)
		seen[want.Type]++
		b, err := want.Append(nil)
		if err != nil {
			t.Fatalf("%+v: %v", want, err)
		}
		if got, err := spdu.Decode(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("% X: %+v, %v, want %+v", b, got, err, want)
		}
		head := len(b) - len(want.Data)
		for n := range b {
			got, err := spdu.Decode(b[:n:n])
			if n < head && !errors.Is(err, spdu.ErrSPDU) {
				t.Fatalf("% X cut at %d in its head: %+v, %v", b, n, got, err)
			}
			if n >= head && (err != nil || got.Type != want.Type || got.Source != want.Source || got.TTD != want.TTD || !bytes.Equal(got.Data, want.Data[:n-head])) {
				t.Fatalf("% X cut at %d: %+v, %v", b, n, got, err)
			}
		}
	}
	if len(seen) != 8 {
		t.Errorf("types %v", seen)
	}
}
