package token

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
