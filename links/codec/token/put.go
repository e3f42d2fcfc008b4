package token

import (
	"bytes"
	"strings"
)

// value writes a value of field f.
func (w *writer) value(fi uint16, v []byte) {
	f := &w.t.s.fields[fi]
	switch f.kind {
	case kindText:
		w.text(v)
		return
	case kindJID:
		w.jid(v)
		return
	}
	if w.known(f, v) || w.typed(f, v) {
		return
	}
	if !w.raw(v) {
		w.put(formText)
		w.text(v)
	}
	w.t.learnWord(f, str(v))
}

// learnWord notes a value that was written out.
func (t *Table) learnWord(f *field, v string) {
	if f.class >= 0 {
		_, n := f.codes()
		t.learnt += t.classes[f.class].learn(v, n-len(t.s.enums[f.class]))
	}
}

func (w *writer) text(v []byte) {
	w.out = append(append(w.out, v...), 0)
}

// known writes a value that is in a table.
func (w *writer) known(f *field, v []byte) bool {
	if f.sort != sortText && w.provisioned(v) {
		return true // few look like it
	}
	if f.kind == kindID && w.isOwn(v) {
		return true
	}
	if f.class >= 0 {
		first, _ := f.codes()
		if i, ok := w.t.s.enumAt[f.class][string(v)]; ok {
			w.put(first + byte(i))
			return true
		}
		if i, ok := w.t.classes[f.class].at[string(v)]; ok {
			w.put(first + byte(len(w.t.s.enums[f.class])+i))
			return true
		}
	}
	if w.provisioned(v) {
		return true
	}
	if i, ok := w.t.s.sharedN[string(v)]; ok {
		w.put(formShare+byte(i>>8), byte(i))
		return true
	}
	return false
}

func (w *writer) provisioned(v []byte) bool {
	i, ok := w.t.prov.number[string(v)]
	if ok {
		w.put(formProv+byte(i>>8), byte(i))
	}
	return ok
}

// typed writes a value whose form is that of its kind.
func (w *writer) typed(f *field, v []byte) bool {
	switch f.kind {
	case kindID:
		return w.number(f, v)
	case kindInt:
		return w.integer(v)
	case kindDec:
		return w.integer(v) || w.decimal(v)
	case kindStamp:
		return w.time(v)
	case kindAny:
		return w.isOwn(v) || w.integer(v) || w.time(v) || w.decimal(v) || w.knownJID(v)
	}
	return false
}

func (w *writer) isOwn(v []byte) bool {
	if len(v) == 0 || !bytes.Equal(v, w.t.own) {
		return false
	}
	w.put(formOwn)
	return true
}

// raw writes a value that is the print of bytes.
func (w *writer) raw(v []byte) bool {
	form, b := rawOf(v)
	switch form {
	case 0:
		return false
	case formUUID:
		w.put(form)
	default:
		w.put(form)
		w.size(len(b))
	}
	w.put(b...)
	return true
}

// size writes how many bytes follow: seven bits a byte, the lowest first.
func (w *writer) size(n int) {
	for ; n > 127; n >>= 7 {
		w.put(byte(n) | 128)
	}
	w.put(byte(n))
}

// magnitude writes a header that holds flags above the count of bytes, and the bytes of n, the highest first.
func (w *writer) magnitude(flags byte, n uint64) {
	k := 0
	for m := n; m > 0; m >>= 8 {
		k++
	}
	w.put(flags | byte(k))
	for ; k > 0; k-- {
		w.put(byte(n >> (8 * (k - 1))))
	}
}

// minus is the flag of a negative number.
const minus = 128

func (w *writer) signed(n int64) {
	if n < 0 {
		w.magnitude(minus, uint64(-n))
	} else {
		w.magnitude(0, uint64(n))
	}
}

func (w *writer) integer(v []byte) bool {
	n, ok := parseInt(v)
	switch {
	case !ok:
	case n >= 0 && n < 16:
		w.put(formSmall + byte(n))
	default:
		w.put(formInt)
		w.signed(n)
	}
	return ok
}

