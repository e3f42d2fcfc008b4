package mix

import (
	"bytes"
	"math/bits"
	"testing"
)

// brute counts what follows context in text.
func brute(text, context []byte) (n map[byte]uint32) {
	n = map[byte]uint32{}
	for i := len(context); i < len(text); i++ {
		if bytes.Equal(text[i-len(context):i], context) {
			n[text[i]]++
		}
	}
	return n
}

// follow goes along the symbols of s.
func follow(t *trail, s string) {
	t.begin()
	for _, c := range []byte(s) {
		t.follow(c)
	}
}

func TestIndexCountsWhatFollows(t *testing.T) {
	text := []byte("\x00the bridge is closed\x00the bridge at the mill is open\x00they closed the road\x00")
	x := NewIndex(text)
	for _, s := range []string{"", "t", "the ", "the bridge ", "the road", "is", "the mix"} {
		tr := trail{x: x}
		follow(&tr, s)
		whole := append([]byte{0}, s...)
		for k := 1; k <= len(whole) && k <= maxOrder; k++ {
			want := brute(text, whole[len(whole)-k:])
			total := uint32(0)
			for _, n := range want {
				total += n
			}
			got := uint32(0)
			if k < tr.n {
				got = tr.spans[k].size()
			}
			if got != total {
				// A context of the text's last symbols has no next one.
				if !bytes.HasSuffix(text, whole[len(whole)-k:]) || got != total+1 {
					t.Errorf("%q, order %d: %d, want %d", s, k, got, total)
				}
			}
		}
	}
}

func TestOwnLineIsTakenAway(t *testing.T) {
	x := NewIndex([]byte("\x00abc\x00abd\x00"))
	tr := trail{x: x, own: true}
	follow(&tr, "ab")
	tr.symbol()
	node, longest := uint16(0), tr.longest()
	if longest != 3 {
		t.Errorf("the longest context is %d, want 3", longest)
	}
	code := x.tree.code['c']
	for i := bits.Len32(code) - 2; i >= 0; i-- {
		tr.ask(node)
		bit := int(code >> i & 1)
		n0, n1 := tr.counts(3, bit)
		if n0+n1 > 1 {
			t.Errorf("%d and %d after the context of two lines, one of them its own", n0, n1)
		}
		tr.turn(bit)
		node = x.tree.next[node][bit]
	}
}
