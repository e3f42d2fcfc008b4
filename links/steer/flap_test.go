package steer_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis/sistest"
	"longwire/store"
)

// go test ./links/steer -run TestFlaps -flaps 500
var flaps = flag.Int("flaps", 0, "scenarios of TestFlaps; 0: 60, or 6 with -short")

// SatCom is cut and restored at random while 200 messages of several senders flow both ways: none is lost, none doubled, and each sender's stay in order. All the
// while both nodes keep the numbering that they began with.
func TestFlaps(t *testing.T) {
	n := *flaps
	switch {
	case n > 0:
	case testing.Short():
		n = 6
	default:
		n = 60
	}
	for seed := range n {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { flap(t, uint64(seed)) })
		})
	}
}

func flap(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 6))
	w := newWorld(t, sistest.Options{Delay: time.Duration(1+rnd.IntN(5)) * time.Second, Rate: []int{300, 1200, 2400}[rnd.IntN(3)], Loss: []float64{0, 0.05, 0.2}[rnd.IntN(3)], Seed: seed})
	defer w.air.Close()
	defer w.b.Stop()
	defer w.a.Stop()
	w.a.idle = []time.Duration{0, 90 * time.Second}[rnd.IntN(2)]
	w.a.start()
	w.b.start()
	crashes := rnd.IntN(4) == 0
	urgent := seed%2 == 1 // one of them says everything on the express lane of HF, whichever link carries the rest
	senders := []string{"ann", "ben", "cay", "dee"}
	said := map[string]int{} // by node and sender
	total := 0
	for total < 200 {
		for range 1 + rnd.IntN(8) {
			n := w.a
			if rnd.IntN(2) == 0 {
				n = w.b
			}
			s := senders[rnd.IntN(len(senders))]
			class := store.ClassRoutine
			if urgent && s == "dee" {
				class = store.ClassFlash
			}
			n.say(s, said[n.name+s], class)
			said[n.name+s]++
			total++
		}
		time.Sleep(time.Duration(rnd.IntN(120_000)) * time.Millisecond)
		w.a.steady()
		w.b.steady()
		switch rnd.IntN(8) {
		case 0:
			w.sat.Shut()
		case 1:
			w.sat.Swallow()
		case 2, 3:
			w.sat.Reopen()
		case 4:
			w.sat.Cut()
		case 5:
			if crashes {
				n := w.a
				if rnd.IntN(2) == 0 {
					n = w.b
				}
				n.Crash(n.cut)
				n.start()
			}
		case 6:
			w.air.Cut(here, there, rnd.IntN(2) == 0)
		}
	}
	w.sat.Reopen()
	w.air.Cut(here, there, false)
	w.until(24*time.Hour, "everything is confirmed", func() bool { return w.a.Waiting() == 0 && w.b.Waiting() == 0 })
	time.Sleep(time.Minute)
	w.a.steady()
	w.b.steady()
	check(t, w.a, w.b, said, senders)
	check(t, w.b, w.a, said, senders)
}

// check looks at what of from's came to to.
func check(t *testing.T, from, to *node, said map[string]int, senders []string) {
	t.Helper()
	next := map[string]int{}
	for _, body := range to.Received() {
		s, number, _ := strings.Cut(body, " ")
		if want := fmt.Sprint(next[s]); number != want {
			t.Errorf("%s: of %s came %s, not %s", to.name, s, number, want)
			next[s], _ = atoi(number)
		}
		next[s]++
	}
	for _, s := range senders {
		if want := said[from.name+s]; next[s] != want {
			t.Errorf("%s has %d of %s's %d", to.name, next[s], s, want)
		}
	}
}

func atoi(s string) (n int, err error) {
	_, err = fmt.Sscan(s, &n)
	return n, err
}

// Failover comes within the configured time, and the way back after the hold-down, doubled when the better link flaps.
func TestFailoverAndBack(t *testing.T) {
	for _, hole := range []bool{false, true} {
		t.Run(map[bool]string{false: "cut", true: "silent"}[hole], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { failAndReturn(t, hole) })
		})
	}
}

func failAndReturn(t *testing.T, hole bool) {
	w := newWorld(t, sistest.Options{Delay: 2 * time.Second, Rate: 2400})
	defer w.air.Close()
	defer w.b.Stop()
	defer w.a.Stop()
	w.a.start()
	w.b.start()
	said := map[string]int{}
	speak := func(d time.Duration) { // one message every ten seconds
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Second) {
			w.a.say("ann", said["headquarters.netann"], store.ClassRoutine)
			said["headquarters.netann"]++
		}
	}
	speak(5 * time.Minute)
	if w.a.carrier() != satcom || w.a.sentBy(hf) > 0 {
		t.Fatalf("%s carries, HF has sent %d", w.a.carrier(), w.a.sentBy(hf))
	}
	hold := failover.BackAfter
	for round := range 3 {
		if w.a.carrier() != satcom {
			t.Fatalf("round %d: SatCom was left, though it does what it should: %s", round, w.a.state())
		}
		cut := time.Now()
		if hole {
			w.sat.Swallow()
		} else {
			w.sat.Shut()
		}
		for w.a.carrier() != hf {
			speak(time.Second)
			if d := time.Since(cut); d > failover.After+30*time.Second {
				t.Fatalf("round %d: no failover after %v: %s", round, d, w.a.state())
			}
		}
		// The first message that SatCom could not bring was said at the cut.
		d := w.a.carrierSince().Sub(cut)
		if d > failover.After+time.Second {
			t.Errorf("round %d: failover after %v, configured is %v", round, d, failover.After)
		}
		t.Logf("round %d: failover after %v", round, d)
		stuck := said["headquarters.netann"]
		speak(3 * time.Minute)
		if got := len(w.b.Received()); got < stuck {
			t.Errorf("round %d: HF has brought %d of %d", round, got, stuck)
		}
		w.sat.Reopen()
		back := time.Now()
		for w.a.carrier() != satcom {
			speak(time.Second)
			if d := time.Since(back); d > hold+2*time.Minute+10*time.Second {
				t.Fatalf("round %d: not back after %v: %s", round, d, w.a.state())
			}
		}
		if d := time.Since(back); d < hold {
			t.Errorf("round %d: back after %v, before the hold-down of %v", round, d, hold)
		}
		hold = min(2*hold, failover.BackMax)
		speak(time.Minute)
	}
	w.until(time.Hour, "everything is confirmed", func() bool { return w.a.Waiting() == 0 })
	check(t, w.a, w.b, said, []string{"ann"})
}
