package modem_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

// An hour of radio at full load, between two stations that take turns.
func BenchmarkHourOfRadio(b *testing.B) {
	for _, rate := range []int{75, 2400, 9600} {
		w := find(b, rate, dts.ShortInterleaver)
		b.Run(w.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				synctestRun(func() { hour(b, w) })
			}
		})
	}
}

// synctestRun runs f in a bubble; benchmarks have none of their own.
func synctestRun(f func()) {
	testing.RunTests(func(_, _ string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "bubble", F: func(t *testing.T) { synctest.Test(t, func(*testing.T) { f() }) }}})
}

func hour(b *testing.B, w modem.Waveform) {
	c := modem.NewChannel(modem.ChannelConfig{Seed: 1, Burst: modem.Burst{Good: 9 * time.Second, Bad: time.Second, BadErrors: 0.001},
		Fade: modem.Fade{Every: time.Minute, Length: time.Second}})
	stations := []modem.Modem{c.Station("a"), c.Station("b")}
	var stop []func() []modem.Event
	for _, m := range stations {
		stop = append(stop, listen(m))
	}
	msg := pattern(w.Rate * 120 / 8)
	end := time.Now().Add(time.Hour)
	for i := 0; time.Now().Before(end); i++ {
		if err := stations[i%2].Send(context.Background(), msg, w); err != nil {
			b.Error(err)
		}
	}
	for _, f := range stop {
		f()
	}
	if s := c.Stats(); s.Keyed < 50*time.Minute {
		b.Errorf("keyed %v", s.Keyed)
	}
}
