package s5066_test

import (
	"testing"
	"time"

	"longwire/links/sis/sistest"
)

var hf = sistest.Options{Delay: 3 * time.Second, Rate: 300}

func TestStanzasBothWays(t *testing.T) {
	play(t, hf, func(r *rig) {
		toB, toA := bodies("a", 60), bodies("b", 60)
		r.start()
		for i := range toB {
			r.a.Send(toB[i])
			r.b.Send(toA[i])
			time.Sleep(time.Second)
		}
		r.arrived(r.a, r.b, toB)
		r.arrived(r.b, r.a, toA)
	})
}

// A message and its mark are all that a lone message costs.
func TestLoneMessageIsOneTransmissionAndOneMark(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		for i := range 3 {
			before := r.a.air.Sent() + r.b.air.Sent()
			r.a.Send("hello")
			time.Sleep(time.Hour)
			if n := r.a.air.Sent() + r.b.air.Sent() - before; n != 2 {
				t.Errorf("message %d: %d U_PDUs, want 2", i, n)
			}
			if n := r.a.Waiting(); n != 0 {
				t.Errorf("message %d: not confirmed", i)
			}
		}
	})
}
