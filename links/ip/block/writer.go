package block

import (
	"encoding/binary"

	"longwire/links"
	"longwire/links/codec/arith"
	"longwire/links/codecs"
)

// A Writer makes the blocks of one direction of one connection. It is for one goroutine.
type Writer struct {
	m     codecs.Model
	canon func([]byte) ([]byte, error)
	words *words
	enc   arith.Encoder
	plan  []arith.Choice

	text, wire int64 // so far
	size       int   // bytes of XML in the block at hand
}

// NewWriter makes a Writer whose stanzas m says, which is Reset. canonical is the form of a stanza that m knows.
func NewWriter(m codecs.Model, canonical func([]byte) ([]byte, error)) *Writer {
	m.Reset()
	return &Writer{m: m, canon: canonical, words: newWords()}
}

// Append writes the batch as a block, or as several when it is large. Stanzas are coded as the codec prints them, other pieces as they are.
func (w *Writer) Append(out []byte, batch []links.Piece) []byte {
	open := false
	words := 0
	for i := range batch {
		if !open {
			w.enc.Begin()
			w.size, words, open = 0, 0, true
		}
		if p := &batch[i]; p.Kind == links.Stanza {
			w.stanza(p.Data)
		} else {
			word := *p
			w.words.say(coder{out: &w.enc}, &word)
			w.size += wordSize
			words++
		}
		if w.size > maxText || words == maxWords-1 {
			out, open = w.end(out), false
		}
	}
	if open {
		out = w.end(out)
	}
	return out
}

// Last writes last words, which are XML.
func (w *Writer) Last(out, xml []byte) []byte {
	w.enc.Begin()
	w.size = len(xml)
	w.words.next(coder{out: &w.enc}, kindLast)
	coder{out: &w.enc}.bytes(&w.words.sizes[kindLast][0], xml[:min(len(xml), maxSpelt)], maxSpelt)
	return w.end(out)
}

// stanza says a stanza: by the model, or as it is when the codec refuses it or would need more.
func (w *Writer) stanza(data []byte) {
	text, err := w.canon(data)
	if err != nil || len(text) > maxGrown && len(text) > len(data) {
		w.spell(data, false)
		return
	}
	place, before, kind := w.enc.Mark(), w.words.before, w.words.kind[w.words.before]
	start := w.enc.Length(anyChoice)
	w.words.next(coder{out: &w.enc}, uint8(links.Stanza))
	if cap(w.plan) > 1<<16 {
		w.plan = nil // of a large one
	}
	w.plan = w.m.Plan(text, w.plan[:0])
	for _, d := range w.plan {
		w.enc.Encode(d)
	}
	if w.enc.Length(anyChoice)-start > len(text)+2 {
		w.enc.Rewind(place)
		w.words.before, w.words.kind[before] = before, kind
		w.spell(text, true)
		return
	}
	w.size += len(text)
}

// anyChoice is one to ask for a length with.
const anyChoice = arith.Choice(1 << 15)

// spell says a stanza in its bytes. learnt: the model has learned them, and so must the far one.
func (w *Writer) spell(text []byte, learnt bool) {
	c := coder{out: &w.enc}
	w.words.next(c, kindSpelt)
	c.flag(&w.words.flags[kindSpelt][0], learnt)
	c.bytes(&w.words.sizes[kindSpelt][0], text, len(text))
	w.size += len(text)
}

// end makes a block of what was said.
func (w *Writer) end(out []byte) []byte {
	c := coder{out: &w.enc}
	w.text += int64(w.size)
	if n := w.text/bombRatio + 1 - w.wire - int64(w.enc.Length(anyChoice)); w.text > bombSpan && n > 0 {
		w.words.next(c, kindPadding)
		for c.number(&w.words.sizes[kindPadding][0], uint32(n)); n > 0; n-- {
			c.plain(8, 0x55)
		}
	}
	w.words.next(c, kindEnd)
	body := w.enc.Finish()
	have := len(out)
	out = append(binary.AppendUvarint(out, uint64(len(body))), body...)
	w.wire += int64(len(out) - have)
	return out
}
