package s5066_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/s5066"
	"longwire/links/s5066/frame"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/store"
)

// stranger binds a SAP at a node and sends what it is told to.
func (r *rig) stranger(n *sistest.Node, sap uint8) (send func(to sis.Address, sap uint8, updu []byte), gone func()) {
	r.t.Helper()
	c, err := sis.Bind(context.Background(), sis.Binding{Name: "stranger", Dial: n.Dial, SAP: sap})
	if err != nil {
		r.t.Fatal(err)
	}
	return func(to sis.Address, sap uint8, updu []byte) {
		r.t.Helper()
		if _, err := c.Unidata(context.Background(), sis.UnidataRequest{DestinationSAP: sap, Destination: to,
			DeliveryMode: sis.ServiceType{TransmissionMode: sis.ARQ}, TTL: 3600, UPDU: updu}); err != nil {
			r.t.Error(err)
		}
	}, c.Close
}

// What is not the peer's, and what the peer should not send, is dropped and counted; the peers go on.
func TestFoulFrames(t *testing.T) {
	play(t, sistest.Options{}, func(r *rig) {
		r.start()
		r.a.Send("one")
		r.arrived(r.a, r.b, []string{"one"})
		far := r.air.Node(addresses[2], sis.ServerConfig{})
		send, gone := r.stranger(far, 6)
		send(addresses[0], 6, []byte("who am I"))
		time.Sleep(time.Second)
		gone()
		send, gone = r.stranger(r.b.air, 7) // the peer's node, but not its client
		send(addresses[0], 6, []byte("who am I"))
		time.Sleep(time.Second)
		gone()
		if s := r.a.status(); s.Strays != (s5066.Strays{Unknown: 1, WrongSAP: 1}) {
			t.Errorf("strays %+v", s.Strays)
		}

		r.b.Stop()
		send, gone = r.stranger(r.b.air, 6)
		rnd := rand.New(rand.NewPCG(1, 1))
		before := r.a.status()
		for n := range 300 { // nonsense of all lengths
			b := make([]byte, rnd.IntN(2049))
			for i := range b {
				b[i] = byte(rnd.Uint32())
			}
			send(addresses[0], 6, b)
			if n%50 == 0 {
				time.Sleep(time.Minute)
			}
		}
		var enc frame.Encoder
		enc.Start(77)
		future, _, err := enc.Encode(nil, frame.Header{Out: "peer.abc0", In: "us"}, [][]byte{[]byte("<message/>")}, 2048)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			send(addresses[0], 6, future)
		}
		send(addresses[0], 6, nil)
		time.Sleep(time.Hour)
		gone()
		d, was := r.a.status().Drops, before.Drops
		if n := d.Format + d.Check + d.Gap + d.Old + d.Overflow - was.Format - was.Check - was.Gap - was.Old - was.Overflow; n < 300 {
			t.Errorf("%d dropped: %+v", n, d)
		}
		if got := r.a.Received(); len(got) != 0 {
			t.Errorf("taken: %q", got)
		}
		time.Sleep(time.Minute)
		r.b.Start()
		r.a.Send("two")
		r.b.Send("three")
		r.arrived(r.a, r.b, []string{"one", "two"})
		r.arrived(r.b, r.a, []string{"three"})
	})
}

// A hub serves its peers alike, and one that does not answer does not keep the others.
func TestSeveralPeersOnOneBind(t *testing.T) {
	play(t, sistest.Options{Delay: time.Second, Rate: 1200, Patience: time.Minute}, func(r *rig) {
		names := []string{"field.net", "ship.net", "island.net"}
		r.a.config.Peers = nil
		ends := []*end{r.b, r.end(2, names[1], 0, "headquarters.net"), r.end(3, names[2], 0, "headquarters.net")}
		for i, name := range names {
			r.a.config.Peers = append(r.a.config.Peers, s5066.PeerConfig{Peer: name, RemoteAddress: addresses[1+i], Mapping: s5066.Longwire})
		}
		r.a.Start()
		for _, e := range ends[:2] { // the island stays dark
			e.Start()
			defer e.Stop()
		}
		const n = 150
		for i, name := range names {
			r.a.SendTo(name, bodies(fmt.Sprintf("%d %s", i, string(bytes.Repeat([]byte("salt water "), 3))), n)...)
		}
		var done [2]time.Duration
		began := time.Now()
		for time.Since(began) < 6*time.Hour && (done[0] == 0 || done[1] == 0) {
			time.Sleep(5 * time.Second)
			for i := range done {
				if done[i] == 0 && len(ends[i].Received()) == n {
					done[i] = time.Since(began)
				}
			}
		}
		if done[0] == 0 || done[1] == 0 || max(done[0], done[1]) > 3*min(done[0], done[1]) {
			t.Errorf("done after %v", done)
		}
		for i, s := range r.a.m.Status() {
			if want := []string{"field.net", "island.net", "ship.net"}[i]; s.Peer != want || !s.Bound {
				t.Errorf("status %d is of %s, bound %v", i, s.Peer, s.Bound)
			}
		}
		ends[2].Start()
		defer ends[2].Stop()
		for end := time.Now().Add(2 * time.Hour); time.Now().Before(end) && len(ends[2].Received()) < n; {
			time.Sleep(time.Minute)
		}
		if got := ends[2].Received(); len(got) != n {
			t.Errorf("the island got %d", len(got))
		}
	})
}

