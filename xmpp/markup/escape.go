package markup

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// AppendEscaped escapes text for character data and for attribute values in either quote. Characters that XML cannot
// hold, and bytes that are no UTF-8, are left out. In an attribute value, tabs and newlines would be read as blanks
// (XML 1.0 §3.3.3); AppendEscapedAttr keeps them.
func AppendEscaped(b []byte, s string) []byte { return appendEscaped(b, s, false) }

// AppendEscapedAttr escapes like AppendEscaped, and tabs and newlines too.
func AppendEscapedAttr(b []byte, s string) []byte { return appendEscaped(b, s, true) }

func appendEscaped(b []byte, s string, attr bool) []byte {
	done := 0 // s[:done] is written
	for i := 0; i < len(s); {
		c := s[i]
		if class[c]&verbose == 0 && !(attr && (c == '\t' || c == '\n')) {
			i++
			continue
		}
		n, with := escape(s[i:])
		if n > 0 && with == "" {
			i += n
			continue
		}
		b = append(b, s[done:i]...)
		if n < 0 {
			n = -n
		} else {
			b = append(b, with...)
		}
		i += n
		done = i
	}
	return append(b, s[done:]...)
}

// escape tells how the character at the start of s is written: n bytes of it are replaced, "" meaning that they stand
// for themselves; a negative n means that they are left out.
func escape(s string) (n int, with string) {
	switch s[0] {
	case '&':
		return 1, "&amp;"
	case '<':
		return 1, "&lt;"
	case '>':
		return 1, "&gt;"
	case '\'':
		return 1, "&apos;"
	case '"':
		return 1, "&quot;"
	case '\t':
		return 1, "&#9;"
	case '\n':
		return 1, "&#10;"
	case '\r':
		return 1, "&#13;"
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n < 3 || !isChar(r) {
		return -n, ""
	}
	return n, ""
}

// AppendAttr writes one attribute, with a blank before it. A namespaced one declares its own prefix, made from n.
func AppendAttr(b []byte, a Attr, n int) []byte {
	b = append(b, ' ')
	switch a.Name.Space {
	case "":
	case NSXML:
		b = append(b, "xml:"...)
	default:
		prefix := strconv.AppendInt([]byte{'a'}, int64(n), 10)
		b = append(append(b, "xmlns:"...), prefix...)
		b = append(AppendEscapedAttr(append(b, "='"...), a.Name.Space), "' "...)
		b = append(append(b, prefix...), ':')
	}
	return appendValue(append(b, a.Name.Local...), a.Value)
}

// AppendPlainAttr writes one attribute without namespace, with a blank before it.
func AppendPlainAttr(b []byte, name, value string) []byte {
	return appendValue(append(append(b, ' '), name...), value)
}

func appendValue(b []byte, value string) []byte {
	return append(AppendEscapedAttr(append(b, "='"...), value), '\'')
}

// Unescape gives the character data of well-formed markup: references resolved, CDATA sections unwrapped, line ends
// made '\n' (XML 1.0 §2.11), tags left out.
func Unescape(b []byte) string {
	if i := special(b, false); i < len(b) {
		var room [512]byte // what fits costs no allocation but the string's own
		return string(appendUnescaped(room[:0], b, false))
	}
	return string(b)
}

// special is the place of the first byte of b that does not stand for itself.
func special(b []byte, attr bool) int {
	for i, c := range b {
		if c <= '<' && (c == '&' || c == '<' || c == '\r' || attr && (c == '\n' || c == '\t')) {
			return i
		}
	}
	return len(b)
}

func appendUnescaped(d, b []byte, attr bool) []byte {
	for len(b) > 0 {
		n := special(b, attr)
		d = append(d, b[:n]...)
		if b = b[n:]; len(b) == 0 {
			break
		}
		n = 1
		switch c := b[0]; {
		case c == '&':
			d, n = appendReferent(d, b)
		case c == '\r' && len(b) > 1 && b[1] == '\n': // the '\n' follows
		case attr:
			d = append(d, ' ')
		case c == '\r':
			d = append(d, '\n')
		default:
			d, n = appendBetween(d, b)
		}
		b = b[n:]
	}
	return d
}

// appendReferent resolves the reference that b begins with. One that is none stands for itself.
func appendReferent(d, b []byte) ([]byte, int) {
	end := bytes.IndexByte(b[:min(len(b), maxReference)], ';')
	if end < 2 {
		return append(d, b[0]), 1
	}
	if b[1] == '#' {
		if r := numeric(b[2:end]); isChar(r) {
			return utf8.AppendRune(d, r), end + 1
		}
	} else if c := entity(b[1:end]); c != 0 {
		return append(d, c), end + 1
	}
	return append(d, b[0]), 1
}

// appendBetween unwraps the CDATA section, or skips the tag, that b begins with.
func appendBetween(d, b []byte) ([]byte, int) {
	if rest, ok := bytes.CutPrefix(b, []byte(cdataStart)); ok {
		text, _, _ := bytes.Cut(rest, []byte("]]>"))
		for i, c := range text {
			if c == '\r' {
				if i+1 < len(text) && text[i+1] == '\n' {
					continue
				}
				c = '\n'
			}
			d = append(d, c)
		}
		return d, min(len(b), len(cdataStart)+len(text)+len("]]>"))
	}
	for i, quote := 1, byte(0); i < len(b); i++ {
		switch c := b[i]; {
		case quote == 0 && c == '>':
			return d, i + 1
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == quote:
			quote = 0
		}
	}
	return d, len(b)
}
