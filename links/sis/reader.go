package sis

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// A FramingError says that a carrier's bytes do not begin like a primitive. Where one does is not known, so the carrier has
// to be closed and opened again.
type FramingError struct {
	Head [envelope]byte // the bytes that should be an envelope
	Why  string
}

func (e *FramingError) Error() string {
	return fmt.Sprintf("sis: framing lost at % x: %s", e.Head[:], e.Why)
}

// Split cuts the first primitive off b. n is how many of its bytes are done with; with n = 0 it takes more of them to say. body, which
// is a part of b, begins with the type byte. The error is a *FramingError.
func Split(b []byte) (body []byte, n int, err error) {
	if len(b) < envelope {
		return nil, 0, nil
	}
	size := int(binary.BigEndian.Uint16(b[3:]))
	why := ""
	switch {
	case b[0] != 0x90 || b[1] != 0xEB:
		why = "no preamble"
	case b[2] != Version:
		// S5066 A, primitive encoding: a receiver that does not know the version cannot know the rest.
		why = fmt.Sprintf("version %d", b[2])
	case size == 0:
		why = "size 0"
	case len(b) < envelope+size:
		return nil, 0, nil
	default:
		return b[envelope : envelope+size], envelope + size, nil
	}
	return nil, 0, &FramingError{Head: [envelope]byte(b), Why: why}
}

// Gap is how long a Noisy carrier may be silent inside of a primitive.
const Gap = 5 * time.Second

// A Reader takes primitives off a carrier. One goroutine uses it.
//
// A Noisy reader is for serial lines, which lose bytes and invent some. It passes over whatever is no primitive, and begins its search anew
// one byte after a preamble that led to none. S5066 has no check on this stream, so damage inside of a U_PDU is for those who
// put it there to find.
//
// Choice: a primitive that misses bytes would take them from the next. It is given up when the carrier was silent inside of it for the Gap,
// and, while the search is on, as soon as a whole primitive follows it.
type Reader struct {
	Codec Codec
	Noisy bool

	r    io.Reader
	mem  []byte
	buf  []byte // read, but not done with; a part of mem
	lost bool   // Noisy: what buf begins with may be anything
	last time.Time

	skipped uint64
	faulty  uint64
}

// NewReader returns a Reader with the Tolerant codec for a carrier without noise. Its fields can be set before the first Next.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Skipped is the number of bytes that were noise, and of primitives that did not decode.
func (r *Reader) Skipped() (noise, faulty uint64) { return r.skipped, r.faulty }

// Next waits for the next primitive. After an *Error the caller may go on: that primitive is passed over. Other errors are
// final: a *FramingError, io.EOF between primitives, io.ErrUnexpectedEOF inside of one, or what the carrier says.
func (r *Reader) Next() (Primitive, error) {
	for {
		p, done, err := r.scan()
		if done {
			return p, err
		}
		if err := r.fill(); err != nil {
			if err == io.EOF && len(r.buf) > 0 && !r.Noisy {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// fill waits for more bytes.
func (r *Reader) fill() error {
	r.space()
	n, err := r.r.Read(r.buf[len(r.buf):cap(r.buf)])
	if n == 0 {
		return err // nil is allowed, and Next comes back
	}
	all := r.buf[:len(r.buf)+n]
	if r.Noisy {
		t := time.Now()
		if len(r.buf) > 0 && t.Sub(r.last) > Gap {
			r.skipped += uint64(len(r.buf))
			r.lost = true
			all = all[len(r.buf):]
		}
		r.last = t
	}
	r.buf = all
	return nil // an error comes again
}

// space makes room behind buf, which moves through mem.
func (r *Reader) space() {
	if len(r.buf) == 0 && cap(r.mem) > 8192 {
		r.mem = nil // a large one is rare
	}
	if len(r.buf) > 0 && cap(r.buf)-len(r.buf) >= 512 {
		return
	}
	if len(r.buf)+1024 > cap(r.mem) {
		r.mem = make([]byte, 2*len(r.buf)+4096)
	}
	r.buf = r.mem[:copy(r.mem, r.buf)]
}

// scan looks at what was read. done means that there is something to return.
func (r *Reader) scan() (p Primitive, done bool, err error) {
	if r.Noisy {
		p, done = r.search()
		return p, done, nil
	}
	body, n, err := Split(r.buf)
	if err != nil {
		return nil, true, err
	}
	if n == 0 {
		return nil, false, nil
	}
	p, err = r.Codec.Decode(body)
	r.buf = r.buf[n:]
	if err != nil {
		r.faulty++
	}
	return p, true, err
}

// search finds the first whole primitive of a noisy carrier.
func (r *Reader) search() (Primitive, bool) {
	for at := 0; ; at++ {
		at += seek(r.buf[at:])
		rest := r.buf[at:]
		if len(rest) <= envelope || !plausible(rest) {
			if len(rest) <= envelope { // the beginning of one, perhaps
				r.forget(at)
				return nil, false
			}
			r.lost = true
			continue
		}
		body, n, _ := Split(rest)
		if n == 0 {
			if !r.lost && at == 0 {
				return nil, false // the next primitive of a carrier in step is on its way
			}
			if p, from, to := r.later(at + 1); p != nil {
				r.forget(from)
				r.buf = r.buf[to-from:]
				return p, true
			}
			r.forget(at)
			return nil, false
		}
		p, err := r.Codec.Decode(body)
		if err != nil {
			r.faulty++
			r.lost = true
			continue
		}
		r.forget(at)
		r.buf = r.buf[n:]
		r.lost = false
		return p, true
	}
}

// forget drops the noise before what may be a primitive.
func (r *Reader) forget(n int) {
	if n > 0 {
		r.lost = true
		r.skipped += uint64(n)
		r.buf = r.buf[n:]
	}
}

// later looks for a whole primitive behind one that is not.
func (r *Reader) later(at int) (p Primitive, from, to int) {
	for ; ; at++ {
		at += seek(r.buf[at:])
		if len(r.buf)-at <= envelope {
			return nil, 0, 0
		}
		if body, n, _ := Split(r.buf[at:]); n > 0 && plausible(r.buf[at:]) {
			if p, err := Strict.Decode(body); err == nil {
				return p, at, at + n
			}
		}
	}
}

// seek returns where the next preamble with version begins, or the first part of one at the end of b.
func seek(b []byte) int {
	mark := []byte{0x90, 0xEB, Version}
	if i := bytes.Index(b, mark); i >= 0 {
		return i
	}
	for n := min(2, len(b)); n > 0; n-- {
		if bytes.HasPrefix(mark, b[len(b)-n:]) {
			return len(b) - n
		}
	}
	return len(b)
}

// plausible judges the first six bytes or more: a size that the type can have, and that a carrier at the speed of a radio sees.
func plausible(b []byte) bool {
	size := int(binary.BigEndian.Uint16(b[3:]))
	return Type(b[envelope]).fits(size) && size <= 2*BroadcastMTU
}
