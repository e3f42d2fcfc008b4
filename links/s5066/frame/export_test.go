package frame

import (
	"encoding/binary"

	"longwire/links/codec/arith"
	"longwire/links/codecs"
)

// Piece makes a frame with a piece of a stanza, as Encoder does.
func Piece(h Header, seq uint32, part uint64, raw bool, body []byte) []byte {
	h.Data, h.Seq, h.Run = Part, seq, seq == 1
	b := h.appendFull(nil, raw, part)
	b = binary.BigEndian.AppendUint16(b, h.sum(raw, part, body))
	return append(b, body...)
}

// Coded is the body of a frame with text count times, whether or not it is a stanza.
func Coded(New func() codecs.Model, text []byte, count int) []byte {
	m := New()
	m.Reset()
	var c arith.Encoder
	c.Begin()
	for i := range count {
		if i > 0 {
			c.Encode(follows(true))
		}
		c.Take(m.Plan(text, nil))
	}
	return c.Finish()
}

// Ends tells whether the body of f can be decoded with d's history as if it were right, whatever the check says.
func Ends(d *Decoder, f *Frame) bool {
	n := d.h.next()
	_, err := d.decode(f, f.body)
	d.h.back(n)
	d.h.ok = false
	return err == nil
}
