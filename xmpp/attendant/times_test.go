package attendant

import (
	"testing"
	"time"
)

// What is told of a time holds when the clock was set by a generation, either way.
func TestTimesOfASetClock(t *testing.T) {
	const years = 40 * 365 * 24 * time.Hour
	now := time.Now()
	for _, c := range []struct {
		since time.Duration
		want  string
	}{
		{years, "some time ago"},
		{-years, "some time ago"},
		{-2 * time.Second, "just now"},
		{0, "just now"},
		{3 * time.Minute, "3 min ago"},
	} {
		if got := ago(now.Add(-c.since)); got != c.want {
			t.Errorf("%v ago: %q, want %q", c.since, got, c.want)
		}
	}
	if got, want := clock(now.Add(years)), now.Add(years).UTC().Format("2 January 2006 15:04 UTC"); got != want {
		t.Errorf("in 40 years: %q, want %q", got, want)
	}
	if got, want := clock(now.Add(time.Hour)), now.Add(time.Hour).UTC().Format("15:04 UTC"); got != want {
		t.Errorf("in an hour: %q, want %q", got, want)
	}
}
