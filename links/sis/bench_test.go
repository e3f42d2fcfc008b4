package sis_test

import (
	"io"
	"testing"

	"longwire/links/sis"
)

func BenchmarkAppend(b *testing.B) {
	p := sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB, DeliveryMode: sis.Arq(), TTL: 60, UPDU: make([]byte, sis.MTU)}
	var buf []byte
	b.SetBytes(sis.MTU)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = sis.Strict.Append(buf[:0], p)
	}
}

// again gives the same bytes for ever.
type again struct {
	b  []byte
	at int
}

func (a *again) Read(b []byte) (n int, err error) {
	for n < len(b) {
		c := copy(b[n:], a.b[a.at:])
		n, a.at = n+c, (a.at+c)%len(a.b)
	}
	return n, nil
}

var _ io.Reader = (*again)(nil)

func BenchmarkReader(b *testing.B) {
	p := sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB, DeliveryMode: sis.Arq(), TTL: 60, UPDU: make([]byte, sis.MTU)}
	buf, _ := sis.Strict.Append(nil, p)
	for name, noisy := range map[string]bool{"clean": false, "noisy": true} {
		b.Run(name, func(b *testing.B) {
			r := sis.NewReader(&again{b: buf})
			r.Noisy = noisy
			b.SetBytes(sis.MTU)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
