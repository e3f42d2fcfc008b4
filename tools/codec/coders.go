package main

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"

	"longwire/links/deflate"
)

// An item is a stanza as a method sends it.
type item struct {
	*record
	sent []byte // nil: it does not cross
	text []byte // the canonical form of sent, that is coded

	near, ref uint64 // the latest numbers that this end and the other had given before, of ids
}

// A coder is one way of one session. code takes a run, stanzas that stand in the queue together and go in one frame, and tells what
// each adds to it. What it has coded it also reads again and compares.
type coder interface {
	code(run []item) ([]int, error)
}

// plain sends stanzas as they are.
type plain struct{}

func (plain) code(run []item) (n []int, err error) {
	for _, it := range run {
		n = append(n, len(it.text))
	}
	return n, nil
}

// compressor is a stream of XEP-0138, flushed behind each stanza.
type compressor struct {
	out bytes.Buffer // what the far side reads
	w   flushWriter
	r   io.Reader
}

type flushWriter interface {
	io.Writer
	Flush() error
}

// newZlib is what a server does: zlib with its best effort.
func newZlib() *compressor {
	c := new(compressor)
	c.w, _ = zlib.NewWriterLevel(&c.out, zlib.BestCompression)
	return c
}

// newDense is what our own links over IP do.
func newDense() *compressor {
	c := new(compressor)
	c.w = deflate.NewWriter(&c.out, deflate.Dense)
	return c
}

func (c *compressor) code(run []item) (sizes []int, err error) {
	for _, it := range run {
		before := c.out.Len()
		if _, err := c.w.Write(it.text); err != nil {
			return nil, err
		}
		if err := c.w.Flush(); err != nil {
			return nil, err
		}
		sizes = append(sizes, c.out.Len()-before)
		if err := c.read(it.text); err != nil {
			return nil, err
		}
	}
	return sizes, nil
}

// read takes from the stream what was written.
func (c *compressor) read(want []byte) error {
	if c.r == nil {
		c.r = deflate.NewReader(&c.out)
	}
	var got []byte
	for buf := make([]byte, 4096); ; {
		n, err := c.r.Read(buf)
		got = append(got, buf[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("it cannot be read again: %w", err)
		}
	}
	// Between stanzas a stream may have spaces.
	if !bytes.Equal(bytes.Trim(got, " "), want) {
		return fmt.Errorf("%q came back as %q", want, got)
	}
	return nil
}
