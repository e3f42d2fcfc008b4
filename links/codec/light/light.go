// Package light is the second method of coding stanzas, for small machines and as the common ground of ends that differ: tokens, quotations of
// what went before and of a dictionary (RFC 1951 without its headers), and chances of bytes that are counted as they come.
package light

import (
	"longwire/links/codec/arith"
	"longwire/links/codec/token"
)

// A Model is one direction of one stream. What it knows before a stanza is a function of the stanzas since Reset. It is for one
// goroutine, and small until used.
type Model struct {
	lore  *Lore
	known *learned
	words *token.Table
	past  *window
	lit   literals

	tok    []byte
	fields []field // of each byte of tok
	spots  []spot
	steps  []step
	quotes []quote
}

// A field is the kind of a byte of tokens.
type field struct {
	context context // of the chances of literals
	text    uint8   // 1: what people wrote
}

// Reset forgets everything but the lore.
func (m *Model) Reset() {
	if m.words == nil {
		m.words, m.past = m.lore.table(), new(window)
		m.known = m.lore.learned()
		m.lit.shared = &m.known.literals
	} else {
		m.words.Reset()
		m.past.reset()
	}
	m.lit.reset()
}

func (m *Model) begin() {
	if m.words == nil {
		m.Reset()
	}
}

// Near tells about which numbers the ids of the next stanza have, when none was met since Reset.
func (m *Model) Near(id, ref uint64) {
	m.begin()
	m.words.Near(id, ref)
}

// Learn takes in a canonical text that both ends know. Any other text changes nothing.
func (m *Model) Learn(text []byte) {
	if m.load(text) {
		m.take()
	}
}

// load makes tokens of a text.
func (m *Model) load(text []byte) bool {
	m.begin()
	tok, err := m.words.Append(m.tok[:0], text)
	if err != nil {
		return false
	}
	m.tok = tok
	m.fields = m.fields[:0]
	var p place
	p.begin()
	for _, c := range tok {
		m.fields = append(m.fields, p.field())
		p.step(c)
	}
	return true
}

// take takes in m.tok.
func (m *Model) take() {
	for i, c := range m.tok {
		m.lit.learn(m.fields[i].context, c)
	}
	m.past.add(m.tok)
}

// Plan takes in a canonical text and appends the choices that say it.
func (m *Model) Plan(text []byte, out []arith.Choice) []arith.Choice {
	if !m.load(text) {
		return out
	}
	i, had := 0, false
	for _, s := range m.parse() {
		f := m.fields[i]
		if s.length == 0 {
			out = append(out, arith.Choose(0, chanceQuote[f.text]))
			out = m.lit.in(f.context).plan(m.tok[i], out)
			i++
			continue
		}
		out = append(out, arith.Choose(1, chanceQuote[f.text]))
		if had {
			out = append(out, arith.Choose(is(s.kind == again), chanceAgain[f.text]))
		}
		if s.kind != again && len(m.past.buf) > 0 {
			out = append(out, arith.Choose(is(s.kind == book), chanceBook[f.text]))
		}
		out = lengths[f.text].plan(s.length-shortest+1, out)
		switch s.kind {
		case fresh:
			out, had = ages.plan(s.at, out), true
		case book:
			out = places.plan(s.at+1, out)
		}
		i += max(1, s.length)
	}
	m.take()
	return out
}

func is(b bool) int {
	if b {
		return 1
	}
	return 0
}
