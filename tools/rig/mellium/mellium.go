// Package mellium is a client made of mellium.im/xmpp, an implementation that is not ours: what it understands, others do.
//
// The library has no stream management; the few elements of XEP-0198 that a client without resumption needs are added here.
package mellium

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/muc"
	"mellium.im/xmpp/mux"
	"mellium.im/xmpp/stanza"
)

const smNS = "urn:xmpp:sm:3"

// Login says where and as whom to log in.
type Login struct {
	Address  string // host:port
	JID      string // bare: the server chooses the resource
	Password string
	Direct   bool // TLS from the first byte instead of STARTTLS
	TLS      *tls.Config
	// Mechanisms, best first; none means all SCRAM that the library has.
	Mechanisms []sasl.Mechanism
}

// A Message is what arrives.
type Message struct {
	stanza.Message
	Subject *string   `xml:"subject"`
	Body    string    `xml:"body"`
	Result  *Result   `xml:"urn:xmpp:mam:2 result"`
	User    *struct{} `xml:"http://jabber.org/protocol/muc#user x"`
	Delay   struct {
		Stamp string `xml:"stamp,attr"`
	} `xml:"urn:xmpp:delay delay"`
}

// Events are called from the goroutine that reads, one at a time, and must not write to the client.
type Events struct {
	Message  func(Message)
	Presence func(Presence)
	Invited  func(muc.Invitation) // by way of a room
	Accepted func(n uint32)       // the server took responsibility for the first n stanzas since EnableAcks
}

// A Client is a session that is being served.
type Client struct {
	*xmpp.Session
	events Events
	rooms  muc.Client
	mux    *mux.ServeMux // for rooms
	served chan error

	mu      sync.Mutex
	sent    uint32 // stanzas since EnableAcks
	handled uint32
	acks    bool
}

// Dial logs in and serves the session until Close.
func Dial(ctx context.Context, l Login, events Events) (*Client, error) {
	self, err := jid.Parse(l.JID)
	if err != nil {
		return nil, fmt.Errorf("mellium: %w", err)
	}
	conf := l.TLS.Clone()
	if conf == nil {
		conf = &tls.Config{InsecureSkipVerify: true}
	}
	conf.ServerName = self.Domainpart()
	if len(l.Mechanisms) == 0 {
		l.Mechanisms = []sasl.Mechanism{sasl.ScramSha256Plus, sasl.ScramSha1Plus, sasl.ScramSha256, sasl.ScramSha1}
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", l.Address)
	if err != nil {
		return nil, fmt.Errorf("mellium: dial %s: %w", l.Address, err)
	}
	features := []xmpp.StreamFeature{xmpp.SASL("", l.Password, l.Mechanisms...), xmpp.BindResource()}
	var rw io.ReadWriter = conn
	var state xmpp.SessionState
	if l.Direct {
		conf.NextProtos = []string{"xmpp-client"}
		t := tls.Client(conn, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("mellium: TLS to %s: %w", l.Address, err)
		}
		rw, state = t, xmpp.Secure
	} else {
		features = append(features, xmpp.StartTLS(conf))
	}
	s, err := xmpp.NewSession(ctx, self.Domain(), self, rw, state, xmpp.NewNegotiator(func(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
		return xmpp.StreamConfig{Features: features}
	}))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("mellium: log in as %s at %s: %w", l.JID, l.Address, err)
	}
	c := &Client{Session: s, events: events, served: make(chan error, 1)}
	c.rooms.HandleInvite = events.Invited
	c.mux = mux.New(stanza.NSClient, muc.HandleClient(&c.rooms))
	go func() { c.served <- s.Serve(xmpp.HandlerFunc(c.handle)) }()
	return c, nil
}

