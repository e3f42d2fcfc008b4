package frame

import (
	"bytes"
	"encoding/binary"

	"longwire/links/codec/arith"
	"longwire/links/codecs"
)

// An Encoder makes the frames of one direction. It is the sender's end of the history: Start before the first Encode, and Back
// after a lost contact. It is for one goroutine. What it holds is the history, and from the first coded frame on a model.
type Encoder struct {
	// Method is how stanzas are coded, from the next Start on. The far end is told with the names.
	Method codecs.Method

	h     history
	start uint32

	pending []byte         // stanza next, which the model has learned already,
	plan    []arith.Choice // and what it takes to say it

	split struct { // of stanza next
		text, body []byte
		raw        bool
		part       uint64
	}
}

// Start begins a run: the next stanza has number n, and nothing before it is needed to read it.
func (e *Encoder) Start(n uint32) {
	e.forget()
	e.h.start(n, e.Method, [2]uint64{})
	e.start = n
}

// Uses is how the stanzas of the run are coded.
func (e *Encoder) Uses() codecs.Codec { return e.h.method.Codec }

// Next is the number of the first stanza of the next frame.
func (e *Encoder) Next() uint32 { return e.h.next() }

// Back makes n the next number, as after a contact that was lost: stanzas from n on may not have come to the peer. False means that
// the run does not reach back so far; then a new one must be started.
func (e *Encoder) Back(n uint32) bool {
	if !e.h.has(n) {
		return false
	}
	e.forget()
	e.h.back(n)
	return true
}

// Rest lets go of the model, of a stream that says nothing for long. The next frame has to learn the history again.
func (e *Encoder) Rest() { e.h.rest(); e.pending, e.plan = nil, nil }

// Text is stanza n as it was sent in this run, before Back. As the peer may have it, it should be sent again as it was: a stanza that
// was changed (a delay stamped anew) costs a new run when frames of before Back still come in.
func (e *Encoder) Text(n uint32) ([]byte, bool) { return e.h.text(n) }

func (e *Encoder) forget() {
	if e.pending != nil {
		e.h.ok = false
	}
	e.pending = nil
	e.split.text, e.split.body, e.split.part = nil, nil, 0
}

// Encode appends a frame to b that has as many of the stanzas as go into limit bytes, and tells how many that were. Data, Run, Uses and
// Seq of h are Encode's to set. The stanzas' bytes must not change afterwards. What comes out at the far end is their canonical form.
//
// When the first stanza is too large, the frame has a piece of it and taken is 0; Encode must then be called with the same stanza
// again until it is 1. Each piece comes in a frame of its own.
func (e *Encoder) Encode(b []byte, h Header, stanzas [][]byte, limit int) (frame []byte, taken int, err error) {
	if !e.h.begun || len(stanzas) == 0 {
		return b, 0, ErrRoom
	}
	if e.h.lone() && e.h.next() != e.start {
		return b, 0, ErrHistory
	}
	if len(h.Out) == 0 || len(h.Out) > MaxName || len(h.In) > MaxName || len(stanzas[0]) > MaxStanza {
		return b, 0, ErrTooLong
	}
	h.Seq, h.Uses = e.h.next(), e.Uses()
	h.Data, h.Run = Stanzas, h.Seq == e.start
	first, coded := canonical(&e.h.method, stanzas[0])
	if e.split.body != nil {
		if bytes.Equal(e.split.text, first) {
			return e.piece(b, h, limit)
		}
		e.forget()
	}
	if h.Run && coded && e.h.near != h.near() {
		e.h.near, e.pending, e.h.ok = h.near(), nil, false
	}
	h.Lone = e.h.lone()
	if e.pending != nil && !bytes.Equal(e.pending, first) {
		e.pending, e.h.ok = nil, false
	}
	if !coded {
		return e.encodeRaw(b, h, stanzas, limit)
	}
	head := leastly
	if !h.settled(false) {
		head = len(h.appendFull(nil, false, 0)) + 2
	}
	if limit <= head {
		return b, 0, ErrRoom
	}
	body, texts, fits := e.fill(&h, first, stanzas[1:], limit-head)
	if !fits {
		e.split.text, e.split.body, e.split.raw, e.split.part = first, body, false, 0
		return e.piece(b, h, limit)
	}
	e.h.trim()
	sum := h.sum(false, 0, texts...)
	if h.settled(false) {
		b = h.appendSettled(b, h.Seq, sum)
	} else {
		b = binary.BigEndian.AppendUint16(h.appendFull(b, false, 0), sum)
	}
	return append(b, body...), len(texts), nil
}

