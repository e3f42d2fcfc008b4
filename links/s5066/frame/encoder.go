package frame

import (
	"bytes"
	"encoding/binary"

	"longwire/links/codec/arith"
)

// An Encoder makes the frames of one direction. It is the sender's end of the history: Start before the first Encode, and Back
// after a lost contact. It is for one goroutine. With its first coded frame it grows to about half a MiB.
type Encoder struct {
	// Plain leaves stanzas uncoded. The far end needs not be told.
	Plain bool

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
	e.h.start(n)
	e.start = n
}

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

// Encode appends a frame to b that has as many of the stanzas as go into limit bytes, and tells how many that were. Data, Run and
// Seq of h are Encode's to set. The stanzas' bytes must not change afterwards.
//
// When the first stanza is too large, the frame has a piece of it and taken is 0; Encode must then be called with the same stanza
// again until it is 1. Each piece comes in a frame of its own.
func (e *Encoder) Encode(b []byte, h Header, stanzas [][]byte, limit int) (frame []byte, taken int, err error) {
	if !e.h.begun || len(stanzas) == 0 {
		return b, 0, ErrRoom
	}
	if len(h.Out) == 0 || len(h.Out) > MaxName || len(h.In) > MaxName || len(stanzas[0]) > MaxStanza {
		return b, 0, ErrTooLong
	}
	h.Seq = e.h.next()
	h.Data, h.Run = Stanzas, h.Seq == e.start
	if e.split.body != nil {
		if bytes.Equal(e.split.text, stanzas[0]) {
			return e.piece(b, h, limit)
		}
		e.forget()
	}
	if e.pending != nil && !bytes.Equal(e.pending, stanzas[0]) {
		e.pending, e.h.ok = nil, false
	}
	room := limit - 2 - len(h.appendHeader(nil, false, 0))
	if room <= 0 {
		return b, 0, ErrRoom
	}
	body, texts, raw := e.fill(stanzas, room)
	if len(body) > room {
		s := &e.split
		s.text, s.body, s.raw, s.part = stanzas[0], body, raw, 0
		return e.piece(b, h, limit)
	}
	if raw {
		for _, t := range texts {
			e.h.add(t)
		}
	}
	e.h.trim()
	b = h.appendHeader(b, raw, 0)
	b = binary.BigEndian.AppendUint16(b, h.sum(raw, 0, texts...))
	return append(b, body...), len(texts), nil
}

// fill codes what goes into room bytes; the first stanza in any case.
func (e *Encoder) fill(stanzas [][]byte, room int) (body []byte, texts [][]byte, raw bool) {
	if e.Plain || !codable(stanzas[0]) {
		body, texts = appendRaw(stanzas, room, !e.Plain)
		return body, texts, true
	}
	var c arith.Encoder
	c.Begin()
	n, size := e.h.next(), 0
	for i, text := range stanzas {
		if i > 0 && (i == MaxStanzas || size+len(text) > MaxText || len(text) > MaxStanza || !codable(text)) {
			break
		}
		before := c.Mark()
		if i > 0 {
			c.Encode(follows(true))
		}
		for _, d := range e.say(n+uint32(i), text) {
			c.Encode(d)
		}
		if i > 0 && c.Length(follows(false)) > room {
			c.Rewind(before)
			break // it stays pending
		}
		texts = append(texts, text)
		size += len(text)
		if i == 0 && c.Length(follows(false)) > room {
			break
		}
		// What follows is coded as if this one were sent, as it will be.
		e.h.add(text)
		e.pending = nil
	}
	c.Encode(follows(false))
	return c.Finish(), texts, false
}

// say is what it takes to say stanza n, the next.
func (e *Encoder) say(n uint32, text []byte) []arith.Choice {
	if e.pending != nil {
		return e.plan // it is this one
	}
	e.h.seek(n)
	if cap(e.plan) > 1<<16 {
		e.plan = nil // of a large one
	}
	e.plan = e.h.m.plan(text, e.plan[:0])
	e.h.at = n + 1
	e.pending = text
	return e.plan
}

// piece appends a frame with the next piece of the stanza that is split.
func (e *Encoder) piece(b []byte, h Header, limit int) ([]byte, int, error) {
	s := &e.split
	h.Data = Part
	head := len(h.appendHeader(nil, s.raw, s.part)) + 2
	room := limit - head
	if room <= 0 {
		return b, 0, ErrRoom
	}
	if len(s.body) <= room {
		h.Data = Last
		b = h.appendHeader(b, s.raw, s.part)
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
	b = h.appendHeader(b, s.raw, s.part)
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
