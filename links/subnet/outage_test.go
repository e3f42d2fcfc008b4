package subnet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/links/cas"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/subnet"
)

func TestServerRestartsInTheMiddle(t *testing.T) {
	for _, who := range []int{0, 1} {
		play(t, fmt.Sprint("node ", who), func(t *testing.T) {
			x := newWorld(t, 2, 1200, subnet.Config{})
			a, b := x.bind(0, sis.Binding{SAP: 6, Window: 16}), x.bind(1, sis.Binding{SAP: 6})
			for i := range 10 {
				a.send(1, sis.UnidataRequest{DestinationSAP: 6, TTL: sis.TTLOf(time.Hour)}, fmt.Sprintf("%d %s", i, strings.Repeat("x", 1000)))
			}
			time.Sleep(40 * time.Second) // the data are on the air
			if !x.nodes[0].Status().Sending {
				t.Error("nothing is on the air")
			}
			x.halt(who)
			b.heard()
			x.start(who)
			switch who {
			case 0:
				<-a.done
				a = x.bind(0, sis.Binding{SAP: 6})
				a.send(1, sis.UnidataRequest{DestinationSAP: 6}, "after")
			case 1:
				<-b.done
				b = x.bind(1, sis.Binding{SAP: 6})
			}
			time.Sleep(30 * time.Minute)
			got := texts(b.heard())
			if who == 0 && !slices.Equal(got, []string{"after"}) {
				t.Errorf("B got %q", got)
			}
			if who == 1 { // it lost its memory; all that it did not confirm comes to it again
				if n := len(outcomes(a.heard())); n != 10 || len(got) != 10 {
					t.Errorf("%d ended, %d arrived", n, len(got))
				}
			}
		})
	}
}

// With client confirmation nothing comes twice, wherever a link breaks.
func TestLinkBreaksAndNothingComesTwice(t *testing.T) {
	breaks := map[string]func(x *world, b *client) *client{
		// A soft link that becomes a hard one starts its windows anew, and what was under way is sent again.
		"by a hard link": func(x *world, b *client) *client {
			b.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForAll, 0, 0, 0)})
			return b
		},
		// B forgets the link and what it had to say; a warning makes A call again.
		"by one that forgets": func(x *world, b *client) *client {
			x.nodes[1].SetEMCON(true)
			x.nodes[1].SetBroadcastOnly(true)
			<-b.done
			time.Sleep(time.Second)
			x.nodes[1].SetBroadcastOnly(false)
			x.nodes[1].SetEMCON(false)
			return x.bind(1, sis.Binding{SAP: 6}).after(b)
		},
	}
	repeated := uint64(0)
	for why, breakIt := range breaks {
		for at := range 30 {
			play(t, why, func(t *testing.T) {
				x := newWorld(t, 2, 300, subnet.Config{})
				a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
				var want, confirmed []string
				for i := range 3 {
					want = append(want, fmt.Sprintf("U_PDU %d%s", i, strings.Repeat(".", 100)))
					confirmed = append(confirmed, "confirmed "+want[i])
					a.send(1, sis.UnidataRequest{DestinationSAP: 6, TTL: sis.TTLOf(6 * time.Hour), DeliveryMode: mode(sis.ARQ, sis.ClientConfirmation)}, want[i])
				}
				time.Sleep(5*time.Second + time.Duration(at)*time.Second)
				b = breakIt(x, b)
				time.Sleep(time.Hour)
				got, ended := texts(b.heard()), outcomes(a.heard())
				if !slices.Equal(got, want) {
					t.Errorf("at %d: B got %.7q", at, got)
				}
				// A confirmation that was forgotten is a rejection, after a while.
				if why == "by a hard link" && !slices.Equal(ended, confirmed) || len(ended) != 3 {
					t.Errorf("at %d: A heard %.17q", at, ended)
				}
				repeated += x.nodes[1].Status().Counts.Repeated
			})
		}
	}
	if repeated == 0 {
		t.Error("nothing was sent twice: nothing tested")
	}
}

func TestThreeContend(t *testing.T) {
	play(t, "each with both others, all the time", func(t *testing.T) {
		x := newWorld(t, 3, 300, subnet.Config{})
		var cs []*client
		for i := range 3 {
			cs = append(cs, x.bind(i, sis.Binding{SAP: 6}))
		}
		r := rand.New(rand.NewPCG(1, 2))
		const each = 30
		for i, c := range cs {
			gaps := make([]time.Duration, each)
			for k := range gaps {
				gaps[k] = time.Duration(r.Float64() * float64(2*time.Minute))
			}
			go func() {
				for k, gap := range gaps {
					time.Sleep(gap)
					_, _ = c.Unidata(context.Background(), sis.UnidataRequest{DestinationSAP: 6, Destination: sisAddress((i + 1 + k%2) % 3), TTL: sis.TTLOf(3 * time.Hour),
						UPDU: fmt.Appendf(nil, "%d of %d, forty characters as people say", k, i)})
				}
			}()
		}
		time.Sleep(4 * time.Hour)
		arrived := 0
		for i, c := range cs {
			list := c.heard()
			arrived += len(texts(list))
			for _, o := range outcomes(list) {
				if !strings.HasPrefix(o, "confirmed") {
					t.Errorf("node %d: %s", i, o)
				}
			}
			if n := len(outcomes(list)); n != each {
				t.Errorf("node %d: %d of %d ended", i, n, each)
			}
		}
		stats := x.air.Stats()
		t.Logf("%d U_PDUs, %d transmissions, %v on the air, %d collisions", arrived, stats.Transmissions, stats.Keyed, stats.Collisions)
		if arrived < 3*each {
			t.Errorf("%d of %d arrived", arrived, 3*each)
		}
		if stats.Collisions*4 > stats.Transmissions {
			t.Errorf("%d collisions in %d transmissions", stats.Collisions, stats.Transmissions)
		}
	})
}

