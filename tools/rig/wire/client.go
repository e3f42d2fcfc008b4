package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// A Mode is how the connection is protected.
type Mode int

// The modes.
const (
	Plain    Mode = iota // TCP, SASL in the clear
	StartTLS             // RFC 6120 §5
	Direct               // TLS from the first byte, XEP-0368
)

func (m Mode) String() string { return [...]string{"plain", "STARTTLS", "direct TLS"}[m] }

// Login says where and as whom to log in.
type Login struct {
	Address   string // host:port
	Domain    string
	User      string
	Password  string
	Mode      Mode
	TLS       *tls.Config   // nil: accept any certificate
	Mechanism string        // "" means SCRAM-SHA-1
	Binding   string        // for -PLUS; "" means tls-exporter
	Timeout   time.Duration // for the whole login; 0 means 20 s
}

// A Conn is one logged-in stream. One goroutine may call Next while another calls Write.
type Conn struct {
	net.Conn
	split    *splitter
	Login    Login
	JID      string // full, after Bind
	Features []byte // the last ones seen
}

// Dial connects and authenticates; what comes next is Bind or Resume.
func Dial(ctx context.Context, l Login) (*Conn, error) {
	if l.Mechanism == "" {
		l.Mechanism = "SCRAM-SHA-1"
	}
	if l.Binding == "" {
		l.Binding = "tls-exporter"
	}
	if l.Timeout == 0 {
		l.Timeout = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", l.Address)
	if err != nil {
		return nil, fmt.Errorf("wire: dial %s: %w", l.Address, err)
	}
	// A login that hangs ends with the context, by way of the deadline.
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	c := &Conn{Conn: nc, Login: l}
	if err := c.login(ctx); err != nil {
		stop()
		nc.Close()
		return nil, fmt.Errorf("wire: log in as %s@%s at %s: %w", l.User, l.Domain, l.Address, err)
	}
	if !stop() {
		nc.Close()
		return nil, fmt.Errorf("wire: log in as %s@%s at %s: %w", l.User, l.Domain, l.Address, ctx.Err())
	}
	return c, nil
}

func (c *Conn) login(ctx context.Context) error {
	if c.Login.Mode == Direct {
		if err := c.startTLS(ctx); err != nil {
			return err
		}
	}
	c.split = newSplitter(c.Conn)
	if err := c.open(); err != nil {
		return err
	}
	if c.Login.Mode == StartTLS {
		if err := c.WriteString("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"); err != nil {
			return err
		}
		if _, err := c.Expect("proceed"); err != nil {
			return err
		}
		if err := c.startTLS(ctx); err != nil {
			return err
		}
		c.split = newSplitter(c.Conn)
		if err := c.open(); err != nil {
			return err
		}
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	c.split.reset()
	return c.open()
}

// startTLS puts TLS on the connection.
func (c *Conn) startTLS(ctx context.Context) error {
	conf := c.Login.TLS
	if conf == nil {
		conf = &tls.Config{InsecureSkipVerify: true}
	}
	conf = conf.Clone()
	if conf.ServerName == "" {
		conf.ServerName = c.Login.Domain
	}
	if c.Login.Mode == Direct {
		conf.NextProtos = []string{"xmpp-client"}
	}
	t := tls.Client(c.Conn, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		return err
	}
	c.Conn = t
	return nil
}

// open sends a stream header and reads the server's, and the features behind it.
func (c *Conn) open() error {
	err := c.WriteString("<?xml version='1.0'?><stream:stream to='" + c.Login.Domain +
		"' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
	if err != nil {
		return err
	}
	if _, err := c.Expect("stream:stream"); err != nil {
		return err
	}
	f, err := c.Expect("stream:features")
	c.Features = bytes.Clone(f.Raw)
	return err
}

func (c *Conn) authenticate() error {
	var state *tls.ConnectionState
	if t, ok := c.Conn.(*tls.Conn); ok {
		s := t.ConnectionState()
		state = &s
	}
	s, err := newScram(c.Login.Mechanism, c.Login.User, c.Login.Password, c.Login.Binding, state)
	if err != nil {
		return err
	}
	b64 := base64.StdEncoding
	const ns = " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
	err = c.WriteString("<auth" + ns + " mechanism='" + c.Login.Mechanism + "'>" + b64.EncodeToString([]byte(s.first())) + "</auth>")
	if err != nil {
		return err
	}
	e, err := c.Expect("challenge")
	if err != nil {
		return err
	}
	first, err := b64.DecodeString(Text(e.Raw, "challenge"))
	if err != nil {
		return fmt.Errorf("wire: challenge: %w", err)
	}
	final, err := s.final(string(first))
	if err != nil {
		return err
	}
	if err := c.WriteString("<response" + ns + ">" + b64.EncodeToString([]byte(final)) + "</response>"); err != nil {
		return err
	}
	if e, err = c.Expect("success"); err != nil {
		return err
	}
	last, err := b64.DecodeString(Text(e.Raw, "success"))
	if err != nil {
		return fmt.Errorf("wire: success: %w", err)
	}
	return s.verify(string(last))
}

// Bind binds a resource; an empty one lets the server choose.
func (c *Conn) Bind(resource string) error {
	if resource != "" {
		resource = "<resource>" + Escape(resource) + "</resource>"
	}
	err := c.WriteString("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" + resource + "</bind></iq>")
	if err != nil {
		return err
	}
	e, err := c.Expect("iq")
	if err != nil {
		return err
	}
	c.JID = Text(e.Raw, "jid")
	if Attr(e.Raw, "type") != "result" || c.JID == "" {
		return fmt.Errorf("wire: bind refused: %s", e.Raw)
	}
	return nil
}

// Next waits for the next top-level element.
func (c *Conn) Next() (Element, error) { return c.split.next() }

// Buffered is true if bytes are there that Next has not looked at.
func (c *Conn) Buffered() []byte { return c.split.buf[c.split.start:c.split.end] }

// Expect reads one element and fails if it has another name.
func (c *Conn) Expect(name string) (Element, error) {
	e, err := c.Next()
	if err != nil {
		return e, fmt.Errorf("wire: waiting for <%s>: %w", name, err)
	}
	if e.Name != name {
		return e, &UnexpectedError{Want: name, Got: string(e.Raw)}
	}
	return e, nil
}

// An UnexpectedError is an element other than the one that was due.
type UnexpectedError struct{ Want, Got string }

func (e *UnexpectedError) Error() string {
	return "wire: wanted <" + e.Want + ">, got " + e.Got
}

// WriteString sends a string.
func (c *Conn) WriteString(s string) error {
	_, err := c.Write([]byte(s))
	return err
}

// Close closes the stream the polite way.
func (c *Conn) Close() error {
	c.SetWriteDeadline(time.Now().Add(time.Second))
	return errors.Join(c.WriteString("</stream:stream>"), c.Conn.Close())
}

// Abort drops the connection with a reset, as a lost network does.
func (c *Conn) Abort() {
	nc := c.Conn
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	if t, ok := nc.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	nc.Close()
}

// Offers is true if the last features hold the text, such as ">SCRAM-SHA-1<" or "urn:xmpp:sm:3".
func (c *Conn) Offers(text string) bool { return strings.Contains(string(c.Features), text) }