// near is what the model may be told of ids: in a frame that says so.
func (h *Header) near() [2]uint64 {
	if !h.Run || h.Near[0] == 0 || !h.settled(false) {
		return [2]uint64{}
	}
	return h.Near
}

// encodeRaw makes the frame of stanzas that are not coded.
func (e *Encoder) encodeRaw(b []byte, h Header, stanzas [][]byte, limit int) ([]byte, int, error) {
	room := limit - 2 - len(h.appendFull(nil, true, 0))
	if room <= 0 {
		return b, 0, ErrRoom
	}
	body, texts := appendRaw(stanzas, room, e.h.method.New != nil)
	if len(body) > room {
		e.split.text, e.split.body, e.split.raw, e.split.part = stanzas[0], body, true, 0
		return e.piece(b, h, limit)
	}
	for _, t := range texts {
		e.h.add(t)
	}
	e.h.trim()
	b = binary.BigEndian.AppendUint16(h.appendFull(b, true, 0), h.sum(true, 0, texts...))
	return append(b, body...), len(texts), nil
}

// fill codes what goes into room bytes. When not even the first stanza fits, body is what a full form has of it.
func (e *Encoder) fill(h *Header, first []byte, more [][]byte, room int) (body []byte, texts [][]byte, fits bool) {
	var c arith.Encoder
	c.Begin()
	if h.settled(false) {
		h.prelude(&c)
	}
	plan := e.say(first)
	c.Take(plan)
	if c.Length(follows(false)) > room {
		c.Begin()
		if e.h.lone() {
			e.h.near, e.pending, e.h.ok = [2]uint64{}, nil, false
			plan = e.say(first)
		}
		c.Take(plan)
		c.Encode(follows(false))
		return c.Finish(), nil, false
	}
	texts, size := append(texts, first), len(first)
	e.said(first)
	for _, t := range more {
		text, coded := canonical(&e.h.method, t)
		if size += len(text); !coded || len(texts) == MaxStanzas || size > MaxText {
			break
		}
		before := c.Mark()
		c.Encode(follows(true))
		c.Take(e.say(text))
		if c.Length(follows(false)) > room {
			c.Rewind(before)
			break // it stays pending
		}
		texts = append(texts, text)
		e.said(text)
	}
	c.Encode(follows(false))
	return c.Finish(), texts, true
}

// said takes the text that is pending into the history: what follows is coded as if it were sent, as it will be.
func (e *Encoder) said(text []byte) {
	e.h.add(text)
	e.pending = nil
}

// say is what it takes to say the next stanza.
func (e *Encoder) say(text []byte) []arith.Choice {
	if e.pending != nil {
		return e.plan // it is this one
	}
	n := e.h.next()
	e.h.seek(n)
	if cap(e.plan) > 1<<16 {
		e.plan = nil // of a large one
	}
	e.plan = e.h.m.Plan(text, e.plan[:0])
	e.h.at = n + 1
	e.pending = text
	return e.plan
}

// piece appends a frame with the next piece of the stanza that is split.
func (e *Encoder) piece(b []byte, h Header, limit int) ([]byte, int, error) {
	s := &e.split
	h.Data = Part
	head := len(h.appendFull(nil, s.raw, s.part)) + 2
	room := limit - head
	if room <= 0 {
		return b, 0, ErrRoom
	}
	if len(s.body) <= room {
		h.Data = Last
		b = h.appendFull(b, s.raw, s.part)
		b = binary.BigEndian.AppendUint16(b, h.sum(s.raw, s.part, s.text))
		b = append(b, s.body...)
		text := s.text
		e.pending = nil
		e.forget()
		e.h.add(text)
		e.h.trim()
		return b, 1, nil
	}
	// A piece is checked as it is on the wire: the stanza is known with the last.
	b = h.appendFull(b, s.raw, s.part)
	b = binary.BigEndian.AppendUint16(b, h.sum(s.raw, s.part, s.body[:room]))
	b = append(b, s.body[:room]...)
	s.body = s.body[room:]
	s.part++
	return b, 0, nil
}

// appendRaw writes stanzas uncoded, each behind its length.
func appendRaw(stanzas [][]byte, room int, one bool) (body []byte, texts [][]byte) {
	size := 0
	for i, t := range stanzas {
		if i > 0 && (one || i == MaxStanzas || size+len(t) > MaxText || len(t) > MaxStanza) {
			break
		}
		have := len(body)
		body = binary.AppendUvarint(body, uint64(len(t)))
		body = append(body, t...)
		if i > 0 && len(body) > room {
			return body[:have], texts
		}
		texts = append(texts, t)
		size += len(t)
	}
	return body, texts
}
