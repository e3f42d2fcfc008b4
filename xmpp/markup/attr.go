package markup

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// attr is an attribute as it stands in the tag: b[name:nameEnd] is its qualified name, b[val:valEnd] its raw value.
type attr struct {
	name, colon, nameEnd int32 // colon 0: no prefix
	val, valEnd          int32
	plain                bool // the value needs no unescaping
	decl                 bool // xmlns or xmlns:…
}

func (a *attr) local(b []byte) []byte {
	if a.colon > 0 {
		return b[a.colon+1 : a.nameEnd]
	}
	return b[a.name:a.nameEnd]
}

func (a *attr) value(b []byte) string { return attrValue(b[a.val:a.valEnd], a.plain) }

func attrValue(v []byte, plain bool) string {
	if plain {
		return string(v)
	}
	return string(appendUnescaped(make([]byte, 0, len(v)), v, true))
}

// attribute reads name, '=' and value at b[i:] into attrs.
func (s *Scanner) attribute(b []byte, i int) (int, error) {
	if len(s.attrs) == MaxAttrs {
		return 0, fmt.Errorf("markup: more than %d attributes: %w", MaxAttrs, ErrLimit)
	}
	colon, end, err := s.qname(b, i)
	if err != nil {
		return 0, err
	}
	a := attr{name: int32(i), colon: int32(colon), nameEnd: int32(end), plain: true}
	for i = end; i < len(b) && class[b[i]]&space != 0; i++ {
	}
	if i == len(b) {
		return 0, ErrMore
	}
	if b[i] != '=' {
		return 0, malformed("attribute without value")
	}
	for i++; i < len(b) && class[b[i]]&space != 0; i++ {
	}
	if i == len(b) {
		return 0, ErrMore
	}
	q := b[i]
	if q != '\'' && q != '"' {
		return 0, malformed("attribute value without quotes")
	}
	i++
	a.val = int32(i)
	for {
		for i < len(b) && class[b[i]]&inValue != 0 {
			i++
		}
		if i == len(b) {
			return 0, ErrMore
		}
		c := b[i]
		if c == q {
			break
		}
		n := 1
		switch {
		case c == '\'' || c == '"':
		case c == '&':
			a.plain = false
			n, err = reference(b, i)
		case class[c]&space != 0: // a blank is inValue; these are normalised to blanks (XML 1.0 §3.3.3)
			a.plain = false
		case c >= utf8.RuneSelf:
			n, err = char(b, i)
		default:
			err = malformed("character %#x in an attribute value", c)
		}
		if err != nil {
			return 0, err
		}
		i += n
	}
	a.valEnd = int32(i)
	if colon > 0 {
		a.decl = string(b[a.name:colon]) == "xmlns"
	} else {
		a.decl = string(b[a.name:end]) == "xmlns"
	}
	s.attrs = append(s.attrs, a)
	return i + 1, nil
}

// again tells whether an attribute of the same qualified name stands before attribute i. XML 1.0 §3.1.
func (s *Scanner) again(b []byte, i int) bool {
	a := &s.attrs[i]
	for j := range s.attrs[:i] {
		o := &s.attrs[j]
		if o.nameEnd-o.name == a.nameEnd-a.name && bytes.Equal(b[o.name:o.nameEnd], b[a.name:a.nameEnd]) {
			return true
		}
	}
	return false
}

// prefixedAttrs checks the prefixes of attributes, and that no two have one expanded name. Namespaces in XML §6.3.
func (s *Scanner) prefixedAttrs(b []byte) error {
	for i := range s.attrs {
		a := &s.attrs[i]
		if a.decl || a.colon == 0 {
			continue
		}
		n, err := s.lookup(b[a.name:a.colon])
		if err != nil {
			return err
		}
		s.use(n)
		for j := range s.attrs[:i] {
			o := &s.attrs[j]
			if o.decl || o.colon == 0 || !bytes.Equal(a.local(b), o.local(b)) {
				continue
			}
			if m, _ := s.lookup(b[o.name:o.colon]); s.uri(m) == s.uri(n) {
				return malformed("attribute given twice")
			}
		}
	}
	return nil
}

// A RawAttr is one attribute of the last tag; b[Start:End] is its value as it stands there.
type RawAttr struct {
	Name       Name
	Start, End int
	plain      bool
}

// Value is the attribute's value, unescaped and normalised (XML 1.0 §3.3.3).
func (a RawAttr) Value(b []byte) string { return attrValue(b[a.Start:a.End], a.plain) }

// Plain tells whether Value is b[Start:End] itself.
func (a RawAttr) Plain() bool { return a.plain }

// NumAttr is how many attributes the last StartTag or EmptyTag has, declarations included.
func (s *Scanner) NumAttr() int { return len(s.attrs) }

// Attr returns attribute i of the last StartTag or EmptyTag, and false when it is a namespace declaration.
// It must be called before Next is called again; for an EmptyTag, its own declarations are past, so it takes them
// from the tag itself.
func (s *Scanner) Attr(b []byte, i int) (RawAttr, bool) {
	a := &s.attrs[i]
	if a.decl {
		return RawAttr{}, false
	}
	r := RawAttr{Start: int(a.val), End: int(a.valEnd), plain: a.plain}
	r.Name.Local = s.names.get(a.local(b))
	if a.colon > 0 {
		r.Name.Space = s.attrSpace(b, b[a.name:a.colon])
	}
	return r, true
}

func (s *Scanner) attrSpace(b, prefix []byte) string {
	for i := range s.attrs {
		a := &s.attrs[i]
		if a.decl && a.colon > 0 && bytes.Equal(a.local(b), prefix) {
			return a.value(b)
		}
	}
	n, err := s.lookup(prefix)
	if err != nil {
		return ""
	}
	return s.uri(n)
}

// Value is a.Value for values that come from a small vocabulary.
func (s *Scanner) Value(b []byte, a RawAttr) string {
	if a.plain {
		return s.names.get(b[a.Start:a.End])
	}
	return a.Value(b)
}
