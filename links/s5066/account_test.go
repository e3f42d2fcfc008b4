package s5066_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/s5066"
	"longwire/links/sis/sistest"
)

// What stanzas are said to have taken of the channel is what they took, by rate and by turns, however they were put together.
func TestAirIsWhatTheChannelWasTaken(t *testing.T) {
	for _, mapping := range []string{s5066.Longwire, s5066.RCOP} {
		t.Run(mapping, func(t *testing.T) {
			play(t, sistest.Options{Rate: 300}, func(r *rig) {
				for _, e := range []*end{r.a, r.b} {
					e.config.Rate, e.config.Peers[0].Mapping = 300, mapping
				}
				r.start()
				var want []string
				letters := rand.New(rand.NewPCG(1, 2))
				for range 60 {
					text := make([]byte, 60)
					for i := range text {
						text[i] = "abcdefghijklmnopqrstuvwxyz012345"[letters.IntN(32)]
					}
					want = append(want, string(text))
				}
				r.a.Send(want...)
				r.arrived(r.a, r.b, want)
				var air time.Duration
				wire, sent, received := 0, 0, 0
				r.a.mu.Lock()
				for _, e := range r.a.events {
					if e.Kind == links.EventSent {
						air, wire, sent = air+e.Air, wire+e.Wire, sent+1
						if e.From == "" || e.To == "" || e.Class == 0 || e.Type == 0 || e.Raw == 0 || e.Folded < e.Raw || e.Compressed == 0 || e.Air <= 0 {
							t.Errorf("%+v", e)
						}
					}
				}
				r.a.mu.Unlock()
				r.b.mu.Lock()
				for _, e := range r.b.events {
					if e.Kind == links.EventReceived && e.Stanza != nil && e.Wire > 0 {
						received++
					}
				}
				r.b.mu.Unlock()
				// The simulated server has no turns; with a radio, one that waits for the answer to the one before has a transmission of its own.
				turns := map[string]int{s5066.Longwire: 1, s5066.RCOP: 60}[mapping]
				took := time.Duration(wire*8)*time.Second/300 + time.Duration(turns)*5*time.Second
				t.Logf("%d stanzas, %d bytes: %v booked, %v on the air", sent, wire, air.Round(time.Second), took.Round(time.Second))
				if sent != 60 || received != 60 || air < took*9/10 || air > took*5/4 {
					t.Errorf("%d sent, %d received; %v booked, %v on the air", sent, received, air, took)
				}
			})
		})
	}
}
