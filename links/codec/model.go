package codec

import (
	"bytes"

	"longwire/links/codec/arith"
)

// A Model is one direction of one stream: what it knows before a stanza is a function of the stanzas learned since Reset. It is for one
// goroutine, and small until used.
type Model struct {
	lore *Lore
	near uint64

	chance  []uint16 // of a 1, by context
	history uint32

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

// Near says which short number is likely next, for stanzas that are coded alone.
func (m *Model) Near(n uint64) { m.near = n }

// Reset forgets everything but the lore.
func (m *Model) Reset() {
	if m.chance == nil {
		m.chance = make([]uint16, 1<<16)
	}
	for i := range m.chance {
		m.chance[i] = 1 << 15
	}
	m.history = 0
}

// Learn takes in a canonical text that both ends know.
func (m *Model) Learn(text []byte) {
	m.mode = learning
	m.run(text)
}

// Plan takes in a canonical text and appends the choices that say it.
func (m *Model) Plan(text []byte, out []arith.Choice) []arith.Choice {
	m.mode, m.out = planning, out
	m.run(text)
	out, m.out = m.out, nil
	return out
}

func (m *Model) run(text []byte) {
	m.begin()
	for _, c := range text {
		m.byte(c)
	}
	m.byte(0)
}

func (m *Model) begin() {
	if m.chance == nil {
		m.Reset()
	}
}

// Decode takes in the text that d says, of max bytes at most. It is not ok if there is none; then the model must be Reset.
func (m *Model) Decode(d *arith.Decoder, max int) (text []byte, ok bool) {
	m.mode, m.src = decoding, d
	m.begin()
	defer func() { m.src = nil }()
	for len(text) <= max && !d.Over() {
		c := m.byte(0)
		if c == 0 {
			return bytes.Clone(text), true
		}
		text = append(text, c)
	}
	return nil, false
}

// byte says, or finds out, the next byte.
func (m *Model) byte(c byte) byte {
	node := uint32(1)
	for i := 7; i >= 0; i-- {
		p := &m.chance[(m.history*0x2F0B4C47+node*0x9E3779B1)>>16]
		bit := m.code(int(c>>i)&1, min(max(uint32(*p), 1), 65535))
		*p += uint16((int32(bit)*65535 - int32(*p)) >> 4)
		node = node<<1 | uint32(bit)
	}
	m.history = m.history<<8 | node&255
	return byte(node)
}

// code says, or asks for, one choice.
func (m *Model) code(bit int, p uint32) int {
	switch m.mode {
	case planning:
		m.out = append(m.out, arith.Choose(bit, p))
	case decoding:
		return m.src.Decode(p)
	}
	return bit
}