func TestRateFollowsTheChannel(t *testing.T) {
	play(t, "down on a bad channel", func(t *testing.T) {
		// 2400 bit/s, and four of ten segments lost.
		air := modem.NewChannel(modem.ChannelConfig{Seed: 5, Burst: modem.Burst{GoodErrors: 3e-4}})
		x := newWorldOn(t, air, 2, 2400, subnet.Config{CAS: cas.Config{Idle: time.Hour}})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
		go func() {
			for i := range 40 {
				_, _ = a.Unidata(context.Background(), sis.UnidataRequest{DestinationSAP: 6, Destination: sisAddress(1), TTL: sis.TTLOf(10 * time.Hour),
					UPDU: fmt.Appendf(nil, "%2d%s", i, strings.Repeat(".", 1500))})
			}
		}()
		time.Sleep(3 * time.Hour)
		if n := len(texts(b.heard())); n != 40 {
			t.Errorf("%d arrived", n)
		}
		s := x.nodes[0].Status()
		t.Logf("%+v, links %+v", s.Counts, s.Links)
		if s.Counts.RateChanges == 0 {
			t.Error("the rate stayed")
		}
	})
	play(t, "not on a good one", func(t *testing.T) {
		x := newWorld(t, 2, 2400, subnet.Config{})
		a := x.bind(0, sis.Binding{SAP: 6})
		x.bind(1, sis.Binding{SAP: 6})
		for range 8 {
			a.send(1, sis.UnidataRequest{DestinationSAP: 6}, strings.Repeat(".", 2000))
		}
		time.Sleep(time.Hour)
		if c := x.nodes[0].Status().Counts; c.RateChanges != 0 || c.Confirmed != 8 {
			t.Errorf("%+v", c)
		}
	})
}

func TestFiveShareAChannel(t *testing.T) {
	for seed := range uint64(3) {
		play(t, fmt.Sprint("seed ", seed), func(t *testing.T) {
			x := newWorld(t, 5, 300, subnet.Config{})
			var cs []*client
			for i := range 5 {
				cs = append(cs, x.bind(i, sis.Binding{SAP: 6}))
			}
			const each = 24
			r := rand.New(rand.NewPCG(seed, 3))
			sent := make([][each]time.Time, 5)
			for i, c := range cs {
				gaps := make([]time.Duration, each)
				for k := range gaps {
					gaps[k] = time.Duration(r.ExpFloat64() * float64(5*time.Minute))
				}
				go func() {
					for k, gap := range gaps {
						time.Sleep(gap)
						sent[i][k] = time.Now()
						_, _ = c.Unidata(context.Background(), sis.UnidataRequest{DestinationSAP: 6, Destination: sisAddress((i + 1) % 5), TTL: sis.TTLOf(6 * time.Hour),
							UPDU: fmt.Appendf(nil, "%02d, forty characters as people say them", k)})
					}
				}()
			}
			time.Sleep(8 * time.Hour)
			best, worst := time.Duration(1<<62), time.Duration(0)
			own, times := make([][]sis.Event, 5), make([][]time.Time, 5)
			for i, c := range cs {
				times[i], own[i] = c.times(), c.heard()
			}
			for i := range cs {
				at, list := times[(i+1)%5], own[(i+1)%5]
				var total time.Duration
				came := map[int]bool{}
				for j, e := range list {
					var k int
					if u, ok := e.(sis.UnidataIndication); ok {
						if _, err := fmt.Sscanf(string(u.UPDU), "%02d", &k); err == nil && !came[k] {
							came[k] = true
							total += at[j].Sub(sent[i][k])
						}
					}
				}
				// Whoever meets others three times running hears that, and would try again.
				refused := 0
				for _, o := range outcomes(own[i]) {
					if !strings.HasPrefix(o, "confirmed") {
						refused++
					}
				}
				if len(came)+refused < each || refused > 3 {
					t.Errorf("node %d: %d of %d arrived, %d rejected", i, len(came), each, refused)
				}
				mean := total / time.Duration(len(came))
				best, worst = min(best, mean), max(worst, mean)
			}
			s := x.air.Stats()
			t.Logf("mean delay %v to %v; %d transmissions, %d collisions, %v on the air", best.Round(time.Second), worst.Round(time.Second), s.Transmissions, s.Collisions, s.Keyed.Round(time.Second))
			if worst > 3*best {
				t.Errorf("one waits %v, another %v", worst, best)
			}
			if s.Collisions*4 > s.Transmissions {
				t.Errorf("%d collisions in %d transmissions", s.Collisions, s.Transmissions)
			}
		})
	}
}
