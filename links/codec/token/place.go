package token

// Op is what a byte of a token string does where it stands.
type Op uint8

// The kinds of bytes.
const (
	OpHead     Op = iota // begins the stanza
	OpJID                // first byte of a JID
	OpRes                // first byte of a resource
	OpForm               // first byte of a value
	OpLow                // second byte of a number whose first byte said about where
	OpSize               // how many bytes follow
	OpRaw                // one of them
	OpText               // a character, or the zero behind the last
	OpMask               // which attributes there are
	OpChild              // first byte of a child, or the end of its parent
	OpAttr               // first byte of an attribute in general form
	opShift              // not a byte: where the ops that are not told apart begin
	opJIDLow             // OpLow of a JID that n tells of
	opRefJID             // OpJID of the JID whose local part is a resource
	opRefLow             // OpLow of that
	opMag                // OpSize of a number
	opMask2              // OpMask of attributes beyond the eighth
	opOdd                // OpLow, high byte of an element's number
	opOddLow             // OpLow, low byte of that
	opWide               // OpLow, low byte of an element's number
	opHeadMask           // OpMask of a stanza
	opRoot               // OpChild of a root that is no stanza
	opRandom             // OpRaw of what looks random
	opUUID               // OpRaw of a UUID
	opNear               // OpLow of a number near to another
)

// todo is what will be read: an op on a field or on an element type, and what else it must know.
type todo struct {
	op    Op
	field uint16
	typ   int16
	n     uint32
}

// A Place follows a token string byte by byte and says what comes next. It takes any bytes. What it says is a function of
// the string so far; only Head, From and To of the stanza before are kept.
type Place struct {
	s     *schema
	stack []todo

	Op    Op
	Field uint16 // whose byte comes: below Fields
	Kind  uint8  // what is usual in that field
	Text  bool   // the byte is of plain text, ended by a zero
	Human bool   // … which a person wrote
	Raw   bool   // the byte is of a value that looks random, …
	Even  bool   // … and so is the byte itself: all are as likely
	Cold  bool   // nothing was learned from stanzas before
	Pos   uint32 // bytes of the text or of the value so far
	Type  int16  // the element that the byte is in or of; -1: one that the schema does not know

	Value  uint32 // hash of the value so far
	Path   uint32 // hash of what was in the element before
	Last   uint32 // hash of the value before
	Head   byte
	From   uint32 // hash of the sender, 0 as long as it is not known
	To     uint32
	Before struct { // the same of the stanza before
		Head     byte
		From, To uint32
	}
	Lo, Hi int  // symbols from Lo on and below Hi are those that the tables have; none: nothing is known of them
	Named  bool // the byte is a number that another stream gives to something else
	Again  int  // as many symbols come into question that are greater by this, if it is not 0

	state State
	from  int    // number of the sender, -1: none
	up    uint32 // path where the present element stands
}

// Fields is how many fields there may be.
const Fields = 1024

// noJID stands for one that has no number yet.
const noJID = 0xFFFF

// maxTodo bounds what is to be read; more than any stanza's needs.
const maxTodo = 4096

// Begin makes ready for a stanza, before which the tables were in that state.
func (p *Place) Begin(state State) {
	p.state, p.from, p.Cold = state, -1, state.cold
	if p.s == nil {
		p.s = theSchema()
	}
	p.Before.Head, p.Before.From, p.Before.To = p.Head, p.From, p.To
	p.stack = append(p.stack[:0], todo{op: OpHead, field: fieldHead, typ: -1})
	p.Head, p.From, p.To, p.Last, p.up, p.Path = 0, 0, 0, 0, 0, 0
	p.fresh()
	p.show()
}

// Forget makes a new Place of it, for the first stanza of a stream.
func (p *Place) Forget() { *p = Place{s: p.s, stack: p.stack} }

func hash(h uint32, c uint32) uint32 { return (h + c + 1) * 0x9E3779B1 }

func (p *Place) fresh() { p.Value, p.Pos = 0, 0 }

func (p *Place) push(t todo) { p.stack = append(p.stack, t) }

