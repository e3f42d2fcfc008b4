package markup_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"longwire/xmpp/markup"
)

func TestAppendEscaped(t *testing.T) {
	for _, c := range []struct{ in, text, attr string }{
		{"", "", ""},
		{"plain", "plain", "plain"},
		{`a<b>&c'd"`, "a&lt;b&gt;&amp;c&apos;d&quot;", "a&lt;b&gt;&amp;c&apos;d&quot;"},
		{"é\u2028\U0001F600\ufffd", "é\u2028\U0001F600\ufffd", "é\u2028\U0001F600\ufffd"},
		{"a\tb\nc\rd", "a\tb\nc&#13;d", "a&#9;b&#10;c&#13;d"},
		{"a\x00b\x1fc\ufffed\uffff", "abcd", "abcd"},
		{"a\xffb\xed\xa0\x80c\xc3", "abc", "abc"},
		{"]]>", "]]&gt;", "]]&gt;"},
	} {
		if got := string(markup.AppendEscaped([]byte("x"), c.in)); got != "x"+c.text {
			t.Errorf("AppendEscaped(%q) = %q", c.in, got)
		}
		if got := string(markup.AppendEscapedAttr([]byte("x"), c.in)); got != "x"+c.attr {
			t.Errorf("AppendEscapedAttr(%q) = %q", c.in, got)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", "a&lt;b&gt;&amp;&apos;&quot;": `a<b>&'"`, "&#65;&#x42;&#x1F600;": "AB\U0001F600",
		"a\r\nb\rc\nd": "a\nb\nc\nd", "&#13;\n": "\r\n", "a<![CDATA[<&amp;\r\n]]>b": "a<&amp;\nb", "<![CDATA[]]>": "",
		"a<b c='>'/>d<e>f</e>": "adf", "&amp;lt;": "&lt;", "&#x9;": "\t",
		// Not well-formed: it must not fail, whatever it says.
		"&": "&", "&;": "&;", "&nope;": "&nope;", "&#0;": "&#0;", "a<b": "a", "<![CDATA[x": "x",
	} {
		if got := markup.Unescape([]byte(in)); got != want {
			t.Errorf("Unescape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEscapingSurvivesAParse(t *testing.T) {
	text := "a\t\n\r\r\n<>&'\"]]>é\U0001F600 "
	b := []byte("<a")
	b = markup.AppendAttr(b, markup.Attr{Name: markup.Name{Local: "b"}, Value: text}, 0)
	b = markup.AppendAttr(b, markup.Attr{Name: markup.Name{Space: "urn:p?<&'\">", Local: "b"}, Value: text}, 1)
	b = markup.AppendAttr(b, markup.Attr{Name: markup.Name{Space: markup.NSXML, Local: "lang"}, Value: text}, 2)
	b = append(markup.AppendEscaped(append(b, '>'), text), "</a>"...)
	e, err := markup.ParseElement(b)
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	want := []markup.Attr{
		{Name: markup.Name{Local: "b"}, Value: text}, {Name: markup.Name{Space: "urn:p?<&'\">", Local: "b"}, Value: text},
		{Name: markup.Name{Space: markup.NSXML, Local: "lang"}, Value: text},
	}
	if e.Text != text || !reflect.DeepEqual(e.Attrs, want) {
		t.Errorf("%s\n%q %q", b, e.Text, e.Attrs)
	}
}

func TestAttributeValuesAreNormalised(t *testing.T) {
	e, err := markup.ParseElement([]byte("<a b=' \t\r\n\r\n x&#10;&#9;&#13;&lt; '/>"))
	if err != nil || e.Attr("b") != "     x\n\t\r< " {
		t.Errorf("%q, %v", e.Attr("b"), err)
	}
}

func TestIndex(t *testing.T) {
	in := `x<body>hi<b/></body> <active xmlns='urn:cs'/><p:x xmlns:p='urn:p'></p:x>y<n xmlns=''>z</n>`
	spans, err := markup.Index([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range spans {
		got = append(got, fmt.Sprintf("%q %s: %s: %s", s.Name.Space, s.Name.Local, in[s.Start:s.End], in[s.TextStart:s.TextEnd]))
	}
	want := []string{
		`"" body: <body>hi<b/></body>: hi<b/>`, `"urn:cs" active: <active xmlns='urn:cs'/>: `, `"urn:p" x: <p:x xmlns:p='urn:p'></p:x>: `,
		`"\x00" n: <n xmlns=''>z</n>: z`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for _, in := range []string{`<a>`, `<a`, `</a>`, `<p:a/>`, `<a></b>`, `<![CDATA[`} {
		if _, err := markup.Index([]byte(in)); !errors.Is(err, markup.ErrMalformed) {
			t.Errorf("Index(%q): %v", in, err)
		}
	}
}

func TestParseElement(t *testing.T) {
	e, err := markup.ParseElement([]byte(`<query xmlns='jabber:iq:roster' ver='&#49;' xmlns:p='urn:p' p:q='2'>a<item jid='x@y' name='&lt;'><group>G &amp; H</group></item>b<i xmlns=''/><p:z/><![CDATA[<c>]]></query>`))
	if err != nil {
		t.Fatal(err)
	}
	if e.Name != (markup.Name{Space: "jabber:iq:roster", Local: "query"}) || e.Text != "ab<c>" || e.Attr("ver") != "1" || e.Attr("q") != "" || !e.HasAttr("ver") || e.HasAttr("q") {
		t.Errorf("%+v", e)
	}
	item := e.Child("jabber:iq:roster", "item")
	if item.Attr("name") != "<" || item.Child("jabber:iq:roster", "group").Text != "G & H" || e.Child(markup.NoNamespace, "i") == nil || e.Child("urn:p", "z") == nil {
		t.Errorf("%+v", item)
	}
	for el, want := range map[*markup.Element]string{
		item:                               `<item xmlns='jabber:iq:roster' jid='x@y' name='&lt;'><group>G &amp; H</group></item>`,
		item.Children[0]:                   `<group xmlns='jabber:iq:roster'>G &amp; H</group>`,
		e.Child("urn:p", "z"):              `<p:z xmlns:p='urn:p'/>`,
		e.Child("\x00", "i"):               `<i xmlns=''/>`,
		e.Child("nope", "nope"):            "",
		e.Child("nope", "x"):               "",
		e.Child("", "item"):                "",
		item.Child("", "x"):                "",
		item.Child("", "x").Child("", "y"): "",
	} {
		if el != nil && string(el.Raw) != want {
			t.Errorf("Raw %s, want %s", el.Raw, want)
		}
	}
}

func TestParseElementRefuses(t *testing.T) {
	for _, in := range []string{``, ` `, `x`, `<a>`, `<a/><b/>`, `<a/> `, ` <a/>`, `<a/>x`, `<a></b>`, `<p:a/>`, `</a>`, `<a`, `<a/><`, `<![CDATA[]]>`} {
		if e, err := markup.ParseElement([]byte(in)); !errors.Is(err, markup.ErrMalformed) || e != nil {
			t.Errorf("%q: %+v, %v", in, e, err)
		}
	}
}

func TestRawIsNotMultipliedByNesting(t *testing.T) {
	in := `<a xmlns='urn:a'>` + strings.Repeat(`<b>`, 100) + strings.Repeat("x", 1000) + strings.Repeat(`</b>`, 100) + `</a>`
	e, err := markup.ParseElement([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	n, deep := 0, 0
	for ; e != nil; e = e.Child("urn:a", "b") {
		n += len(e.Raw)
		if e.Raw != nil {
			deep++
		}
	}
	if n > 20*len(in) || deep != 9 {
		t.Errorf("%d bytes of Raw in %d elements for %d bytes", n, deep, len(in))
	}
}

func TestRewriteStandsAlone(t *testing.T) {
	scope := []markup.Binding{{Prefix: "", URI: "jabber:client"}, {Prefix: "p", URI: "urn:p"}, {Prefix: "c", URI: "jabber:client"}}
	foreign := append(slices.Clone(scope), markup.Binding{Prefix: "", URI: "urn:x"})
	for _, c := range []struct {
		scope    []markup.Binding
		in, want string
	}{
		{scope, `<body>x</body>`, `<body>x</body>`},
		{scope, `<body xmlns='jabber:client'>x<b/></body>`, `<body>x<b/></body>`},
		{scope, `<c:body>x<c:b/><b/></c:body>`, `<body>x<c:b xmlns:c='jabber:client'/><b/></body>`},
		{scope, `<p:x p:y='1'><z/></p:x>`, `<p:x xmlns:p='urn:p' p:y='1'><z/></p:x>`},
		{scope, `<x xmlns='urn:y' p:y='1'><p:z/></x>`, `<x xmlns='urn:y' xmlns:p='urn:p' p:y='1'><p:z/></x>`},
		{scope, `<x p:y='1'/><y p:y='1'/>`, `<x xmlns:p='urn:p' p:y='1'/><y xmlns:p='urn:p' p:y='1'/>`},
		{scope, `<f xmlns='urn:f'><message xmlns='jabber:client'><body/></message></f>`, `<f xmlns='urn:f'><message xmlns='jabber:client'><body/></message></f>`},
		{scope, `<f xmlns='urn:f'><c:message><c:body/></c:message></f>`, `<f xmlns='urn:f'><c:message xmlns:c='jabber:client'><c:body/></c:message></f>`},
		{scope, `<x xmlns:t='urn:t' type='t:u' xmlns='urn:x'/>`, `<x xmlns='urn:x' xmlns:t='urn:t' type='t:u'/>`},
		{scope, `<x><y xmlns='jabber:client'/></x>`, `<x><y xmlns='jabber:client'/></x>`},
		{scope, `<c:x xmlns='urn:x'><y/></c:x>`, `<x><y xmlns='urn:x'/></x>`},
		{scope, `<x xmlns=''><p:y/></x>`, `<x xmlns=''><p:y xmlns:p='urn:p'/></x>`},
		{scope, `a&amp;<x xml:lang='en'> <![CDATA[<]]></x>b`, `a&amp;<x xml:lang='en'> <![CDATA[<]]></x>b`},
		{foreign, `<x a="'"><y/></x>t<c:b/>`, `<x xmlns='urn:x' a="'"><y/></x>t<b/>`},
		{foreign, `<x xmlns='urn:&apos;&lt;'/>`, `<x xmlns='urn:&apos;&lt;'/>`},
	} {
		if got := string(markup.Rewrite(nil, []byte(c.in), "jabber:client", c.scope)); got != c.want {
			t.Errorf("%s\n%s, want\n%s", c.in, got, c.want)
		}
	}
}

// ---- comparison with encoding/xml ---------------------------------------------------------------------------------

// content is the namespace we put around markup so that encoding/xml has a name for the content namespace.
const content = "urn:content"

// foreign reads markup with encoding/xml.
func foreign(in string) (*markup.Element, error) {
	d := xml.NewDecoder(strings.NewReader("<w xmlns='" + content + "'>" + in + "</w>"))
	var open []*markup.Element
	for {
		t, err := d.Token()
		switch {
		case err == io.EOF:
			return open[0].Children[0], nil
		case err != nil:
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			e := &markup.Element{Name: markup.Name(t.Name)}
			for _, a := range t.Attr {
				if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
					continue
				}
				e.Attrs = append(e.Attrs, markup.Attr{Name: markup.Name(a.Name), Value: a.Value})
			}
			if len(open) > 0 {
				open[len(open)-1].Children = append(open[len(open)-1].Children, e)
			}
			open = append(open, e)
		case xml.EndElement:
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
		case xml.CharData:
			open[len(open)-1].Text += string(t)
		}
	}
}

// blanks undoes the one difference: encoding/xml does not normalise attribute values.
var blanks = strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")

func show(e *markup.Element) string {
	space := e.Name.Space
	switch space {
	case "":
		space = content
	case markup.NoNamespace, "none":
		space = "none"
	}
	space = blanks.Replace(space)
	s := fmt.Sprintf("{%q %q", space, e.Name.Local)
	for _, a := range e.Attrs {
		s += fmt.Sprintf(" %q=%q", markup.Name{Space: blanks.Replace(a.Name.Space), Local: a.Name.Local}, blanks.Replace(a.Value))
	}
	s += fmt.Sprintf(" %q", e.Text)
	for _, c := range e.Children {
		s += show(c)
	}
	return s + "}"
}

// unname marks elements in no namespace, which encoding/xml leaves unnamed.
func unname(e *markup.Element) *markup.Element {
	if e.Name.Space == "" {
		e.Name.Space = "none"
	}
	for _, c := range e.Children {
		unname(c)
	}
	return e
}

func checkRaw(t *testing.T, e *markup.Element) {
	if e.Raw == nil {
		return
	}
	again, err := markup.ParseElement(e.Raw)
	if err != nil {
		t.Fatalf("Raw %q: %v", e.Raw, err)
	}
	if show(again) != show(e) {
		t.Fatalf("Raw %q says\n%s, not\n%s", e.Raw, show(again), show(e))
	}
	for _, c := range e.Children {
		checkRaw(t, c)
	}
}

// FuzzParseElement checks that what we take encoding/xml takes too, and understands alike; that cutting the input
// changes nothing; and that every Raw stands alone.
func FuzzParseElement(f *testing.F) {
	f.Add(chat)
	for _, in := range good {
		if len(in) < 500 {
			f.Add(in)
			f.Add("<w>" + in + "</w>")
		}
	}
	for _, c := range bad {
		if len(c.in) < 500 {
			f.Add(c.in)
		}
	}
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > 4096 {
			return
		}
		all, err := scan(in, 0)
		one, err1 := scan(in, 1)
		if fmt.Sprint(all, err) != fmt.Sprint(one, err1) {
			t.Fatalf("at once %q %v\nbytewise %q %v", all, err, one, err1)
		}
		e, err := markup.ParseElement([]byte(in))
		if err != nil {
			return
		}
		checkRaw(t, e)
		std, err := foreign(in)
		if err != nil {
			if strings.Contains(err.Error(), "invalid XML name") {
				return // encoding/xml knows the names of the fourth edition only
			}
			t.Fatalf("%q: encoding/xml: %v", in, err)
		}
		if got, want := show(e), show(unname(std)); got != want {
			t.Fatalf("%q:\n%s, encoding/xml:\n%s", in, got, want)
		}
		if again, err := markup.ParseElement(markup.Rewrite(nil, []byte(in), "", []markup.Binding{{}})); err != nil || show(again) != show(e) {
			t.Fatalf("%q: rewritten: %v", in, err)
		}
	})
}

// FuzzEscape checks that what is escaped comes back, less what XML cannot hold.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "a<b", "\r\n", "\x00\xff\ufffe", "]]>", "é&amp;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := strings.Map(func(r rune) rune {
			if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, ""))
		b := markup.AppendAttr([]byte("<a"), markup.Attr{Name: markup.Name{Local: "b"}, Value: s}, 0)
		b = append(markup.AppendEscaped(append(b, '>'), s), "</a>"...)
		e, err := markup.ParseElement(b)
		if err != nil || e.Text != want || e.Attr("b") != want {
			t.Fatalf("%q: %q, %v", s, b, err)
		}
	})
}
