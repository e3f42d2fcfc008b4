package s5066_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/store"
)

func (r *rig) sent() int { return r.a.air.Sent() + r.b.air.Sent() }

// No pings, no hellos, no acks for their own sake.
func TestIdleIsSilent(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		time.Sleep(24 * time.Hour)
		if n := r.sent(); n != 0 {
			t.Errorf("%d U_PDUs before there was anything to say", n)
		}
		r.a.Send("hello")
		time.Sleep(time.Minute)
		r.b.Send("hello yourself")
		time.Sleep(time.Hour)
		before := r.sent()
		time.Sleep(24 * time.Hour)
		if n := r.sent() - before; n != 0 {
			t.Errorf("%d U_PDUs in 24 idle hours", n)
		}
		r.b.Stop()
		r.b.Start()
		time.Sleep(24 * time.Hour)
		if n := r.sent() - before; n != 0 {
			t.Errorf("%d U_PDUs after a restart", n)
		}
	})
}

// An answer within AckDelay carries the mark, so that two messages cost three U_PDUs.
func TestMarkRidesOnTheAnswer(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		r.a.Send("question")
		time.Sleep(30 * time.Second)
		r.b.Send("answer")
		time.Sleep(time.Hour)
		if n := r.sent(); n != 3 {
			t.Errorf("%d U_PDUs, want 3", n)
		}
		if r.a.Waiting()+r.b.Waiting() != 0 {
			t.Error("not all is confirmed")
		}
	})
}

// When the lone mark is lost the sender asks, and is answered at once.
func TestLostMarkIsAskedFor(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.a.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			if u.TransmissionMode != sis.ARQ {
				return nil
			}
			return []sis.UnidataIndication{u}
		}
		r.start()
		r.a.Send("hello")
		time.Sleep(time.Hour)
		if n := r.sent(); n != 4 { // message, mark, question, answer
			t.Errorf("%d U_PDUs, want 4", n)
		}
		if r.a.Waiting() != 0 {
			t.Error("not confirmed")
		}
	})
}

func TestLargeStanzas(t *testing.T) {
	for _, mtu := range []int{2048, 300} {
		t.Run(fmt.Sprint(mtu), func(t *testing.T) {
			play(t, sistest.Options{Delay: 2 * time.Second, Rate: 9600, Loss: 0.1}, func(r *rig) {
				rnd := rand.New(rand.NewPCG(1, 2))
				noise := func(n int) string {
					var s strings.Builder
					for range n {
						s.WriteByte("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+/"[rnd.IntN(64)])
					}
					return s.String()
				}
				want := []string{"small", noise(64 << 10), "between", strings.Repeat("all work and no play ", 3000), noise(5000), noise(20000), "last"}
				r.a.air, r.b.air = r.air.Node(addresses[2], sis.ServerConfig{MTU: mtu}), r.air.Node(addresses[3], sis.ServerConfig{MTU: mtu})
				for i, e := range []*end{r.a, r.b} {
					e.config.LocalAddress, e.config.Peers[0].RemoteAddress = addresses[2+i], addresses[3-i]
				}
				r.start()
				r.a.Send(want...)
				time.Sleep(20 * time.Second)
				r.a.air.RejectNext(sis.RejectNoResponse)
				time.Sleep(70 * time.Second)
				r.b.Stop()
				r.b.Start()
				r.arrived(r.a, r.b, want)
			})
		})
	}
}

// EMCON holds at once, also for what the server has already; what is heard is taken, and told afterwards.
func TestEMCON(t *testing.T) {
	play(t, sistest.Options{Delay: time.Second, Rate: 75}, func(r *rig) {
		r.start()
		r.a.Send(strings.Repeat("x", 300), "second", "third")
		time.Sleep(2 * time.Second) // the first frame is on the air, which takes longer
		r.a.silence(true)
		time.Sleep(time.Minute)
		before := r.a.air.Sent()
		r.b.Send("do you hear me")
		time.Sleep(6 * time.Hour)
		if n := r.a.air.Sent() - before; n != 0 {
			t.Errorf("%d U_PDUs under EMCON", n)
		}
		if got := r.a.Received(); !slices.Equal(got, []string{"do you hear me"}) {
			t.Errorf("heard %q", got)
		}
		if s := r.a.status(); s.State != s5066.ReceiveOnly || !s.EMCON || s.MarkOwed.IsZero() {
			t.Errorf("state %s, EMCON %v, mark owed since %v", s.State, s.EMCON, s.MarkOwed)
		}
		r.a.silence(false)
		r.arrived(r.a, r.b, []string{strings.Repeat("x", 300), "second", "third"})
		r.arrived(r.b, r.a, []string{"do you hear me"})
	})
}

