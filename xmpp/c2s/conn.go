package c2s

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/sasl"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// A conn is one connection. Its reader goroutine (serve) negotiates and then feeds the session; before there is a session
// it also writes. Everything is owned by the reader but what out guards.
type conn struct {
	srv     *Server
	mode    Mode
	tcp     net.Conn // the socket
	nc      net.Conn // tcp, or TLS on it
	r       *stream.Reader
	host    string // address without port, for limits
	domain  string // of ours, that the client asked for
	bound   []sasl.Binding
	auth    *sasl.Server
	tries   int
	misfits int
	account jid.JID // bare; zero before authentication
	session *Session
	secure  bool
	headed  bool // our stream header was sent
	gone    chan struct{}

	out    sync.Mutex // guards writing to nc, and what follows
	closed bool       // nothing may be written any more
}

// serve runs the connection to its end.
func (c *conn) serve() {
	defer close(c.gone)
	defer c.hangUp()
	if c.mode == DirectTLS {
		cfg := c.srv.config()
		if err := c.handshake(cfg.DirectTLS, cfg); err != nil {
			c.srv.log.Debug("direct TLS handshake failed", "addr", c.host, "err", err)
			return
		}
	}
	c.r = stream.NewReader(&patient{c: c}, stream.Options{NS: stream.NSClient, MaxBytes: c.srv.config().MaxEarly})
	err := c.read()
	s := c.session
	switch {
	case err == nil: // </stream:stream>: RFC 6120 §4.4
		c.goodbye(nil)
		if s != nil {
			s.finish("")
		}
	case s != nil:
		var se *stream.Error
		if errors.As(err, &se) {
			c.goodbye(se)
			s.finish("")
			return
		}
		s.lost(c)
	default:
		var se *stream.Error
		if errors.As(err, &se) {
			c.goodbye(se)
		}
	}
}

// read handles one thing after the other; nil means that the client closed its stream.
func (c *conn) read() error {
	for {
		ev, err := c.r.Next()
		if err != nil {
			return err
		}
		switch ev.Kind {
		case stream.Open:
			err = c.opened(ev.Header)
		case stream.Close:
			return nil
		case stream.Stanza:
			err = c.stanza(ev)
		case stream.Nonza:
			err = c.nonza(ev.Nonza)
		}
		if err != nil {
			return err
		}
	}
}

// stanza passes a stanza to the session, or handles what may come before there is one.
func (c *conn) stanza(ev stream.Event) error {
	st := ev.Stanza
	if c.account.IsZero() {
		return c.stranger(st)
	}
	if c.session == nil {
		return c.beforeBind(st)
	}
	s := c.session
	if ev.AddrErr != nil && ev.AddrErr.From != nil || !st.From.IsZero() && st.From != s.full && st.From != s.bare {
		return &stream.Error{Condition: "invalid-from"} // RFC 6120 §8.1.2.1
	}
	st.From = s.full
	if st.Kind == stanza.Presence && subscribing(st.Type) {
		st.From = s.bare // RFC 6121 §3.1.2
	}
	if ev.AddrErr != nil {
		s.refuse(st, stanza.Fail(stanza.JIDMalformed, "")) // RFC 6120 §8.1.1.1
		return nil
	}
	if st.Kind == stanza.IQ && st.Type == stanza.Set && st.Has(nsBind, "bind") {
		s.refuse(st, stanza.Fail(stanza.NotAllowed, "a resource is bound already")) // RFC 6120 §7.1: one per stream
		return nil
	}
	s.take(st)
	return nil
}

func subscribing(typ string) bool {
	switch typ {
	case stanza.Subscribe, stanza.Subscribed, stanza.Unsubscribe, stanza.Unsubscribed:
		return true
	}
	return false
}

// refuse counts a stanza and answers it with an error.
func (s *Session) refuse(st *stanza.Stanza, e *stanza.Err) {
	s.in.Add(1)
	s.bounce(st, e)
}

// bounce answers a stanza of the client with an error; one that was addressed to nobody comes from the account.
func (s *Session) bounce(st *stanza.Stanza, e *stanza.Err) {
	back := st.ErrorReply(e)
	if back == nil {
		return
	}
	if back.From.IsZero() {
		back.From = s.bare // RFC 6120 §8.1.2.1 rule 4
	}
	s.Send(back, 0)
}

// nonza handles what is no stanza.
func (c *conn) nonza(e *markup.Element) error {
	switch e.Name {
	case markup.Name{Space: nsTLS, Local: "starttls"}:
		return c.starttls()
	case markup.Name{Space: nsSASL, Local: "auth"}, markup.Name{Space: nsSASL, Local: "response"}, markup.Name{Space: nsSASL, Local: "abort"}:
		return c.sasl(e)
	}
	if c.account.IsZero() {
		return &stream.Error{Condition: "not-authorized"}
	}
	switch e.Name.Space {
	case nsSM:
		return c.manage(e)
	case NSCSI:
		if c.session != nil && (e.Name.Local == "active" || e.Name.Local == "inactive") {
			c.session.setActive(e.Name.Local == "active")
			return nil
		}
	}
	return &stream.Error{Condition: "unsupported-stanza-type"} // RFC 6120 §4.9.3.24
}

