package subnet_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis"
	"longwire/links/subnet"
)

// at runs a play in a bubble.
func play(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func TestEMCON(t *testing.T) {
	play(t, "nothing is sent, clients are told, what waits goes out later", func(t *testing.T) {
		x := newWorld(t, 2, 300, subnet.Config{EMCON: true})
		x.nodes[1].SetEMCON(false)
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
		if got := a.heard(); !slices.Equal(got, []sis.Event{sis.SubnetAvailability{Status: sis.ReceiveOnly, Reason: sis.AvailabilityEMCON}}) {
			t.Errorf("told %v at the bind", got)
		}
		go b.send(0, sis.UnidataRequest{DestinationSAP: 6, TTL: sis.TTLOf(time.Hour)}, "to the silent")
		time.Sleep(10 * time.Minute)
		if n := x.nodes[0].Status().Counts.Transmissions; n != 0 {
			t.Errorf("%d transmissions in EMCON", n)
		}
		if got := b.heard(); len(got) != 1 || got[0].(sis.Rejected).Answer.Reason != sis.RejectNoResponse {
			t.Errorf("the sender heard %v", got)
		}
		x.nodes[0].SetEMCON(false)
		if got := a.heard(); !slices.Equal(got, []sis.Event{sis.SubnetAvailability{Status: sis.NodeOn}}) {
			t.Errorf("told %v after EMCON", got)
		}
		b.send(0, sis.UnidataRequest{DestinationSAP: 6}, "to the heard")
		time.Sleep(3 * time.Minute)
		if got := texts(a.heard()); !slices.Equal(got, []string{"to the heard"}) {
			t.Errorf("got %q", got)
		}
	})
	// Whatever is on the air when EMCON begins, it all arrives when it ends: a link request, its answer, data, an acknowledgement, a break.
	for at := range 40 {
		play(t, "at any moment", func(t *testing.T) {
			x := newWorld(t, 2, 300, subnet.Config{})
			a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
			a.send(1, sis.UnidataRequest{DestinationSAP: 6, TTL: sis.TTLOf(2 * time.Hour)}, "one")
			a.send(1, sis.UnidataRequest{DestinationSAP: 6, TTL: sis.TTLOf(2 * time.Hour)}, "two")
			silent := at % 2
			time.Sleep(time.Duration(at/2) * 2500 * time.Millisecond)
			x.nodes[silent].SetEMCON(true)
			synctest.Wait()
			before := x.nodes[silent].Status()
			if before.Sending {
				t.Error("still sending")
			}
			time.Sleep(30 * time.Second)
			if after := x.nodes[silent].Status(); after.Counts.Transmissions != before.Counts.Transmissions {
				t.Error("sent in EMCON")
			}
			x.nodes[silent].SetEMCON(false)
			time.Sleep(20 * time.Minute)
			if got := texts(b.heard()); !slices.Equal(got, []string{"one", "two"}) {
				t.Errorf("EMCON of %d at %d: B got %q; %+v", silent, at/2, got, x.nodes[silent].Status())
			}
			confirmed := 0
			for _, e := range a.heard() {
				if _, ok := e.(sis.Confirmed); ok {
					confirmed++
				}
			}
			if confirmed != 2 {
				t.Errorf("EMCON of %d at %d: %d confirmed", silent, at/2, confirmed)
			}
		})
	}
}
