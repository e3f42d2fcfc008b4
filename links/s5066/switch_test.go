package s5066_test

import (
	"testing"
	"time"

	"longwire/links"
	"longwire/links/linktest"
)

// Both kinds of link between Longwire nodes go on with one numbering, so what crossed the one and was not confirmed does not come twice by the other.

// overIP carries what there is over a link with zero round trips, and cuts it before the sender hears of that.
func (r *rig) overIP(want int) {
	r.t.Helper()
	r.a.Stop()
	r.b.Stop()
	x, y := linktest.NewFake(time.Second)
	r.a.Node.Start(links.Config{Management: links.Pipelined, ZeroRTT: true, Dial: true}, x)
	r.b.Node.Start(links.Config{Management: links.Pipelined, ZeroRTT: true}, y)
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && len(r.b.Received()) < want; {
		time.Sleep(100 * time.Millisecond)
	}
	x.Shut()
	r.a.Stop()
	r.b.Stop()
}

func TestFromHFToIPAndBack(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		r.a.Send("first")
		r.b.Send("answer")
		r.arrived(r.a, r.b, []string{"first"})
		r.arrived(r.b, r.a, []string{"answer"})
		r.a.Stop()
		r.air.Cut(addresses[0], addresses[1], true)
		r.a.Start()
		more := bodies("more", 4)
		r.a.Send(more...) // numbered, and never heard
		time.Sleep(30 * time.Second)
		r.overIP(5)
		if n := r.a.Waiting(); n != 4 {
			t.Fatalf("%d wait, want all that the peer has taken unheard", n)
		}
		r.air.Cut(addresses[0], addresses[1], false)
		r.start()
		r.a.Send("last")
		r.arrived(r.a, r.b, append(append([]string{"first"}, more...), "last"))
	})
}

// The peer never had anything to say.
func TestFromHFToIPOneWay(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		r.a.Send("one")
		r.arrived(r.a, r.b, []string{"one"})
		r.a.Send("two")
		for len(r.b.Received()) < 2 {
			time.Sleep(time.Second)
		}
		if n := r.a.Waiting(); n != 1 {
			t.Fatalf("%d wait, want the one that is not confirmed", n)
		}
		r.a.Send("three")
		r.overIP(3)
		r.start()
		r.a.Send("four")
		r.arrived(r.a, r.b, []string{"one", "two", "three", "four"})
	})
}
