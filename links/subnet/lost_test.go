package subnet_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/subnet"
)

// fragile starts node i anew with a modem that can be lost. lose takes it away for so long.
func (x *world) fragile(i int) (lose func(time.Duration)) {
	x.tb.Helper()
	x.halt(i)
	x.air.Station(fmt.Sprint(i)).Close()
	var inner modem.Modem
	var back time.Time
	dial := func(context.Context) (m modem.Modem, err error) {
		if time.Now().Before(back) {
			return nil, errors.New("unplugged")
		}
		inner, err = x.air.Join(fmt.Sprint(i))
		return inner, err
	}
	first, err := dial(x.ctxs[i])
	if err != nil {
		x.tb.Fatal(err)
	}
	var n *subnet.Node
	x.startOn(i, modem.NewRedial(first, dial, func(err error) { n.SetModemLost(err) }), &n)
	return func(d time.Duration) {
		back = time.Now().Add(d)
		inner.Close()
		synctest.Wait()
	}
}

func TestModemIsLostAndComesBack(t *testing.T) {
	play(t, "clients keep their bind, and hear of it", func(t *testing.T) {
		x := newWorld(t, 2, 300, subnet.Config{})
		lose := x.fragile(0)
		a := x.bind(0, sis.Binding{SAP: 6})
		b := x.bind(1, sis.Binding{SAP: 6})
		a.send(1, sis.UnidataRequest{DestinationSAP: 6, TTL: sis.TTLOf(20 * time.Minute)}, "too late")
		lose(time.Hour)
		off := sis.SubnetAvailability{Status: sis.NodeOff}
		if got := a.heard(); !slices.Equal(got, []sis.Event{off}) {
			t.Errorf("told %v", got)
		}
		if got := x.bind(0, sis.Binding{SAP: 7}).heard(); !slices.Equal(got, []sis.Event{off}) {
			t.Errorf("told %v at the bind", got)
		}
		x.nodes[0].SetEMCON(true) // nothing new for clients
		time.Sleep(30 * time.Minute)
		s := x.nodes[0].Status()
		if s.ModemLost == "" || s.Sending || s.Counts.Transmissions > 1 {
			t.Errorf("status %+v", s)
		}
		got := a.heard()
		if len(got) != 2 || got[0] != off || got[1].(sis.Rejected).Answer.Reason != sis.RejectExpired {
			t.Errorf("meanwhile told %v", got)
		}
		time.Sleep(31 * time.Minute)
		if got := a.heard(); !slices.Equal(got, []sis.Event{sis.SubnetAvailability{Status: sis.ReceiveOnly, Reason: sis.AvailabilityEMCON}}) {
			t.Errorf("told %v when it was back, in EMCON", got)
		}
		x.nodes[0].SetEMCON(false)
		if got := a.heard(); !slices.Equal(got, []sis.Event{sis.SubnetAvailability{Status: sis.NodeOn}}) {
			t.Errorf("told %v in the end", got)
		}
		a.send(1, sis.UnidataRequest{DestinationSAP: 6}, "in time")
		time.Sleep(5 * time.Minute)
		if got := texts(b.heard()); !slices.Equal(got, []string{"in time"}) {
			t.Errorf("B got %q", got)
		}
		if s := x.nodes[0].Status(); s.ModemLost != "" {
			t.Errorf("status %+v", s)
		}
	})
	// Whatever is on the air, and however long: all arrives, once and in order.
	for at := range 40 {
		play(t, "at any moment", func(t *testing.T) {
			x := newWorld(t, 2, 300, subnet.Config{})
			lose := x.fragile(at % 2)
			a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
			var want []string
			for i := range 4 {
				want = append(want, fmt.Sprintf("U_PDU %d of %d, %0200d", i, at, 0))
				a.send(1, sis.UnidataRequest{DestinationSAP: 6, TTL: sis.TTLOf(6 * time.Hour), DeliveryMode: mode(sis.ARQ, sis.ClientConfirmation)}, want[i])
			}
			time.Sleep(time.Duration(at/2) * 2500 * time.Millisecond)
			lose([]time.Duration{time.Second, 20 * time.Second, 10 * time.Minute}[at%3])
			time.Sleep(time.Hour)
			got := texts(b.heard())
			confirmed, rejected := 0, 0
			for _, e := range a.heard() {
				switch e.(type) {
				case sis.Confirmed:
					confirmed++
				case sis.Rejected:
					rejected++
				}
			}
			// A caller may give a silent peer up, or no longer wait for its client: what it has rejected may have arrived, but once.
			if len(slices.Compact(slices.Clone(got))) != len(got) || !slices.IsSorted(got) || confirmed+rejected != 4 || len(got) < confirmed {
				t.Errorf("lost at %d: B got %.8q; %d confirmed, %d rejected", at, got, confirmed, rejected)
			}
			if at%2 == 0 && !slices.Equal(got, want) {
				t.Errorf("lost at %d: the one with the U_PDUs lost its modem, and B got %.8q", at, got)
			}
			if at%3 < 2 && confirmed != 4 {
				t.Errorf("lost at %d for a moment: %d confirmed", at, confirmed)
			}
		})
	}
}
