package c2s

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/sasl"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// A conn is one connection. Its reader, one goroutine at a time (serve, run, rest), negotiates and then feeds the session; before
// there is a session it also writes. Everything is owned by the reader but what out guards.
type conn struct {
	srv     *Server
	mode    Mode
	tcp     net.Conn // the socket
	in      patient  // reads for r
	r       *stream.Reader
	login   *login    // what only the way to a session needs; nil behind it
	until   time.Time // when there must be a session
	host    string    // address without port, for limits
	domain  string    // of ours, that the client asked for
	lang    string    // xml:lang of the stream, "" when it is ours
	account jid.JID   // bare; zero before authentication
	session *Session
	secure  bool
	gone    chan struct{} // closed when the reader has ended

	speaker atomic.Pointer[Session] // session, for others than the reader

	closed atomic.Bool // nothing may be written any more
	hurry  atomic.Bool // a write may take two seconds

	out    gate      // held while writing to nc; guards what follows
	nc     net.Conn  // tcp, or TLS on it
	headed bool      // our stream header was sent
	till   time.Time // write deadline that is set
}

// login is the state of authentication.
type login struct {
	bound   []sasl.Binding
	auth    *sasl.Server
	claimed string // user that the present attempt is about
	tries   int
	misfits int
}

func newConn(srv *Server, nc net.Conn, mode Mode, host string) *conn {
	c := &conn{srv: srv, mode: mode, tcp: nc, nc: nc, host: host, login: new(login),
		until: time.Now().Add(srv.config().EarlyTime), gone: make(chan struct{}), out: make(gate, 1)}
	c.in.c = c
	return c
}

// serve runs a new connection.
func (c *conn) serve() {
	if c.mode == DirectTLS {
		cfg := c.srv.config()
		if err := c.handshake(cfg.DirectTLS, cfg); err != nil {
			c.srv.log.Debug("direct TLS handshake failed", "addr", c.host, "err", err)
			c.over()
			return
		}
	}
	c.r = stream.NewReader(&c.in, stream.Options{NS: stream.NSClient, MaxBytes: c.srv.config().MaxEarly})
	c.run()
}

// run reads until the client is quiet for a while, when a goroutine with a fresh stack takes over, or until the end.
func (c *conn) run() {
	err := c.read()
	if err == errQuiet {
		go c.rest()
		return
	}
	c.end(err)
	c.over()
}

// over is the last thing that the reader does.
func (c *conn) over() {
	c.hangUp()
	c.srv.over(c)
	close(c.gone)
}

// end says farewell to the client, if it still hears us, and to the session.
func (c *conn) end(err error) {
	var se *stream.Error
	var ne net.Error
	switch {
	case err == nil || errors.As(err, &se):
	case c.session == nil && errors.As(err, &ne) && ne.Timeout():
		se = &stream.Error{Condition: "connection-timeout"} // RFC 6120 §4.9.3.4
	case c.session != nil:
		c.session.lost(c)
		return
	default:
		return
	}
	if c.session == nil {
		c.goodbye(nil, se)
		return
	}
	ack, first := c.session.drain(c)
	c.goodbye(ack, se)
	if first {
		c.session.leave()
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
			if _, ok := stream.ParseError(ev.Nonza); ok {
				return nil // RFC 6120 §4.9.1.1: the stream is over, and an error is not answered with another
			}
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
	if st.Lang == "" {
		st.Lang = c.lang // RFC 6120 §8.1.5
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
	if err := c.begin([]byte("<proceed xmlns='" + nsTLS + "'/>")); err != nil {
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
	c.r.Restart(&c.in)
	return nil
}
