package s5066_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// Power cuts on both sides, a lossy band that closes, radio silence and an operator who forgets the kit and thinks again, all at random: in the end each message has
// come once and in order, and no counter was used for two hellos that were heard.
func TestPairingUnderTorture(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			o := hf
			o.Seed, o.Loss = seed, 0.2
			play(t, o, func(r *rig) {
				rnd := rand.New(rand.NewPCG(seed, 1))
				plain := func(u sis.UnidataIndication) []sis.UnidataIndication { return []sis.UnidataIndication{u} }
				r.a.mangle, r.b.mangle = plain, plain
				r.a.config.Peers[0].RemoteAddress = addresses[1]
				r.a.config.Peers[0].Pairing = &s5066.Pairing{Token: kitToken, Key: hqPair}
				r.b.config.Peers[0].Pairing = &s5066.Pairing{Token: kitToken, Key: kitPair, Headquarters: hqPair.Public(), AtOnce: true}
				r.start()
				var down, up []string
				forgotten := 0
				for i := range 60 {
					time.Sleep(time.Duration(rnd.IntN(300)) * time.Second)
					switch e := []*end{r.a, r.b}[rnd.IntN(2)]; rnd.IntN(8) {
					case 0, 1:
						e.Crash(e.cut)
						e.Start()
					case 2:
						r.air.Cut(addresses[0], addresses[1], rnd.IntN(2) == 0)
					case 3:
						if err := e.m.SetEMCON("5066 link", rnd.IntN(2) == 0); err != nil {
							t.Fatal(err)
						}
					case 4:
						if forgotten < 3 {
							forgotten++
							if err := r.a.m.Forget("field.net", true); err != nil {
								t.Fatal(err)
							}
						}
					case 5, 6:
						up = append(up, fmt.Sprint("up ", i))
						r.b.Send(up[len(up)-1])
					default:
						down = append(down, fmt.Sprint("down ", i))
						r.a.Send(down[len(down)-1])
					}
				}
				r.air.Set(func(o *sistest.Options) { o.Loss = 0.05 })
				r.air.Cut(addresses[0], addresses[1], false)
				for _, e := range []*end{r.a, r.b} {
					if err := e.m.SetEMCON("5066 link", false); err != nil {
						t.Fatal(err)
					}
				}
				r.b.Send("last")
				r.arrived(r.b, r.a, append(up, "last"))
				r.arrived(r.a, r.b, down)
				r.a.sees("paired")
				r.b.sees("paired")
				t.Logf("%d hellos, %d and %d messages, %d and %d transmissions", r.b.record().Counter, len(up), len(down), r.b.air.Sent(), r.a.air.Sent())
				if a, b := r.a.record(), r.b.record(); a.Counter > b.Counter || b.Answered > a.Counter {
					t.Errorf("%+v\n%+v", a, b)
				}
			})
		})
	}
}
