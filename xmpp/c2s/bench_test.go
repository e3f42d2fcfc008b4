package c2s_test

import (
	"bytes"
	"testing"
	"time"

	"longwire/xmpp/c2s"
	"longwire/xmpp/local"
	"longwire/xmpp/stanza"
)

// BenchmarkMessage is one message from client to client over loopback: reader, route, outbox, write, and two system calls
// on each side of each connection. The clients themselves allocate nothing.
func BenchmarkMessage(b *testing.B) {
	for _, c := range []struct {
		name              string
		managed, archived bool
	}{{"plain", false, false}, {"plain, archived", false, true}, {"stream management", true, false}, {"stream management, archived", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b)
			if c.archived {
				r = newArchiveRig(b)
			}
			alice, bob := r.online("alice", "desk"), r.online("bob", "phone")
			if c.managed {
				alice, _ = r.managed("alice", "desk")
				bob, _ = r.managed("bob", "phone")
			}
			message := []byte("<message to='bob@field.net/phone' type='chat' id='m1'><body>Convoy has left, nothing to report.</body></message>")
			buf := make([]byte, 4096)
			end, in := []byte("</message>"), uint32(1)
			bob.nc.SetReadDeadline(time.Time{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := alice.nc.Write(message); err != nil {
					b.Fatal(err)
				}
				for got := 0; ; {
					n, err := bob.nc.Read(buf[got:])
					if err != nil {
						b.Fatal(err)
					}
					got += n
					if bytes.Contains(buf[:got], end) {
						break
					}
				}
				if in++; c.managed {
					bob.send("<a xmlns='urn:xmpp:sm:3' h='" + utoa(in) + "'/>")
				}
			}
		})
	}
}

// BenchmarkFanOut200 is one stanza for 200 clients, as a room sends it, over loopback: outbox, write, and the clients'
// reading.
func BenchmarkFanOut200(b *testing.B) {
	r := newRig(b, func(c *c2s.Config) { c.StreamsPerAccount = 201 })
	var all []*local.Resource
	arrived := make(chan struct{}, 200)
	for i := range 200 {
		c := r.online("bob", "r"+utoa(uint32(i)))
		c.nc.SetReadDeadline(time.Time{})
		all = append(all, r.host.Resource(jidOf(b, "bob@field.net/r"+utoa(uint32(i)))))
		go func() {
			buf, end := make([]byte, 64<<10), []byte("<end/>")
			for {
				n, err := c.nc.Read(buf)
				if err != nil {
					return
				}
				for range bytes.Count(buf[:n], end) {
					arrived <- struct{}{}
				}
			}
		}()
	}
	s := &stanza.Stanza{Kind: stanza.Message, From: jidOf(b, "ops@chat.field.net/Alice"), Type: stanza.Groupchat, ID: "ab12"}
	s.SetInner([]byte("<body>The convoy has left the second checkpoint.</body><occupant-id xmlns='urn:xmpp:occupant-id:0' id='sEpT5ejGZAu27HVvCOvDEwB5jsT_2vWsN7IkkGMbAPA'/>" +
		"<stanza-id xmlns='urn:xmpp:sid:0' by='ops@chat.field.net' id='1hg3k9q2v7s0d'/><end/>"))
	b.ReportAllocs()
	for b.Loop() {
		for _, res := range all {
			res.Send(s)
		}
		for range all {
			<-arrived
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200, "ns/recipient")
}
