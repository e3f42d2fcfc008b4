package stream_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// tree reads markup with encoding/xml into one line for each element at depth top; ns is put around it.
func tree(in string, top int) (lines []string, err error) {
	d := xml.NewDecoder(strings.NewReader(in))
	depth := 0
	text := false // the last token was text: encoding/xml cuts it where CDATA begins
	for {
		t, err := d.Token()
		if err != nil {
			return lines, err
		}
		var s string
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth == top {
				lines = append(lines, "")
			}
			s = fmt.Sprintf("<%q %q", blanks.Replace(t.Name.Space), t.Name.Local)
			for _, a := range t.Attr {
				if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
					s += fmt.Sprintf(" %q %q=%q", blanks.Replace(a.Name.Space), a.Name.Local, blanks.Replace(a.Value))
				}
			}
			s += ">"
		case xml.EndElement:
			depth--
			s = "</>"
			if depth+1 == top {
				lines[len(lines)-1] += s
				continue
			}
		case xml.CharData:
			s = string(t)
			if !text {
				s = "|" + s
			}
		}
		_, text = t.(xml.CharData)
		if depth >= top {
			lines[len(lines)-1] += s
		}
	}
}

// blanks undoes the one difference: encoding/xml does not normalise attribute values.
var blanks = strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")

// inner is the children of the n-th element of a stream, as encoding/xml sees them.
func inner(line string) string {
	for i, in := 0, false; i < len(line); i++ { // the names are quoted by %q
		switch c := line[i]; {
		case c == '\\':
			i++
		case c == '"':
			in = !in
		case c == '>' && !in:
			return line[i+1:]
		}
	}
	return line
}

// FuzzReader checks that events do not depend on how the input was cut; that what we take encoding/xml takes too, and
// sees the same in what we make of it; and that stanzas survive being written and read.
func FuzzReader(f *testing.F) {
	body := `<message to='a@b/c' type='chat' id='1'><body>h&amp;i<![CDATA[<]]></body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`
	for _, in := range []string{
		body, chat, clientHeader + body + "</stream:stream>", "<?xml version='1.0' encoding='UTF-8'?>\n" + clientHeader + " <r xmlns='urn:xmpp:sm:3'/>",
		serverHeader + `<message p:a='1'><p:x/><y p:z='2'/></message>`, `<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
		`<c:message xmlns:c='jabber:server' xmlns='urn:x'><c:body>x</c:body><y><z xmlns=''/></y></c:message>`, "\xEF\xBB\xBF" + clientHeader,
		`<message xmlns='jabber:client'><body xmlns='jabber:client'>x<b/></body></message>`, "<a>]]></a>", "<!DOCTYPE x>", "<iq to='@'/> text",
		`<message><f xmlns='urn:f'><message xmlns='jabber:client'><body/></message></f></message>`, `<stream:x xmlns:a='urn:a' b='a:c'><a:d e='"'/></stream:x>`,
	} {
		for mode := range uint8(4) {
			f.Add([]byte(in), mode)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, mode uint8) {
		if len(in) > 4096 {
			return
		}
		o := stream.Options{NS: stream.NSClient, HeaderLess: mode&1 != 0, MaxBytes: 2048}
		if mode&2 != 0 {
			o.NS = stream.NSServer
		}
		want := strings.Join(play(strings.NewReader(string(in)), o), "\n")
		for _, r := range []io.Reader{iotest.OneByteReader(strings.NewReader(string(in))), &portions{strings.NewReader(string(in)), 13}} {
			if got := strings.Join(play(r, o), "\n"); got != want {
				t.Fatalf("cut:\n%s\nat once:\n%s", got, want)
			}
		}
		compare(t, string(in), o)
	})
}

func compare(t *testing.T, in string, o stream.Options) {
	top := 2
	whole := in
	if o.HeaderLess {
		whole = fmt.Sprintf("<w xmlns='%s' xmlns:stream='%s'>%s", o.NS, stream.NSStream, strings.TrimPrefix(in, "\xEF\xBB\xBF"))
	}
	d := stream.NewReader(strings.NewReader(in), o)
	var ours []string
	var kinds []*stanza.Stanza
	for {
		ev, err := d.Next()
		if err != nil {
			break
		}
		switch ev.Kind {
		case stream.Open:
			if o.HeaderLess {
				top = 3
			}
		case stream.Stanza:
			b := ev.Stanza.Bytes()
			again, err := stream.ParseStanza(b)
			if err != nil || string(again.Bytes()) != string(b) || fmt.Sprint(again.Children) != fmt.Sprint(ev.Stanza.Children) {
				t.Fatalf("%q: read again: %v", b, err)
			}
			ours = append(ours, string(b))
			kinds = append(kinds, ev.Stanza)
		case stream.Nonza:
			ours = append(ours, string(ev.Nonza.Raw))
			kinds = append(kinds, nil)
		}
	}
	if top == 3 && len(ours) == 0 || o.HeaderLess && top == 3 && !strings.HasPrefix(strings.TrimLeft(in, " \t\r\n\xEF\xBB\xBF"), "<") {
		return
	}
	theirs, err := tree(whole, top)
	if err != nil && strings.Contains(err.Error(), "invalid XML name") {
		return // encoding/xml knows the names of the fourth edition only
	}
	if len(theirs) < len(ours) {
		t.Fatalf("encoding/xml stopped after %d of %d elements: %v", len(theirs), len(ours), err)
	}
	for i, b := range ours {
		lines, err := tree(fmt.Sprintf("<w xmlns='%s'>%s</w>", o.NS, b), 2)
		if !errors.Is(err, io.EOF) || len(lines) != 1 {
			t.Fatalf("%q: encoding/xml: %v", b, err)
		}
		got, want := lines[0], theirs[i]
		if kinds[i] != nil { // the addresses are normalised, the attributes reordered
			got, want = inner(got), inner(want)
		}
		if got != want {
			t.Fatalf("%q: encoding/xml sees\n%s in\n%s, but\n%s in the input", in, got, b, want)
		}
	}
}
