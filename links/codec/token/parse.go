package token

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"longwire/xmpp/markup"
)

// parser reads tokens. The first fault stays in err, and from then on it reads zeros.
type parser struct {
	printer
	t    *Table
	b    []byte
	at   int
	max  int
	err  error
	rare bool // names came from the tokens: the text must be looked at as a whole

	toFrom, toEnd int
	tmp           []byte // what a value was printed into
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("%w: "+format, append([]any{ErrToken}, args...)...)
		p.b = nil
	}
}

func (p *parser) next() byte {
	if p.at >= len(p.b) {
		p.fail("cut off")
		return 0
	}
	p.at++
	return p.b[p.at-1]
}

func (p *parser) take(n int) []byte {
	if n < 0 || n > len(p.b)-p.at {
		p.fail("cut off")
		return nil
	}
	p.at += n
	return p.b[p.at-n : p.at]
}

// bound stops when the text has become too long.
func (p *parser) bound() bool {
	if len(p.out) > p.max {
		p.fail("text longer than %d bytes", p.max)
	}
	return p.err == nil
}

func (p *parser) stanza() {
	h := p.next()
	switch {
	case p.err != nil:
	case h == headCopy:
		p.again()
	case h == headOther:
		if c := p.next(); c == childText || c == childEnd {
			p.fail("no element")
		} else {
			p.child(c, -1)
		}
	case int(h-headFirst) < len(p.t.s.heads):
		p.head(&p.t.s.heads[h-headFirst])
	default:
		p.fail("no stanza begins with %d", h)
	}
	p.bound()
}

// again reads the stanza before, to somebody else.
func (p *parser) again() {
	was := &p.t.prev
	if was.from == 0 {
		p.fail("a copy of nothing")
		return
	}
	p.out = append(p.out, was.text[:was.from]...)
	p.toFrom = len(p.out)
	to, _ := p.jid()
	p.out = markup.AppendEscapedAttr(p.out, to)
	p.toEnd = len(p.out)
	p.out = append(p.out, was.text[was.to:]...)
	if p.toEnd-p.toFrom != len(to) {
		p.toFrom = 0
	}
}

func (p *parser) head(h *head) {
	typ := h.typ
	p.start("", h.kind)
	if h.odd {
		typ = strings.Clone(p.value(fieldType))
	}
	if from, ok := p.jid(); ok {
		p.printer.value("from", from)
	}
	if to, ok := p.jid(); ok {
		p.printer.value("to", to)
		p.toEnd = len(p.out) - 1
		if p.toFrom = p.toEnd - len(to); string(p.out[p.toFrom:p.toEnd]) != to {
			p.toFrom = 0 // with escapes
		}
	}
	if typ != "" || h.odd {
		p.printer.value("type", typ)
	}
	mask := p.next()
	p.t.answer = isAnswer(typ)
	if mask&maskID != 0 {
		id := p.value(fieldID)
		p.printer.value("id", id)
		p.t.own = append(p.t.own, id...)
	}
	if mask&maskLang != 0 {
		p.printer.value("xml:lang", p.value(fieldLang))
	}
	if mask&maskExtra != 0 {
		p.list()
	}
	p.kids(p.t.s.roots[h.root()])
	p.end()
}

// list reads attributes in general form.
func (p *parser) list() {
	p.rare = true
	for p.bound() {
		var prefix string
		switch p.next() {
		case attrEnd:
			return
		case attrPlain:
			p.pair("", fieldName, fieldValue)
		case attrPrefix:
			prefix = strings.Clone(p.value(fieldPrefix)) + ":"
			p.pair(prefix, fieldName, fieldValue)
		case attrDecl:
			p.pair("xmlns:", fieldPrefix, fieldSpace)
		default:
			p.fail("no such attribute")
		}
	}
}

func (p *parser) pair(prefix string, name, value uint16) {
	n := prefix + strings.Clone(p.value(name))
	p.printer.value(n, p.value(value))
}

func (p *parser) kids(typ int16) {
	for p.bound() {
		c := p.next()
		if c == childEnd {
			return
		}
		p.child(c, typ)
	}
}

// child reads what begins with c inside an element of type parent.
func (p *parser) child(c byte, parent int16) {
	if len(p.open) >= maxDepth {
		p.fail("too deep")
	}
	if p.err != nil {
		return
	}
	s := p.t.s
	switch {
	case c == childText:
		p.text([]byte(p.value(fieldInner)))
		return
	case c == childOther:
		space, local := p.nameSpace(), strings.Clone(p.value(fieldName))
		p.start("", local)
		p.space(space)
		p.list()
		p.kids(-1)
	case c == childName:
		prefix, local := strings.Clone(p.value(fieldPrefix)), strings.Clone(p.value(fieldName))
		p.start(prefix, local)
		p.list()
		p.kids(-1)
	case c == childOdd:
		b := p.take(2)
		if len(b) < 2 || int(b[0])<<8|int(b[1]) >= len(s.types) {
			p.fail("no such element")
			return
		}
		typ := int16(b[0])<<8 | int16(b[1])
		p.begin(&s.types[typ])
		p.list()
		p.kids(typ)
	case c < childFirst:
		typ := int(c-childWide)<<8 | int(p.next())
		if typ >= len(s.types) {
			p.fail("no such element")
			return
		}
		p.element(int16(typ))
		return
	default:
		if parent < 0 || int(c-childFirst) >= len(s.types[parent].kids) {
			p.fail("no such child")
			return
		}
		p.element(s.types[parent].kids[c-childFirst])
		return
	}
	p.end()
}

// nameSpace reads a default namespace.
func (p *parser) nameSpace() string {
	if p.at < len(p.b) {
		switch p.b[p.at] {
		case formOwn:
			p.at++
			return p.inner()
		case formSmall:
			p.at++
			return markup.NoNamespace
		}
	}
	return strings.Clone(p.value(fieldSpace))
}

func (p *parser) begin(e *elemType) {
	p.start("", e.name)
	if e.space == "" && p.inner() != "" {
		p.fail("the content namespace inside another")
	}
	p.space(e.space)
}

func (p *parser) element(typ int16) {
	e := &p.t.s.types[typ]
	p.begin(e)
	var mask uint16
	if e.optional > 0 {
		mask = uint16(p.next())
		if e.optional > 8 {
			mask |= uint16(p.next()) << 8
		}
	}
	bit := 0
	for i := range e.attrs {
		a := &e.attrs[i]
		if a.optional {
			bit++
			if mask>>(bit-1)&1 == 0 {
				continue
			}
		}
		p.attrOf(a)
	}
	switch e.content {
	case contentText:
		p.textOf(e.text)
	case contentKids:
		p.kids(typ)
	}
	p.end()
}

func (p *parser) attrOf(a *attrType) {
	v := p.value(a.field)
	if p.bound() {
		p.printer.value(a.name, v)
	}
}

func (p *parser) textOf(f uint16) {
	v := p.value(f)
	if p.bound() && v != "" {
		p.seal()
		p.out = markup.AppendEscaped(p.out, v)
	}
}

// literal reads characters up to a zero.
func (p *parser) literal() string {
	for i := p.at; i < len(p.b); i++ {
		c := p.b[i]
		if c == 0 {
			v := p.b[p.at:i]
			p.at = i + 1
			if !utf8.Valid(v) {
				p.fail("no UTF-8")
				return ""
			}
			return str(v)
		}
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			break
		}
	}
	p.fail("no text")
	return ""
}

// check looks at the text as a whole.
func (p *parser) check() {
	if err := p.t.read.stanza(p.t.s, p.out); err != nil {
		p.fail("%v", err)
	}
	p.t.read.release()
}
