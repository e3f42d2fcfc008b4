package s5066_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// playUnlike is play with A set up for rcop and B for longwire.
func playUnlike(t *testing.T, o sistest.Options, f func(r *rig)) {
	t.Helper()
	play(t, o, func(r *rig) {
		r.a.config.Compress = false
		r.a.config.Peers[0].Mapping = s5066.RCOP
		f(r)
	})
}

// A's SIS server tells A that B has it, and A deletes it: B takes it, once and in order, complains to nobody, and shows that something is wrong.
func TestRCOPIsTakenWhereLongwireIsSetUp(t *testing.T) {
	for _, connection := range []uint8{0, 1, 4, 15} {
		playUnlike(t, hf, func(r *rig) {
			r.a.config.Peers[0].ConnectionID, r.b.config.Peers[0].ConnectionID = connection, connection
			n := uint8(0)
			r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
				again := u
				n++
				again.UPDU = bytes.Clone(u.UPDU)
				again.UPDU[1] = 100 + n // as some senders do it
				if again.UPDU[3] > 0 {
					again.UPDU[1] = u.UPDU[1]
				}
				return []sis.UnidataIndication{u, again}
			}
			var log bytes.Buffer
			r.b.log = slog.New(slog.NewTextHandler(&log, nil))
			r.start()
			want := bodies("stanza", 20)
			want[7] = strings.Repeat("long ", 4000) // ten segments
			r.a.Send(want...)
			r.arrived(r.a, r.b, want)
			time.Sleep(24 * time.Hour)
			s := r.b.status()
			s.Drops.Gap = 0 // of the long one a copy of the first segment waits for others in vain
			if s.Drops != (s5066.Drops{}) || s.Foreign != s.FramesIn || s.Foreign < 40 || s.Heard.IsZero() {
				t.Errorf("connection %d: %+v", connection, s)
			}
			if got := r.b.Received(); len(got) != len(want) {
				t.Errorf("got %d stanzas in the end", len(got))
			}
			if n := r.b.air.Sent(); n != 0 {
				t.Errorf("B answered with %d U_PDUs", n)
			}
			r.b.Stop()
			if n := strings.Count(log.String(), "peer has the mapping rcop"); n != 1 {
				t.Errorf("%d lines in the log:\n%s", n, log.String())
			}
		})
	}
}

// What was taken is known after a restart, and when the operator has B set right.
func TestRCOPTakenByLongwireIsKnownLater(t *testing.T) {
	for _, later := range []string{s5066.Longwire, s5066.RCOP} {
		playUnlike(t, sistest.Options{Delay: 40 * time.Second}, func(r *rig) {
			r.a.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication { return []sis.UnidataIndication{u} }
			r.b.mangle = r.a.mangle
			r.start()
			r.a.Send("once")
			time.Sleep(60 * time.Second) // it has come; the confirmation has not
			r.a.Crash(r.a.cut)
			if got := r.b.Received(); !slices.Equal(got, []string{"once"}) {
				t.Fatalf("got %q", got)
			}
			r.b.Crash(r.b.cut)
			r.b.config.Peers[0].Mapping, r.b.config.Compress = later, false
			r.start()
			r.a.Send("twice")
			r.arrived(r.a, r.b, []string{"once", "twice"})
			if n := r.b.status().In.Repeated; n != 1 {
				t.Errorf("%d repeats", n)
			}
		})
	}
}

// A silent B takes it too. What B has for A waits for A to be set right, and nothing is lost or doubled then.
func TestUnlikeMappingsSetRight(t *testing.T) {
	playUnlike(t, hf, func(r *rig) {
		r.start()
		r.b.silence(true)
		want := bodies("before", 5)
		r.a.Send(want...)
		r.arrived(r.a, r.b, want)
		r.b.silence(false)
		r.b.Send("one", "two")
		time.Sleep(time.Hour)
		if n := r.b.Waiting(); n != 2 || len(r.a.Received()) != 0 {
			t.Errorf("%d wait, A got %q", n, r.a.Received())
		}
		r.a.Stop()
		r.a.config.Peers[0].Mapping, r.a.config.Compress = s5066.Longwire, true
		r.a.Start()
		r.b.Send("three")
		want = append(want, "after")
		r.a.Send("after")
		r.arrived(r.a, r.b, want)
		r.arrived(r.b, r.a, []string{"one", "two", "three"})
	})
}
