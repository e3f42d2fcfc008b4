package token_test

import (
	"bytes"
	"testing"

	"longwire/links/codec/token"
)

// Tokens of anybody: a text that can be taken for a stanza, or an error; never more than was asked for, and the place agrees on where it ends.
func FuzzParse(f *testing.F) {
	a := token.New([]string{"a@b.example/x"}, []string{"word"})
	for _, x := range []string{
		`<message from='a@b.example/x' to='c@d' type='chat' id='1abc'><body>hi</body></message>`, `<message from='a@b.example/x' to='e@d' type='chat' id='1abc'><body>hi</body></message>`,
		`<iq type='result' id='x'><y xmlns='urn:y' p:a='1' xmlns:p='urn:p'><p:z/>text</y></iq>`, `<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='YWJjZGVmZ2hpams1Nng='/></presence>`,
		`<message><delay xmlns='urn:xmpp:delay' stamp='2026-03-01T00:00:00.123Z'/></message>`,
	} {
		tok, err := a.Append(nil, []byte(x))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(tok)
	}
	f.Fuzz(func(t *testing.T, tok []byte) {
		p := newPair([]string{"a@b.example/x"}, []string{"word"})
		const most = 4096
		for len(tok) > 0 {
			var place token.Place
			place.Begin(p.b.State())
			end := 0
			for end < len(tok) && !place.Step(tok[end]) {
				end++
			}
			text, n, err := p.b.Parse(tok, most)
			if err != nil {
				return
			}
			if len(text) > most || n == 0 || n != end+1 {
				t.Fatalf("%d bytes of %d tokens, the place ends behind %d", len(text), n, end)
			}
			canon, err := token.Canonical(text)
			if err != nil {
				t.Fatalf("%x gives %q: %v", tok[:n], text, err)
			}
			if again, err := token.Canonical(canon); err != nil || !bytes.Equal(again, canon) {
				t.Fatalf("%q is not canonical: %q, %v", canon, again, err)
			}
			tok = tok[n:]
		}
	})
}

// Any text: refused, or the same stanza at the far end.
func FuzzAppend(f *testing.F) {
	r := newRandom(1)
	for range 30 {
		f.Add(r.stanza())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := token.Canonical(text); err != nil {
			tok, err := token.New(nil, nil).Append(nil, text)
			if err == nil || len(tok) > 0 {
				t.Fatalf("%q: %x, %v", text, tok, err)
			}
			return
		}
		p := newPair(nil, nil)
		p.cross(t, text)
		p.cross(t, text)
	})
}
