package frame

import "longwire/links/codec/arith"

// A Kind is a family of codecs.
type Kind uint8

const (
	Raw   Kind = iota // as they are
	Light             // tokens, and matches with what went before (links/codec/light)
	Mix               // tokens, guessed bit by bit (links/codec)
)

// A Codec is what both ends must have alike to understand each other: format, tables and models, of which ID is the hash. Raw has none.
type Codec struct {
	Kind Kind
	ID   [4]byte
}

// A Model knows one direction of one stream. What it knows is a function of the texts that it learned, planned or decoded since Reset, and of nothing else.
type Model interface {
	Reset()
	// Learn takes in a text that both ends know. One that the model cannot say changes nothing.
	Learn(text []byte)
	// Plan takes a text in and appends the choices that say it.
	Plan(text []byte, out []arith.Choice) []arith.Choice
	// Decode takes in the text that the choices of d say, up to max bytes. When it fails, the model has to be Reset.
	Decode(d *arith.Decoder, max int) (text []byte, ok bool)
}

// A Method makes the models of a codec. The zero Method leaves stanzas uncoded.
type Method struct {
	Codec
	New func() Model
	// Canonical is the one form of a stanza that the models know, or an error if it has none. nil: any text is.
	Canonical func(text []byte) ([]byte, error)
}

// canonical is what a text comes back as from the far end, and whether it can be coded.
func (m *Method) canonical(text []byte) ([]byte, bool) {
	switch {
	case m.New == nil || len(text) > MaxStanza:
		return text, false
	case m.Canonical == nil:
		return text, true
	}
	c, err := m.Canonical(text)
	if err != nil || len(c) > MaxStanza {
		return text, false
	}
	return c, true
}

// follows is the choice between stanzas: whether there is another one. It teaches the model nothing, as how stanzas are put into frames
// must not matter to what comes later.
func follows(more bool) arith.Choice { return choose(more, followP) }

func choose(yes bool, p uint32) arith.Choice {
	if yes {
		return arith.Choose(1, p)
	}
	return arith.Choose(0, p)
}

const followP = 1 << 14
