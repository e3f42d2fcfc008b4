package s5066_test

import (
	"io"
	"sync"

	"longwire/links/sis"
)

// A tap sits on the carrier between a client and its SIS server, and changes what the server says.
type tap struct {
	inner  io.ReadWriteCloser
	r      *io.PipeReader
	w      *io.PipeWriter
	mangle func(sis.UnidataIndication) []sis.UnidataIndication
	ended  chan struct{}
	mu     sync.Mutex // one writer at a time
}

func newTap(inner io.ReadWriteCloser, mangle func(sis.UnidataIndication) []sis.UnidataIndication) *tap {
	t := &tap{inner: inner, mangle: mangle, ended: make(chan struct{})}
	t.r, t.w = io.Pipe()
	go t.run()
	return t
}

func (t *tap) run() {
	defer close(t.ended)
	r := sis.NewReader(t.inner)
	for {
		p, err := r.Next()
		if err != nil {
			t.w.CloseWithError(err)
			return
		}
		out := []sis.Primitive{p}
		if u, ok := p.(sis.UnidataIndication); ok {
			out = nil
			for _, v := range t.mangle(u) {
				out = append(out, v)
			}
		}
		for _, p := range out {
			if t.say(p) != nil {
				t.inner.Close()
				return
			}
		}
	}
}

// say makes the client hear a primitive.
func (t *tap) say(p sis.Primitive) error {
	b, err := sis.Tolerant.Append(nil, p)
	if err != nil {
		panic(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err = t.w.Write(b)
	return err
}

func (t *tap) Read(p []byte) (int, error)  { return t.r.Read(p) }
func (t *tap) Write(p []byte) (int, error) { return t.inner.Write(p) }

func (t *tap) Close() error {
	t.r.CloseWithError(io.ErrClosedPipe)
	return t.inner.Close()
}
