package s5066_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"longwire/links/s5066"
)

// noise is a text that nothing makes short.
func noise(n int) string {
	rnd := rand.New(rand.NewPCG(uint64(n), 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[rnd.IntN(36)]
	}
	return string(b)
}

// A stanza that needs several frames gets through though it is the first that the peer hears of this life.
func TestLargeStanzaIntroducesUs(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		want := []string{noise(6000)}
		r.a.Send(want...)
		r.arrived(r.a, r.b, want)
		r.b.Send("heard you")
		r.arrived(r.b, r.a, []string{"heard you"})
		r.a.Stop()
		r.a.Start()
		before := r.a.air.Sent()
		want = append(want, noise(6001))
		r.a.Send(want[1])
		r.arrived(r.a, r.b, want)
		if n := r.a.air.Sent() - before; n > 14 {
			t.Errorf("%d U_PDUs for 6000 bytes", n)
		}
	})
}

// The same where nobody confirms.
func TestLargeStanzaNonARQ(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.a.config.Peers[0].Delivery = s5066.DeliveryNoARQ
		r.start()
		want := []string{"small", noise(6000), "last"}
		r.a.Send(want...)
		r.arrived(r.a, r.b, want)
	})
}

// Two frames are on the way before the peer says its first word. It can read both.
func TestFirstFramesAreAllRead(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		var want []string
		for i := range 8 {
			want = append(want, noise(150+i))
		}
		r.a.Send(want...)
		r.arrived(r.a, r.b, want)
		if s := r.a.status(); s.Out.Repeated > 0 {
			t.Errorf("%d stanzas were sent again: %+v", s.Out.Repeated, r.b.status().Drops)
		}
		if n := r.b.air.Sent(); n != 1 {
			t.Errorf("%d U_PDUs of the peer, want its mark", n)
		}
	})
}

// A restart of the peer costs one complaint and what it could not read.
func TestPeerStartsInTheMiddle(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		var want []string
		for i := range 30 {
			want = append(want, noise(250+i))
		}
		r.a.Send(want...)
		time.Sleep(time.Minute)
		r.b.Stop()
		r.b.Start()
		r.arrived(r.a, r.b, want)
		if s := r.a.status(); s.Out.Repeated > 10 { // two frames
			t.Errorf("%d stanzas were sent again", s.Out.Repeated)
		}
	})
}
