package token

import (
	"fmt"
	"sync"
	"unsafe"

	"longwire/xmpp/markup"
)

// printer writes elements. The default namespace is declared where it is another than outside.
type printer struct {
	out   []byte
	open  []opened
	empty bool // the last start tag may yet be an empty one
}

type opened struct {
	name, end int32 // out[name:end] is the qualified name
	space     string
}

func (p *printer) start(prefix, local string) {
	p.seal()
	p.out = append(p.out, '<')
	n := len(p.out)
	if prefix != "" {
		p.out = append(append(p.out, prefix...), ':')
	}
	p.out = append(p.out, local...)
	p.open = append(p.open, opened{int32(n), int32(len(p.out)), p.inner()})
	p.empty = true
}

// inner is the default namespace in the element that is open.
func (p *printer) inner() string {
	if len(p.open) == 0 {
		return ""
	}
	return p.open[len(p.open)-1].space
}

// space declares the default namespace in the tag at hand where that is needed.
func (p *printer) space(s string) {
	o := &p.open[len(p.open)-1]
	if o.space == s {
		return
	}
	o.space = s
	if s == markup.NoNamespace {
		s = ""
	}
	p.value("xmlns", s)
}

func (p *printer) value(name, v string) {
	p.out = append(append(append(p.out, ' '), name...), '=', '\'')
	p.out = append(markup.AppendEscapedAttr(p.out, v), '\'')
}

// seal ends the start tag at hand.
func (p *printer) seal() {
	if p.empty {
		p.out = append(p.out, '>')
		p.empty = false
	}
}

func (p *printer) text(v []byte) {
	if len(v) > 0 {
		p.seal()
		p.out = markup.AppendEscaped(p.out, str(v))
	}
}

func (p *printer) end() {
	o := p.open[len(p.open)-1]
	p.open = p.open[:len(p.open)-1]
	if p.empty {
		p.out = append(p.out, '/', '>')
		p.empty = false
		return
	}
	p.out = append(p.out, '<', '/')
	p.out = append(append(p.out, p.out[o.name:o.end]...), '>')
}

// str is b as a string, for a call that does not keep it.
func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

var readers = sync.Pool{New: func() any { return new(reader) }}

// Canonical is the one form of a stanza's text: as the far end prints it. Elements, attributes, prefixes, namespaces and
// text are the same; blanks in tags, quotes, the order of attributes and how characters are written are ours.
func Canonical(text []byte) ([]byte, error) {
	r := readers.Get().(*reader)
	defer readers.Put(r)
	defer r.release()
	if err := r.stanza(theSchema(), text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrText, err)
	}
	p := printer{out: make([]byte, 0, len(text)+16)}
	r.print(&p, 0)
	return p.out, nil
}

// print writes node i.
func (r *reader) print(p *printer, i int32) {
	n := &r.nodes[i]
	if n.text {
		p.text(n.value)
		return
	}
	p.start(n.prefix, n.local)
	if n.prefix == "" {
		p.space(n.space)
	}
	if i == 0 && rootOf(n) != "" {
		r.rootAttrs(p, n)
	} else {
		for k := n.attr; k < n.attrEnd; k++ {
			p.attr(&r.attrs[k])
		}
	}
	for j := i + 1; j < n.end; j = r.nodes[j].end {
		r.print(p, j)
	}
	p.end()
}

// first are the attributes that a stanza begins with, as package stanza writes them.
var first = [...]string{"from", "to", "type", "id"}

func (r *reader) rootAttrs(p *printer, n *node) {
	for _, f := range first {
		if a := r.find(n, "", f); a != nil {
			p.attr(a)
		}
	}
	if a := r.find(n, "xml", "lang"); a != nil {
		p.attr(a)
	}
	for k := n.attr; k < n.attrEnd; k++ {
		if a := &r.attrs[k]; !isFirst(a) {
			p.attr(a)
		}
	}
}

func isFirst(a *attr) bool {
	if a.decl {
		return false
	}
	if a.prefix == "" {
		return a.local == "from" || a.local == "to" || a.local == "type" || a.local == "id"
	}
	return a.prefix == "xml" && a.local == "lang"
}

func (r *reader) find(n *node, prefix, local string) *attr {
	for k := n.attr; k < n.attrEnd; k++ {
		if a := &r.attrs[k]; !a.decl && a.prefix == prefix && a.local == local {
			return a
		}
	}
	return nil
}

func (p *printer) attr(a *attr) {
	switch {
	case a.decl:
		p.value("xmlns:"+a.prefix, str(a.value))
	case a.prefix != "":
		p.value(a.prefix+":"+a.local, str(a.value))
	default:
		p.value(a.local, str(a.value))
	}
}
