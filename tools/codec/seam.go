package main

import (
	"errors"
	"fmt"
	"time"

	"longwire/links/codec/arith"
	"longwire/links/codecs"
)

// A model is what links code stanzas by: one direction of a stream. It is the seam of links/codec and links/codec/light.
type model interface {
	codecs.Model
	Near(id, ref uint64)
}

// followChance is that another stanza follows in the same frame, in 65536ths.
const followChance = 1 << 14

// A modeled is a way coded by a model, and read again by a second one.
type modeled struct {
	out, in model
	alone   bool // each run without what went before

	enc     arith.Encoder
	dec     arith.Decoder
	choices []arith.Choice

	encoded, decoded time.Duration // of the processor
}

func (m *modeled) times() (encode, decode time.Duration) { return m.encoded, m.decoded }

func (m *modeled) code(run []item) (sizes []int, err error) {
	began := spent()
	if m.alone {
		m.out.Reset()
		m.out.Near(run[0].near, run[0].ref)
	}
	m.enc.Begin()
	before := 0
	for i, it := range run {
		if i > 0 {
			m.enc.Encode(arith.Choose(1, followChance))
		}
		m.choices = m.out.Plan(it.text, m.choices[:0])
		for _, c := range m.choices {
			m.enc.Encode(c)
		}
		n := m.enc.Length(arith.Choose(0, followChance))
		sizes = append(sizes, n-before)
		before = n
	}
	m.enc.Encode(arith.Choose(0, followChance))
	frame := m.enc.Finish()
	m.encoded += spent() - began
	return sizes, m.read(frame, run)
}

// read decodes a frame and compares.
func (m *modeled) read(frame []byte, run []item) error {
	began := spent()
	if m.alone {
		m.in.Reset()
		m.in.Near(run[0].near, run[0].ref)
	}
	m.dec.Begin(frame)
	texts := make([][]byte, len(run))
	for i, it := range run {
		text, ok := m.in.Decode(&m.dec, len(it.text)+1<<10)
		if !ok {
			return fmt.Errorf("it cannot be read again: %s", it.text)
		}
		texts[i] = text
		if more := m.dec.Decode(followChance) == 1; more != (i < len(run)-1) {
			return errors.New("the frame ends too early or too late")
		}
	}
	m.decoded += spent() - began
	for i, it := range run {
		if err := same(it.sent, texts[i]); err != nil {
			return err
		}
	}
	return nil
}
