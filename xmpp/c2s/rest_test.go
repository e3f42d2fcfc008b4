package c2s_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"longwire/xmpp/c2s"
)

// asleep is longer than it takes the reader of a quiet client to go to rest.
const asleep = 400 * time.Millisecond

// halting sends each write in two pieces, with a pause in between.
type halting struct{ net.Conn }

func (h halting) Write(b []byte) (int, error) {
	n := len(b) / 2
	if _, err := h.Conn.Write(b[:n]); err != nil {
		return 0, err
	}
	time.Sleep(asleep)
	m, err := h.Conn.Write(b[n:])
	return n + m, err
}

func TestQuietClientIsHeard(t *testing.T) {
	r := newRig(t)
	ping := "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
	t.Run("in the middle of a stanza", func(t *testing.T) {
		cl := r.login("alice", "x")
		for range 2 {
			time.Sleep(asleep)
			cl.nc = halting{cl.nc}
			cl.send(ping)
			cl.until("id='p'/>")
			cl.nc = cl.nc.(halting).Conn
		}
	})
	t.Run("in the middle of a TLS record", func(t *testing.T) {
		cl := dial(t, r.tls)
		below := &switchable{Conn: cl.nc}
		cl.nc = tls.Client(below, &tls.Config{InsecureSkipVerify: true})
		cl.send(header)
		cl.until("</stream:features>")
		cl.send(auth("PLAIN", "AGFsaWNlAHNlY3JldA=="))
		cl.until("</success>")
		cl.send(header + "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
		cl.until("</bind></iq>")
		below.Conn = halting{below.Conn}
		for range 2 {
			time.Sleep(asleep)
			cl.send(ping + ping)
			cl.until("id='p'/>")
			cl.until("id='p'/>")
		}
	})
	t.Run("and hears", func(t *testing.T) {
		alice, bob := r.online("alice", "desk"), r.online("bob", "phone")
		time.Sleep(asleep)
		alice.send("<message to='bob@field.net' id='m1'>" + body + "</message>")
		bob.until("id='m1'")
	})
	t.Run("and is replaced", func(t *testing.T) {
		old, id := r.managed("bob", "desk")
		time.Sleep(asleep)
		bob := r.resume("bob", id, "1")
		bob.until("<resumed ")
		if got := old.closed(); !strings.Contains(got, "<conflict ") {
			t.Error(got)
		}
	})
	t.Run("and leaves", func(t *testing.T) {
		cl := r.login("alice", "gone")
		time.Sleep(asleep)
		cl.nc.Close()
		r.eventually(func() bool { return r.host.Resource(jidOf(t, "alice@field.net/gone")) == nil })
	})
}

type switchable struct{ net.Conn }

func TestQuietClientIsAsked(t *testing.T) {
	r := newRig(t, func(c *c2s.Config) { c.Idle, c.IdleAnswer = 700*time.Millisecond, 500*time.Millisecond })
	bob, _ := r.managed("bob", "phone")
	began := time.Now()
	bob.until("<r xmlns='urn:xmpp:sm:3'/>")
	if d := time.Since(began); d < 500*time.Millisecond {
		t.Errorf("asked after %v", d)
	}
	bob.send("<a xmlns='urn:xmpp:sm:3' h='1'/>")
	bob.until("<r xmlns='urn:xmpp:sm:3'/>")
	bob.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	if b, err := io.ReadAll(bob.nc); err != nil || len(b) > 0 {
		t.Errorf("got %q, %v", b, err)
	}
	r.eventually(func() bool { return r.host.Resource(jidOf(t, "bob@field.net/phone")).Addr() == "away" })
}