// handle gets every top-level element.
func (c *Client) handle(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
	if start.Name.Space == smNS {
		return c.management(t, start)
	}
	c.mu.Lock()
	c.handled++
	c.mu.Unlock()
	tokens, err := xmlstream.ReadAll(t)
	if err != nil {
		return fmt.Errorf("mellium: %w", err)
	}
	if err := c.mux.HandleXMPP(replay{tokens, t}.reader(), start); err != nil {
		return fmt.Errorf("mellium: rooms: %w", err)
	}
	d := xml.NewTokenDecoder(xmlstream.MultiReader(xmlstream.Token(*start), replay{tokens, t}.reader()))
	switch start.Name.Local {
	case "message":
		var m Message
		if err := d.Decode(&m); err != nil {
			return fmt.Errorf("mellium: reading a message: %w", err)
		}
		if c.events.Message != nil {
			c.events.Message(m)
		}
	case "presence":
		var p Presence
		if err := d.Decode(&p); err != nil {
			return fmt.Errorf("mellium: reading presence: %w", err)
		}
		if c.events.Presence != nil {
			c.events.Presence(p)
		}
	}
	return nil
}

// management answers what XEP-0198 sends.
func (c *Client) management(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch start.Name.Local {
	case "enabled":
		c.handled = 0
	case "r":
		_, err := xmlstream.Copy(t, element("a", xml.Attr{Name: xml.Name{Local: "h"}, Value: strconv.FormatUint(uint64(c.handled), 10)}))
		return err
	case "a":
		for _, a := range start.Attr {
			if n, err := strconv.ParseUint(a.Value, 10, 32); a.Name.Local == "h" && err == nil && c.events.Accepted != nil {
				c.events.Accepted(uint32(n))
			}
		}
	}
	return nil
}

func element(name string, attrs ...xml.Attr) xml.TokenReader {
	return xmlstream.Wrap(nil, xml.StartElement{Name: xml.Name{Space: smNS, Local: name}, Attr: attrs})
}

// EnableAcks turns stream management on, without resumption.
func (c *Client) EnableAcks(ctx context.Context) error {
	c.mu.Lock()
	c.acks, c.sent = true, 0
	c.mu.Unlock()
	return c.Session.Send(ctx, element("enable"))
}

// Available sends initial presence.
func (c *Client) Available(ctx context.Context) error {
	return c.send(ctx, stanza.Presence{Type: stanza.AvailablePresence}.Wrap(nil))
}

// Busy sends presence with a word for how busy one is: "away", or "" for not at all.
func (c *Client) Busy(ctx context.Context, show string) error {
	if show == "" {
		return c.Available(ctx)
	}
	word := xmlstream.Wrap(xmlstream.Token(xml.CharData(show)), xml.StartElement{Name: xml.Name{Local: "show"}})
	return c.send(ctx, stanza.Presence{Type: stanza.AvailablePresence}.Wrap(word))
}

// Say sends a chat message and, with acks on, asks for one. It returns the message's number among the stanzas sent.
func (c *Client) Say(ctx context.Context, to, id, body string) (uint32, error) {
	j, err := jid.Parse(to)
	if err != nil {
		return 0, fmt.Errorf("mellium: %w", err)
	}
	text := xmlstream.Wrap(xmlstream.Token(xml.CharData(body)), xml.StartElement{Name: xml.Name{Local: "body"}})
	if err := c.send(ctx, stanza.Message{To: j, ID: id, Type: stanza.ChatMessage}.Wrap(text)); err != nil {
		return 0, err
	}
	c.mu.Lock()
	n, acks := c.sent, c.acks
	c.mu.Unlock()
	if acks {
		err = c.Session.Send(ctx, element("r"))
	}
	return n, err
}

func (c *Client) send(ctx context.Context, r xml.TokenReader) error {
	c.mu.Lock()
	c.sent++
	c.mu.Unlock()
	if err := c.Session.Send(ctx, r); err != nil {
		return fmt.Errorf("mellium: sending: %w", err)
	}
	return nil
}

// Close ends the stream and the connection.
func (c *Client) Close() error {
	err := errors.Join(c.Session.Close(), c.Session.Conn().Close())
	<-c.served
	return err
}