// An unchanged link is not disturbed by a new configuration; a changed one begins anew; a wrong one changes nothing.
func TestApplyWhileRunning(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		time.Sleep(time.Minute)
		since := r.a.status().Since
		if err := r.a.m.Apply([]s5066.Config{r.a.config}); err != nil || r.a.status().Since != since {
			t.Errorf("disturbed: %v", err)
		}
		wrong := r.a.config
		wrong.TTL = time.Second
		if err := r.a.m.Apply([]s5066.Config{wrong}); err == nil || r.a.status().Since != since {
			t.Errorf("a wrong one is applied, or disturbs: %v", err)
		}
		r.a.Send("before")
		time.Sleep(time.Second)
		r.a.config.AckDelay = time.Minute
		if err := r.a.m.Apply([]s5066.Config{r.a.config}); err != nil {
			t.Fatal(err)
		}
		r.arrived(r.a, r.b, []string{"before"})
		if err := r.a.m.Apply(nil); err != nil || len(r.a.m.Status()) != 0 || r.a.m.Up("field.net") {
			t.Errorf("a link without configuration: %v", err)
		}
	})
}

// The server is not there, then refuses, then ends the bind: all of it is shown, and nothing is lost.
func TestBindFaultsAreShown(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.a.air.Stop()
		r.start()
		r.a.Send("hello")
		time.Sleep(2 * time.Second)
		if s := r.a.status(); s.Bound || s.State != links.BackingOff || s.Fault == "" {
			t.Errorf("no server: %+v", s.Status)
		}
		r.a.air.Start()
		_, gone := r.stranger(r.a.air, 6)
		time.Sleep(2 * time.Minute)
		if s := r.a.status(); s.Bound || s.Fault != "the SIS server refuses: another of its clients has this SAP" {
			t.Errorf("SAP taken: %+v", s.Status)
		}
		gone()
		r.arrived(r.a, r.b, []string{"hello"})
		r.a.air.Stop()
		time.Sleep(time.Second)
		if s := r.a.status(); s.Bound || s.Fault != "connection to the SIS server lost" {
			t.Errorf("server gone: %+v", s.Status)
		}
	})
}

func TestCheckFindsEveryFault(t *testing.T) {
	m := s5066.NewManager(s5066.Env{})
	good := s5066.Config{Name: "one", Server: s5066.Server{Address: "h:5066"}, SAP: 6, LocalAddress: addresses[0],
		Peers: []s5066.PeerConfig{{Peer: "p", RemoteAddress: addresses[1], Mapping: s5066.Longwire}}}
	if err := m.Check([]s5066.Config{good}); err != nil {
		t.Fatal(err)
	}
	bad := s5066.Config{Name: "one", Server: s5066.Server{Address: "h:5066"}, SAP: 6, Rank: 16, LocalAddress: sis.Broadcast, TTL: 400 * time.Hour, TimeScale: 0.5,
		Priority: map[store.Kind]uint8{2: 16}, Peers: []s5066.PeerConfig{
			{Peer: "p", RemoteAddress: addresses[1], Mapping: "pigeon"},
			{Peer: "q", RemoteAddress: addresses[1], Mapping: s5066.Longwire, Confirm: "nobody", Delivery: "maybe", ConnectionID: 16, Repeats: 16},
			{RemoteAddress: 0, Mapping: s5066.Longwire},
		}}
	err := m.Check([]s5066.Config{good, bad})
	if err == nil {
		t.Fatal("nothing found")
	}
	for _, want := range []string{"two of that name", "has SAP 6 of that server", "no rank 16", "31.255.255.255 is that of a group", "TTL of 400h0m0s",
		"no priority 16", "0.5 times as fast", `no mapping "pigeon"`, "has the address 1.1.0.2 of peer p", `no confirmation "nobody"`,
		`no delivery "maybe"`, "no RCOP connection 16", "repeated 16 times", "a peer needs a name", "is missing"} {
		if !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("not found: %s", want)
		}
	}
	good.Server.Network = "serial"
	if err := m.Check([]s5066.Config{good}); err == nil {
		t.Error("a serial line without a dialer")
	}
}
