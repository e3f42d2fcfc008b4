package steer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/plan"
	"longwire/links/sis/sistest"
	"longwire/links/steer"
	"longwire/store"
)

// play runs a test in a world of its own time.
func play(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sistest.Options{Delay: 2 * time.Second, Rate: 2400})
		defer w.air.Close()
		defer func() { w.b.Stop(); w.a.Stop() }()
		f(w)
	})
}

// A link that may say nothing takes what comes, and another one confirms it.
func TestASilentLinkIsConfirmedByAnother(t *testing.T) {
	play(t, func(w *world) {
		w.b.plan.Links = slices.Clone(w.b.plan.Links)
		w.b.plan.Links[0].EMCON = true
		said := 0
		w.a.start()
		w.b.start()
		for range 20 {
			w.a.say("ann", said, store.ClassRoutine)
			w.b.say("bob", said, store.ClassRoutine)
			said++
			time.Sleep(20 * time.Second)
		}
		w.until(time.Hour, "all is confirmed", func() bool { return w.a.Waiting() == 0 && w.b.Waiting() == 0 })
		if w.b.sentBy(satcom) != 0 || w.a.sentBy(satcom) < 20 || w.a.sentBy(hf) != 0 {
			t.Errorf("by SatCom b has sent %d, a %d; by HF a %d", w.b.sentBy(satcom), w.a.sentBy(satcom), w.a.sentBy(hf))
		}
		check(t, w.a, w.b, map[string]int{"headquarters.netann": said}, []string{"ann"})
		check(t, w.b, w.a, map[string]int{"field.netbob": said}, []string{"bob"})
	})
}

// Links are reordered, taken out and put back while messages flow.
func TestReloadWhileMessagesFlow(t *testing.T) {
	play(t, func(w *world) {
		both := w.a.plan
		turned := plan.Peer{Links: []plan.Link{both.Links[1], both.Links[0]}, Failover: failover}
		one := plan.Peer{Links: both.Links[1:], Failover: failover}
		w.a.start()
		w.b.start()
		said := 0
		for _, p := range []plan.Peer{both, turned, one, both, turned, both} {
			w.a.helm.Apply([]steer.Config{{Peer: w.a.other, Plan: p}})
			for range 10 {
				w.a.say("ann", said, store.ClassRoutine)
				said++
				time.Sleep(7 * time.Second)
			}
			if want := p.Links[0].Name; w.a.carrier() != want {
				t.Errorf("%s carries, want %s", w.a.carrier(), want)
			}
		}
		w.until(time.Hour, "all is confirmed", func() bool { return w.a.Waiting() == 0 })
		check(t, w.a, w.b, map[string]int{"headquarters.netann": said}, []string{"ann"})
	})
}

// Flash goes by HF at once, routine waits for SatCom.
func TestFlashByHFWhileRoutineWaitsForSatCom(t *testing.T) {
	play(t, func(w *world) {
		routine, err := plan.ClassesOf("routine")
		if err != nil {
			t.Fatal(err)
		}
		w.a.plan.Rules = []plan.Rule{{Classes: routine, Links: []string{satcom}}}
		w.sat.Shut()
		w.a.start()
		w.b.start()
		time.Sleep(5 * time.Minute)
		for i := range 5 {
			w.a.say("ann", i, store.ClassRoutine)
			w.a.say("ben", i, store.ClassFlash)
		}
		time.Sleep(5 * time.Minute)
		if got := w.b.Received(); len(got) != 5 || w.a.Waiting() != 5 || got[0] != "ben 0" {
			t.Fatalf("%d wait, and there came %v", w.a.Waiting(), got)
		}
		w.sat.Reopen()
		w.until(30*time.Minute, "routine goes by SatCom", func() bool { return w.a.Waiting() == 0 })
		check(t, w.a, w.b, map[string]int{"headquarters.netann": 5, "headquarters.netben": 5}, []string{"ann", "ben"})
	})
}

// Without traffic nothing is sent, and no link opened that closes when it is idle.
func TestSilenceCostsNothing(t *testing.T) {
	play(t, func(w *world) {
		w.a.idle = time.Minute
		w.a.start()
		w.b.start()
		w.a.say("ann", 0, store.ClassRoutine)
		w.until(10*time.Minute, "it is confirmed", func() bool { return w.a.Waiting() == 0 })
		time.Sleep(time.Hour)
		w.sat.Shut()
		before := w.a.radio.Sent() + w.b.radio.Sent()
		time.Sleep(24 * time.Hour)
		if now := w.a.radio.Sent() + w.b.radio.Sent(); now != before || before != 0 {
			t.Errorf("HF has transmitted %d times, and before the silence %d", now, before)
		}
		if w.a.carrier() != satcom {
			t.Errorf("%s carries: %s", w.a.carrier(), w.a.state())
		}
	})
}

// A far end that knows no common numbers is sent again what it may have taken, when the link that took it is gone; nothing is lost, and each sender's stay in order.
func TestForeignLinks(t *testing.T) {
	for seed := range 8 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { play(t, func(w *world) { foreign(w, seed) }) })
	}
}

func foreign(w *world, seed int) {
	rnd := rand.New(rand.NewPCG(uint64(seed), 7))
	w.a.foreign, w.b.foreign = true, true
	w.a.start()
	w.b.start()
	said := map[string]int{}
	for range 40 {
		for _, s := range []string{"ann", "ben"} {
			w.a.say(s, said[s], store.ClassRoutine)
			said[s]++
		}
		time.Sleep(time.Duration(rnd.IntN(60)) * time.Second)
		switch rnd.IntN(6) {
		case 0:
			w.sat.Shut()
		case 1:
			w.sat.Swallow()
		case 2, 3:
			w.sat.Reopen()
		}
	}
	w.sat.Reopen()
	w.until(24*time.Hour, "all is confirmed", func() bool { return w.a.Waiting() == 0 })
	next, repeats := map[string]int{}, 0
	for _, body := range w.b.Received() {
		s, number, _ := strings.Cut(body, " ")
		switch k, _ := atoi(number); {
		case k < next[s]:
			repeats++
		case k > next[s]:
			w.t.Fatalf("of %s came %d, not %d", s, k, next[s])
		default:
			next[s]++
		}
	}
	for s, n := range said {
		if next[s] != n {
			w.t.Errorf("%d of %s's %d came", next[s], s, n)
		}
	}
	w.t.Logf("%d came again", repeats)
}
