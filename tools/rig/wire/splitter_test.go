package wire

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSplitterCutsTopLevelElements(t *testing.T) {
	in := `<?xml version='1.0'?><stream:stream from='a' id='x>y' xmlns='jabber:client'><stream:features><bind/></stream:features>` +
		" \n<message from='a@b/c' id=\"1\"><body>2 &lt; 3</body><x/></message><a xmlns='urn:xmpp:sm:3' h='7'/>" +
		`<presence/><iq type='result' id='q'></iq></stream:stream>`
	want := []string{"stream:stream", "stream:features", "message", "a", "presence", "iq"}
	s := newSplitter(iotest.OneByteReader(strings.NewReader(in)))
	for _, w := range want {
		e, err := s.next()
		if err != nil || e.Name != w {
			t.Fatalf("next = %q, %v; want %q", e.Name, err, w)
		}
		if w == "message" {
			if got := Text(e.Raw, "body"); got != "2 < 3" {
				t.Errorf("body = %q", got)
			}
			if got := Attr(e.Raw, "id"); got != "1" {
				t.Errorf("id = %q", got)
			}
			if got := Attr(e.Raw, "from"); got != "a@b/c" {
				t.Errorf("from = %q", got)
			}
		}
		if w == "a" {
			if h, err := H(e.Raw); err != nil || h != 7 {
				t.Errorf("h = %d, %v", h, err)
			}
		}
	}
	if _, err := s.next(); !errors.Is(err, ErrStreamEnd) {
		t.Errorf("after the end: %v", err)
	}
}

func TestScramVectorOfRFC5802(t *testing.T) {
	s, err := newScram("SCRAM-SHA-1", "user", "pencil", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.nonce = "fyko+d2lbbFgONRv9qkxdawL"
	s.bare = "n=user,r=" + s.nonce
	got, err := s.final("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096")
	if err != nil || got != "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=" {
		t.Errorf("final = %q, %v", got, err)
	}
	if err := s.verify("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="); err != nil {
		t.Error(err)
	}
}
