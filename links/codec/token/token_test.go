package token_test

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longwire/links/codec/token"
)

// infoset is what a text says, by another reader of XML than ours.
func infoset(t testing.TB, text []byte) string {
	t.Helper()
	var out strings.Builder
	d := xml.NewDecoder(strings.NewReader(string(text)))
	data := ""
	flush := func() {
		if data != "" {
			fmt.Fprintf(&out, "text %q\n", data)
			data = ""
		}
	}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		switch tok := tok.(type) {
		case xml.CharData:
			data += string(tok)
		case xml.StartElement:
			flush()
			var attrs []string
			for _, a := range tok.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					attrs = append(attrs, fmt.Sprintf("%q %q %q", a.Name.Space, a.Name.Local, a.Value))
				}
			}
			slices.Sort(attrs)
			fmt.Fprintf(&out, "start %q %q %v\n", tok.Name.Space, tok.Name.Local, attrs)
		case xml.EndElement:
			flush()
			out.WriteString("end\n")
		}
	}
	return out.String()
}

// pair is the two ends of a stream.
type pair struct{ a, b *token.Table }

func newPair(jids, words []string) pair { return pair{token.New(jids, words), token.New(jids, words)} }

// cross sends a text from a to b and looks at everything on the way.
func (p pair) cross(t testing.TB, text []byte) []byte {
	t.Helper()
	canon, err := token.Canonical(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	state := p.a.State()
	tok, err := p.a.Append(nil, canon)
	if err != nil {
		t.Fatalf("%s: %v", canon, err)
	}
	if len(tok) > 2*len(text)+64 {
		t.Errorf("%d bytes of tokens for %d: %s", len(tok), len(text), text)
	}
	var place token.Place
	place.Begin(state)
	for i, c := range tok {
		if place.Field >= token.Fields {
			t.Fatalf("field %d", place.Field)
		}
		if end := place.Step(c); end != (i == len(tok)-1) {
			t.Fatalf("%s: the place of %x ends behind %d", canon, tok, i)
		}
	}
	got, n, err := p.b.Parse(append(slices.Clone(tok), "rest"...), len(canon))
	if err != nil || n != len(tok) || string(got) != string(canon) {
		t.Fatalf("%s\ncomes back as\n%s\n%d of %d tokens %x, %v", canon, got, n, len(tok), tok, err)
	}
	return tok
}

func TestStanzasComeBack(t *testing.T) {
	p := newPair([]string{"a@b.example", "room@chat.b.example/nick"}, []string{"a provisioned string"})
	for _, x := range []string{
		`<message/>`, `<message></message>`, `<presence from='a@b.example/x'/>`, `<iq type='result'/>`, `<iq/>`, `<iq type=''/>`, `<message type='odd'/>`,
		`<message from='a@b/x' to='c@d' type="chat" id='1abc'><body>hi &amp; &lt;there&gt;</body></message>`,
		`<message from='a@b/x' to='c@d/y' type="chat" id='1abe'><body>hi</body><x xmlns='urn:unknown' b="1" a='2'>some <b>mixed</b> text<![CDATA[<&]]></x></message>`,
		`<message from='a@b/x' to='e@d/y' type="chat" id='1abe'><body>hi</body><x xmlns='urn:unknown' b="1" a='2'>some <b>mixed</b> text<![CDATA[<&]]></x></message>`,
		`<message from='a@b/x' to="e@d/y&apos;&amp;" type="chat" id='1abe'><body>hi</body></message>`,
		`<message xml:lang='en' zoo='1' xmlns:p='urn:p' p:q='r'><p:x xmlns='urn:d'><body/></p:x><body xml:lang='de'>x</body><body><x/></body></message>`,
		`<message><x xmlns='urn:a'><y xmlns=''><z/></y><message xmlns='jabber:client' to='a'><body>t</body><z xmlns='jabber:server'/></message></x></message>`,
		`<other xmlns='urn:x'/>`, `<r xmlns='urn:xmpp:sm:3'/>`, `<other/>`, `<message xmlns='jabber:client'/>`, `<message xmlns=''><body/></message>`,
		"<message from=''><body>\t\n &#13; &#9;</body><thread a='&#10; &#9;'/></message>",
		`<p:message xmlns:p='urn:p'><p:body/></p:message>`,
		`<message><v xmlns='urn:v' a='0' b='15' c='16' d='-1' e='-0' f='007' g='123456789012345678' h='1234567890123456789' i='1.50' j='-0.5' k='.5' l='00.5' m='5.' n='2026-03-01T00:00:00Z' o='2026-03-01T00:00:00.123Z' p='1969-12-31T23:59:59.999999Z' q='2026-02-30T00:00:00Z' r='0.000000000000001' s='-10.25' t='999999999999999.9'/></message>`,
		`<message><v xmlns='urn:v' a='b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c' b='B3E1A1A2-6D2C-4F2A-9A55-3C1F9F1A2B3C' c='0123456789abcdef' d='0123456789ABCDEF' e='YWJjZGVmZ2hpams1Nng=' f='YWJjZGVmZ2hpams1Nnh=' g='a@b/x' h='a provisioned string' i='urn:v'/></message>`,
		`<message id='zzzz'/>`, `<message id='zzzz'/>`, `<message id='1000'/>`, `<message id='10000'/>`, `<message id='10002'/>`, `<message id='10001'/>`, `<message id='00011'/>`,
		`<message to='@'/>`, `<message to='/'/>`, `<message to='/x'/>`, `<message to='a@/'/>`, `<message to='@b@c/d/e'/>`, `<message to='chat.b.example/a'/>`, `<message to='room@chat.b.example/nick'/>`,
		`<presence from='room@chat.b.example/a'/>`, `<presence from='room@chat.b.example/a'/>`, `<presence from='new@chat.b.example/a'/>`,
		`<message to='` + strings.Repeat("x", 300) + `@d'/>`, `<message to='d/` + strings.Repeat("x", 300) + `'/>`,
	} {
		p.cross(t, []byte(x))
		canon, _ := token.Canonical([]byte(x))
		if in, out := infoset(t, []byte(x)), infoset(t, canon); in != out {
			t.Errorf("%s is\n%s\ncanonical %s is\n%s", x, in, canon, out)
		}
		if again, err := token.Canonical(canon); err != nil || string(again) != string(canon) {
			t.Errorf("%s is not canonical: %s, %v", canon, again, err)
		}
	}
}

type record struct {
	S          int
	D, K, X, B string
}

// corpus calls f for each stanza of LONGWIRE_CORPUS.
func corpus(t testing.TB, f func(record)) {
	t.Helper()
	dir := os.Getenv("LONGWIRE_CORPUS")
	file, err := os.Open(filepath.Join(dir, "dev-stanzas.jsonl"))
	if dir == "" || err != nil {
		t.Skipf("no corpus: LONGWIRE_CORPUS=%q should be a directory with dev-stanzas.jsonl", dir)
	}
	defer file.Close()
	s := bufio.NewScanner(file)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var r record
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		f(r)
	}
}

