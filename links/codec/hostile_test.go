package codec_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"longwire/links/codec"
	"longwire/links/codec/arith"
	"longwire/links/codec/lore"
)

// decode reads code with a model that is Reset, and Resets it again if that fails.
func decode(t testing.TB, m *codec.Model, code []byte, most int) (text []byte, ok bool) {
	t.Helper()
	var d arith.Decoder
	d.Begin(code)
	m.Reset()
	if text, ok = m.Decode(&d, most); !ok {
		m.Reset()
	}
	if len(text) > most {
		t.Fatalf("%x gives %d bytes of %d", code, len(text), most)
	}
	return text, ok
}

// codes are those of some stanzas that ship, each alone.
func codes(t testing.TB) (list [][]byte) {
	t.Helper()
	m := codec.Base().Model()
	for i, s := range lore.Shipped().Stanzas {
		if i%50 == 0 {
			m.Reset()
			list = append(list, said(m, s))
		}
	}
	return list
}

// What no encoder wrote is refused or is some text, and leaves nothing behind.
func TestGarbageDoesNoHarm(t *testing.T) {
	other := small("the boat is late").Model()
	m, fresh := codec.Base().Model(), codec.Base().Model()
	r := rand.New(rand.NewPCG(5, 6))
	for _, code := range codes(t) {
		decode(t, other, code, 2000)
		decode(t, m, code[:r.IntN(len(code)+1)], 2000)
		bad := bytes.Clone(code)
		if len(bad) > 0 {
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		}
		decode(t, m, bad, 2000)
		for i := range bad {
			bad[i] = byte(r.Uint32())
		}
		decode(t, m, bad, 2000)
	}
	m.Reset()
	for _, s := range lore.Shipped().Stanzas[:20] {
		if !equal(m.Plan(s, nil), fresh.Plan(s, nil)) {
			t.Fatal("what was garbage is remembered behind a Reset")
		}
	}
}

// Tokens that say nothing cost next to nothing to send, and time to read: nobody needs more than two for a byte of text.
func TestTokensThatSayNothingAreRefused(t *testing.T) {
	in, out := codec.Base().Model(), codec.Base().Model()
	for _, n := range []int{1, 1000} {
		message := []byte{2, 0, 0, 0}
		tokens := append(append(message, bytes.Repeat([]byte{1, 0, 0}, n)...), 0) // token/FORMAT.md §3: pieces of text, all empty
		in.Reset()
		code := coded(in.Say(tokens))
		text, ok := decode(t, out, code, 68<<10)
		if small := n == 1; ok != small {
			t.Errorf("%d tokens in %d bytes: %q, %v", len(tokens), len(code), text, ok)
		}
	}
}
