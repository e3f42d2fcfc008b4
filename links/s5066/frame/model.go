package frame

import (
	"bytes"
	"sync"

	"longwire/links/codec/arith"
)

// A model guesses a stanza's text bit by bit, from all the text that it has learned. Where the text repeats what it saw (and most of a stanza
// does) it asks once for each byte whether it is the one expected; elsewhere it mixes the guesses of several contexts.
//
// The seam to the rest of the package is reset, learn, plan and decode: what a model knows is a function of the texts alone.
type model struct {
	buf   []byte // the preset, and the texts
	ahead []byte // what follows, when it is known
	pos   place
	seen  matches

	cells cells
	word  uint32 // hash of the word so far

	ctx   [contexts]uint32 // hashes of the contexts of the byte
	line  [contexts]*line  // where their counters are, for this half of the byte
	in    [inputs]int32
	mix   [sets]mixer
	trust [contexts][256]counter // what a counter's word is worth

	runs [16 * 16 * 4]counter // whether the expected byte comes
	ids  [64]counter          // whether an id is the stanza's own
	hits [16 * 8]counter      // whether a bit of the expected byte does

	mode mode
	out  []arith.Choice
	src  *arith.Decoder
}

type mode uint8

const (
	learning mode = iota
	planning
	decoding
)

// newModel makes a model; reset makes it ready.
func newModel() *model { return &model{} }

// primed is a model that has learned the preset. It is made once and only copied.
var primed = sync.OnceValue(func() *model {
	m := newModel()
	m.seen.reset()
	m.cells.lines = make([]line, 1<<baseBits)
	for i := range m.runs {
		m.runs[i].set(1<<16 - 1<<16/uint32(i>>6+2))
	}
	for i := range m.ids {
		m.ids[i].set(1 << 15)
	}
	for i := range m.hits {
		m.hits[i].set(3 << 14)
	}
	for k := range m.trust {
		for i, s := range states {
			m.trust[k][i].set(s.chance())
		}
	}
	for i := range m.mix {
		m.mix[i].reset()
	}
	for _, t := range preset() {
		m.Learn(t)
	}
	return m
})

// Reset forgets everything but the preset.
func (m *model) Reset() {
	p := primed()
	buf, lines := append(m.buf[:0], p.buf...), m.cells.lines
	if lines == nil {
		lines = make([]line, 1<<cellBits)
	}
	clear(lines)
	*m = *p
	m.buf, m.cells = buf, cells{lines, &p.cells}
}

// Learn takes a text in that both ends know.
func (m *model) Learn(text []byte) {
	m.mode = learning
	m.run(text)
}

// Plan takes a text in and appends the choices that say it.
func (m *model) Plan(text []byte, out []arith.Choice) []arith.Choice {
	m.mode, m.out = planning, out
	m.run(text)
	out, m.out = m.out, nil
	return out
}

func (m *model) run(text []byte) {
	m.begin()
	for i, c := range text {
		m.ahead = text[i:]
		m.byte(c)
	}
	m.ahead = nil
}

// Decode takes in the text that the choices of src say, up to max bytes.
func (m *model) Decode(src *arith.Decoder, max int) (text []byte, ok bool) {
	m.mode, m.src = decoding, src
	m.begin()
	from := len(m.buf)
	for !ok && len(m.buf)-from < max && !src.Over() {
		ok = m.byte(0)
	}
	m.src = nil
	return bytes.Clone(m.buf[from:]), ok
}

func (m *model) begin() {
	m.pos = place{}
	m.word = 0
}

// code says, or asks for, one choice.
func (m *model) code(bit int, p uint32) int {
	switch m.mode {
	case planning:
		m.out = append(m.out, arith.Choose(bit, p))
	case decoding:
		return m.src.Decode(p)
	}
	return bit
}

// byte says, or finds out, the next byte. It tells whether that ends the stanza.
func (m *model) byte(c byte) (end bool) {
	if m.pos.atID() {
		m.askID()
	}
	s := &m.seen
	if !s.ok {
		c = m.guess(c, 0, false)
		return m.take(c)
	}
	want := m.buf[s.ptr]
	r := &m.runs[s.state(want)]
	p := r.chance()
	if p < likely {
		c = m.guess(c, want, true)
		r.update(equal(c, want), 250)
		return m.take(c)
	}
	hit := m.code(equal(c, want), p)
	r.update(hit, 250)
	if hit == 1 {
		return m.take(want)
	}
	return m.take(m.guess(c, want, false))
}

// likely is the chance from which on a byte is asked for as a whole.
const likely = 55000

func equal(a, b byte) int {
	if a == b {
		return 1
	}
	return 0
}

// askID settles whether the value that begins is the stanza's own id once more.
func (m *model) askID() {
	p := &m.pos
	from := len(m.buf) - p.at + p.idFrom
	own := m.buf[from : from+p.idLen]
	r := &m.ids[p.elem>>26]
	bit := 0
	if bytes.HasPrefix(m.ahead, own) && len(m.ahead) > len(own) && m.ahead[len(own)] == p.quote {
		bit = 1
	}
	bit = m.code(bit, r.chance())
	r.update(bit, 30)
	if bit == 1 {
		m.seen.follow(from)
	}
}

// take puts the byte into the history.
func (m *model) take(c byte) (end bool) {
	m.buf = append(m.buf, c)
	m.seen.take(m.buf)
	switch {
	case c >= 'a' && c <= 'z' || c >= 0x80:
		m.word = hashByte(m.word, c)
	case c >= 'A' && c <= 'Z':
		m.word = hashByte(m.word, c|0x20)
	default:
		m.word = 0
	}
	end = m.pos.step(c)
	if key, ok := m.pos.junction(uint32(c)); ok {
		m.seen.meet(key*hashMul, len(m.buf))
	}
	return end
}

// Text is the method of this package: a model of the text as it is.
func Text() Method {
	return Method{Codec: Codec{Mix, [4]byte{'t', 'e', 'x', 't'}}, New: func() Model { return newModel() }}
}
