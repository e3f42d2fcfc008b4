package markup

import "fmt"

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