// show sets what is told of the next byte.
func (p *Place) show() {
	if len(p.stack) == 0 {
		return
	}
	t := &p.stack[len(p.stack)-1]
	p.Op, p.Field, p.Type = t.op, t.field, t.typ
	switch t.op {
	case opJIDLow, opRefLow, opOdd, opOddLow, opWide, opNear:
		p.Op = OpLow
	case opRefJID:
		p.Op = OpJID
	case opMag:
		p.Op = OpSize
	case opMask2, opHeadMask:
		p.Op = OpMask
	case opRoot:
		p.Op = OpChild
	case opRandom, opUUID:
		p.Op = OpRaw
	}
	if p.Op == OpChild || p.Op == OpAttr {
		p.Path = t.n
	}
	f := &p.s.fields[t.field]
	p.Kind = uint8(f.kind)
	p.Text = t.op == OpText
	p.Human = p.Text && f.human
	p.Raw = t.op == opRandom || t.op == opUUID
	p.Even = p.Raw && !(t.op == opUUID && (p.Pos == 7 || p.Pos == 9)) // RFC 9562 §4.1: version and variant
	p.Even = p.Even || t.op == opNear
	p.Lo, p.Hi, p.Again, p.Named = 0, 0, 0, false
	switch t.op {
	case OpJID, opRefJID:
		p.jids(t)
	case OpRes:
		p.Named = true
		if i := int(t.n >> 16); p.state.prov != nil && i < len(p.state.prov.res) {
			p.Lo, p.Hi = resFirst, min(resFirst+p.state.prov.res[i], 256)
		}
	case OpLow:
		p.Named = t.n >= formProv
		if p.Named && p.state.prov != nil {
			from := p.state.prov.sorts[f.sort]
			to := p.state.prov.sorts[f.sort+1]
			page := int(t.n-formProv) << 8
			p.Lo, p.Hi = min(max(from-page, 0), 256), min(max(to-page, 0), 256)
		}
	case opJIDLow, opRefLow:
		p.Named = true
	}
}

// jids tells which JIDs there are.
func (p *Place) jids(t *todo) {
	p.Named = true
	from, to := 0, p.state.jids
	if v := p.state.prov; v != nil && to == v.bare && len(v.sides) == 2 {
		side := p.state.side
		if t.field == fieldTo && p.from >= 0 {
			side = 1 // that of the sender, …
			if p.from < v.sides[1] {
				side = 0
			}
			side ^= 1 // … which it does not go to
		} else if t.field != fieldFrom {
			side = -1
		}
		switch side {
		case 0:
			to = v.sides[1]
		case 1:
			from = v.sides[1]
		}
	}
	p.Lo, p.Hi, p.Again = min(jidFirst+from, jidWide), min(jidFirst+to, jidWide+8), jidRes
}

// Step takes the next byte in. It tells whether the stanza ends with it.
func (p *Place) Step(c byte) (end bool) {
	n := len(p.stack)
	if n == 0 {
		return true
	}
	t := p.stack[n-1]
	p.stack = p.stack[:n-1]
	p.Value = hash(p.Value, uint32(c))
	p.Pos++
	p.act(t, c)
	if len(p.stack) > maxTodo {
		p.stack = p.stack[:0]
	}
	p.show()
	return len(p.stack) == 0
}

func (p *Place) act(t todo, c byte) {
	switch t.op {
	case OpHead:
		p.head(c)
	case opHeadMask:
		p.done(t.field)
		p.headMask(c)
	case OpJID, opRefJID:
		p.jid(t, c)
	case opJIDLow:
		p.named(t, jidNear+int(t.n&7)<<8+int(c), byte(t.n>>8))
	case opRefLow:
		p.done(t.field)
	case OpRes:
		p.resource(t, c)
	case OpForm:
		p.form(t, c)
	case OpLow, opNear:
		p.done(t.field)
	case OpSize:
		p.size(t, c)
	case opMag:
		p.raw(OpRaw, t, uint32(c&t.magMask())+t.n)
	case OpRaw, opRandom, opUUID:
		p.raw(t.op, t, t.n-1)
	case OpText:
		if c != 0 {
			p.push(t)
			return
		}
		p.done(t.field)
	case OpMask, opMask2:
		p.mask(t, c)
	case OpChild, opRoot:
		p.child(t, c)
	case opOdd:
		p.push(todo{op: opOddLow, field: fieldChild, typ: -1, n: uint32(c)})
	case opOddLow:
		p.odd(t.n<<8|uint32(c), true)
	case opWide:
		p.odd(t.n<<8|uint32(c), false)
	case OpAttr:
		p.attr(t, c)
	}
}

// magMask is the bits of a header that count bytes.
func (t *todo) magMask() byte {
	if t.typ == -2 {
		return 7 // of a decimal
	}
	return 15
}

