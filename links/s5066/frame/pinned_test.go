package frame_test

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// Both ends must compute the same model, on any processor and in any release: a change that this test notices is a new version of the format.
func TestFormatIsPinned(t *testing.T) {
	r := rand.New(rand.NewPCG(42, 42))
	e := newEncoder()
	e.Start(1)
	var all []byte
	for range 300 {
		all = append(all, encode(t, e, names, stanza(r))...)
	}
	const want = 0x49d21e02
	if got := crc32.ChecksumIEEE(all); got != want {
		t.Errorf("%d bytes with sum %#x, want %#x", len(all), got, uint32(want))
	}
}
