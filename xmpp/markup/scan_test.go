package markup_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"longwire/xmpp/markup"
)

// inStream is what is declared around a stanza on a client's stream.
var inStream = []markup.Binding{
	{Prefix: "", URI: "jabber:client"}, {Prefix: "stream", URI: "http://etherx.jabber.org/streams"},
}

// scan tells every tag as a line; step is how many bytes arrive at a time, 0 all at once.
func scan(in string, step int) (tags []string, err error) {
	s := markup.NewScanner()
	defer s.Free()
	s.Reset("jabber:client", inStream)
	b := []byte(in)
	n := len(b)
	if step > 0 {
		n = 0
	}
	for {
		t, err := s.Next(b[:n], n == len(b))
		switch {
		case err == markup.ErrMore && n < len(b):
			n = min(n+step, len(b))
			continue
		case err == markup.ErrMore && s.Done(b):
			return tags, nil
		case err != nil:
			return tags, err
		}
		line := fmt.Sprint(t.Kind, in[t.Start:t.End], t.Name, t.Explicit, t.Alone)
		for i := range s.NumAttr() {
			if a, ok := s.Attr(b, i); ok && t.Kind != markup.EndTag {
				line += fmt.Sprintf(" %v=%q", a.Name, a.Value(b))
			}
		}
		tags = append(tags, line)
	}
}

