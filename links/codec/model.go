package codec

import (
	"bytes"

	"longwire/links/codec/arith"
	"longwire/links/codec/mix"
	"longwire/links/codec/token"
)

// A Model is one direction of one stream: what it knows before a stanza is a function of the stanzas learned since Reset. It is for one
// goroutine, and small until used.
type Model struct {
	lore   *Lore
	table  *token.Table
	place  token.Place
	mind   *mix.Mind
	begun  bool
	writer writer
	clerk  clerk
	tokens []byte
	deaf   bool // to human text, while only the rest is to be learned

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

// Model is a new stream that knows the lore.
func (l *Lore) Model() *Model { return &Model{lore: l} }

// Near says about which short number the next stanza has, and which those have that it refers to, for stanzas that are coded alone. Both
// ends must say about the same; 0 is unknown.
func (m *Model) Near(id, ref uint64) {
	m.ready()
	m.table.Near(id, ref)
}

// Reset forgets everything but the lore.
func (m *Model) Reset() {
	if m.mind == nil {
		m.mind, m.table = &mix.Mind{}, token.New(m.lore.provision.JIDs, m.lore.provision.Strings)
	}
	m.mind.Reset(m.lore.own.get())
	m.table.Reset()
	m.place.Forget()
	m.clerk, m.begun = clerk{}, true
}

func (m *Model) ready() {
	if !m.begun {
		m.Reset()
	}
}

// Learn takes in a canonical text that both ends know. One that is none is not learned.
func (m *Model) Learn(text []byte) {
	m.mode = learning
	m.run(text)
}

// Plan takes in a canonical text and appends the choices that say it. For a text that is none it appends none.
func (m *Model) Plan(text []byte, out []arith.Choice) []arith.Choice {
	m.mode, m.out = planning, out
	m.run(text)
	out, m.out = m.out, nil
	return out
}

func (m *Model) run(text []byte) {
	m.ready()
	state := m.table.State()
	tokens, err := m.table.Append(m.tokens[:0], text)
	m.tokens = tokens[:0]
	if err != nil {
		return
	}
	m.begin(state)
	for _, c := range tokens {
		m.byte(c)
	}
}

func (m *Model) begin(state token.State) {
	m.place.Begin(state)
	m.clerk.begin()
}

// Decode takes in the text that d says, of max bytes at most. It is not ok if there is none; then the model must be Reset.
func (m *Model) Decode(d *arith.Decoder, max int) (text []byte, ok bool) {
	m.ready()
	m.mode, m.src = decoding, d
	m.begin(m.table.State())
	m.tokens = m.tokens[:0]
	for end := false; !end; {
		if d.Over() || len(m.tokens) > mostTokens(max) {
			return nil, false
		}
		var c byte
		c, end = m.byte(0)
		m.tokens = append(m.tokens, c)
	}
	m.src = nil
	text, n, err := m.table.Parse(m.tokens, max)
	if err != nil || n != len(m.tokens) || n > mostTokens(len(text)) {
		return nil, false
	}
	return bytes.Clone(text), true
}

// mostTokens is how many tokens a text of so many bytes can have. Empty texts and the like are written by nobody, but would let a few bytes
// keep a reader busy for long.
func mostTokens(text int) int { return 2*text + maxHead }

const maxHead = 64

// byte says, or finds out, the next byte of the tokens. It tells whether that is the last.
func (m *Model) byte(c byte) (byte, bool) {
	human := m.place.Human
	switch {
	case human && m.deaf:
	case human:
		c = m.letter(c)
	case m.place.Even:
		c = m.even(c)
	default:
		c = m.mind.Marks.Symbol(m.clerk.next(&m.place), c, m)
		m.clerk.step(&m.place, c)
	}
	end := m.place.Step(c)
	if m.place.Human && !human {
		m.write(uint32(m.place.Field))
	}
	return c, end
}

// even says, or finds out, a byte of which nothing can be guessed.
func (m *Model) even(c byte) (out byte) {
	for i := 7; i >= 0; i-- {
		out = out<<1 | byte(m.Code(int(c>>i)&1, 1<<15))
	}
	return out
}

// write begins human text.
func (m *Model) write(field uint32) {
	m.writer.begin(field)
	m.mind.Words.Begin()
}

// letter says, or finds out, the next byte of human text.
func (m *Model) letter(c byte) byte {
	symbol, capital := fold(c)
	symbol = m.mind.Words.Symbol(m.writer.next(), symbol, m)
	if isLetter(symbol) {
		contexts, view := m.writer.capitals(symbol)
		if capital = m.mind.Capital(&contexts, view, capital, m); capital == 1 {
			c = symbol &^ 0x20
		} else {
			c = symbol
		}
	} else {
		c, capital = symbol, 0
	}
	m.writer.step(symbol, capital)
	return c
}

// Code says, or asks for, one choice.
func (m *Model) Code(bit int, p uint32) int {
	switch m.mode {
	case planning:
		m.out = append(m.out, arith.Choose(bit, p))
	case decoding:
		return m.src.Decode(p)
	}
	return bit
}
