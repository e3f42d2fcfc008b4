// Package serial makes frames of a line that carries bytes: HDLC-like framing of RFC 1662 with a 32-bit check, and neither address nor
// control field. A frame that was damaged on its way is not delivered, and the next one is found.
package serial

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"
)

// RFC 1662 §4: what a line carries between, and instead of, bytes.
const (
	flag    = 0x7E // begins and ends a frame
	escape  = 0x7D // the next byte is changed by flip
	flip    = 0x20
	fcsSize = 4
	good    = 0x2144DF1C // the check over a whole frame with its own check sequence; RFC 1662 §C.3 in the form that is not inverted
)

// SoftwareFlow is a Map for lines where something listens to XON and XOFF.
const SoftwareFlow = 1<<0x11 | 1<<0x13

// DefaultMTU is the largest frame without another wish.
const DefaultMTU = 4096

// ErrTooLong is wrapped when a frame is longer than the MTU.
var ErrTooLong = errors.New("frame longer than the MTU")

// Options are the same at both ends. Zero fields mean the default.
type Options struct {
	MTU int // bytes of a frame; 4096
	// Map has a bit for each byte below 0x20 that the line does not carry as it is. RFC 1662 §7.1: what of them arrives was put in on the way.
	Map uint32
}

// Stats counts what was read.
type Stats struct {
	Frames  uint64 // delivered
	Damaged uint64 // with a wrong check, or cut short, or aborted
	TooLong uint64
}

// A Conn carries frames. One goroutine reads; any may write, and Close unblocks both if closing the line does.
type Conn struct {
	line io.ReadWriteCloser
	o    Options
	in   *bufio.Reader
	buf  []byte // a frame that is being read

	frames, damaged, tooLong atomic.Uint64

	mu  sync.Mutex // one frame at a time; guards out
	out []byte
}

// New returns a Conn over an open line.
func New(line io.ReadWriteCloser, o Options) *Conn {
	if o.MTU <= 0 {
		o.MTU = DefaultMTU
	}
	return &Conn{line: line, o: o, in: bufio.NewReader(line)}
}

// Close closes the line.
func (c *Conn) Close() error { return c.line.Close() }

// MTU is the largest frame.
func (c *Conn) MTU() int { return c.o.MTU }

// Stats returns the counts.
func (c *Conn) Stats() Stats {
	return Stats{Frames: c.frames.Load(), Damaged: c.damaged.Load(), TooLong: c.tooLong.Load()}
}

// WriteFrame sends a frame in one Write.
func (c *Conn) WriteFrame(frame []byte) error {
	if len(frame) > c.o.MTU {
		return fmt.Errorf("serial: writing %d bytes: %w of %d", len(frame), ErrTooLong, c.o.MTU)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = c.append(c.out[:0], frame)
	if _, err := c.line.Write(c.out); err != nil {
		return fmt.Errorf("serial: writing a frame: %w", err)
	}
	return nil
}

// append writes a frame with a flag at both ends, so that what came before on the line cannot become a part of it.
func (c *Conn) append(b, frame []byte) []byte {
	b = append(b, flag)
	b = c.stuff(b, frame)
	var fcs [fcsSize]byte
	binary.LittleEndian.PutUint32(fcs[:], crc32.ChecksumIEEE(frame)) // RFC 1662 §3.1: the lowest byte first
	return append(c.stuff(b, fcs[:]), flag)
}

func (c *Conn) stuff(b, data []byte) []byte {
	for _, v := range data {
		if v == flag || v == escape || c.mapped(v) {
			b = append(b, escape)
			v ^= flip
		}
		b = append(b, v)
	}
	return b
}

func (c *Conn) mapped(v byte) bool { return v < 0x20 && c.o.Map&(1<<v) != 0 }

// ReadFrame waits for the next good frame, which is valid until the next call. The error is the line's.
func (c *Conn) ReadFrame() ([]byte, error) {
	c.buf = c.buf[:0]
	escaped, tooLong := false, false
	for {
		v, err := c.in.ReadByte()
		switch {
		case err != nil:
			return nil, err
		case v == flag:
			frame, ok := c.finish(escaped, tooLong)
			if ok {
				return frame, nil
			}
			c.buf, escaped, tooLong = c.buf[:0], false, false
			continue
		case c.mapped(v):
			continue
		case v == escape:
			escaped = true
			continue
		case escaped:
			v ^= flip
			escaped = false
		}
		if tooLong = tooLong || len(c.buf) >= c.o.MTU+fcsSize; !tooLong {
			c.buf = append(c.buf, v)
		}
	}
}

// finish judges what lies between two flags.
func (c *Conn) finish(escaped, tooLong bool) ([]byte, bool) {
	n := len(c.buf) - fcsSize
	switch {
	case len(c.buf) == 0 && !escaped: // between two frames
		return nil, false
	case tooLong:
		c.tooLong.Add(1)
		return nil, false
	case n < 0, escaped, // RFC 1662 §4.3: too short, or ended by an escape: it was given up
		crc32.ChecksumIEEE(c.buf) != good:
		c.damaged.Add(1)
		return nil, false
	}
	c.frames.Add(1)
	return c.buf[:n], true
}
