package subnet_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/subnet"
)

// overtakes is how long a flash waits that comes when 10 KB have been under way for after.
func overtakes(t *testing.T, il dts.Interleaver, after time.Duration) (waited time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		w, err := modem.Find(300, il)
		if err != nil {
			t.Fatal(err)
		}
		x := newWorldAs(t, modem.NewChannel(modem.ChannelConfig{Seed: 1}), 2, w, subnet.Config{CAS: cas.Config{Idle: cas.Never}})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
		a.send(1, sis.UnidataRequest{DestinationSAP: 6}, "hello")
		time.Sleep(2 * time.Minute)
		for i := range 5 {
			a.send(1, sis.UnidataRequest{DestinationSAP: 6, Priority: 8}, fmt.Sprint(i, strings.Repeat(".", 2047)))
		}
		time.Sleep(after)
		begin := time.Now()
		a.send(1, sis.UnidataRequest{DestinationSAP: 6, Priority: 14}, "F"+strings.Repeat("!", 45))
		time.Sleep(20 * time.Minute)
		var order []string
		b.mu.Lock()
		for i, e := range b.log {
			u, ok := e.(sis.UnidataIndication)
			if !ok {
				continue
			}
			order = append(order, string(u.UPDU[:1]))
			if u.UPDU[0] == 'F' {
				waited = b.at[i].Sub(begin)
			}
		}
		b.mu.Unlock()
		if slices.Sort(order); strings.Join(order, "") != "01234Fh" {
			t.Fatalf("after %v: arrived %q", after, order)
		}
		if n := len(outcomes(a.heard())); n != 7 {
			t.Errorf("after %v: %d confirmed", after, n)
		}
	})
	return waited
}

func TestFlashOvertakesTenKilobytes(t *testing.T) {
	for _, c := range []struct {
		il   dts.Interleaver
		most time.Duration
	}{{dts.ShortInterleaver, 20 * time.Second}, {dts.LongInterleaver, 35 * time.Second}} { // with the long one an answer alone takes 12 s
		var all []time.Duration
		for at := 300 * time.Millisecond; at < 4*time.Minute; at += 3 * time.Second {
			d := overtakes(t, c.il, at)
			if all = append(all, d); d > c.most {
				t.Errorf("interleaver %d: a flash that came after %v waited %v", c.il, at, d)
			}
		}
		slices.Sort(all)
		t.Logf("interleaver %d: median %v, longest %v of %d", c.il, all[len(all)/2], all[len(all)-1], len(all))
	}
}

// A flaky is a modem that often says that it is too late to change what it sends: before it has asked for anything, or after.
type flaky struct {
	modem.Modem
	rnd *rand.Rand
}

func (m *flaky) Amend(change func(from int) []byte) error {
	switch m.rnd.IntN(3) {
	case 0:
		return modem.ErrTooLate
	case 1:
		err := m.Modem.(modem.Amender).Amend(func(from int) []byte {
			change(from)
			return nil
		})
		if err == nil {
			err = modem.ErrTooLate
		}
		return err
	}
	return m.Modem.(modem.Amender).Amend(change)
}

func TestChangesThatComeTooLateHarmNothing(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			air := modem.NewChannel(modem.ChannelConfig{Seed: seed + 1, Fade: modem.Fade{Every: 3 * time.Minute, Length: 5 * time.Second}})
			x := newWorldOn(t, air, 2, 300, subnet.Config{CAS: cas.Config{Idle: cas.Never}})
			x.halt(0)
			rnd := rand.New(rand.NewPCG(seed, 1))
			x.startOn(0, &flaky{air.Station("0"), rand.New(rand.NewPCG(seed, 2))}, new(*subnet.Node))
			a, b := x.bind(0, sis.Binding{SAP: 6, Window: 100}), x.bind(1, sis.Binding{SAP: 6})
			want := map[string]bool{}
			for i := range 60 {
				size, priority := 20, uint8(12+rnd.IntN(3))
				if i%4 == 0 {
					size, priority = rnd.IntN(2000), 8
				}
				text := fmt.Sprint(i, " ", strings.Repeat("x", size))
				want[text] = true
				a.send(1, sis.UnidataRequest{DestinationSAP: 6, Priority: priority, DeliveryMode: sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: sis.NodeConfirmation,
					AsTheyArrive: rnd.IntN(2) == 0}, TTL: sis.TTLOf(24 * time.Hour)}, text)
				time.Sleep(time.Duration(rnd.IntN(15000)) * time.Millisecond)
			}
			time.Sleep(3 * time.Hour)
			got := texts(b.heard())
			for _, s := range got {
				if !want[s] {
					t.Fatalf("seed %d: %.20q came twice, or is nothing that was sent", seed, s)
				}
				delete(want, s)
			}
			if n := len(outcomes(a.heard())); len(want) > 0 || n != 60 {
				t.Errorf("seed %d: %d did not come, %d are confirmed", seed, len(want), n)
			}
		})
	}
}
