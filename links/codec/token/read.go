package token

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"longwire/xmpp/markup"
)

// A reader takes a stanza's text apart. What it holds refers to the text.
type reader struct {
	s     *schema
	b     []byte
	nodes []node
	attrs []attr
	open  []int32

	toFrom, toEnd int // the value of the root's to; 0: has none
}

// node is an element or a piece of text, in document order.
type node struct {
	typ           int16 // in the schema; -1: unknown
	text          bool
	prefix, local string
	space         string
	value         []byte // of a text
	attr, attrEnd int32  // in reader.attrs
	end           int32  // nodes[i+1:end] is what is inside
}

// attr is an attribute, or with space the declaration of a prefix.
type attr struct {
	prefix, local string
	value         []byte
	decl          bool
}

var errRoot = errors.New("token: not one element")

// stanza reads text, which is one element in the content namespace.
func (r *reader) stanza(s *schema, text []byte) error {
	r.s, r.b = s, text
	r.nodes, r.attrs, r.open, r.toFrom, r.toEnd = r.nodes[:0], r.attrs[:0], r.open[:0], 0, 0
	sc := markup.NewScanner()
	defer sc.Free()
	sc.Reset("", []markup.Binding{{}})
	done := 0
	for {
		t, err := sc.Next(text, true)
		if err == markup.ErrMore {
			if !sc.Done(text) || len(r.nodes) == 0 || done != len(text) {
				return errRoot
			}
			return nil
		}
		if err != nil {
			return err
		}
		if len(r.open) == 0 && t.Start > 0 {
			return errRoot
		}
		if t.Start > done {
			r.text(text[done:t.Start])
		}
		done = t.End
		if t.Kind != markup.EndTag {
			r.element(sc, t)
		}
		if t.Kind != markup.StartTag {
			n := len(r.open) - 1
			r.nodes[r.open[n]].end = int32(len(r.nodes))
			r.open = r.open[:n]
		}
	}
}

// release lets go of the text.
func (r *reader) release() {
	clear(r.nodes)
	clear(r.attrs)
	r.b = nil
	if cap(r.nodes) > 1<<12 || cap(r.attrs) > 1<<12 {
		*r = reader{} // an odd one grew it
	}
}

func (r *reader) text(b []byte) {
	if bytes.IndexByte(b, '&') >= 0 || bytes.IndexByte(b, '<') >= 0 || bytes.IndexByte(b, '\r') >= 0 {
		b = []byte(markup.Unescape(b))
	}
	if len(b) == 0 {
		return
	}
	r.nodes = append(r.nodes, node{text: true, typ: -1, value: b, end: int32(len(r.nodes) + 1)})
}

func (r *reader) element(sc *markup.Scanner, t markup.Token) {
	b := r.b[:t.End]
	i := t.Start + 1
	j := nameEnd(b, i)
	n := node{attr: int32(len(r.attrs)), local: t.Name.Local, space: t.Name.Space}
	if k := bytes.IndexByte(b[i:j], ':'); k >= 0 {
		n.prefix = string(b[i : i+k])
	}
	root := len(r.nodes) == 0 && rootOf(&n) != ""
	i = j
	for k := 0; ; k++ {
		for isSpace(b[i]) {
			i++
		}
		if b[i] == '/' || b[i] == '>' {
			break
		}
		var a attr
		a, i = r.attribute(sc, b, i, k)
		if a.decl && a.prefix == "" {
			continue // each element says its own
		}
		if root && !a.decl && a.prefix == "" && a.local == "to" {
			r.toFrom, r.toEnd = i-1-len(a.value), i-1
			if !bytes.Equal(b[r.toFrom:r.toEnd], a.value) {
				r.toFrom, r.toEnd = 0, 0 // with escapes
			}
		}
		r.attrs = append(r.attrs, a)
	}
	n.attrEnd = int32(len(r.attrs))
	if n.attrEnd-n.attr > 1 {
		slices.SortFunc(r.attrs[n.attr:n.attrEnd], compareAttr)
	}
	n.typ = -1
	if typ, ok := r.s.byName[name{n.space, n.local}]; ok {
		n.typ = typ
	}
	r.open = append(r.open, int32(len(r.nodes)))
	r.nodes = append(r.nodes, n)
}

// compareAttr is the order in which attributes are written: declarations first.
func compareAttr(a, b attr) int {
	if a.decl != b.decl {
		if a.decl {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.prefix, b.prefix), cmp.Compare(a.local, b.local))
}

// attribute reads attribute k of the tag, at b[i:]. The Scanner has checked it.
func (r *reader) attribute(sc *markup.Scanner, b []byte, i, k int) (attr, int) {
	j := nameEnd(b, i)
	q := b[i:j]
	var a attr
	if string(q) == "xmlns" {
		a.decl = true
	} else if c := bytes.IndexByte(q, ':'); c >= 0 {
		a.prefix = r.word(q[:c])
		q = q[c+1:]
		if a.prefix == "xmlns" {
			a.decl, a.prefix = true, r.word(q)
		}
	}
	if !a.decl {
		a.local = r.word(q)
	}
	for b[j] != '\'' && b[j] != '"' {
		j++
	}
	end := j + 1 + bytes.IndexByte(b[j+1:], b[j])
	a.value = attrValue(b[j+1 : end])
	return a, end + 1
}

// word is b as a string, one of the schema's when it is there.
func (r *reader) word(b []byte) string {
	if i, ok := r.s.sharedN[string(b)]; ok {
		return r.s.shared[i]
	}
	return string(b)
}

// attrValue is the normalised value of an attribute. XML 1.0 §3.3.3.
func attrValue(v []byte) []byte {
	plain := true
	for _, c := range v {
		if c == '&' || c < ' ' {
			plain = false
			break
		}
	}
	if plain {
		return v
	}
	w := make([]byte, 0, len(v))
	for i, c := range v {
		switch {
		case c == '\r' && i+1 < len(v) && v[i+1] == '\n':
			continue
		case c < ' ':
			c = ' '
		}
		w = append(w, c)
	}
	return []byte(markup.Unescape(w))
}

func nameEnd(b []byte, i int) int {
	for i < len(b) && !isSpace(b[i]) && b[i] != '=' && b[i] != '/' && b[i] != '>' {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
