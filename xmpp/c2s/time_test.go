package c2s_test

import (
	"crypto/tls"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/xmpp/c2s"
)

// gone asserts that the server has closed the connection without a word.
func (c *client) gone() {
	c.tb.Helper()
	c.nc.SetReadDeadline(time.Now().Add(c.patience))
	b, err := io.ReadAll(c.nc)
	if len(b) > 0 || err != nil {
		c.tb.Errorf("got %q and %v, want the end of the connection", b, err)
	}
}

func (r *rig) there(full string) bool {
	r.tb.Helper()
	synctest.Wait()
	return r.host.Resource(jidOf(r.tb, full)) != nil
}

func TestSilentClientIsAsked(t *testing.T) {
	t.Run("with stream management", func(t *testing.T) {
		inBubble(t, func(t *testing.T, r *rig) {
			bob, id := r.managed("bob", "phone")
			bob.patience = time.Hour
			began := time.Now()
			bob.until("<r xmlns='urn:xmpp:sm:3'/>")
			if d := time.Since(began); d < 260*time.Second || d > 300*time.Second {
				t.Errorf("asked after %v", d)
			}
			bob.send("<a xmlns='urn:xmpp:sm:3' h='1'/>")
			bob.until("<r xmlns='urn:xmpp:sm:3'/>")
			asked := time.Now()
			bob.gone()
			if d := time.Since(asked); d != 60*time.Second {
				t.Errorf("given up after %v", d)
			}
			time.Sleep(599 * time.Second)
			if !r.there("bob@field.net/phone") {
				t.Fatal("did not wait for the client to resume")
			}
			time.Sleep(2 * time.Second)
			if r.there("bob@field.net/phone") {
				t.Fatal("waits for ever")
			}
			bob = r.resume("bob", id, "1")
			bob.until("<failed xmlns='urn:xmpp:sm:3' h='1'><item-not-found ")
		})
	})
	t.Run("without", func(t *testing.T) {
		inBubble(t, func(t *testing.T, r *rig) {
			bob := r.online("bob", "phone")
			bob.patience = time.Hour
			got := bob.until("<ping xmlns='urn:xmpp:ping'/></iq>")
			if !strings.HasPrefix(got, "<iq from='field.net' to='bob@field.net/phone' type='get' id='") {
				t.Errorf("asked by %q", got)
			}
			bob.send("<iq type='result' to='field.net' id='" + between(got, "id='", "'") + "'/>")
			bob.until("<ping xmlns='urn:xmpp:ping'/></iq>")
			bob.gone()
			if r.there("bob@field.net/phone") {
				t.Error("still bound")
			}
		})
	})
	t.Run("but not one that sends spaces", func(t *testing.T) {
		inBubble(t, func(t *testing.T, r *rig) {
			bob := r.online("bob", "phone")
			for range 20 {
				time.Sleep(200 * time.Second)
				bob.send(" ") // RFC 6120 §4.6.1
			}
			bob.never("ping xmlns")
		})
	})
}

func TestClientSaysHowLongItWillBeAway(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		bob := r.login("bob", "phone")
		bob.send("<enable xmlns='urn:xmpp:sm:3' resume='1' max='5'/>")
		if got := bob.until("/>"); !strings.Contains(got, " max='5'") {
			t.Error(got)
		}
		bob.nc.Close()
		time.Sleep(4 * time.Second)
		if !r.there("bob@field.net/phone") {
			t.Error("gone too early")
		}
		time.Sleep(2 * time.Second)
		if r.there("bob@field.net/phone") {
			t.Error("there too long")
		}
	})
}

func TestLoginTakesAMinuteAtMost(t *testing.T) {
	for _, c := range []struct {
		name string
		open func(r *rig) *client
		want string
	}{
		{"says nothing", func(r *rig) *client { return dial(r.tb, r.plain) }, "<connection-timeout "},
		{"stops behind the header", func(r *rig) *client {
			cl := dial(r.tb, r.plain)
			cl.send(header)
			cl.until("</stream:features>")
			return cl
		}, "<connection-timeout "},
		{"never binds", func(r *rig) *client { return r.authenticated("alice") }, "<connection-timeout "},
		{"no TLS comes behind proceed", func(r *rig) *client {
			cl := dial(r.tb, r.start)
			cl.send(header)
			cl.until("</stream:features>")
			cl.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
			cl.until("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
			return cl
		}, ""},
		{"no direct TLS", func(r *rig) *client { return dial(r.tb, r.tls) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				began := time.Now()
				cl := c.open(r)
				cl.patience = time.Hour
				defer time.Sleep(2 * time.Second) // until the goroutine has noticed
				go func() {                       // drip-feeding does not help
					for c.want != "" {
						time.Sleep(time.Second)
						if _, err := io.WriteString(cl.nc, " "); err != nil {
							return
						}
					}
				}()
				if c.want == "" {
					cl.gone()
				} else if got := cl.closed(); !strings.Contains(got, c.want) {
					t.Error(got)
				}
				if d := time.Since(began); d < 59*time.Second || d > 61*time.Second {
					t.Errorf("ended after %v", d)
				}
			})
		})
	}
}

