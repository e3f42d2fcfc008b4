package markup

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Classes of ASCII bytes.
const (
	space     = 1 << iota // XML 1.0 §2.3: S
	inText                // stands for itself in text
	inValue               // stands for itself in an attribute value
	inName                // NameChar without colon
	nameTop               // NameStartChar without colon
	afterName             // ends a name and has nothing to do with it
	verbose               // must be escaped by AppendEscaped
)

var class = func() (t [256]uint8) {
	for c := range t[:utf8.RuneSelf] {
		if c >= 0x20 || c == '\t' || c == '\n' || c == '\r' {
			if c != '<' && c != '&' && c != '>' {
				t[c] |= inText
			}
		}
		if c >= 0x20 && c != '<' && c != '&' && c != '\'' && c != '"' {
			t[c] |= inValue
		}
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' {
			t[c] |= inName | nameTop
		}
		if c >= '0' && c <= '9' || c == '-' || c == '.' {
			t[c] |= inName
		}
		if c < 0x20 && c != '\t' && c != '\n' {
			t[c] |= verbose // '\r' would come back as '\n' (XML 1.0 §2.11), the others cannot be written at all
		}
	}
	for _, c := range " \t\r\n" {
		t[c] |= space
	}
	for _, c := range " \t\r\n/>=" {
		t[c] |= afterName
	}
	for _, c := range `&<>'"` {
		t[c] |= verbose
	}
	for c := utf8.RuneSelf; c < len(t); c++ {
		t[c] |= verbose // looked at as runes
	}
	return t
}()

// isChar is the production Char of XML 1.0 §2.2.
func isChar(r rune) bool {
	return r >= 0x20 && r <= 0xD7FF || r == '\t' || r == '\n' || r == '\r' || r >= 0xE000 && r <= 0xFFFD ||
		r >= 0x10000 && r <= 0x10FFFF
}

// char returns the length of the character beyond ASCII at b[i].
func char(b []byte, i int) (int, error) {
	r, n := utf8.DecodeRune(b[i:])
	switch {
	case r == utf8.RuneError && n < 3: // a real U+FFFD is three bytes long
		if !utf8.FullRune(b[i:]) {
			return 0, ErrMore
		}
		return 0, fmt.Errorf("markup: byte %#x: %w", b[i], ErrEncoding)
	case r == 0xFFFE || r == 0xFFFF:
		return 0, malformed("%U is no character", r)
	}
	return n, nil
}

// maxReference is the longest reference we look at: zeros may pad a number for ever.
const maxReference = 64

// reference returns the length of the entity or character reference at b[i].
func reference(b []byte, i int) (int, error) {
	b = b[i:min(len(b), i+maxReference)]
	end := 1
	for end < len(b) && (class[b[end]]&inName != 0 || end == 1 && b[end] == '#' || b[end] >= utf8.RuneSelf) {
		end++
	}
	if end == len(b) {
		if end == maxReference {
			return 0, malformed("overlong reference")
		}
		return 0, ErrMore
	}
	if b[end] != ';' || end == 1 {
		return 0, malformed("& without reference")
	}
	if b[1] == '#' {
		if r := numeric(b[2:end]); !isChar(r) {
			return 0, malformed("reference to no character")
		}
		return end + 1, nil
	}
	if entity(b[1:end]) == 0 {
		// RFC 6120 §11.1: only the five predefined entities.
		return 0, fmt.Errorf("markup: entity reference: %w", ErrRestricted)
	}
	return end + 1, nil
}

// entity is the character of a predefined entity (XML 1.0 §4.6), 0 for any other.
func entity(name []byte) byte {
	switch string(name) {
	case "amp":
		return '&'
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "apos":
		return '\''
	case "quot":
		return '"'
	}
	return 0
}

// numeric reads the digits of a character reference; -1 is none.
func numeric(b []byte) rune {
	base := rune(10)
	if len(b) > 0 && b[0] == 'x' {
		base, b = 16, b[1:]
	}
	if len(b) == 0 {
		return -1
	}
	r := rune(0)
	for _, c := range b {
		d := rune(99)
		switch {
		case c >= '0' && c <= '9':
			d = rune(c - '0')
		case c >= 'a' && c <= 'f':
			d = rune(c-'a') + 10
		case c >= 'A' && c <= 'F':
			d = rune(c-'A') + 10
		}
		if d >= base {
			return -1
		}
		if r = r*base + d; r > unicode.MaxRune {
			return -1
		}
	}
	return r
}

