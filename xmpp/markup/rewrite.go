package markup

// Rewrite appends the elements in b to dst so that they stand alone: each declares what it uses of scope, the
// declarations in force where b was cut out. Elements of the namespace content at the top lose their prefix or their
// own declaration of it; further down, a declaration that was there stays. Text is copied as it is. b must have been
// scanned before; Rewrite stops at the first fault.
//
// Declarations of prefixes inside b are kept even where no name needs them, since a value may (xsi:type='xs:int').
func Rewrite(dst, b []byte, content string, scope []Binding) []byte {
	s := NewScanner()
	defer s.Free()
	s.Reset(content, scope)
	w := rewriter{b: b, out: dst, content: content, ns: append(make([]Binding, 0, 8), Binding{"", content})}
	done := 0
	for {
		t, err := s.Next(b, true)
		if err != nil {
			return append(w.out, b[done:]...)
		}
		w.out = append(w.out, b[done:t.Start]...)
		done = t.End
		switch t.Kind {
		case EndTag:
			w.end()
		default:
			w.start(s, t)
			if t.Kind == EmptyTag {
				w.out = append(w.out, '/', '>')
				w.leave()
			} else {
				w.out = append(w.out, '>')
			}
		}
	}
}

// rewriter keeps the declarations in force in what it has written.
type rewriter struct {
	b, out  []byte
	content string
	ns      []Binding
	open    []written
}

type written struct {
	name []byte // as written
	mark int    // len(ns) outside
}

func (w *rewriter) end() {
	w.out = append(w.out, '<', '/')
	w.out = append(w.out, w.open[len(w.open)-1].name...)
	w.out = append(w.out, '>')
	w.leave()
}

func (w *rewriter) leave() {
	n := len(w.open) - 1
	w.ns = w.ns[:w.open[n].mark]
	w.open = w.open[:n]
}

func (w *rewriter) start(s *Scanner, t Token) {
	name := w.b[s.tagName.name:s.tagName.end]
	prefix, uri := "", t.Name.Space
	if uri == "" {
		uri = w.content
	}
	top := len(w.open) == 0 && uri == w.content
	if colon := s.tagColon; colon > 0 {
		if top {
			name = w.b[colon+1 : s.tagName.end]
		} else {
			prefix = string(w.b[s.tagName.name:colon])
		}
	}
	w.open = append(w.open, written{name, len(w.ns)})
	w.out = append(append(w.out, '<'), name...)
	if prefix == "" && !top && (t.Explicit || w.find("") != uri) {
		w.declare("", uri)
	}
	for i := range s.attrs {
		if a := &s.attrs[i]; a.decl && a.colon > 0 {
			w.declare(string(a.local(w.b)), a.value(w.b))
		}
	}
	w.need(prefix, uri)
	for i := range s.attrs {
		a := &s.attrs[i]
		if a.decl {
			continue
		}
		if a.colon > 0 {
			p := w.b[a.name:a.colon]
			w.need(string(p), s.attrSpace(w.b, p))
		}
		w.out = append(append(w.out, ' '), w.b[a.name:a.valEnd+1]...)
	}
}

// need declares a prefix unless it is in force with that meaning.
func (w *rewriter) need(prefix, uri string) {
	if prefix != "" && prefix != "xml" && w.find(prefix) != uri {
		w.declare(prefix, uri)
	}
}

func (w *rewriter) find(prefix string) string {
	for i := len(w.ns) - 1; i >= 0; i-- {
		if w.ns[i].Prefix == prefix {
			return w.ns[i].URI
		}
	}
	return ""
}

func (w *rewriter) declare(prefix, uri string) {
	w.ns = append(w.ns, Binding{prefix, uri})
	w.out = append(w.out, " xmlns"...)
	if prefix != "" {
		w.out = append(append(w.out, ':'), prefix...)
	}
	w.out = append(w.out, "='"...)
	w.out = append(AppendEscapedAttr(w.out, uri), '\'') // the NUL of NoNamespace is left out
}
