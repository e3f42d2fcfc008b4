package s5066_test

import (
	"testing"
	"time"
)

// However long the SIS server was away, the link is back within a minute after it.
func TestBoundWithinAMinuteAfterItsServer(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.a.air.Stop()
		r.start()
		r.a.Send("hello")
		for range 10 {
			time.Sleep(3*time.Hour + 7*time.Second)
			r.a.air.Start()
			time.Sleep(time.Minute + time.Second)
			if s := r.a.status(); !s.Bound {
				t.Errorf("not bound: %+v", s.Status)
			}
			r.a.air.Stop()
		}
		r.a.air.Start()
		r.arrived(r.a, r.b, []string{"hello"})
	})
}
