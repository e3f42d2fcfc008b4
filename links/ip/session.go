package ip

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"longwire/links"
	"longwire/links/codecs"
	"longwire/links/deflate"
	"longwire/links/ip/block"
	"longwire/xmpp/stream"
)

// Options of a Session: what would be negotiated on an ordinary stream.
type Options struct {
	Compress  bool
	Dense     bool          // the peer's inflater gives out what it can: see deflate.Dense
	MaxStanza int           // largest stanza accepted; 65536
	Timeout   time.Duration // a write that makes no progress for so long fails; 120 s
	Log       *slog.Logger
	Writers   *sync.Pool // of *deflate.Writer, to use them again; may be nil
	Agreement *Agreement // of the link, on codecs; nil: XML only
}

// Session is one XEP-0361 connection: a stream without a header each way. XEP-0361 §4.
type Session struct {
	conn net.Conn
	o    Options
	in   *counter
	ear  *ear
	read *stream.Reader
	wire int64 // in.n at the last piece
	raw  *counter
	said int64
	talk dialogue

	send  sync.Mutex // guards zip, block, buf, piece
	zip   *deflate.Writer
	block *block.Writer
	model codecs.Model // of block, which is of method
	by    int
	buf   []byte
	piece []byte
	over  atomic.Bool
}

var (
	_ links.Session = (*Session)(nil)
	_ links.Drainer = (*Session)(nil)
)

