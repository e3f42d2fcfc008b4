package token

import "longwire/xmpp/markup"

// writer puts what a reader has read into tokens.
type writer struct {
	t   *Table
	r   *reader
	out []byte
	def string // default namespace where the writer is
}

func (w *writer) put(c ...byte) { w.out = append(w.out, c...) }

func (w *writer) stanza(text []byte) {
	r := w.r
	n := &r.nodes[0]
	if w.t.copyOf(text, r.toFrom, r.toEnd) {
		w.put(headCopy)
		w.jid(text[r.toFrom:r.toEnd])
		return
	}
	root := rootOf(n)
	if root == "" {
		w.put(headOther)
		w.child(0, -1)
		return
	}
	w.head(n, root)
	w.kids(0, n.typ)
}

// rootOf is the kind of stanza that n is, "" for none.
func rootOf(n *node) string {
	if n.space == "" && n.prefix == "" && (n.local == "message" || n.local == "presence" || n.local == "iq") {
		return n.local
	}
	return ""
}

func (w *writer) head(n *node, root string) {
	typ := w.r.find(n, "", "type")
	h, ok := w.t.s.headOf[head{kind: root}]
	if typ != nil {
		if h, ok = w.t.s.headOf[head{kind: root, typ: str(typ.value)}]; len(typ.value) == 0 {
			ok = false
		}
	}
	if ok {
		w.put(h)
	} else {
		w.put(w.t.s.headOf[head{kind: root, odd: true}])
		w.value(fieldType, typ.value)
	}
	for _, l := range first[:2] {
		if a := w.r.find(n, "", l); a != nil {
			w.jid(a.value)
		} else {
			w.put(jidAbsent)
		}
	}
	id, lang := w.r.find(n, "", "id"), w.r.find(n, "xml", "lang")
	var mask byte
	if id != nil {
		mask |= maskID
	}
	if lang != nil {
		mask |= maskLang
	}
	for k := n.attr; k < n.attrEnd; k++ {
		if !isFirst(&w.r.attrs[k]) {
			mask |= maskExtra
		}
	}
	w.put(mask)
	w.t.answer = typ != nil && isAnswer(str(typ.value))
	if id != nil {
		w.value(fieldID, id.value)
		w.t.own = append(w.t.own, id.value...)
	}
	if lang != nil {
		w.value(fieldLang, lang.value)
	}
	if mask&maskExtra != 0 {
		w.list(n, true)
	}
}

// isAnswer tells whether a stanza of that type has the id of another. RFC 6120 §8.1.3.
func isAnswer(typ string) bool { return typ == "result" || typ == "error" }

// list writes attributes in general form; of a stanza's root those that are not in its head.
func (w *writer) list(n *node, root bool) {
	for k := n.attr; k < n.attrEnd; k++ {
		a := &w.r.attrs[k]
		switch {
		case root && isFirst(a):
		case a.decl:
			w.put(attrDecl)
			w.value(fieldPrefix, []byte(a.prefix))
			w.value(fieldSpace, a.value)
		case a.prefix != "":
			w.put(attrPrefix)
			w.value(fieldPrefix, []byte(a.prefix))
			w.value(fieldName, []byte(a.local))
			w.value(fieldValue, a.value)
		default:
			w.put(attrPlain)
			w.value(fieldName, []byte(a.local))
			w.value(fieldValue, a.value)
		}
	}
	w.put(attrEnd)
}

// kids writes what is inside node i, which is of type typ.
func (w *writer) kids(i int32, typ int16) {
	for j := i + 1; j < w.r.nodes[i].end; j = w.r.nodes[j].end {
		w.child(j, typ)
	}
	w.put(childEnd)
}

func (w *writer) child(j int32, parent int16) {
	n := &w.r.nodes[j]
	if n.text {
		w.put(childText)
		w.value(fieldInner, n.value)
		return
	}
	def := w.def
	if n.prefix == "" {
		defer func() { w.def = def }()
		w.def = n.space
	}
	switch {
	case n.prefix != "":
		w.put(childName)
		w.value(fieldPrefix, []byte(n.prefix))
		w.value(fieldName, []byte(n.local))
		w.list(n, false)
		w.kids(j, -1)
	case n.typ < 0:
		w.put(childOther)
		w.space(n.space, def)
		w.value(fieldName, []byte(n.local))
		w.list(n, false)
		w.kids(j, -1)
	case !w.regular(j):
		w.put(childOdd, byte(n.typ>>8), byte(n.typ))
		w.list(n, false)
		w.kids(j, n.typ)
	default:
		if c, ok := w.t.s.kid[[2]int16{parent, n.typ}]; ok {
			w.put(c)
		} else {
			w.put(childWide+byte(n.typ>>8), byte(n.typ))
		}
		w.element(j)
	}
}

// space writes a default namespace.
func (w *writer) space(s, outside string) {
	switch s {
	case outside:
		w.put(formOwn)
	case markup.NoNamespace:
		w.put(formSmall)
	default:
		w.value(fieldSpace, []byte(s))
	}
}

// regular tells whether the schema's form has room for node j.
func (w *writer) regular(j int32) bool {
	n := &w.r.nodes[j]
	e := &w.t.s.types[n.typ]
	k := n.attr
	for i := range e.attrs {
		if k < n.attrEnd && w.is(k, e.attrs[i].name) {
			k++
		} else if !e.attrs[i].optional {
			return false
		}
	}
	if k != n.attrEnd {
		return false
	}
	switch e.content {
	case contentNone:
		return n.end == j+1
	case contentText:
		return n.end == j+1 || n.end == j+2 && w.r.nodes[j+1].text
	}
	return true
}

// is tells whether attribute k has that name.
func (w *writer) is(k int32, name string) bool {
	a := &w.r.attrs[k]
	if a.decl {
		return false
	}
	if a.prefix == "" {
		return a.local == name
	}
	n := len(a.prefix)
	return len(name) == n+1+len(a.local) && name[n] == ':' && name[:n] == a.prefix && name[n+1:] == a.local
}

// element writes node j, for which regular holds.
func (w *writer) element(j int32) {
	n := &w.r.nodes[j]
	e := &w.t.s.types[n.typ]
	if e.optional > 0 {
		var mask uint16
		k, bit := n.attr, 0
		for i := range e.attrs {
			have := k < n.attrEnd && w.is(k, e.attrs[i].name)
			if have {
				k++
			}
			if e.attrs[i].optional {
				if have {
					mask |= 1 << bit
				}
				bit++
			}
		}
		w.put(byte(mask))
		if e.optional > 8 {
			w.put(byte(mask >> 8))
		}
	}
	k := n.attr
	for i := range e.attrs {
		if k < n.attrEnd && w.is(k, e.attrs[i].name) {
			w.value(e.attrs[i].field, w.r.attrs[k].value)
			k++
		}
	}
	switch e.content {
	case contentText:
		var v []byte
		if n.end > j+1 {
			v = w.r.nodes[j+1].value
		}
		w.value(e.text, v)
	case contentKids:
		w.kids(j, n.typ)
	}
}
