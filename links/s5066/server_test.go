package s5066_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
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

// The link works with a wrong address of its own, which only its log and its status tell of. Groups are nobody's address.
func TestWrongLocalAddressIsShown(t *testing.T) {
	for _, mapping := range []string{s5066.Longwire, s5066.RCOP} {
		t.Run(mapping, func(t *testing.T) {
			play(t, sistest.Options{}, func(r *rig) {
				for _, e := range []*end{r.a, r.b} {
					e.config.Peers[0].Mapping = mapping
					e.config.Compress = mapping == s5066.Longwire
				}
				group := true
				r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
					if group {
						u.Destination = sis.Broadcast
					}
					return []sis.UnidataIndication{u}
				}
				var log bytes.Buffer
				r.b.log = slog.New(slog.NewTextHandler(&log, nil))
				r.b.config.LocalAddress = sis.MakeAddress(1, 1, 0, 9)
				r.start()
				say := func(want ...string) {
					r.t.Helper()
					r.a.Send(want[len(want)-1])
					r.arrived(r.a, r.b, want)
				}
				say("to all")
				if s := r.b.status(); s.Fault != "" {
					t.Errorf("of a group: %q", s.Fault)
				}
				group = false
				say("to all", "to you")
				say("to all", "to you", "to you again")
				if s := r.b.status(); s.Fault != "the SIS server is 1.1.0.2, local_5066_address says 1.1.0.9" || s.State != links.Up {
					t.Errorf("%s, %q", s.State, s.Fault)
				}
				if s := r.a.status(); s.Fault != "" {
					t.Errorf("where it is right: %q", s.Fault)
				}
				r.b.Stop()
				if n := strings.Count(log.String(), "local_5066_address is not"); n != 1 {
					t.Errorf("%d lines in the log:\n%s", n, log.String())
				}
			})
		})
	}
}