// NewSession begins a session on a connection. It sends nothing by itself.
func NewSession(conn net.Conn, o Options) *Session {
	if o.MaxStanza <= 0 {
		o.MaxStanza = 65536
	}
	if o.Timeout <= 0 {
		o.Timeout = 120 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Agreement == nil {
		o.Agreement = NewAgreement(nil, nil)
	}
	s := &Session{conn: conn, o: o, in: &counter{r: conn}}
	s.ear = &ear{s: s}
	s.raw = &counter{r: s.ear}
	s.read = stream.NewReader(s.raw, stream.Options{NS: stream.NSServer, MaxBytes: o.MaxStanza, HeaderLess: true})
	return s
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// flushed takes what the compressor gives out at a flush.
type flushed struct{ s *Session }

func (f flushed) Write(p []byte) (int, error) {
	f.s.buf = append(f.s.buf, p...)
	return len(p), nil
}

// String is the peer's address.
func (s *Session) String() string { return s.conn.RemoteAddr().String() }

// Limits of one write. Beyond 16 KiB there is nothing to be gained by batching. A codec takes its time, in which the link should have something to do.
func (s *Session) Limits() links.Limits {
	if len(s.o.Agreement.ours) > 0 {
		return links.Limits{Stanzas: 64, Bytes: 4 << 10}
	}
	return links.Limits{Stanzas: 64, Bytes: 16 << 10}
}

// Send writes the batch with one flush and one write. Spec: batching is the cheapest gain there is.
func (s *Session) Send(batch []links.Piece) (links.Cost, error) {
	s.send.Lock()
	defer s.send.Unlock()
	if s.over.Load() {
		return links.Cost{}, net.ErrClosed
	}
	s.piece = s.piece[:0]
	for _, p := range batch {
		s.piece = appendPiece(s.piece, p)
	}
	out := s.form(batch)
	n, err := s.write(out, s.o.Timeout)
	if err != nil {
		s.learn(err, false)
	}
	return links.Cost{Raw: len(s.piece), Compressed: n, Wire: n + s.records(n)}, err
}

// records is what TLS adds to n bytes. RFC 8446 §5.2: header, type and tag of each record.
func (s *Session) records(n int) int {
	const record, most = 5 + 1 + 16, 16 << 10
	if _, ok := s.conn.(*tls.Conn); !ok {
		return 0
	}
	return (n + most - 1) / most * record
}

// form is the batch, which is s.piece in XML, as it goes out; last words if it is nil. What it takes is made with the first of it: an idle link needs nothing.
func (s *Session) form(batch []links.Piece) []byte {
	v := s.o.Agreement.decide(&s.talk)
	if v >= coded {
		return s.blocks(int(v-coded), batch)
	}
	if !s.o.Compress {
		return s.piece
	}
	if s.zip == nil {
		s.zip = s.writer()
	}
	s.buf = s.buf[:0]
	s.zip.Write(s.piece)
	s.zip.Flush()
	return s.buf
}

// blocks is the batch, or last words, coded by the i-th method.
func (s *Session) blocks(i int, batch []links.Piece) []byte {
	s.buf = s.buf[:0]
	if s.block == nil {
		s.buf = s.o.Agreement.preface(i).Append(s.buf)
		s.model, s.by = s.o.Agreement.model(i), i
		s.block = block.NewWriter(s.model, s.o.Agreement.ours[i].Canonical)
	}
	if batch == nil {
		s.buf = s.block.Last(s.buf, s.piece)
	} else {
		s.buf = s.block.Append(s.buf, batch)
	}
	return s.buf
}

func (s *Session) writer() *deflate.Writer {
	mode := deflate.Sync
	if s.o.Dense {
		mode = deflate.Dense
	}
	if s.o.Writers != nil {
		if w, ok := s.o.Writers.Get().(*deflate.Writer); ok {
			w.Reset(flushed{s}, mode)
			return w
		}
	}
	return deflate.NewWriter(flushed{s}, mode)
}

// write writes all of p; each part that gets through gives the next one the time again.
func (s *Session) write(p []byte, timeout time.Duration) (int, error) {
	total := 0
	for {
		s.conn.SetWriteDeadline(time.Now().Add(timeout))
		n, err := s.conn.Write(p)
		total += n
		if err == nil {
			return total, nil
		}
		if p = p[n:]; n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return total, fmt.Errorf("links/ip: writing to %s: %w", s, err)
		}
		if _, ok := s.conn.(*tls.Conn); ok {
			return total, fmt.Errorf("links/ip: writing to %s: %w", s, err) // a TLS record is not to be cut
		}
	}
}

// Recv reads the next piece.
func (s *Session) Recv() (links.Piece, error) {
	for {
		ev, err := s.read.Next()
		if err != nil {
			s.ear.free()
			err = s.fault(err)
			s.learn(err, false)
			return links.Piece{}, err
		}
		var p links.Piece
		switch ev.Kind {
		case stream.Open:
			// Choice: a header is superfluous here (XEP-0361 §4) and tolerated; it is not answered.
			s.o.Log.Warn("peer sends a stream header", "remote", s)
			continue
		case stream.Close:
			p.Kind = links.Bye
		case stream.Stanza:
			p.Kind, p.Stanza = links.Stanza, ev.Stanza
		case stream.Nonza:
			if p, err = parseWord(ev.Nonza); err != nil {
				s.ear.free()
				s.learn(err, blamesCodec(ev.Nonza))
				return p, err
			}
		}
		raw := s.raw.n - int64(s.read.Buffered())
		p.Raw, p.Wire = int(raw-s.said), int(s.in.n-s.wire)
		s.said, s.wire = raw, s.in.n
		return p, nil
	}
}

// learn lets the agreement know how the connection ended, unless we ended it.
func (s *Session) learn(err error, blamed bool) {
	if !s.over.Load() {
		s.o.Agreement.ended(&s.talk, err, blamed)
	}
}

// fault says in the stream's terms what is wrong with the peer's bytes.
func (s *Session) fault(err error) error {
	switch {
	case errors.Is(err, block.ErrGarbled):
		return notRead("a block is damaged")
	case errors.Is(err, block.ErrBomb):
		return &stream.Error{Condition: stream.PolicyViolation, Text: "a block says too much"}
	case errors.Is(err, deflate.ErrNotZlib), errors.Is(err, deflate.ErrDict):
		// It would not understand us either.
		return fmt.Errorf("links/ip: %s: %w", s, err)
	case errors.Is(err, deflate.ErrBomb):
		return &stream.Error{Condition: stream.PolicyViolation, Text: "inflates too much"}
	case errors.Is(err, deflate.ErrCorrupt), errors.Is(err, deflate.ErrSum):
		// XEP-0138 §4: processing-failed, in undefined-condition.
		return &stream.Error{Condition: stream.UndefinedCondition,
			App: []byte("<failure xmlns='http://jabber.org/protocol/compress'><processing-failed/></failure>")}
	}
	return err
}

// farewell is how long the last words may take.
const farewell = time.Second

// Close ends the connection. A stream error is sent first if that can be done at once (RFC 6120 §4.9.1.1: and the stream is closed with it).
func (s *Session) Close(why error) {
	if s.over.Swap(true) {
		return
	}
	idle := s.send.TryLock()
	var e *stream.Error
	if errors.As(why, &e) && idle {
		s.piece = stream.AppendClose(e.Append(s.piece[:0]))
		s.write(s.form(nil), farewell)
		linger(s.conn)
	}
	s.conn.Close()
	if !idle {
		s.send.Lock() // Send ends now
	}
	if s.zip != nil && s.o.Writers != nil {
		s.o.Writers.Put(s.zip)
		s.zip = nil
	}
	if s.model != nil {
		s.o.Agreement.done(s.by, s.model)
		s.block, s.model = nil, nil
	}
	s.send.Unlock()
}

var _ links.Husher = (*Session)(nil)

// Hush keeps TCP from probing.
func (s *Session) Hush(on bool) {
	if t := tcpOf(s.conn); t != nil {
		t.SetKeepAlive(!on)
	}
}

// linger lets the last words get out: a socket that is closed with unread input is reset, and they would be lost.
func linger(conn net.Conn) {
	t := tcpOf(conn)
	if t == nil {
		return
	}
	t.CloseWrite()
	t.SetReadDeadline(time.Now().Add(farewell))
	io.CopyN(io.Discard, t, 1<<20)
}

// Pending is what the peer's TCP has not confirmed.
func (s *Session) Pending() (int, bool) { return pending(s.conn) }
