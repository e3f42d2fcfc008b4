package stream

import (
	"io"
	"sync"
)

// Buffers of an input. An idle one has the small buffer, which holds a usual stanza; the large ones come from a pool;
// one that is larger still is made for a large stanza and forgotten with it.
const (
	smallBuffer = 512
	largeBuffer = 4096
)

var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// input holds the bytes that were read and not consumed.
type input struct {
	r     io.Reader
	buf   []byte
	at    int    // buf[at:] is not consumed
	small []byte // kept while buf is another one
	busy  bool   // the last Read filled the buffer, so more is waiting
	err   error  // came along with bytes
}

func (in *input) bytes() []byte { return in.buf[in.at:] }

func (in *input) take(n int) { in.at += n }

// reset forgets the bytes and goes on with another source.
func (in *input) reset(r io.Reader) {
	in.at = len(in.buf)
	in.swap(nil)
	*in = input{r: r, small: in.small}
}

// swap makes to the buffer, with the bytes that are left.
func (in *input) swap(to []byte) {
	old := in.buf
	in.buf = append(to[:0], old[in.at:]...)
	in.at = 0
	switch cap(old) {
	case largeBuffer:
		largeBuffers.Put((*[largeBuffer]byte)(old[:largeBuffer]))
	case smallBuffer:
		in.small = old[:0]
	}
}

// fill reads more bytes, once. A stanza has at most limit bytes, so the buffer need not be larger.
func (in *input) fill(limit int) error {
	if err := in.err; err != nil {
		in.err = nil
		return err
	}
	in.room(limit)
	for range 100 {
		free := in.buf[len(in.buf):cap(in.buf)]
		n, err := in.r.Read(free)
		in.buf = in.buf[:len(in.buf)+n]
		in.busy = n == len(free)
		if n > 0 {
			in.err = err
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// room sees to a buffer that has room.
func (in *input) room(limit int) {
	kept := len(in.buf) - in.at
	size := cap(in.buf)
	switch {
	case kept == 0 && !in.busy:
		size = smallBuffer
	case kept == 0:
		size = largeBuffer
	case len(in.buf) < size-size/8:
		return
	case in.at >= size/4:
		in.buf, in.at = in.buf[:copy(in.buf, in.buf[in.at:])], 0
		return
	default:
		size = max(largeBuffer, min(4*size, limit))
	}
	if size == cap(in.buf) {
		in.buf, in.at = in.buf[:copy(in.buf, in.buf[in.at:])], 0
		return
	}
	switch size {
	case smallBuffer:
		if in.small == nil {
			in.small = make([]byte, 0, smallBuffer)
		}
		in.swap(in.small)
	case largeBuffer:
		in.swap(largeBuffers.Get().(*[largeBuffer]byte)[:0])
	default:
		in.swap(make([]byte, 0, size))
	}
}
