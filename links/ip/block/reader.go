package block

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"longwire/links"
	"longwire/links/codec/arith"
	"longwire/links/codecs"
)

// A Reader makes the XML of a stream again, of the blocks behind a preface: what it says goes through the same parser as any stream. It is for one goroutine.
type Reader struct {
	max   int
	print func(b []byte, p links.Piece) []byte

	src   *bufio.Reader
	m     codecs.Model
	words *words
	dec   arith.Decoder
	body  []byte
	xml   []byte // made and not handed out
	spare []byte // to make more in
	err   error

	inside     bool
	text, wire int64 // of the stream so far
	size       int   // bytes of XML of the block so far
	pieces     int   // of it that are no stanzas
}

// NewReader makes a Reader of blocks whose stanzas m says, which is Reset. max is how many bytes a stanza may have: one of twice as many may still come out, so
// that who parses it can say what is wrong. print appends a piece that is no stanza as XML.
func NewReader(src *bufio.Reader, m codecs.Model, max int, print func([]byte, links.Piece) []byte) *Reader {
	m.Reset()
	return &Reader{max: max, print: print, src: src, m: m, words: newWords()}
}

// Read gives out the next of the XML, one piece after the other, and reads a block from the source only when all of the one before was given out.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.xml) == 0 && r.err == nil {
		if r.inside {
			r.err = r.piece()
		} else {
			r.err = r.open()
		}
	}
	n := copy(p, r.xml)
	if r.xml = r.xml[n:]; n > 0 {
		return n, nil
	}
	return 0, r.err
}

// open reads the next block.
func (r *Reader) open() error {
	var head int64
	n, err := binary.ReadUvarint(counted{r.src, &head})
	if err != nil && head > 0 {
		if err = short(err); err != io.ErrUnexpectedEOF {
			err = ErrGarbled // more than 64 bits
		}
	}
	if err != nil {
		return err
	}
	if n > uint64(maxText+r.max+slack) {
		return fmt.Errorf("a block of %d bytes: %w", n, ErrBomb)
	}
	if cap(r.body) > slack {
		r.body = nil // of a large one
	}
	if r.body, err = fill(r.src, r.body[:0], int(n)); err != nil {
		return short(err)
	}
	r.wire += head + int64(n)
	r.dec.Begin(r.body)
	r.inside, r.size, r.pieces = true, 0, 0
	return nil
}

// fill reads n bytes behind b. Memory is not taken before the bytes are there.
func fill(src io.Reader, b []byte, n int) ([]byte, error) {
	for len(b) < n {
		have := len(b)
		b = append(b, make([]byte, min(n-have, slack))...)
		if _, err := io.ReadFull(src, b[have:]); err != nil {
			return b, err
		}
	}
	return b, nil
}

// counted is a source of bytes that counts them.
type counted struct {
	io.ByteReader
	n *int64
}

func (c counted) ReadByte() (byte, error) {
	b, err := c.ByteReader.ReadByte()
	if err == nil {
		*c.n++
	}
	return b, err
}

// piece finds out the next piece of the block, and what XML it is.
func (r *Reader) piece() error {
	c := coder{in: &r.dec}
	var p links.Piece
	ok := r.words.say(c, &p) && !r.dec.Over()
	xml := r.spare[:0]
	var text []byte
	size := 0
	switch k := uint8(p.Kind); {
	case !ok:
	case k == kindEnd:
		if !r.dec.Ended() {
			return ErrGarbled
		}
		r.inside = false
		return nil
	case k == kindPadding:
		for n := c.number(&r.words.sizes[kindPadding][0], 0); n > 0 && !r.dec.Over(); n-- {
			c.plain(8, 0)
		}
		return nil
	case r.size > maxText, r.pieces > maxWords:
		return ErrBomb
	case k == uint8(links.Stanza):
		text, ok = r.m.Decode(&r.dec, 2*r.max)
		ok = ok && len(text) > 0
		xml = append(xml, text...)
	case k == kindSpelt:
		learnt := c.flag(&r.words.flags[kindSpelt][0], false)
		if text, ok = c.bytes(&r.words.sizes[kindSpelt][0], nil, 2*r.max); ok && learnt {
			r.m.Learn(text)
		}
		xml = append(xml, text...)
	case k == kindLast:
		text, ok = c.bytes(&r.words.sizes[kindLast][0], nil, maxSpelt)
		xml = append(xml, text...)
	case k <= uint8(links.Bye):
		r.pieces++
		size, xml = wordSize, r.print(xml, p)
	default:
		ok = false
	}
	if !ok || r.dec.Over() {
		return ErrGarbled
	}
	r.size += size + len(text)
	if r.text += int64(size + len(text)); bomb(r.text, r.wire) {
		return ErrBomb
	}
	r.xml, r.spare = xml, xml
	if cap(xml) > slack {
		r.spare = nil
	}
	return nil
}
