package ip

import (
	"bufio"
	"errors"
	"io"

	"longwire/links/codecs"
	"longwire/links/deflate"
	"longwire/links/ip/block"
)

// An ear is the read side of a connection: it finds out by the first byte how the peer writes, and makes XML of it. On a link without codecs XML must come as
// the configuration says; else whatever can be read is.
type ear struct {
	s     *Session
	r     io.Reader    // of XML; nil: nothing was heard
	model codecs.Model // what blocks are read by,
	by    int          // which is of this method
	err   error
}

func (e *ear) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	if e.r == nil {
		r, err := e.listen()
		if e.r = r; err != nil {
			e.err = err
			return 0, err
		}
	}
	return e.r.Read(p)
}

// listen waits for the first byte.
func (e *ear) listen() (io.Reader, error) {
	src := bufio.NewReaderSize(e.s.in, 512)
	first, err := src.Peek(1)
	if err != nil {
		return nil, err
	}
	a := e.s.o.Agreement
	if first[0] == block.Magic {
		return e.blocks(src)
	}
	a.heardXML(&e.s.talk)
	zlib := e.s.o.Compress
	if len(a.ours) > 0 {
		zlib = first[0]&0x0F == 8 // RFC 1950 §2.2: CM is 8; XML begins with no such byte
	}
	if zlib {
		return deflate.NewReader(src), nil
	}
	return src, nil
}

// blocks makes ready for what the peer's preface says.
func (e *ear) blocks(src *bufio.Reader) (io.Reader, error) {
	a := e.s.o.Agreement
	p, err := block.ReadPreface(src)
	if errors.Is(err, block.ErrVersion) {
		a.heardNew()
		return nil, notRead("a later version of blocks")
	}
	if err != nil {
		return nil, err
	}
	if e.by, err = a.heard(p, &e.s.talk); err != nil {
		return nil, err
	}
	e.model = a.model(e.by)
	return block.NewReader(src, e.model, e.s.o.MaxStanza, appendPiece), nil
}

// free gives the model back: nothing more is read.
func (e *ear) free() {
	if e.model != nil {
		e.err = io.EOF
		e.s.o.Agreement.done(e.by, e.model)
		e.model = nil
	}
}
