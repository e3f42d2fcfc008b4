package main

import (
	"math"
	"testing"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

func TestTextsHaveTheSizeThatIsTold(t *testing.T) {
	for _, s := range texts {
		if n := len([]rune(s)); n != messageSize {
			t.Errorf("%q has %d characters", s, n)
		}
	}
}

func TestFloor(t *testing.T) {
	w, err := modem.Find(300, dts.ShortInterleaver)
	if err != nil {
		t.Fatal(err)
	}
	// 0.6 s of preamble, 0.6 s of block, and 104 bits at 300 bit/s.
	if got, want := floor(w, 40), 1200*time.Millisecond+104*time.Second/300; (got - want).Abs() > time.Millisecond {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A long transfer in segments of 200 bytes approaches the steady state: 84 % of the rate at 75 bit/s, 86 % at 300 to 1200.
func TestModelApproachesTheSteadyState(t *testing.T) {
	for rate, want := range map[int]float64{75: 0.84, 300: 0.86, 1200: 0.86} {
		w, err := modem.Find(rate, dts.ShortInterleaver)
		if err != nil {
			t.Fatal(err)
		}
		if got := modelUse(w, 200, 1<<20, 2*time.Second); math.Abs(got-want) > 0.02 { // the last segment of a U_PDU is short, and its header is not
			t.Errorf("%d bit/s: %.3f, want %.2f", rate, got, want)
		}
	}
}