func (e *end) silence(on bool) {
	e.t.Helper()
	if err := e.m.SetEMCON("5066 link", on); err != nil {
		e.t.Error(err)
	}
}

// The configuration's EMCON and the switch must both be off. Neither ends the bind of an idle link.
func TestEMCONOfConfigAndSwitch(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.a.config.EMCON = true
		r.start()
		r.a.Send("hello")
		time.Sleep(time.Hour)
		since := r.a.status().Since
		r.a.silence(true)
		r.a.config.EMCON = false
		if err := r.a.m.Apply([]s5066.Config{r.a.config}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if n := r.sent(); n != 0 {
			t.Errorf("%d U_PDUs under EMCON", n)
		}
		if s := r.a.status(); s.Since != since {
			t.Error("the bind was given up")
		}
		r.a.silence(false)
		r.arrived(r.a, r.b, []string{"hello"})
		if err := r.a.m.SetEMCON("none", true); err == nil {
			t.Error("EMCON for a link that is not there")
		}
	})
}

func TestServerThatCannotTransmit(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		time.Sleep(time.Second)
		r.a.air.Server().Announce(sis.SubnetAvailability{Status: sis.ReceiveOnly, Reason: sis.AvailabilityEMCON})
		time.Sleep(time.Second)
		r.a.Send("hello")
		time.Sleep(time.Hour)
		if s := r.a.status(); s.State != s5066.Held || s.Node != sis.ReceiveOnly || s.Reason != sis.AvailabilityEMCON || r.sent() != 0 {
			t.Errorf("%s, %s, %s, %d sent", s.State, s.Node, s.Reason, r.sent())
		}
		if r.a.m.Up("field.net") {
			t.Error("up")
		}
		r.a.air.Server().Announce(sis.SubnetAvailability{Status: sis.NodeOn})
		r.arrived(r.a, r.b, []string{"hello"})
		if !r.a.m.Up("field.net") || r.a.m.Up("nobody") {
			t.Error("not up, or up to nobody")
		}
	})
}