// starttls upgrades the connection. RFC 6120 §5.4.
func (c *conn) starttls() error {
	cfg := c.srv.config()
	if c.secure || cfg.TLS == nil || !c.account.IsZero() {
		c.write([]byte("<failure xmlns='" + nsTLS + "'/></stream:stream>"))
		return io.EOF
	}
	if err := c.write([]byte("<proceed xmlns='" + nsTLS + "'/>")); err != nil {
		return err
	}
	if c.r.Buffered() > 0 {
		// RFC 6120 §5.4.3.3: what came in clear behind <starttls/> is an injection; such a client is not served.
		return io.EOF
	}
	if err := c.handshake(cfg.TLS, cfg); err != nil {
		c.srv.log.Debug("TLS handshake failed", "addr", c.host, "err", err)
		return io.EOF
	}
	c.r.Restart(&patient{c: c})
	c.headed = false
	return nil
}

// handshake makes the connection a TLS one. conf and cfg.Leaf belong together.
func (c *conn) handshake(conf *tls.Config, cfg *Config) error {
	t := tls.Server(c.tcp, conf)
	ctx, cancel := context.WithTimeout(context.Background(), cfg.EarlyTime)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		return err
	}
	c.out.Lock()
	c.nc, c.secure = t, true
	c.out.Unlock()
	cs := t.ConnectionState()
	c.bound = sasl.Bindings(&cs, cfg.Leaf)
	return nil
}

// write sends bytes; concurrent calls do not mix.
func (c *conn) write(b []byte) error {
	c.out.Lock()
	defer c.out.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.nc.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := c.nc.Write(b)
	return err
}

// reply writes directly before there is a session, and by its queue afterwards.
func (c *conn) reply(b []byte) {
	if c.session != nil {
		c.session.sendRaw(b, fresh)
		return
	}
	c.write(b)
}

// goodbye ends the stream as RFC 6120 §4.4 and §4.9.1 ask: what is queued, our header if the client never saw one, the error, the end tag.
func (c *conn) goodbye(e *stream.Error) {
	var b []byte
	if !c.headed {
		b = c.header(stream.Header{}).Append(b, stream.NSClient)
		c.headed = true
	}
	if e != nil {
		b = e.Append(b)
	}
	b = append(b, "</stream:stream>"...)
	if c.session != nil {
		c.session.drain(c)
	}
	c.write(b)
}

// kick ends the stream from outside the reader.
func (c *conn) kick(condition, text string) {
	e := &stream.Error{Condition: condition, Text: text}
	c.tcp.SetWriteDeadline(time.Now().Add(2 * time.Second))
	c.write(append(e.Append(nil), "</stream:stream>"...))
	c.hangUp()
}

// hangUp closes the socket; the reader then ends.
func (c *conn) hangUp() {
	c.out.Lock()
	defer c.out.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	c.tcp.SetWriteDeadline(time.Now().Add(2 * time.Second)) // the close_notify of TLS must not wait for a dead client
	c.nc.Close()
}

// patient reads for the stream reader. It bounds the time until the client has bound, and afterwards asks a client that
// was silent for long whether it is still there.
type patient struct {
	c    *conn
	till time.Time // read deadline that is set
}

func (p *patient) Read(b []byte) (int, error) {
	c := p.c
	asked := false
	for {
		cfg := c.srv.config()
		now := time.Now()
		switch {
		case c.session == nil:
			if p.till.IsZero() {
				p.till = now.Add(cfg.EarlyTime)
				c.nc.SetReadDeadline(p.till)
			}
		case asked:
			p.till = now.Add(cfg.IdleAnswer)
			c.nc.SetReadDeadline(p.till)
		case p.till.Sub(now) < cfg.Idle-cfg.Idle/8: // not at every read: a deadline costs
			p.till = now.Add(cfg.Idle)
			c.nc.SetReadDeadline(p.till)
		}
		n, err := c.nc.Read(b)
		var ne net.Error
		if n > 0 || err == nil || !errors.As(err, &ne) || !ne.Timeout() || c.session == nil || asked {
			return n, err
		}
		asked = true
		c.session.ask()
	}
}

// ask makes a silent client show that it is there.
func (s *Session) ask() {
	s.mu.Lock()
	managed := s.sm != nil && s.sm.counting
	s.mu.Unlock()
	if managed {
		s.sendRaw([]byte("<r xmlns='urn:xmpp:sm:3'/>"), fresh)
		return
	}
	s.sendRaw([]byte(" "), fresh) // RFC 6120 §4.6.1: whitespace; TCP tells whether it arrived
}

// drain waits, bounded, until the queue is written: the client gets what was answered before the stream closed.
func (s *Session) drain(c *conn) {
	stop := time.AfterFunc(2*time.Second, c.hangUp)
	defer stop.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.conn == c && (s.writing || s.pending > 0) {
		s.idle.Wait()
	}
}

var _ local.Outbox = (*Session)(nil)
