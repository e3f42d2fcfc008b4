// Package token writes stanzas as short strings of bytes that a model can guess well, and reads them back.
//
// What names, namespaces and kinds of values there are is in a schema (schema.txt). JIDs and strings that come again are
// called by their numbers in tables, which are a function of the provision and of the stanzas since Reset. What no schema
// knows crosses in a general form: nothing well-formed is refused, and nothing is lost.
package token

import (
	"errors"
	"fmt"
)

// Errors of the package wrap one of these.
var (
	ErrText  = errors.New("token: not the text of a stanza")
	ErrToken = errors.New("token: not the tokens of a stanza")
)

// A Table says what numbers mean. It is for one direction of one stream and for one goroutine. After an error of Parse
// it must be Reset; Append fails without effect.
type Table struct {
	s       *schema
	prov    *provision
	read    reader
	jids    jidTable
	classes []class
	learnt  int // bytes in jids and classes that are not provisioned
	numbers numbers
	stamp   int64  // the last time, in microseconds since 1970
	cold    bool   // no stanza since Reset
	own     []byte // id of the stanza at hand
	answer  bool   // and whether it has that from what it answers
	prev    last   // the stanza before
}

// last is a stanza that the next one may be a copy of.
type last struct {
	text     []byte
	from, to int // text[from:to] is the value of its to; from 0: has none
}

// New makes a table whose first entries are jids and strings; both must be sorted and have nothing twice.
func New(jids, strings []string) *Table {
	t := &Table{s: theSchema(), prov: newProvision(jids, strings)}
	t.Reset()
	return t
}

// Reset forgets all but the provision.
func (t *Table) Reset() {
	t.forget()
	t.cold = true
	t.numbers, t.stamp = numbers{}, epoch
	t.own, t.prev = t.own[:0], last{text: t.prev.text[:0]}
}

// forget empties what was learnt.
func (t *Table) forget() {
	t.jids.reset(t.prov)
	if t.classes == nil {
		t.classes = make([]class, len(t.s.enums))
	}
	for i := range t.classes {
		t.classes[i].reset()
	}
	t.learnt = 0
}

// begin makes ready for the next stanza.
func (t *Table) begin() { t.own = t.own[:0] }

// A State is what a Place goes by that a Table knew before a stanza.
type State struct {
	prov *provision
	jids int // how many have a number
	side int // of the provisioned sides, that which sends; -1: not known
	cold bool
}

// State is that before the next stanza.
func (t *Table) State() State {
	s := State{t.prov, len(t.jids.list), -1, t.cold}
	if n := &t.numbers; n.known && len(t.prov.sides) == 2 {
		s.side = int(n.odd ^ 1) // the side that comes first in order has the odd numbers
	}
	return s
}

// Append writes the stanza text as tokens behind dst, and learns it.
func (t *Table) Append(dst, text []byte) ([]byte, error) {
	defer t.read.release()
	if err := t.read.stanza(t.s, text); err != nil {
		return dst, fmt.Errorf("%w: %w", ErrText, err)
	}
	t.begin()
	w := writer{t: t, r: &t.read, out: dst}
	w.stanza(text)
	t.keep(text, t.read.toFrom, t.read.toEnd)
	return w.out, nil
}

// keep holds the stanza for a copy of it.
func (t *Table) keep(text []byte, from, to int) {
	t.prev = last{text: t.prev.text[:0]}
	if from > 0 && len(text) <= maxCopy {
		t.prev = last{append(t.prev.text, text...), from, to}
	}
	t.cold = false
	if t.learnt > maxLearnt {
		t.forget()
	}
}

// copyOf tells whether text is the stanza before with another to.
func (t *Table) copyOf(text []byte, from, to int) bool {
	p := &t.prev
	return from > 0 && p.from == from && string(p.text[:from]) == string(text[:from]) && string(p.text[p.to:]) == string(text[to:])
}

// Parse reads the stanza that tok begins with, n bytes of it, and learns it. The text is at most max bytes long.
func (t *Table) Parse(tok []byte, max int) (text []byte, n int, err error) {
	t.begin()
	p := parser{t: t, b: tok, max: max}
	p.stanza()
	if p.err == nil && p.rare {
		p.check()
	}
	if p.err != nil {
		return nil, p.at, p.err
	}
	t.keep(p.out, p.toFrom, p.toEnd)
	return p.out, p.at, nil
}