func TestCorpusComesBack(t *testing.T) {
	streams := map[string]pair{}
	sum, count, raw := map[string]int{}, map[string]int{}, map[string]int{}
	corpus(t, func(r record) {
		key := fmt.Sprint(r.S, r.D)
		if streams[key].a == nil {
			streams[key] = newPair(nil, nil)
		}
		tok := streams[key].cross(t, []byte(r.X))
		canon, _ := token.Canonical([]byte(r.X))
		if in, out := infoset(t, []byte(r.X)), infoset(t, canon); in != out {
			t.Fatalf("%s is\n%s\ncanonical %s is\n%s", r.X, in, canon, out)
		}
		sum[r.K] += len(tok) - len(r.B)
		raw[r.K] += len(r.X)
		count[r.K]++
	})
	for k, n := range sum {
		t.Logf("%-18s %5d: %7.1f bytes beside the text of %7.1f", k, count[k], float64(n)/float64(count[k]), float64(raw[k])/float64(count[k]))
	}
}

func BenchmarkAppend(b *testing.B) {
	var texts [][]byte
	corpus(b, func(r record) {
		if c, err := token.Canonical([]byte(r.X)); err == nil && len(texts) < 3000 {
			texts = append(texts, c)
		}
	})
	t := token.New(nil, nil)
	var buf []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		buf, _ = t.Append(buf[:0], texts[i%len(texts)])
	}
}
