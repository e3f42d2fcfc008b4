package stream

import (
	"bytes"
	"fmt"
	"strings"

	"longwire/xmpp/markup"
)

// Header is a stream's start tag.
type Header struct {
	From, To, ID, Version, Lang string
}

// Append writes the XML declaration and the start tag for a stream of the content namespace ns. Empty fields are left
// out.
func (h Header) Append(b []byte, ns string) []byte {
	b = append(b, "<?xml version='1.0'?><stream:stream"...)
	for _, a := range [...]struct{ name, value string }{
		{"from", h.From}, {"to", h.To}, {"id", h.ID}, {"version", h.Version}, {"xml:lang", h.Lang},
		{"xmlns", ns}, {"xmlns:stream", NSStream},
	} {
		if a.value == "" {
			continue
		}
		b = append(append(append(b, ' '), a.name...), "='"...)
		b = append(markup.AppendEscapedAttr(b, a.value), '\'')
	}
	return append(b, '>')
}

// AppendClose writes the end tag of a stream.
func AppendClose(b []byte) []byte { return append(b, "</stream:stream>"...) }

// checkHeader looks at the names of the start tag t, and keeps its declarations.
func (f *frame) checkHeader(t markup.Token) error {
	f.scope = append(f.scope[:0], f.scan.Scope()...)
	content := ""
	for _, d := range f.scope {
		if d.Prefix == "" {
			content = d.URI
		}
	}
	switch {
	case f.first == afterHeader:
		return &Error{Condition: BadFormat, Text: "stream within a stream"}
	case t.Name.Space != NSStream:
		return &Error{Condition: InvalidNamespace, Text: "the streams namespace is wrong"}
	case t.Name.Local != "stream" || t.Kind != markup.StartTag:
		return &Error{Condition: BadFormat, Text: "no stream begins like this"}
	case content != f.ns:
		// RFC 6120 §4.8.2: the content namespace is the default namespace. The other way of §4.8.4, with the streams
		// namespace as default, is optional, and nobody uses it.
		return &Error{Condition: InvalidNamespace, Text: "the default namespace must be " + f.ns}
	}
	return nil
}

// header reads the attributes of the start tag.
func (f *frame) header(b []byte) (h Header) {
	for i := range f.scan.NumAttr() {
		a, ok := f.scan.Attr(b, i)
		if !ok {
			continue
		}
		switch a.Name {
		case markup.Name{Local: "from"}:
			h.From = a.Value(b)
		case markup.Name{Local: "to"}:
			h.To = a.Value(b)
		case markup.Name{Local: "id"}:
			h.ID = a.Value(b)
		case markup.Name{Local: "version"}:
			h.Version = a.Value(b)
		case markup.Name{Space: markup.NSXML, Local: "lang"}:
			h.Lang = a.Value(b)
		}
	}
	return h
}

// maxDeclaration is how much we read of an XML declaration.
const maxDeclaration = 256

const byteOrderMark = "\xEF\xBB\xBF"

// declaration returns the length of the byte order mark or XML declaration at the start of b, 0 when there is none.
func declaration(b []byte) (int, error) {
	for _, p := range []string{byteOrderMark, "<?xml"} {
		if len(b) > 0 && len(b) < len(p) && strings.HasPrefix(p, string(b)) {
			return 0, markup.ErrMore
		}
	}
	switch {
	case len(b) == 0:
		return 0, markup.ErrMore
	case bytes.HasPrefix(b, []byte(byteOrderMark)):
		return len(byteOrderMark), nil // XML 1.0 §4.3.3: it is no part of the document
	case b[0] == 0, b[0] == 0xFE, b[0] == 0xFF, b[0] == '<' && len(b) > 1 && b[1] == 0:
		return 0, fault(fmt.Errorf("UTF-16 or UTF-32: %w", markup.ErrEncoding)) // RFC 6120 §11.6
	case !bytes.HasPrefix(b, []byte("<?xml")):
		return 0, nil
	}
	end := bytes.Index(b[:min(len(b), maxDeclaration)], []byte("?>"))
	if end < 0 {
		if len(b) < maxDeclaration {
			return 0, markup.ErrMore
		}
		return 0, fault(markup.ErrMalformed)
	}
	return end + 2, checkDeclaration(string(b[len("<?xml"):end]))
}

// checkDeclaration reads what follows <?xml. XML 1.0 §2.8.
func checkDeclaration(s string) error {
	if s == "" || !strings.ContainsRune(" \t\r\n", rune(s[0])) {
		return fault(fmt.Errorf("processing instruction: %w", markup.ErrRestricted))
	}
	malformed := fault(fmt.Errorf("XML declaration: %w", markup.ErrMalformed))
	for i, want := range []string{"version", "encoding", "standalone"} {
		rest := strings.TrimLeft(s, " \t\r\n")
		name, value, ok := strings.Cut(rest, "=")
		if strings.TrimRight(name, " \t\r\n") != want {
			if i == 0 {
				return malformed
			}
			continue
		}
		value = strings.TrimLeft(value, " \t\r\n")
		if !ok || len(rest) == len(s) || value == "" || value[0] != '\'' && value[0] != '"' {
			return malformed
		}
		value, s, ok = strings.Cut(value[1:], value[:1])
		switch {
		case !ok, want == "version" && value != "1.0", want == "standalone" && value != "yes" && value != "no":
			return malformed
		case want == "encoding" && !strings.EqualFold(value, "UTF-8"):
			return &Error{Condition: UnsupportedEncoding, Text: "only UTF-8"} // RFC 6120 §11.6
		}
	}
	if strings.Trim(s, " \t\r\n") != "" {
		return malformed
	}
	return nil
}
