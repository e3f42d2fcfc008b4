package steer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/plan"
	"longwire/links/sis/sistest"
	"longwire/store"
)

// HF gives a stanza its number, SatCom brings it, and HF carries again before its own frame has arrived. That the peer has the number from elsewhere is no
// sign of an old record: nothing is numbered anew, or what SatCom brings meanwhile would come twice.
func TestLateFrameOfALinkThatWasLeftBeginsNoNewNumbering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sistest.Options{Delay: 20 * time.Second, Rate: 2400})
		defer w.air.Close()
		defer w.b.Stop()
		defer w.a.Stop()
		w.a.plan.Failover = plan.Failover{After: 5 * time.Second, BackAfter: time.Second, BackMax: time.Second}
		w.a.start()
		w.b.start()
		said := map[string]int{}
		say := func() {
			w.a.say("ann", said["headquarters.netann"], store.ClassRoutine)
			said["headquarters.netann"]++
		}
		carries := func(link string) {
			t.Helper()
			w.until(3*time.Minute, link+" carries", func() bool { return w.a.carrier() == link })
		}
		say()
		w.until(time.Minute, "SatCom has brought the first", func() bool { return w.a.Waiting() == 0 })
		w.a.steady()
		for range 3 {
			w.sat.Shut()
			say()
			carries(hf)
			time.Sleep(time.Second) // the frame is in the air
			w.sat.Reopen()
			carries(satcom)
			time.Sleep(time.Second)
			if got := len(w.b.Received()); got != said["headquarters.netann"] {
				t.Fatalf("field.net has %d of %d", got, said["headquarters.netann"])
			}
			w.sat.Shut()
			carries(hf)
			time.Sleep(5 * time.Minute) // the frame comes, and what the peer says to it
			w.sat.Reopen()
			carries(satcom)
			time.Sleep(time.Minute)
		}
		w.until(time.Hour, "everything is confirmed", func() bool { return w.a.Waiting() == 0 })
		w.a.steady()
		check(t, w.a, w.b, said, []string{"ann"})
	})
}