// done ends a value.
func (p *Place) done(field uint16) {
	p.Last = hash(p.Value, uint32(field))
	p.Path = hash(p.Path, p.Last)
	switch field {
	case fieldFrom:
		p.From = p.Last | 1
	case fieldTo:
		p.To = p.Last | 1
	}
	p.fresh()
}

func (p *Place) raw(op Op, t todo, n uint32) {
	if n == 0 {
		p.done(t.field)
		return
	}
	t.op, t.n, t.typ = op, n, max(t.typ, -1)
	p.push(t)
}

func (p *Place) head(c byte) {
	p.Head = c
	p.fresh()
	switch {
	case c == headCopy:
		p.push(todo{op: OpJID, field: fieldTo, typ: -1})
	case c == headOther:
		p.push(todo{op: opRoot, field: fieldChild, typ: -1})
	case int(c-headFirst) < len(p.s.heads):
		h := &p.s.heads[c-headFirst]
		root := p.s.roots[h.root()]
		p.push(todo{op: opHeadMask, field: fieldMask, typ: root})
		p.push(todo{op: OpJID, field: fieldTo, typ: root})
		p.push(todo{op: OpJID, field: fieldFrom, typ: root})
		if h.odd {
			p.push(todo{op: OpForm, field: fieldType, typ: root})
		}
	}
}

func (p *Place) headMask(c byte) {
	root := p.s.roots[p.s.heads[p.Head-headFirst].root()]
	p.push(todo{op: OpChild, field: fieldChild, typ: root, n: hash(uint32(root), uint32(c))})
	if c&maskExtra != 0 {
		p.push(todo{op: OpAttr, field: fieldAttr, typ: root})
	}
	if c&maskLang != 0 {
		p.push(todo{op: OpForm, field: fieldLang, typ: root})
	}
	if c&maskID != 0 {
		p.push(todo{op: OpForm, field: fieldID, typ: root})
	}
}

func (p *Place) jid(t todo, c byte) {
	ref, res := t.op == opRefJID, byte(0)
	if c >= jidFirst+jidRes {
		c, res = c-jidRes, 1
	}
	switch {
	case c >= jidWide+8:
		p.done(t.field)
	case c >= jidWide:
		t.op, t.n = opJIDLow, uint32(c-jidWide)|uint32(res)<<8
		if ref {
			t.op = opRefLow
		}
		p.push(t)
	case ref || c == jidAbsent || c > jidOther && c < jidFirst:
		p.done(t.field)
	case c == jidOther:
		p.push(todo{op: OpText, field: t.field, typ: t.typ})
	case c < jidOther:
		if (c-jidNew)&1 != 0 {
			p.push(todo{op: OpRes, field: fieldResource, typ: t.typ, n: uint32(t.field) | noJID<<16})
		}
		if (c-jidNew)&2 == 0 {
			p.push(todo{op: OpText, field: fieldLocal, typ: t.typ})
		}
		p.push(todo{op: OpForm, field: fieldDomain, typ: t.typ})
	default:
		p.named(t, int(c-jidFirst), res)
	}
}

// named ends JID i of the tables.
func (p *Place) named(t todo, i int, res byte) {
	if t.field == fieldFrom {
		p.from = i
	}
	if res == 0 {
		p.done(t.field)
		return
	}
	t.op, t.n, t.field = OpRes, uint32(t.field)|uint32(i)<<16, fieldResource
	p.push(t)
}

func (p *Place) resource(t todo, c byte) {
	field := uint16(t.n & 0xFFFF)
	switch c {
	case resNew, resOther:
		p.push(todo{op: OpText, field: fieldResource, typ: t.typ})
	case resLocal:
		p.push(todo{op: opRefJID, field: field, typ: t.typ})
	default:
		p.done(field)
	}
}

func (p *Place) form(t todo, c byte) {
	f := &p.s.fields[t.field]
	switch {
	case c == formText:
		t.op = OpText
	case c == formUUID:
		p.raw(opUUID, t, 16)
		return
	case c <= formB64:
		t.op, t.n = OpSize, 0
	case c >= formShare:
		t.op, t.n = OpLow, uint32(c)
	case c == formInt || (c == formAbs || c == formFar) && f.kind == kindID || c == formStamp:
		t.op, t.n = opMag, 0
	case c == formStamp+1:
		t.op, t.n = opMag, 2
	case c == formStamp+2:
		t.op, t.n = opMag, 3
	case c == formDec:
		t.op, t.n, t.typ = opMag, 0, -2
	case c == formJID:
		t.op = OpJID
	case c == formNear || c == formNear+1:
		t.op = opNear
	default:
		p.done(t.field)
		return
	}
	p.push(t)
}

