package token

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
