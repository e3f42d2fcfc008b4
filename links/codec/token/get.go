package token

import "strings"

// value reads a value of field f. It is good until the next value is read.
func (p *parser) value(fi uint16) string {
	f := &p.t.s.fields[fi]
	switch f.kind {
	case kindText:
		return p.literal()
	case kindJID:
		v, _ := p.jid()
		return v
	}
	c := p.next()
	p.tmp = p.tmp[:0]
	switch {
	case p.err != nil:
		return ""
	case c == formText:
		return p.learn(f, p.literal())
	case c <= formB64:
		n := 16
		if c != formUUID {
			n = p.size()
		}
		b := p.take(n)
		if p.err != nil {
			return ""
		}
		p.tmp = appendRaw(p.tmp, c, b)
		return p.learn(f, str(p.tmp))
	case c >= formProv:
		return entry(p, p.t.prov.strings, int(c-formProv)<<8|int(p.next()))
	case c >= formShare:
		return entry(p, p.t.s.shared, int(c-formShare)<<8|int(p.next()))
	}
	if first, _ := f.codes(); c >= first {
		return p.classed(f, int(c-first))
	}
	return p.typed(f, c)
}

func (p *parser) learn(f *field, v string) string {
	if p.err == nil {
		p.t.learnWord(f, v)
	}
	return v
}

func entry(p *parser, l []string, i int) string {
	if i >= len(l) {
		p.fail("no such string")
		return ""
	}
	return l[i]
}

func (p *parser) classed(f *field, i int) string {
	if f.class < 0 {
		p.fail("no table here")
		return ""
	}
	e := p.t.s.enums[f.class]
	if i < len(e) {
		return e[i]
	}
	return entry(p, p.t.classes[f.class].words, i-len(e))
}

func (p *parser) typed(f *field, c byte) string {
	switch {
	case c == formJID:
		v, _ := p.jid()
		return v
	case c == formOwn:
		return string(p.t.own)
	case c == formInt:
		return p.integer(p.signed())
	case c >= formSmall && c < formClass:
		return p.integer(int64(c - formSmall))
	case c == formDec:
		h := p.next()
		p.tmp = appendDec(p.tmp, h&minus != 0, int(h>>3&15), p.bytes(int(h&7)))
		return str(p.tmp)
	case c >= formStamp && c < formJID:
		return p.time(3 * int(c-formStamp))
	case f.kind == kindID && c < formTheir+2*steps:
		return p.number(f, c)
	}
	p.fail("no such value")
	return ""
}

// size reads what writer.size wrote.
func (p *parser) size() (n int) {
	for k := 0; k < 21; k += 7 {
		c := p.next()
		n |= int(c&127) << k
		if c < 128 {
			break
		}
	}
	if n > maxRaw {
		p.fail("too long")
	}
	return n
}

func (p *parser) bytes(k int) (n uint64) {
	for _, c := range p.take(k) {
		n = n<<8 | uint64(c)
	}
	return n
}

func (p *parser) signed() int64 {
	h := p.next()
	if h&^minus > 8 {
		p.fail("no number")
	}
	n := int64(p.bytes(int(h &^ minus)))
	if h&minus != 0 {
		return -n
	}
	return n
}

func (p *parser) integer(n int64) string {
	p.tmp = appendInt(p.tmp, n)
	return str(p.tmp)
}

func (p *parser) time(digits int) string {
	sec := floorSec(p.t.stamp) + p.signed()
	frac := int64(0)
	switch digits {
	case 3:
		frac = 1000 * int64(p.bytes(2))
	case 6:
		frac = int64(p.bytes(3))
	}
	if sec < firstSec || sec > lastSec || frac >= 1_000_000 {
		p.fail("no time")
		return ""
	}
	p.t.stamp = sec*1_000_000 + frac
	p.tmp = appendTime(p.tmp, p.t.stamp, digits)
	return str(p.tmp)
}

func (p *parser) number(f *field, c byte) string {
	s := &p.t.numbers
	side, n := 0, uint64(0)
	switch {
	case c == formAbs:
		n = p.bytes(int(p.next() & 15))
		side = p.t.side(f, n)
	case c == formNear || c == formNear+1:
		side = int(c - formNear)
		n = nearest(s.near[side], p.next(), s.odd^uint64(side))
	case c == formFar:
		n = s.last[0] + uint64(2*p.signed())
	case c >= formTheir:
		side = 1
		n = s.last[1] + uint64(2*(int64(c-formTheir)-steps))
	case c >= formStep:
		n = s.last[0] + uint64(2*(int64(c-formStep)-steps))
	}
	if n >= maxNumber {
		p.fail("no number")
		return ""
	}
	s.keep(f, side, n)
	p.tmp = appendNumber(p.tmp, n)
	return str(p.tmp)
}

// jid reads a JID; ok is false when there is none.
func (p *parser) jid() (v string, ok bool) {
	c := p.next()
	j := &p.t.jids
	switch {
	case p.err != nil || c == jidAbsent:
		return "", false
	case c < jidOther:
		return p.newJID(c - jidNew), true
	case c == jidOther:
		return p.literal(), true
	case c < jidFirst:
		p.fail("no such JID")
		return "", true
	}
	i, res := p.jidCode(c)
	if i < 0 || i >= len(j.list) {
		p.fail("no such JID")
		return "", true
	}
	if res == 0 {
		return j.list[i].bare, true
	}
	return p.resource(i), true
}

func (p *parser) jidCode(c byte) (i int, res byte) {
	if c >= jidFirst+jidRes {
		c, res = c-jidRes, 1
	}
	switch {
	case c < jidFirst || c >= jidWide+8:
		return -1, 0
	case c < jidWide:
		return int(c - jidFirst), res
	}
	return jidNear + int(c-jidWide)<<8 + int(p.next()), res
}

func (p *parser) newJID(flags byte) string {
	bare := strings.Clone(p.value(fieldDomain))
	if flags&2 == 0 {
		bare = p.literal() + "@" + bare
	}
	if _, known := p.t.jids.bare[bare]; known || !fits(bare) || strings.Contains(bare, "/") || p.err != nil {
		p.fail("no new JID")
		return ""
	}
	i, grew := p.t.jids.learn(bare)
	p.t.learnt += grew
	if flags&1 == 0 {
		return bare
	}
	return p.resource(i)
}

// resource reads the resource of JID i.
func (p *parser) resource(i int) string {
	j := &p.t.jids
	e := &j.list[i]
	var res string
	switch c := p.next(); {
	case c >= resFirst:
		res = entry(p, e.res, int(c-resFirst))
	case c == resLocal:
		k, odd := p.jidCode(p.next())
		if k < 0 || k >= len(j.list) || odd != 0 {
			p.fail("no such JID")
			return ""
		}
		res = localPart(j.list[k].bare)
	case c == resNew:
		if res = p.literal(); p.err != nil || len(res) > maxString {
			p.fail("no resource")
			return ""
		}
		if _, known := j.full[e.bare+"/"+res]; known {
			p.fail("no new resource")
			return ""
		}
		p.t.learnt += j.learnRes(i, strings.Clone(res))
	case c == resOther:
		res = p.literal()
	default:
		p.fail("no resource")
	}
	p.tmp = append(append(append(p.tmp[:0], e.bare...), '/'), res...)
	return str(p.tmp)
}