// size gathers how many bytes follow; it is over in three.
func (p *Place) size(t todo, c byte) {
	k := t.n >> 28
	n := t.n&(1<<28-1) | uint32(c&127)<<(7*k)
	if c >= 128 && k < 2 {
		t.n = n | (k+1)<<28
		p.push(t)
		return
	}
	p.raw(opRandom, t, min(n, maxRaw))
}

func (p *Place) child(t todo, c byte) {
	p.fresh()
	if t.op == OpChild {
		if c == childEnd {
			p.Path = hash(t.n, 0)
			return
		}
		t.n = hash(t.n, uint32(c))
		p.push(t)
	}
	p.up, p.Path = t.n, t.n
	switch {
	case c == childEnd:
	case c == childText:
		p.push(todo{op: OpForm, field: fieldInner, typ: t.typ})
	case c == childOther || c == childName:
		p.unknown(-1)
		p.push(todo{op: OpForm, field: fieldName, typ: -1})
		if c == childOther {
			p.push(todo{op: OpForm, field: fieldSpace, typ: -1})
		} else {
			p.push(todo{op: OpForm, field: fieldPrefix, typ: -1})
		}
	case c == childOdd:
		p.push(todo{op: opOdd, field: fieldChild, typ: -1})
	case c < childFirst:
		p.push(todo{op: opWide, field: fieldChild, typ: -1, n: uint32(c - childWide)})
	case t.typ >= 0 && int(c-childFirst) < len(p.s.types[t.typ].kids):
		p.element(p.s.types[t.typ].kids[c-childFirst])
	}
}

// unknown is an element in general form.
func (p *Place) unknown(typ int16) {
	p.push(todo{op: OpChild, field: fieldChild, typ: typ, n: hash(uint32(int32(typ)), p.up)})
	p.push(todo{op: OpAttr, field: fieldAttr, typ: typ})
}

// odd begins an element by its number.
func (p *Place) odd(n uint32, general bool) {
	p.fresh()
	switch {
	case n >= uint32(len(p.s.types)):
	case general:
		p.unknown(int16(n))
	default:
		p.element(int16(n))
	}
}

func (p *Place) element(typ int16) {
	e := &p.s.types[typ]
	if e.optional > 0 {
		p.push(todo{op: OpMask, field: fieldMask, typ: typ})
		return
	}
	p.inside(typ, 0)
}

func (p *Place) mask(t todo, c byte) {
	if t.op == OpMask && p.s.types[t.typ].optional > 8 {
		p.push(todo{op: opMask2, field: fieldMask, typ: t.typ, n: uint32(c)})
		return
	}
	mask := uint32(c)
	if t.op == opMask2 {
		mask = t.n | mask<<8
	}
	p.Path = hash(p.Path, mask)
	p.fresh()
	p.inside(t.typ, mask)
}

// inside puts what an element with these attributes holds on the stack, the last first.
func (p *Place) inside(typ int16, mask uint32) {
	e := &p.s.types[typ]
	switch e.content {
	case contentText:
		p.value(e.text, typ)
	case contentKids:
		p.push(todo{op: OpChild, field: fieldChild, typ: typ, n: hash(uint32(typ), p.up)})
	}
	bit := e.optional
	for i := len(e.attrs) - 1; i >= 0; i-- {
		if e.attrs[i].optional {
			if bit--; mask>>bit&1 == 0 {
				continue
			}
		}
		p.value(e.attrs[i].field, typ)
	}
}

func (p *Place) value(field uint16, typ int16) {
	op := OpForm
	switch p.s.fields[field].kind {
	case kindText:
		op = OpText
	case kindJID:
		op = OpJID
	}
	p.push(todo{op: op, field: field, typ: typ})
}

func (p *Place) attr(t todo, c byte) {
	p.fresh()
	if c == attrEnd {
		return
	}
	t.n = hash(t.n, uint32(c))
	p.push(t)
	val := todo{op: OpForm, field: fieldValue, typ: t.typ}
	nam := todo{op: OpForm, field: fieldName, typ: t.typ}
	pre := todo{op: OpForm, field: fieldPrefix, typ: t.typ}
	switch c {
	case attrPlain:
		p.push(val)
		p.push(nam)
	case attrPrefix:
		p.push(val)
		p.push(nam)
		p.push(pre)
	case attrDecl:
		val.field = fieldSpace
		p.push(val)
		p.push(pre)
	}
}
