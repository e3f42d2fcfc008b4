package subnet_test

import (
	"fmt"
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
	}{{dts.ShortInterleaver, 20 * time.Second}, {dts.LongInterleaver, 30 * time.Second}} {
		var all []time.Duration
		for at := 300 * time.Millisecond; at < 4*time.Minute; at += 7 * time.Second {
			d := overtakes(t, c.il, at)
			if all = append(all, d); d > c.most {
				t.Errorf("interleaver %d: a flash that came after %v waited %v", c.il, at, d)
			}
		}
		slices.Sort(all)
		t.Logf("interleaver %d: median %v, longest %v of %d", c.il, all[len(all)/2], all[len(all)-1], len(all))
	}
}
