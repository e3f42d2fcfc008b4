package stream

import (
	"io"

	"longwire/xmpp/markup"
)

// MinMaxBytes is the smallest limit of a stanza that a server may set, and the default. RFC 6120 §13.12.
const MinMaxBytes = 10_000

// Options of a Reader.
type Options struct {
	NS         string // NSClient or NSServer: the content namespace that is accepted
	MaxBytes   int    // largest stanza, or header; 0: 10 000
	HeaderLess bool   // XEP-0361 §4: as if a stream header of NS had been read
}

// Reader reads one stream. It reads from its source only when it has no whole element buffered. One goroutine uses it.
//
// While it waits for an element to begin it holds a small buffer and the namespace declarations of the stream, nothing
// else: nodes have many idle streams.
type Reader struct {
	o     Options
	in    input
	err   error // the stream is over
	fresh bool  // nothing of the stream was read: an XML declaration may come
	open  bool  // the start tag was read, or counts as read
	done  bool  // the end tag was read
	base  []markup.Binding
	frame *frame // the element that is not whole yet
}

// NewReader makes a Reader on r.
func NewReader(r io.Reader, o Options) *Reader {
	d := &Reader{o: o, in: input{r: r}}
	d.SetMaxBytes(o.MaxBytes)
	d.restart()
	return d
}

// SetMaxBytes changes the largest stanza.
func (d *Reader) SetMaxBytes(n int) {
	if n <= 0 {
		n = MinMaxBytes
	}
	d.o.MaxBytes = n
}

// Buffered is how many bytes were read and not yet consumed.
func (d *Reader) Buffered() int { return len(d.in.bytes()) }

// Restart begins a new stream on another source (after STARTTLS, SASL, compression): RFC 6120 §4.3.3. Buffered bytes
// are kept when src is nil, else dropped.
func (d *Reader) Restart(src io.Reader) {
	if src != nil {
		d.in.reset(src)
	}
	d.restart()
}

// What is declared around the first tag of a stream.
var (
	prolog   = []markup.Binding{{Prefix: "", URI: markup.NoNamespace}}
	inClient = []markup.Binding{{Prefix: "", URI: NSClient}, {Prefix: "stream", URI: NSStream}}
	inServer = []markup.Binding{{Prefix: "", URI: NSServer}, {Prefix: "stream", URI: NSStream}}
)

func (d *Reader) restart() {
	d.dropFrame()
	d.err, d.fresh, d.open, d.done = nil, true, false, false
	switch {
	case !d.o.HeaderLess:
		d.base = prolog
	case d.o.NS == NSClient:
		d.base = inClient
	default:
		d.base = inServer // XEP-0361 §4: no stream header; we start as if it had been read.
	}
}

func (d *Reader) dropFrame() {
	if d.frame != nil {
		d.frame.free()
		d.frame = nil
	}
}

// Next returns the next thing at the top level. Errors: *Error for what the peer did wrong (to be sent to it), io.EOF
// when the source ended between elements, io.ErrUnexpectedEOF within one, or the source's error as it is, after which
// Next may be called again (a timeout may pass). Whitespace between elements is skipped.
func (d *Reader) Next() (Event, error) {
	final := false
	for d.err == nil {
		ev, err := d.step(final)
		switch {
		case err == nil:
			return ev, nil
		case err != markup.ErrMore:
			d.fail(err)
		case final && d.frame == nil && d.Buffered() == 0:
			return Event{}, io.EOF
		case final:
			return Event{}, io.ErrUnexpectedEOF
		default:
			if err := d.in.fill(d.o.MaxBytes); err == io.EOF {
				final = true
			} else if err != nil {
				return Event{}, err
			}
		}
	}
	return Event{}, d.err
}

// fail ends the stream.
func (d *Reader) fail(err error) {
	if _, ok := err.(*Error); !ok && err != io.EOF {
		err = fault(err)
	}
	d.err = err
	d.dropFrame()
}

// step tries to make an event of what is buffered.
func (d *Reader) step(final bool) (Event, error) {
	if d.done {
		return Event{}, io.EOF
	}
	if d.frame == nil {
		if err := d.skip(); err != nil {
			return Event{}, err
		}
	}
	// What the limit does not let in is not looked at, so that a stanza too large is refused at the same byte however
	// the input was cut.
	b := d.in.bytes()
	full := len(b) >= d.o.MaxBytes
	if full {
		b = b[:d.o.MaxBytes]
	}
	ev, n, err := d.element(b, final || full)
	if err == markup.ErrMore && full {
		err = &Error{Condition: PolicyViolation, Text: "stanza too large"}
	}
	if err == nil {
		d.in.take(n)
	}
	return ev, err
}

// skip passes over blanks between elements and over the XML declaration, up to a '<'.
func (d *Reader) skip() error {
	for {
		b := d.in.bytes()
		i := 0
		for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
			i++
		}
		// Choice: blanks are passed over before the XML declaration, too. After a restart they may be a keepalive that
		// belonged to the stream before.
		d.in.take(i)
		if b = b[i:]; len(b) == 0 {
			return markup.ErrMore
		}
		if d.fresh {
			n, err := declaration(b)
			if err != nil {
				return err
			}
			d.in.take(n)
			d.fresh = n == len(byteOrderMark) // the declaration may stand behind it
			if n > 0 {
				continue
			}
		}
		switch {
		case b[0] == '<':
			return nil
		case d.open || d.o.HeaderLess:
			return &Error{Condition: BadFormat, Text: "text between stanzas"}
		default:
			return fault(markup.ErrMalformed) // XML 1.0 §2.8: no text before the root
		}
	}
}

// element reads an element, or a tag of the stream itself, that b begins with.
func (d *Reader) element(b []byte, final bool) (Event, int, error) {
	if d.frame == nil {
		if len(b) == 1 {
			return Event{}, 0, markup.ErrMore
		}
		if b[1] == '/' {
			return d.endTag(b)
		}
		place := afterHeader
		if !d.open && d.o.HeaderLess {
			place = mayBeHeader // Choice: a superfluous header is tolerated; old peers send one
		} else if !d.open {
			place = mustBeHeader
		}
		d.frame = newFrame(d.o.NS, d.base, place)
	}
	ev, n, err := d.frame.next(b, final)
	if err != nil {
		return Event{}, 0, err
	}
	if ev.Kind == Open {
		d.base = append([]markup.Binding(nil), d.frame.scope...)
	}
	d.open = true
	d.dropFrame()
	return ev, n, nil
}

// endTag reads the end tag of the stream.
func (d *Reader) endTag(b []byte) (Event, int, error) {
	const tag = "</stream:stream"
	n := min(len(b), len(tag))
	if string(b[:n]) != tag[:n] || !d.open && !d.o.HeaderLess {
		return Event{}, 0, fault(markup.ErrMalformed)
	}
	for n < len(b) && n >= len(tag) && (b[n] == ' ' || b[n] == '\n' || b[n] == '\r' || b[n] == '\t') {
		n++
	}
	if n == len(b) {
		return Event{}, 0, markup.ErrMore
	}
	if b[n] != '>' {
		return Event{}, 0, fault(markup.ErrMalformed)
	}
	d.done = true
	return Event{Kind: Close}, n + 1, nil
}
