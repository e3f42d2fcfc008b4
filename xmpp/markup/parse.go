package markup

import "fmt"

// Index finds the direct child elements of markup in the content namespace. Names are expanded; character data may
// stand between the elements.
func Index(b []byte) ([]Span, error) {
	s := NewScanner()
	defer s.Free()
	s.Reset("", alone)
	var spans []Span
	for {
		t, err := s.Next(b, true)
		if err != nil {
			return spans, whole(s, b, err)
		}
		spans = place(spans, s, t)
	}
}

// place keeps spans up to date with the direct children that t opens or closes.
func place(spans []Span, s *Scanner, t Token) []Span {
	switch {
	case t.Kind == StartTag && s.Depth() == 1:
		spans = append(spans, Span{Name: t.Name, Start: t.Start, TextStart: t.End})
	case t.Kind == EmptyTag && s.Depth() == 0:
		spans = append(spans, Span{t.Name, t.Start, t.End, t.End, t.End})
	case t.Kind == EndTag && s.Depth() == 0:
		k := &spans[len(spans)-1]
		k.TextEnd, k.End = t.Start, t.End
	}
	return spans
}

// whole turns the ErrMore at the end of complete markup into nil, and any other into an error.
func whole(s *Scanner, b []byte, err error) error {
	if err != ErrMore {
		return err
	}
	if s.Done(b) {
		return nil
	}
	return malformed("markup ends within an element")
}

// rawDepth is how many generations below the root have Raw. Raw of an element that inherits declarations is a copy of
// its own; without the bound, nesting would multiply a stranger's bytes.
const rawDepth = 8

// ParseElement reads one element that stands alone in the content namespace. Raw is b itself where it can be; b must
// not change afterwards.
func ParseElement(b []byte) (*Element, error) {
	s := NewScanner()
	defer s.Free()
	s.Reset("", alone)
	p := parser{s: s, b: b}
	for {
		t, err := s.Next(b, true)
		if err != nil {
			if err = whole(s, b, err); err == nil && (p.root == nil || p.done != len(b)) {
				err = malformed("not one element")
			}
			if err != nil {
				return nil, fmt.Errorf("parsing an element: %w", err)
			}
			return p.root, nil
		}
		if p.root != nil && len(p.open) == 0 || p.root == nil && t.Start > 0 {
			return nil, malformed("not one element")
		}
		p.take(t)
	}
}

type parser struct {
	s    *Scanner
	b    []byte
	root *Element
	open []building
	done int // b[:done] is in the tree
}

type building struct {
	*Element
	start int
	text  []byte
}

func (p *parser) take(t Token) {
	if n := len(p.open); n > 0 && t.Start > p.done {
		p.open[n-1].text = appendUnescaped(p.open[n-1].text, p.b[p.done:t.Start], false)
	}
	p.done = t.End
	if t.Kind != EndTag {
		p.push(t)
	}
	if t.Kind != StartTag {
		p.close(t)
	}
}

func (p *parser) push(t Token) {
	e := &Element{Name: t.Name}
	for i := range p.s.NumAttr() {
		if a, ok := p.s.Attr(p.b, i); ok {
			e.Attrs = append(e.Attrs, Attr{a.Name, a.Value(p.b)})
		}
	}
	if n := len(p.open); n > 0 {
		p.open[n-1].Children = append(p.open[n-1].Children, e)
	} else {
		p.root = e
	}
	p.open = append(p.open, building{Element: e, start: t.Start})
}

func (p *parser) close(t Token) {
	n := len(p.open) - 1
	e := p.open[n]
	p.open = p.open[:n]
	e.Text = string(e.text)
	if n > rawDepth {
		return
	}
	e.Raw = p.b[e.start:t.End:t.End]
	if !t.Alone {
		e.Raw = Rewrite(nil, e.Raw, "", p.s.Scope())
	}
}
