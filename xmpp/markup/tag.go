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

// startTag reads the start tag or empty-element tag at b[lt]. The Scanner's state changes only when the tag is whole and
// its syntax good.
func (s *Scanner) startTag(b []byte, lt int, t *Token) error {
	colon, i, err := s.qname(b, lt+1)
	if err != nil {
		return err
	}
	e := element{name: int32(lt + 1), end: int32(i)}
	s.attrs = s.attrs[:0]
	kind, end := StartTag, 0
	for end == 0 {
		gap := i
		for i < len(b) && class[b[i]]&space != 0 {
			i++
		}
		switch {
		case i == len(b):
			return ErrMore
		case b[i] == '>':
			end = i + 1
		case b[i] == '/':
			if i+1 == len(b) {
				return ErrMore
			}
			if b[i+1] != '>' {
				return malformed("stray / in a tag")
			}
			kind, end = EmptyTag, i+2
		case i == gap:
			return malformed("no space before an attribute")
		default:
			if i, err = s.attribute(b, i); err != nil {
				return err
			}
		}
	}
	*t = Token{Kind: kind, Start: lt, End: end}
	s.tagName, s.tagColon = e, colon
	return s.enter(b, t, e, colon)
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

// enter does the namespace part of a tag whose syntax is good, and opens the element.
func (s *Scanner) enter(b []byte, t *Token, e element, colon int) error {
	if len(s.open) == MaxDepth {
		return fmt.Errorf("markup: elements nested more than %d deep: %w", MaxDepth, ErrLimit)
	}
	e.mark, e.def, e.low = int32(len(s.ns)), s.def, noUse
	prefixed := 0
	for i := range s.attrs {
		a := &s.attrs[i]
		if i > 0 && s.again(b, i) {
			return malformed("attribute given twice")
		}
		if a.decl {
			if err := s.declare(b, a); err != nil {
				return err
			}
		} else if a.colon > 0 {
			prefixed++
		}
	}
	s.open = append(s.open, e)
	var err error
	if t.Name, err = s.elementName(b, e, colon); err != nil {
		return err
	}
	t.Explicit = colon > 0 || s.def >= e.mark
	if prefixed > 0 {
		if err := s.prefixedAttrs(b); err != nil {
			return err
		}
	}
	if t.Kind == EmptyTag {
		t.Alone = s.pop()
	}
	return nil
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

// declare puts a namespace declaration in force. Namespaces in XML §3.
func (s *Scanner) declare(b []byte, a *attr) error {
	if len(s.ns) == MaxBindings {
		return fmt.Errorf("markup: more than %d namespace declarations: %w", MaxBindings, ErrLimit)
	}
	var uri, prefix string
	if a.plain {
		uri = s.names.get(b[a.val:a.valEnd])
	} else {
		uri = a.value(b)
	}
	if a.colon > 0 {
		prefix = s.names.get(a.local(b))
		switch {
		case prefix == "xmlns", uri == nsXMLNS:
			return malformed("xmlns is declared")
		case (prefix == "xml") != (uri == NSXML):
			return malformed("xml is bound to another namespace, or its namespace to another prefix")
		case uri == "":
			return malformed("prefix is undeclared") // legal in Namespaces in XML 1.1 only
		}
	} else if uri == NSXML || uri == nsXMLNS {
		return malformed("reserved namespace is the default")
	} else {
		s.def = int32(len(s.ns))
		if uri == "" {
			uri = NoNamespace
		}
	}
	s.ns = append(s.ns, Binding{prefix, uri})
	return nil
}

func (s *Scanner) elementName(b []byte, e element, colon int) (Name, error) {
	var uri string
	local := b[e.name:e.end]
	if colon == 0 {
		uri = s.ns[s.def].URI
		// The content namespace is there for an element that stands alone, too: that is no use of what is outside.
		if uri != s.content {
			s.use(s.def)
		}
	} else {
		i, err := s.lookup(b[e.name:colon])
		if err != nil {
			return Name{}, err
		}
		uri, local = s.uri(i), b[colon+1:e.end]
		s.use(i)
	}
	if uri == s.content {
		uri = ""
	}
	return Name{uri, s.names.get(local)}, nil
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

// xmlBinding stands for the binding of xml, which needs no declaration.
const xmlBinding = noUse

// lookup finds the binding of a prefix.
func (s *Scanner) lookup(prefix []byte) (int32, error) {
	if string(prefix) == "xml" {
		return xmlBinding, nil
	}
	for i := len(s.ns) - 1; i >= 0; i-- {
		if s.ns[i].Prefix == string(prefix) {
			return int32(i), nil
		}
	}
	return 0, malformed("unbound prefix")
}

func (s *Scanner) uri(i int32) string {
	if i == xmlBinding {
		return NSXML
	}
	return s.ns[i].URI
}

// use notes that the innermost element needs binding i.
func (s *Scanner) use(i int32) {
	if o := &s.open[len(s.open)-1]; i < o.low {
		o.low = i
	}
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
