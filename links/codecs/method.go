// Package codecs is what two ends of a link may have in common to code stanzas: kinds of codecs, how one is told from another, and the models of one
// direction of a stream.
package codecs

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

// Remedy is what people are told when the two ends of a link cannot both have the best.
const Remedy = "[peer.codec] (method, names, texts, phrases) must be the same on both sides, and so must the release"