var good = []string{
	``, ` `, `text`, `<a/>`, `<a></a>`, `<a ></a >`, "<a\n\tb\r\n=\t'c'\n/>", `<a b="'" c='"'/>`, `<a b='>'/>`, `<a><b/>x<b/></a>`,
	`<a>&lt;&gt;&amp;&apos;&quot;&#65;&#x41;&#x10FFFF;&#9;</a>`, `<a b='&lt;&gt;&amp;&apos;&quot;&#65;&#x41;'/>`,
	`<a>]]</a>`, `<a>]]&gt;</a>`, `<a>]>]]</a>`, `<a b=']]>'/>`, `<a>></a>`,
	`<a><![CDATA[<b>&]]></a>`, `<a><![CDATA[]]></a>`, `<a><![CDATA[]]]]><![CDATA[>]]></a>`, `<a><![CDATA[it's "]]>></a>`, `<a>]]<![CDATA[]]>></a>`,
	`<a-b._1/>`, `<_/>`, `<é/>`, `<日本 語='x'/>`, `<a b·='x'/>`,
	`<a xmlns='urn:a'/>`, `<a xmlns=''/>`, `<p:a xmlns:p='urn:p' p:b='c' b='c'/>`, `<a xmlns:p='urn:p' xmlns:q='urn:q' p:b='' q:b=''/>`,
	`<a xml:lang='en'/>`, `<xml:a/>`, `<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>`, `<a xmlns='&#117;rn:a'/>`,
	`<stream:error/>`, `<a xmlns:p='urn:p'><p:b/></a><p:c xmlns:p='urn:q'/>`, `<a xmlns='urn:a'><b xmlns='jabber:client'><c/></b></a>`,
	"<a>\t\r\n \u007f\u0085\ufffd\U0001F600</a>", "<a b='\t\r\n\ufffd'/>",
	`<a>` + strings.Repeat("<b>", markup.MaxDepth-1) + strings.Repeat("</b>", markup.MaxDepth-1) + `</a>`,
	`<` + strings.Repeat("n", markup.MaxName) + `/>`,
	`<a` + attributes(markup.MaxAttrs) + `/>`,
	`<a b='` + strings.Repeat("x", 5000) + `'>` + strings.Repeat("é", 3000) + `</a>`,
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

var bad = []struct {
	in   string
	want error
}{
	// XML 1.0 §2.1: well-formed.
	{`<a>`, nil}, {`<a`, nil}, {`<`, nil}, {`<a b='`, nil}, {`<a><![CDATA[`, nil}, {`&am`, nil}, // not ended: ErrMore
	{`</a>`, markup.ErrMalformed}, {`<a></b>`, markup.ErrMalformed}, {`<a></aa>`, markup.ErrMalformed}, {`<aa></a>`, markup.ErrMalformed},
	{`<a></a b='c'>`, markup.ErrMalformed}, {`<a/><`, nil}, {`< a/>`, markup.ErrMalformed}, {`<1/>`, markup.ErrMalformed},
	{`<-a/>`, markup.ErrMalformed}, {`<a/ >`, markup.ErrMalformed}, {`<a //>`, markup.ErrMalformed}, {`<a b/>`, markup.ErrMalformed},
	{`<a b=c/>`, markup.ErrMalformed}, {`<a b='c'd='e'/>`, markup.ErrMalformed}, {`<a b='<'/>`, markup.ErrMalformed},
	{`<a b=''b=''/>`, markup.ErrMalformed}, {`<a b='1' b='2'/>`, markup.ErrMalformed}, {`<a =''/>`, markup.ErrMalformed}, {`<a ''/>`, markup.ErrMalformed},
	{`<>`, markup.ErrMalformed}, {`<a<b/>`, markup.ErrMalformed}, {`<a&/>`, markup.ErrMalformed}, {"<a\u00d7/>", markup.ErrMalformed},
	{`<·a/>`, markup.ErrMalformed}, {"<\u0300/>", markup.ErrMalformed}, {`<a>]]></a>`, markup.ErrMalformed}, {`<a>x]]]></a>`, markup.ErrMalformed},
	{`<a>&</a>`, markup.ErrMalformed}, {`<a>& </a>`, markup.ErrMalformed}, {`<a>&;</a>`, markup.ErrMalformed}, {`<a>&amp</a>`, markup.ErrMalformed},
	{`<a>&#;</a>`, markup.ErrMalformed}, {`<a>&#x;</a>`, markup.ErrMalformed}, {`<a>&#0;</a>`, markup.ErrMalformed}, {`<a>&#8;</a>`, markup.ErrMalformed},
	{`<a>&#xD800;</a>`, markup.ErrMalformed}, {`<a>&#xFFFE;</a>`, markup.ErrMalformed}, {`<a>&#x110000;</a>`, markup.ErrMalformed},
	{`<a>&#99999999999999999999;</a>`, markup.ErrMalformed}, {`<a>&#X41;</a>`, markup.ErrMalformed}, {`<a>&#4A;</a>`, markup.ErrMalformed},
	{`<a>&#` + strings.Repeat("0", 100) + `65;</a>`, markup.ErrMalformed}, {`<a b='&#0;'/>`, markup.ErrMalformed}, {`<a b='&'/>`, markup.ErrMalformed},
	{"<a>\x00</a>", markup.ErrMalformed}, {"<a>\x1f</a>", markup.ErrMalformed}, {"<a>\ufffe</a>", markup.ErrMalformed}, {"<a b='\uffff'/>", markup.ErrMalformed},
	{"<a b='\x01'/>", markup.ErrMalformed}, {"<a\x00/>", markup.ErrMalformed}, {"<a><![CDATA[\x0b]]></a>", markup.ErrMalformed},
	{"<a><![CDATA[\uffff]]></a>", markup.ErrMalformed}, {"\x1b", markup.ErrMalformed},

	// Namespaces in XML §7: namespace-well-formed.
	{`<p:a/>`, markup.ErrMalformed}, {`<a p:b=''/>`, markup.ErrMalformed}, {`<:a/>`, markup.ErrMalformed}, {`<a:/>`, markup.ErrMalformed},
	{`<stream:a:b/>`, markup.ErrMalformed}, {`<stream:1/>`, markup.ErrMalformed}, {`<a :b=''/>`, markup.ErrMalformed}, {`<a xml:=''/>`, markup.ErrMalformed},
	{`<a xmlns:p=''/>`, markup.ErrMalformed}, {`<a xmlns:p='urn:p'/><p:b/>`, markup.ErrMalformed}, {`<xmlns:a/>`, markup.ErrMalformed},
	{`<a xmlns:xml='urn:a'/>`, markup.ErrMalformed}, {`<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>`, markup.ErrMalformed},
	{`<a xmlns='http://www.w3.org/XML/1998/namespace'/>`, markup.ErrMalformed}, {`<a xmlns:xmlns='urn:a'/>`, markup.ErrMalformed},
	{`<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>`, markup.ErrMalformed}, {`<a xmlns='http://www.w3.org/2000/xmlns/'/>`, markup.ErrMalformed},
	{`<a xmlns:p='http://www.w3.org/2000/xmlns/'/>`, markup.ErrMalformed}, {`<a xmlns='urn:a' xmlns='urn:b'/>`, markup.ErrMalformed},
	{`<a xmlns:p='urn:a' xmlns:q='urn:a' p:b='' q:b=''/>`, markup.ErrMalformed}, {`<a xmlns:p='urn:a' xmlns:q='urn:&#97;' p:b='' q:b=''/>`, markup.ErrMalformed},
	{`<a xmlns:p='urn:p'></p:a>`, markup.ErrMalformed}, {`<p:a xmlns:p='urn:p'></a>`, markup.ErrMalformed},

	// RFC 6120 §11.1.
	{`<!-- c -->`, markup.ErrRestricted}, {`<a><!-- c --></a>`, markup.ErrRestricted}, {`<a><?php?></a>`, markup.ErrRestricted},
	{`<?xml version='1.0'?>`, markup.ErrRestricted}, {`<!DOCTYPE a>`, markup.ErrRestricted}, {`<a><!ELEMENT b></a>`, markup.ErrRestricted},
	{`<a>&nbsp;</a>`, markup.ErrRestricted}, {`<a b='&foo;'/>`, markup.ErrRestricted}, {`<a>&AMP;</a>`, markup.ErrRestricted}, {`<a>&é;</a>`, markup.ErrRestricted},
	{`<a><![cdata[]]></a>`, markup.ErrRestricted}, {`<!`, nil}, {`<!x`, markup.ErrRestricted},

	// RFC 6120 §11.6.
	{"<a>\xff</a>", markup.ErrEncoding}, {"<a>\xc0\x80</a>", markup.ErrEncoding}, {"<a>\xed\xa0\x80</a>", markup.ErrEncoding}, {"<a>\xe2\x82</a>", markup.ErrEncoding},
	{"<a b='\x80'/>", markup.ErrEncoding}, {"<\xff/>", markup.ErrEncoding}, {"<a><![CDATA[\xf8]]></a>", markup.ErrEncoding}, {"<a>\xf4\x90\x80\x80</a>", markup.ErrEncoding},
	{"<a>\xe2\x82", nil},

	// Our own limits.
	{strings.Repeat("<a>", markup.MaxDepth+1), markup.ErrLimit}, {strings.Repeat("<a>", markup.MaxDepth) + "<a/>", markup.ErrLimit},
	{`<a` + attributes(markup.MaxAttrs+1) + `/>`, markup.ErrLimit}, {`<` + strings.Repeat("n", markup.MaxName+1) + `/>`, markup.ErrLimit},
	{`<a ` + strings.Repeat("n", markup.MaxName+1) + `=''/>`, markup.ErrLimit}, {`<` + strings.Repeat("é", markup.MaxName) + `/>`, markup.ErrLimit},
	{declarations(3, 100), markup.ErrLimit},
}

func declarations(deep, wide int) string {
	var b strings.Builder
	for range deep {
		b.WriteString("<a")
		for i := range wide {
			fmt.Fprintf(&b, " xmlns:p%d='urn:p'", i)
		}
		b.WriteString(">")
	}
	return b.String()
}

func TestScannerAccepts(t *testing.T) {
	for _, in := range good {
		if _, err := scan(in, 0); err != nil {
			t.Errorf("%.200q: %v", in, err)
		}
	}
}

func TestScannerRefuses(t *testing.T) {
	for _, c := range bad {
		want := c.want
		if want == nil {
			want = markup.ErrMore
		}
		if _, err := scan(c.in, 0); !errors.Is(err, want) {
			t.Errorf("%.200q: %v, want %v", c.in, err, want)
		}
	}
}

// However the input is cut, the same tags and the same verdict come out.
func TestScannerDoesNotMindHowInputIsCut(t *testing.T) {
	check := func(in string) {
		want, wantErr := scan(in, 0)
		for _, step := range []int{1, 2, 3, 7, 64} {
			got, err := scan(in, step)
			if fmt.Sprint(got, err) != fmt.Sprint(want, wantErr) {
				t.Errorf("%.200q by %d bytes:\n%q %v, want\n%q %v", in, step, got, err, want, wantErr)
			}
		}
	}
	for _, in := range good {
		check(in)
	}
	for _, c := range bad {
		check(c.in)
	}
}

// A tag or text that trickles in costs time in proportion to its length.
func TestScannerIsLinearInTrickle(t *testing.T) {
	long := strings.Repeat("x", 1<<18)
	for _, in := range []string{
		`<a b='` + long + `'/>`, `<a>` + long + `</a>`, `<a><![CDATA[` + long + `]]></a>`, `<a` + strings.Repeat(" ", 1<<18) + `/>`,
		`<a></a` + strings.Repeat(" ", 1<<18) + `>`, `<a>` + strings.Repeat("é", 1<<17) + `</a>`,
	} {
		if _, err := scan(in, 1); err != nil { // does not end in our lifetime if quadratic
			t.Error(err)
		}
	}
}

func TestNarrowNames(t *testing.T) {
	for in, ok := range map[string]bool{`<größe ж='1'/>`: true, `<a>日本</a>`: true, `<b·/>`: true, "<\u0250/>": false, "<\U00010000/>": false} {
		s := markup.NewScanner()
		s.Reset("", []markup.Binding{{}})
		s.NarrowNames()
		_, err := s.Next([]byte(in), true)
		if ok != (err == nil) || !ok && !errors.Is(err, markup.ErrMalformed) {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestScannerAllocatesNothingForKnownNames(t *testing.T) {
	s := markup.NewScanner()
	in := []byte(chat)
	run := func() {
		s.Reset("", inStream)
		for {
			if _, err := s.Next(in, true); err != nil {
				return
			}
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