// decimal writes -12.340: sign, digits behind the point, and the number without it.
func (w *writer) decimal(v []byte) bool {
	neg, digits, n, ok := parseDec(v)
	if !ok {
		return false
	}
	flags := byte(digits) << 3
	if neg {
		flags |= minus
	}
	w.put(formDec)
	w.magnitude(flags, n)
	return true
}

// time writes the seconds since the last time that was told.
func (w *writer) time(v []byte) bool {
	micro, digits, ok := parseTime(v)
	if !ok {
		return false
	}
	w.put(formStamp + byte(digits/3))
	w.signed(floorSec(micro) - floorSec(w.t.stamp))
	switch frac := micro - floorSec(micro)*1_000_000; digits {
	case 3:
		frac /= 1000
		w.put(byte(frac>>8), byte(frac))
	case 6:
		w.put(byte(frac>>16), byte(frac>>8), byte(frac))
	}
	w.t.stamp = micro
	return true
}

// number writes an id that is a number to base 36.
func (w *writer) number(f *field, v []byte) bool {
	n, ok := parseNumber(v)
	if !ok {
		return false
	}
	known := w.t.numbers.known
	side := w.t.side(f, n)
	s := &w.t.numbers
	last, near := s.last[side], s.near[side]
	d := int64(n) - int64(last)
	switch {
	case known && last == 0 && near != 0 && nearest(near, byte(n>>1), n&1) == n:
		w.put(formNear+byte(side), byte(n>>1))
	case last != 0 && d >= -2*steps && d < 2*steps:
		w.put(step(side) + byte(d/2+steps))
	case last != 0 && side == 0 && d > -1<<20 && d < 1<<20:
		w.put(formFar)
		w.signed(d / 2)
	default:
		w.put(formAbs)
		w.magnitude(0, n)
	}
	s.keep(f, side, n)
	return true
}

// jidCode writes the number of JID i, and whether a resource follows.
func (w *writer) jidCode(i int, res byte) {
	if i < jidNear {
		w.put(jidFirst + byte(i) + res*jidRes)
		return
	}
	i -= jidNear
	w.put(jidWide+byte(i>>8)+res*jidRes, byte(i))
}

// knownJID writes a value that is a JID of the table.
func (w *writer) knownJID(v []byte) bool {
	bare, _, _ := bytes.Cut(v, []byte("/"))
	if _, ok := w.t.jids.bare[string(bare)]; !ok {
		return false
	}
	w.put(formJID)
	w.jid(v)
	return true
}

func (w *writer) jid(v []byte) {
	j := &w.t.jids
	if f, ok := j.full[string(v)]; ok {
		w.jidCode(f[0], 1)
		w.put(resFirst + byte(f[1]))
		return
	}
	bare, res, has := bytes.Cut(v, []byte("/"))
	var hasRes byte
	if has {
		hasRes = 1
	}
	i, ok := j.bare[string(bare)]
	switch {
	case ok:
		w.jidCode(i, hasRes)
	case !fits(str(bare)):
		w.put(jidOther)
		w.text(v)
		return
	default:
		i = w.newJID(string(bare), hasRes)
	}
	if has {
		w.resource(i, res)
	}
}

// newJID writes a JID that was not met before; its domain comes first, as it often was.
func (w *writer) newJID(bare string, hasRes byte) int {
	local, domain, has := strings.Cut(bare, "@")
	if has {
		w.put(jidNew + hasRes)
		w.value(fieldDomain, []byte(domain))
		w.text([]byte(local))
	} else {
		w.put(jidNew + 2 + hasRes)
		w.value(fieldDomain, []byte(bare))
	}
	i, grew := w.t.jids.learn(bare)
	w.t.learnt += grew
	return i
}

func (w *writer) resource(i int, res []byte) {
	if k, ok := w.t.jids.local[string(res)]; ok {
		w.put(resLocal)
		w.jidCode(k, 0)
		return
	}
	if len(res) > maxString {
		w.put(resOther)
	} else {
		w.put(resNew)
		w.t.learnt += w.t.jids.learnRes(i, string(res))
	}
	w.text(res)
}