// qname scans a qualified name at b[i:] (Namespaces in XML §4). colon is its place, 0 when there is none.
func (s *Scanner) qname(b []byte, i int) (colon, end int, err error) {
	start := i
	for i < len(b) && class[b[i]]&inName != 0 {
		i++
	}
	if i < len(b) && class[b[i]]&afterName != 0 && class[b[start]]&nameTop != 0 && i-start <= MaxName {
		return 0, i, nil // nearly always
	}
	return s.rareName(b, start)
}

// rareName is qname for names with a colon or with letters beyond ASCII, and for faulty ones.
func (s *Scanner) rareName(b []byte, i int) (colon, end int, err error) {
	start, top := i, true // top: here a part begins
	for i < len(b) {
		c := b[i]
		n := 1
		switch {
		case class[c]&inName != 0:
			if top && class[c]&nameTop == 0 {
				return 0, 0, malformed("name begins with %q", c)
			}
			top = false
		case c == ':':
			if top || colon > 0 {
				return 0, 0, malformed("stray colon in a name")
			}
			colon, top = i, true
		case c >= utf8.RuneSelf:
			if n, err = char(b, i); err != nil {
				return 0, 0, err
			}
			if r, _ := utf8.DecodeRune(b[i:]); !s.isName(r, top) {
				return 0, 0, malformed("%U in a name", r)
			}
			top = false
		case top:
			return 0, 0, malformed("%q where a name should be", c)
		default:
			return colon, i, nil
		}
		if i += n; i-start > MaxName {
			return 0, 0, fmt.Errorf("markup: name longer than %d octets: %w", MaxName, ErrLimit)
		}
	}
	return 0, 0, ErrMore
}

// isName tells whether a letter beyond ASCII may stand in a name.
//
// Choice: from clients only what both the fourth and the fifth edition of XML 1.0 call letters. Half of all XMPP
// software parses by the fourth (expat); a name it refuses would end the stream of whoever receives it, again at each
// delivery. A peer's stanza is taken by the fifth edition: refusing it would stop the link for all.
func (s *Scanner) isName(r rune, top bool) bool {
	if !s.wide {
		return unicode.Is(lettersBoth, r) || !top && r == 0xB7
	}
	return unicode.Is(letters, r) || !top && (r == 0xB7 || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040)
}

// letters is NameStartChar of XML 1.0 §2.3 beyond ASCII.
var letters = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0xC0, 0xD6, 1}, {0xD8, 0xF6, 1}, {0xF8, 0x2FF, 1}, {0x370, 0x37D, 1}, {0x37F, 0x1FFF, 1}, {0x200C, 0x200D, 1},
		{0x2070, 0x218F, 1}, {0x2C00, 0x2FEF, 1}, {0x3001, 0xD7FF, 1}, {0xF900, 0xFDCF, 1}, {0xFDF0, 0xFFFD, 1},
	},
	R32:         []unicode.Range32{{0x10000, 0xEFFFF, 1}},
	LatinOffset: 2,
}

// lettersBoth is the larger runs of letters of the fourth edition's appendix B, which the fifth has too.
var lettersBoth = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0xC0, 0xD6, 1}, {0xD8, 0xF6, 1}, {0xF8, 0x131, 1}, {0x134, 0x13E, 1}, {0x141, 0x148, 1}, {0x14A, 0x17E, 1},
		{0x388, 0x38A, 1}, {0x38E, 0x3A1, 1}, {0x3A3, 0x3CE, 1}, {0x401, 0x40C, 1}, {0x40E, 0x44F, 1},
		{0x451, 0x45C, 1}, {0x45E, 0x481, 1}, {0x5D0, 0x5EA, 1}, {0x621, 0x63A, 1}, {0x641, 0x64A, 1},
		{0x3041, 0x3094, 1}, {0x30A1, 0x30FA, 1}, {0x3105, 0x312C, 1}, {0x4E00, 0x9FA5, 1}, {0xAC00, 0xD7A3, 1},
	},
	LatinOffset: 2,
}