// A client that stops to read fills its outbox; what was meant for it is not lost.
func TestSlowReader(t *testing.T) {
	small := func(c *c2s.Config) { c.OutboxStanzas = 20 }
	message := func(n int) string {
		return "<message to='bob@field.net' type='chat' id='m" + itoa(n) + ".'>" + body + "</message>"
	}
	t.Run("without stream management", func(t *testing.T) {
		inBubble(t, func(t *testing.T, r *rig) {
			alice, bob := r.online("alice", "desk"), r.online("bob", "phone")
			for i := range 60 {
				alice.send(message(i))
				alice.never("error")
			}
			time.Sleep(3 * time.Second)
			if r.there("bob@field.net/phone") {
				t.Fatal("still bound")
			}
			if _, err := io.ReadAll(bob.nc); err != nil {
				t.Error(err)
			}
			bob = r.online("bob", "phone")
			for i := range 60 {
				got := bob.until("</message>")
				if !strings.Contains(got, "'m"+itoa(i)+".'") || !strings.Contains(got, "<delay ") {
					t.Fatalf("want m%d, got %q", i, got)
				}
			}
			bob.never("<message")
		}, small)
	})
	t.Run("with stream management", func(t *testing.T) {
		inBubble(t, func(t *testing.T, r *rig) {
			_, id := r.managed("bob", "phone")
			alice := r.online("alice", "desk")
			for i := range 30 {
				alice.send(message(i))
				alice.never("error")
			}
			time.Sleep(3 * time.Second)
			if !r.there("bob@field.net/phone") {
				t.Fatal("may not resume")
			}
			bob := r.resume("bob", id, "1")
			bob.until("<resumed ")
			for i := range 30 {
				if got := bob.until("</message>"); !strings.Contains(got, "'m"+itoa(i)+".'") {
					t.Fatalf("want m%d, got %q", i, got)
				}
			}
			bob.never("<message")
		}, small)
	})
	t.Run("away for too much", func(t *testing.T) {
		inBubble(t, func(t *testing.T, r *rig) {
			bob, id := r.managed("bob", "phone")
			alice := r.online("alice", "desk")
			bob.nc.Close()
			for i := range 60 {
				alice.send(message(i))
				alice.never("error")
			}
			if r.there("bob@field.net/phone") {
				t.Fatal("holds more than it may")
			}
			bob = r.resume("bob", id, "1")
			bob.until("<failed xmlns='urn:xmpp:sm:3' h='1'>")
			bob.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
			bob.until("</iq>")
			bob.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
			bob.until("<enabled ")
			bob.send("<presence/>")
			for i := range 60 {
				if got := bob.until("</message>"); !strings.Contains(got, "'m"+itoa(i)+".'") {
					t.Fatalf("want m%d, got %q", i, got)
				}
			}
			bob.never("<message")
		}, small)
	})
	t.Run("reads and confirms nothing", func(t *testing.T) {
		inBubble(t, func(t *testing.T, r *rig) {
			bob, _ := r.managed("bob", "phone")
			alice := r.online("alice", "desk")
			all := make(chan string)
			go func() {
				b, _ := io.ReadAll(bob.nc)
				all <- string(b)
			}()
			for i := range 100 {
				alice.send(message(i))
				alice.never("error")
				synctest.Wait() // bob has read it
			}
			if got := <-all; !strings.HasSuffix(got, "the client confirms nothing</text></stream:error></stream:stream>") {
				t.Error(got)
			}
			if n := r.spool("bob"); n < 80 {
				t.Errorf("only %d of 100 messages kept", n)
			}
		}, small)
	})
}

// More waits for the account than its outbox holds.
func TestLongSpoolIsHandedOutInPieces(t *testing.T) {
	for _, sm := range []bool{false, true} {
		t.Run(map[bool]string{false: "without stream management", true: "with"}[sm], func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				alice := r.online("alice", "desk")
				for i := range 450 {
					alice.send("<message to='bob@field.net' type='chat' id='m" + itoa(i) + ".'>" + body + "</message>")
				}
				alice.never("error")
				bob := r.login("bob", "phone")
				if sm {
					bob.send("<enable xmlns='urn:xmpp:sm:3'/>")
					bob.until("<enabled ")
				}
				bob.send("<presence/>")
				bob.until("from='bob@field.net/phone'")
				in := 1
				for i := range 451 {
					if i == 200 { // newer ones do not overtake
						alice.send("<message to='bob@field.net' type='chat' id='m450.'>" + body + "</message>")
						alice.never("error")
					}
					got := bob.until("</message>")
					if !strings.Contains(got, "'m"+itoa(i)+".'") {
						t.Fatalf("want m%d, got %q", i, got)
					}
					if in++; sm && strings.Contains(got, "<r ") {
						bob.send("<a xmlns='urn:xmpp:sm:3' h='" + itoa(in-1) + "'/>")
					}
				}
				bob.never("<message")
			}, func(c *c2s.Config) { c.OutboxStanzas = 150 })
		})
	}
}

func TestShutdownTellsEveryStream(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		fresh := dial(t, r.plain)
		fresh.send(header)
		fresh.until("</stream:features>")
		silent := dial(t, r.plain)
		handshaking := dial(t, r.tls)
		bound := r.online("alice", "desk")
		managed, id := r.managed("bob", "phone")
		bound.send("<message to='bob@field.net' type='chat' id='m1'>" + body + "</message>")
		managed.until("m1")
		var asleep io.Closer = dial(t, r.plain).nc
		defer asleep.Close()
		go r.stop()
		for name, cl := range map[string]*client{"before login": fresh, "bound": bound, "managed": managed} {
			if got := cl.closed(); !strings.Contains(got, "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>") {
				t.Errorf("%s: %q", name, got)
			}
		}
		silent.gone()
		handshaking.gone()
		synctest.Wait()
		r.up()
		bob := r.resume("bob", id, "2")
		bob.until("<failed xmlns='urn:xmpp:sm:3' h='1'>")
		bob.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
		bob.until("</iq>")
		bob.send("<presence/>")
		bob.never("m1") // it said that it has it, and alice had no stream management: the message was in memory alone
	})
}

func TestTLSVersionsBelow12AreRefused(t *testing.T) {
	r := newRig(t)
	cl := dial(t, r.tls)
	if err := tls.Client(cl.nc, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}).Handshake(); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}
