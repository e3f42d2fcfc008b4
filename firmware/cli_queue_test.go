package main

import (
	"testing"
	"time"
)

// An age is not told when the clock was set by a generation since, either way.
func TestAgesOfASetClock(t *testing.T) {
	const years = 40 * 365 * 24 * time.Hour
	for _, c := range []struct {
		waited time.Duration
		want   string
	}{
		{years, "?"},
		{-years, "?"},
		{-time.Minute, span(0)}, // clocks are set by a little all the time
		{5 * time.Minute, span(5 * time.Minute)},
	} {
		if got := age(time.Now().Add(-c.waited)); got != c.want {
			t.Errorf("waited %v: %q, want %q", c.waited, got, c.want)
		}
	}
	if got := age(time.Time{}); got != "?" {
		t.Errorf("unknown: %q", got)
	}
}
