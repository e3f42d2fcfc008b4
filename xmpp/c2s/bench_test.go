package c2s_test

import (
	"bytes"
	"testing"
	"time"
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
