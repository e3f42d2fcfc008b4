package s5066_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/links/s5066"
	"longwire/links/sis/sistest"
	"longwire/store"
)

// A stanza of many segments to a peer that does not answer fills the window to that peer, and keeps no other waiting.
func TestRCOPLargeStanzaToADarkPeerKeepsNobody(t *testing.T) {
	play(t, sistest.Options{Delay: time.Second, Rate: 9600, Patience: 30 * time.Minute}, func(r *rig) {
		ship := r.end(2, "ship.net", 0, "headquarters.net")
		r.a.config.TTL = time.Hour
		r.a.config.Peers = nil
		for i, name := range []string{"field.net", "ship.net"} {
			r.a.config.Peers = append(r.a.config.Peers, s5066.PeerConfig{Peer: name, RemoteAddress: addresses[1+i]})
		}
		ship.config.Peers[0].Mapping = s5066.RCOP
		r.air.Cut(addresses[0], addresses[1], true)
		r.a.Start()
		ship.Start()
		defer ship.Stop()
		r.a.SendTo("field.net", strings.Repeat("salt water ", 5000))
		time.Sleep(2 * time.Minute)
		r.a.SendTo("ship.net", "hello")
		time.Sleep(2 * time.Minute)
		if got := ship.Received(); !slices.Equal(got, []string{"hello"}) {
			t.Errorf("the ship got %q", got)
		}
	})
}

// What is urgent does not wait for all segments of what is less so.
func TestRCOPUrgentStanzaPassesALargeOne(t *testing.T) {
	playRCOP(t, sistest.Options{Delay: time.Second, Rate: 1200}, func(r *rig) {
		put := func(kind store.Kind, class store.Class, from, body string) {
			r.a.Put(store.Entry{Kind: kind, Class: class, From: from, To: "bob@field.net", Queued: time.Now(),
				Stanza: []byte("<message from='" + from + "' to='bob@field.net' id='" + from + "'><body>" + body + "</body></message>")})
		}
		r.start()
		put(store.KindGroupchat, store.ClassRoutine, "room@headquarters.net", strings.Repeat("x", 60_000)) // 400 s
		time.Sleep(10 * time.Second)
		put(store.KindChat, store.ClassPriority, "alice@headquarters.net", "urgent")
		time.Sleep(time.Minute)
		if got := r.b.Received(); !slices.Equal(got, []string{"urgent"}) {
			t.Errorf("%d came", len(got))
		}
	})
}

// A flash passes its own sender's long message too, segment by segment.
func TestRCOPFlashPassesItsSender(t *testing.T) {
	playRCOP(t, sistest.Options{Delay: time.Second, Rate: 1200}, func(r *rig) {
		r.start()
		long := strings.Repeat("x", 60_000) // 400 s
		r.a.say(store.ClassRoutine, alice, bob, long)
		time.Sleep(10 * time.Second)
		r.a.say(store.ClassRoutine, alice, bob, "routine")
		r.a.say(store.ClassFlash, alice, bob, "flash one")
		r.a.say(store.ClassFlash, alice, bob, "flash two")
		time.Sleep(2 * time.Minute)
		if got := r.b.Received(); !slices.Equal(got, []string{"flash one", "flash two"}) {
			t.Errorf("%d came", len(got))
		}
		r.arrived(r.a, r.b, []string{"flash one", "flash two", long, "routine"})
	})
}