// Each reason has its back-off; hearing the peer ends it.
func TestBackOffByReason(t *testing.T) {
	for _, c := range []struct {
		reason sis.RejectReason
		tries  int // in two minutes
	}{{sis.RejectExpired, 4}, {sis.RejectSAPNotBound, 3}, {sis.RejectNoResponse, 3}, {sis.RejectUnspecified, 3}, {sis.RejectNoMode, 1}} {
		t.Run(c.reason.String(), func(t *testing.T) {
			play(t, sistest.Options{}, func(r *rig) {
				r.start()
				r.a.air.RejectNext(slices.Repeat([]sis.RejectReason{c.reason}, min(c.tries, 3))...)
				r.a.Send("hello")
				time.Sleep(2 * time.Minute)
				r.a.mu.Lock()
				tries := 0
				for _, e := range r.a.events {
					if e.Kind == links.EventSent {
						tries++
					}
				}
				r.a.mu.Unlock()
				if tries != c.tries {
					t.Errorf("%d tries, want %d; %+v", tries, c.tries, r.a.status().Status)
				}
				if c.tries < 4 {
					if s := r.a.status(); s.State != links.BackingOff || s.Fault == "" || s.Until.IsZero() {
						t.Errorf("state %+v", s.Status)
					}
					r.b.Send("I am here")
					time.Sleep(time.Second)
				}
				if got := r.b.Received(); !slices.Equal(got, []string{"hello"}) {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

// What a person can follow: sent, on the far node, confirmed.
func TestEventsTellTheWay(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		r.a.Send("hello")
		time.Sleep(30 * time.Second)
		if s := r.a.status(); s.OnFarNode != 1 || s.Unconfirmed != 1 || s.Outstanding != 0 || s.RTT == 0 {
			t.Errorf("%d on the far node, %d unconfirmed, %d outstanding, RTT %v", s.OnFarNode, s.Unconfirmed, s.Outstanding, s.RTT)
		}
		time.Sleep(time.Hour)
		r.a.mu.Lock()
		defer r.a.mu.Unlock()
		var got []links.EventKind
		for _, e := range r.a.events {
			got = append(got, e.Kind)
			if e.Kind != links.EventUp && (e.Entry != 1 || e.Seq != 1) {
				t.Errorf("%s: entry %d, number %d", e.Kind, e.Entry, e.Seq)
			}
			if e.Kind == links.EventSent && (e.Wire == 0 || e.Batch != 1 || e.Again) {
				t.Errorf("sent: %+v", e)
			}
		}
		if want := []links.EventKind{links.EventUp, links.EventSent, links.EventOnFarNode, links.EventConfirmed}; !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
	})
}

// An entry whose time is over before it could be sent becomes unsent, so that it can be bounced; its number is filled. So is that of one that was cancelled.
func TestExpiredAndCancelledAreNotSent(t *testing.T) {
	play(t, hf, func(r *rig) {
		entry := func(body string, life time.Duration) store.Entry {
			now := time.Now()
			return store.Entry{Kind: store.KindChat, From: "a@headquarters.net", To: "b@field.net", Queued: now, Expires: now.Add(life),
				Stanza: []byte("<message from='a@headquarters.net' to='b@field.net'><body>" + body + "</body></message>")}
		}
		r.air.Cut(addresses[0], addresses[1], true)
		r.start()
		r.a.Put(entry("short", time.Hour), entry("cancelled", 24*time.Hour), entry("long", 24*time.Hour))
		time.Sleep(2 * time.Hour)
		q := r.a.DB.Queue("field.net")
		over, _, err := q.Expired(time.Now())
		if err != nil || len(over) != 1 {
			t.Fatalf("%d released, %v", len(over), err)
		}
		if err := r.a.DB.Update(func(tx *store.Tx) error { _, err := q.Done(tx, over[0].ID, 2); return err }); err != nil {
			t.Fatal(err)
		}
		r.air.Cut(addresses[0], addresses[1], false)
		r.arrived(r.a, r.b, []string{"long"})
		if n := len(r.b.Stanzas()); n != 3 {
			t.Errorf("%d stanzas with those that fill the numbers, want 3", n)
		}
	})
}

// Urgent stanzas go to the server as such, but never past others that are on their way.
func TestPriorities(t *testing.T) {
	play(t, sistest.Options{Delay: time.Second, Rate: 75}, func(r *rig) {
		var mu sync.Mutex
		var got []uint8
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			mu.Lock()
			got = append(got, u.Priority)
			mu.Unlock()
			return []sis.UnidataIndication{u}
		}
		r.start()
		put := func(class store.Class, body string) {
			r.a.Put(store.Entry{Class: class, From: "a@headquarters.net/" + body, To: "b@field.net", Queued: time.Now(),
				Stanza: []byte("<message from='a@headquarters.net' to='b@field.net'><body>" + body + "</body></message>")})
			time.Sleep(2 * time.Second)
		}
		put(store.ClassPresence, "p1"+strings.Repeat("zqjx", 40))
		put(store.ClassReceipt, "r")
		put(store.ClassPresence, "p2")
		put(store.ClassRoutine, "chat")
		time.Sleep(10 * time.Minute)
		put(store.ClassRoutine, "chat2")
		time.Sleep(10 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if want := []uint8{4, 3, 3, 8}; len(got) < 4 || !slices.Equal(got[:4], want) {
			t.Errorf("priorities %v, want %v", got, want)
		}
		if got := r.b.Received(); len(got) != 5 {
			t.Errorf("order %v", got)
		}
	})
}

// Under a time scale the link's own delays are shorter by the clock.
func TestTimeScale(t *testing.T) {
	play(t, sistest.Options{}, func(r *rig) {
		r.a.config.TimeScale, r.b.config.TimeScale = 100, 100
		r.start()
		r.a.Send("hello")
		time.Sleep(2 * time.Second)
		if r.a.Waiting() != 0 {
			t.Error("not confirmed within 200 s of radio time")
		}
	})
}

// To a peer that may not answer all is sent blindly, and again after long; what it says later confirms.
func TestNonARQToASilentPeer(t *testing.T) {
	play(t, sistest.Options{Delay: time.Second, Rate: 300, Loss: 0.3, Seed: 4}, func(r *rig) {
		r.a.config.Peers[0].Delivery, r.a.config.Peers[0].Repeats = s5066.DeliveryNoARQ, 1
		r.b.config.EMCON = true
		r.start()
		want := bodies("a", 40)
		r.a.Send(want...)
		time.Sleep(12 * time.Hour)
		if got := r.b.Received(); !slices.Equal(got, want) {
			t.Errorf("%d arrived, want %d", len(got), len(want))
		}
		if n := r.b.air.Sent(); n != 0 {
			t.Errorf("the silent peer sent %d U_PDUs", n)
		}
		if n := r.a.air.Sent(); n > 120 {
			t.Errorf("%d U_PDUs in 12 hours", n)
		}
		r.b.config.EMCON = false
		if err := r.b.m.Apply([]s5066.Config{r.b.config}); err != nil {
			t.Fatal(err)
		}
		r.arrived(r.a, r.b, want)
	})
}
