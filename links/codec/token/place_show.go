package token

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
