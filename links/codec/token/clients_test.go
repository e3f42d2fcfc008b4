package token_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"testing"

	"longwire/links/codec/token"
)

// clientTokens pins the format: it is the SHA-256 of the tokens of testdata/clients.xml in order. Another value is another version of the format.
const clientTokens = "85abd355ff43a1f9f968ce50fb21fb467ed499a57b38d9e77900cae25a5ea36e"

// What clients of many makes send, old ones, new ones, and some that the schema has never heard of.
func TestStanzasOfClients(t *testing.T) {
	data, err := os.ReadFile("testdata/clients.xml")
	if err != nil {
		t.Fatal(err)
	}
	// A body has a line feed in it: a stanza begins behind the end of another.
	list := bytes.SplitAfter(bytes.ReplaceAll(data, []byte("\n<"), []byte("\x00<")), []byte{0})
	p := newPair([]string{"kari@field.example", "ola@hq.example", "ops@chat.hq.example/ola"}, []string{"Kari N", "lQ+dw0u8QsQDuqqz/GvuLWmNB/4="})
	sum := sha256.New()
	tokens, texts := 0, 0
	for _, x := range list {
		x = bytes.TrimRight(x, "\x00\n")
		tok := p.cross(t, x)
		canon, _ := token.Canonical(x)
		if in, out := infoset(t, x), infoset(t, canon); in != out {
			t.Errorf("%s is\n%s\ncanonical %s is\n%s", x, in, canon, out)
		}
		sum.Write(tok)
		tokens, texts = tokens+len(tok), texts+len(x)
	}
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != clientTokens {
		t.Errorf("tokens are %s", got)
	}
	if tokens > texts/4 {
		t.Errorf("%d bytes of tokens for %d of text", tokens, texts)
	}
}
