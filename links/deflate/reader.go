package deflate

import (
	"io"
	"math/bits"
)

// Bounds of inflation: a stream may not grow more than bombRatio over any bombSpan bytes of output.
const (
	bombRatio = 200
	bombSpan  = 1 << 20
)

// A Reader inflates a zlib stream (RFC 1950). Read returns as soon as anything is decoded, and asks its source for more only when
// all that the bytes so far can tell was handed out. It uses about 40 KiB. It is used by one goroutine.
type Reader struct {
	src     io.Reader
	z       inflater
	buf     [2048]byte
	started bool
	err     error
	sum     uint32 // Adler-32 so far
	made    int64  // output and input at the start of the present span
	taken   int64
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	r := new(Reader)
	r.Reset(src)
	return r
}

// Reset makes r begin a new stream on src.
func (r *Reader) Reset(src io.Reader) {
	*r = Reader{src: src, sum: 1}
}

// Read inflates into p. When src ends before the stream does, the error is that of src, io.EOF included: a link is cut anywhere, and
// what stands above knows whether the end is clean. Data after the end of the stream is ignored.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if n := r.z.read(p); n > 0 {
			r.sum = update(r.sum, p[:n])
			return n, nil
		}
		if r.err != nil {
			return 0, r.err
		}
		w, err := r.step()
		switch {
		case err != nil:
			r.err = err
		case r.z.unread > 0: // hand it out first
		case w == finished:
			ok := false
			if ok, r.err = r.trailer(); ok {
				break
			}
			fallthrough
		case w == needInput:
			if err := r.more(); err != nil {
				return 0, err
			}
		}
	}
}

// more reads input. An error of the source does not stay: what was only a timeout may be followed by more.
func (r *Reader) more() error {
	n, err := r.src.Read(r.buf[:])
	r.z.in = r.buf[:n]
	if n > 0 {
		return nil // the source will say it again
	}
	return err
}

func (r *Reader) step() (wait, error) {
	if !r.started {
		if ok, err := r.header(); !ok {
			return needInput, err
		}
	}
	w, err := r.z.step()
	if err == nil && r.z.made-r.made >= bombSpan {
		if r.z.made-r.made > bombRatio*(r.z.taken-r.taken) {
			return w, ErrBomb
		}
		r.made, r.taken = r.z.made, r.z.taken
	}
	return w, err
}

// header checks CMF and FLG. RFC 1950 §2.2.
func (r *Reader) header() (bool, error) {
	// A peer that sends XML is found out by its first byte.
	if r.z.fill(); r.z.n > 0 && r.z.acc&15 != 8 {
		return false, ErrNotZlib
	}
	v, ok := r.z.take(16)
	if !ok {
		return false, nil
	}
	cmf, flg := v&255, v>>8
	switch {
	case cmf>>4 > 7 || (cmf<<8+flg)%31 != 0:
		return false, ErrNotZlib
	case flg&0x20 != 0:
		return false, ErrDict
	}
	r.started = true
	return true, nil
}

// trailer compares the checksum behind the last block; false means that it is not there yet.
func (r *Reader) trailer() (bool, error) {
	r.z.drop(r.z.n & 7)
	v, ok := r.z.take(32)
	if !ok {
		return false, nil
	}
	if bits.ReverseBytes32(v) != r.sum { // RFC 1950 §2.2, ADLER32: most significant byte first
		return true, ErrSum
	}
	return true, io.EOF
}

// update is adler32 over one more piece.
func update(sum uint32, p []byte) uint32 {
	const mod = 65521 // RFC 1950 §9
	s1, s2 := sum&0xffff, sum>>16
	for len(p) > 0 {
		n := min(len(p), 5552) // so many fit before 32 bits overflow
		for _, c := range p[:n] {
			s1 += uint32(c)
			s2 += s1
		}
		s1 %= mod
		s2 %= mod
		p = p[n:]
	}
	return s2<<16 | s1
}
