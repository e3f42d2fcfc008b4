package subnet_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/cas"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/subnet"
)

// lineUse is the part of the rate that is payload of total bytes in U_PDUs of 2048, through the clients' primitives and over an ideal
// channel, from the first key-up of the data to the last confirmation by the node.
func lineUse(t *testing.T, rate, total int) float64 {
	var first time.Time
	air := modem.NewChannel(modem.ChannelConfig{Seed: 1, Observe: func(s modem.Signal) {
		if first.IsZero() {
			first = s.Start
		}
	}})
	x := newWorldOn(t, air, 2, rate, subnet.Config{CAS: cas.Config{Idle: 10 * time.Minute}})
	a, b := x.bind(0, sis.Binding{SAP: 6, Window: 16}), x.bind(1, sis.Binding{SAP: 6})
	// The link is up before, as spec section 7.4 counts.
	a.send(1, sis.UnidataRequest{DestinationSAP: 6}, "hello")
	time.Sleep(time.Minute)
	if got := texts(b.heard()); len(got) != 1 {
		t.Fatalf("no link: %q", got)
	}
	a.heard()
	synctest.Wait()
	first = time.Time{}
	began := time.Now()
	go func() {
		for left := total; left > 0; left -= 2048 {
			if _, err := a.Unidata(context.Background(), sis.UnidataRequest{DestinationSAP: 6, Destination: sisAddress(1), UPDU: make([]byte, min(left, 2048))}); err != nil {
				t.Error(err)
			}
		}
	}()
	bytes, confirmed, last := 0, 0, time.Time{}
	for confirmed < (total+2047)/2048 {
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, s := range texts(b.heard()) {
			bytes += len(s)
		}
		a.mu.Lock()
		for i, e := range a.log {
			if _, ok := e.(sis.Confirmed); ok {
				confirmed++
				last = a.at[i]
			}
		}
		a.log, a.at = nil, nil
		a.mu.Unlock()
		if time.Since(began) > 24*time.Hour {
			t.Fatalf("%d confirmed", confirmed)
		}
	}
	if bytes != total {
		t.Errorf("%d bytes arrived", bytes)
	}
	return float64(8*bytes) / float64(rate) / last.Sub(first).Seconds()
}

func TestLineUseOfBulkData(t *testing.T) {
	for _, c := range []struct {
		rate int
		goal float64
	}{{75, 0.83}, {300, 0.83}, {1200, 0.83}, {2400, 0.83}, {4800, 0.75}, {9600, 0.75}} {
		synctest.Test(t, func(t *testing.T) {
			use := lineUse(t, c.rate, 20<<10)
			t.Logf("%4d bit/s: %.1f %%", c.rate, 100*use)
			if use < c.goal {
				t.Errorf("%d bit/s: %.1f %%, want %.0f %%", c.rate, 100*use, 100*c.goal)
			}
		})
	}
}

func TestShortMessageIsTwoTransmissions(t *testing.T) {
	for _, rate := range []int{75, 300, 1200, 2400, 9600} {
		synctest.Test(t, func(t *testing.T) {
			x := newWorld(t, 2, rate, subnet.Config{CAS: cas.Config{Idle: 10 * time.Minute}})
			a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
			a.send(1, sis.UnidataRequest{DestinationSAP: 6}, "hello")
			time.Sleep(50 * time.Second)
			a.heard()
			b.heard()
			links := x.nodes[0].Status().Links
			if len(links) != 1 || links[0].State != "made" {
				t.Fatalf("links %+v", links)
			}
			before := x.nodes[0].Status().Counts.Transmissions + x.nodes[1].Status().Counts.Transmissions
			sent := time.Now()
			a.send(1, sis.UnidataRequest{DestinationSAP: 6}, "forty characters that a person might say")
			time.Sleep(25 * time.Second)
			after := x.nodes[0].Status().Counts.Transmissions + x.nodes[1].Status().Counts.Transmissions
			if after-before != 2 {
				t.Errorf("%d bit/s: %d transmissions", rate, after-before)
			}
			at := b.times()
			if len(at) != 1 {
				t.Fatalf("%d bit/s: %d events", rate, len(at))
			}
			// Key-up, preamble, the blocks of one DATA-ONLY, and the decoder.
			w := waveform(t, rate)
			ideal := 500*time.Millisecond + w.Air(8*(22+4+40)) + w.Delay
			took := at[0].Sub(sent)
			t.Logf("%4d bit/s: %v from client to client, ideal %v", rate, took, ideal)
			if took > ideal+300*time.Millisecond {
				t.Errorf("%d bit/s: %v from client to client, ideal %v: it waited for nothing", rate, took, ideal)
			}
		})
	}
}

func TestIdleIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, 2, 300, subnet.Config{})
		for sap := range uint8(5) {
			x.bind(0, sis.Binding{SAP: sap})
			x.bind(1, sis.Binding{SAP: sap})
		}
		time.Sleep(24 * time.Hour)
		for i, n := range x.nodes {
			if s := n.Status(); s.Counts.Transmissions != 0 || len(s.Clients) != 5 {
				t.Errorf("node %d: %d transmissions, %d clients", i, s.Counts.Transmissions, len(s.Clients))
			}
		}
	})
}
