package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxElement bounds one element, so that a server gone wild cannot eat the machine.
const maxElement = 1 << 20

// An Element is one top-level child of a stream, as its bytes.
type Element struct {
	Name string // as written, prefix included
	Raw  []byte // valid until the next call of Next
}

// ErrStreamEnd is what Next returns after </stream:stream>.
var ErrStreamEnd = errors.New("wire: the server closed its stream")

// A splitter cuts a byte stream into top-level elements. It trusts the server to send well-formed XML without
// comments or CDATA, which RFC 6120 §11.1 demands in part and all servers obey.
type splitter struct {
	r          io.Reader
	buf        []byte
	start, end int // the unread part of buf
	header     bool
}

func newSplitter(r io.Reader) *splitter {
	return &splitter{r: r, buf: make([]byte, 4096)}
}

// reset forgets the stream header: a new one follows (RFC 6120 §4.3.3).
func (s *splitter) reset() { s.header = false }

// next returns the next stream header or whole top-level element.
func (s *splitter) next() (Element, error) {
	for {
		e, n, err := cut(s.buf[s.start:s.end], s.header)
		if err != nil {
			return Element{}, err
		}
		if n > 0 {
			s.start += n
			if e.Name == "" {
				continue
			}
			if e.Name == "stream:stream" {
				s.header = true
			}
			return e, nil
		}
		if err := s.fill(); err != nil {
			return Element{}, err
		}
	}
}

// fill reads more bytes behind those that are unread.
func (s *splitter) fill() error {
	if s.start > 0 {
		copy(s.buf, s.buf[s.start:s.end])
		s.start, s.end = 0, s.end-s.start
	}
	if s.end == len(s.buf) {
		if len(s.buf) >= maxElement {
			return fmt.Errorf("wire: element beyond %d bytes", maxElement)
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	n, err := s.r.Read(s.buf[s.end:])
	s.end += n
	if n > 0 {
		return nil
	}
	return err
}

// cut finds the first header, whole element or run of white space in b and how many bytes it takes. 0 bytes mean that b
// ends too early. An empty name stands for what the caller skips.
func cut(b []byte, header bool) (Element, int, error) {
	if len(b) == 0 {
		return Element{}, 0, nil
	}
	if b[0] != '<' {
		i := bytes.IndexByte(b, '<')
		if i < 0 {
			i = len(b)
		}
		return Element{}, i, nil
	}
	depth, pos := 0, 0
	for {
		i := bytes.IndexByte(b[pos:], '<')
		if i < 0 {
			return Element{}, 0, nil
		}
		pos += i
		n := tagLen(b[pos:])
		if n == 0 {
			return Element{}, 0, nil
		}
		tag := b[pos : pos+n]
		pos += n
		switch {
		case tag[1] == '?':
			if depth == 0 {
				return Element{}, pos, nil
			}
		case tag[1] == '/':
			depth--
			if depth < 0 {
				return Element{}, 0, ErrStreamEnd
			}
		case tag[n-2] == '/':
		case depth == 0 && !header:
			return Element{Name: name(tag), Raw: b[:pos]}, pos, nil
		default:
			depth++
		}
		if depth == 0 {
			return Element{Name: name(b), Raw: b[:pos]}, pos, nil
		}
	}
}

// tagLen is the length of the tag that b starts with, 0 if its end is not there yet. A > may stand inside an attribute.
func tagLen(b []byte) int {
	var quote byte
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return 0
}

// name is the name in the start tag that b begins with.
func name(b []byte) string {
	for i, c := range b {
		if i > 0 && (c == ' ' || c == '>' || c == '/' || c == '\n' || c == '\t' || c == '\r') {
			return string(b[1:i])
		}
	}
	return ""
}

// Attr is the value of an attribute in the start tag that b begins with.
func Attr(b []byte, key string) string {
	tag := b[:tagLen(b)]
	for i := 1; i < len(tag); {
		j := bytes.IndexByte(tag[i:], '=')
		if j < 0 || i+j+1 >= len(tag) {
			return ""
		}
		k := bytes.TrimSpace(tag[i : i+j])
		if sp := bytes.LastIndexAny(k, " \t\r\n"); sp >= 0 {
			k = k[sp+1:]
		}
		q := tag[i+j+1]
		from := i + j + 2
		end := bytes.IndexByte(tag[from:], q)
		if end < 0 {
			return ""
		}
		if string(k) == key {
			return unescape(tag[from : from+end])
		}
		i = from + end + 1
	}
	return ""
}

// Text is the character data of the first element of that name in b.
func Text(b []byte, elem string) string {
	for pos := 0; ; {
		i := bytes.Index(b[pos:], []byte("<"+elem))
		if i < 0 {
			return ""
		}
		pos += i
		after := b[pos+1+len(elem):]
		if len(after) > 0 && (after[0] == '>' || after[0] == ' ') {
			n := tagLen(b[pos:])
			if n == 0 || b[pos+n-2] == '/' {
				return ""
			}
			rest := b[pos+n:]
			if end := bytes.IndexByte(rest, '<'); end >= 0 {
				return unescape(rest[:end])
			}
			return ""
		}
		pos++
	}
}

var entities = [][2]string{
	{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", `"`}, {"&apos;", "'"}, {"&#39;", "'"}, {"&#34;", `"`}, {"&amp;", "&"},
}

// unescape undoes the five built-in entities.
func unescape(b []byte) string {
	if bytes.IndexByte(b, '&') >= 0 {
		for _, e := range entities {
			b = bytes.ReplaceAll(b, []byte(e[0]), []byte(e[1]))
		}
	}
	return string(b)
}

// Escape makes a string fit for text and attributes.
func Escape(s string) string {
	var out []byte
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '<':
			out = append(out, "&lt;"...)
		case '>':
			out = append(out, "&gt;"...)
		case '&':
			out = append(out, "&amp;"...)
		case '\'':
			out = append(out, "&apos;"...)
		case '"':
			out = append(out, "&quot;"...)
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}
