package probe_test

import (
	"testing"
	"time"

	"longwire/tools/s5066con/probe"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestCounterTellsCopiesFromNew(t *testing.T) {
	var c probe.Counter
	for i, sequence := range []uint16{0, 2, 2, 1, 0, probe.MaxData - 1, probe.MaxData, 65535} {
		fresh := c.Add(sequence, 100, start.Add(time.Duration(i)*time.Second))
		if want := i == 0 || i == 1 || i == 3 || i == 5; fresh != want {
			t.Errorf("%d: new %v", sequence, fresh)
		}
	}
	want := probe.Tally{Received: 4, Duplicates: 2, Bytes: 400, Span: 5 * time.Second, Spanned: 300}
	if got := c.Tally(); got != want {
		t.Errorf("%+v", got)
	}
	if r := c.Tally().Rate(); r != 480 {
		t.Errorf("%v bit/s", r)
	}
}

func TestOneUPDUHasNoRate(t *testing.T) {
	var c probe.Counter
	c.Add(0, 100, start)
	if r := c.Tally().Rate(); r != 0 {
		t.Errorf("%v bit/s", r)
	}
}

func delays(list ...int) *probe.Delays {
	d := &probe.Delays{}
	for _, ms := range list {
		d.Add(time.Duration(ms) * time.Millisecond)
	}
	return d
}

func TestQuantiles(t *testing.T) {
	d := delays(50, 10, 40, 20, 30)
	for q, want := range map[float64]time.Duration{0: 10, 0.2: 10, 0.5: 30, 0.9: 50, 1: 50} {
		if got := d.Quantile(q); got != want*time.Millisecond {
			t.Errorf("%v: %v", q, got)
		}
	}
	if got := delays().Quantile(0.5); got != 0 {
		t.Errorf("of none: %v", got)
	}
}

func TestHistogramHoldsEverythingInBarsOfOneWidth(t *testing.T) {
	for _, list := range [][]int{{}, {0}, {7000}, {1, 2, 3}, {100, 900, 100000}, {59999, 60000, 60001}, {-5, 5}, {3600e3 * 100, 1}} {
		d := delays(list...)
		bars, n := d.Histogram(8), 0
		if len(bars) > 8 {
			t.Errorf("%v: %d bars", list, len(bars))
		}
		for i, b := range bars {
			n += b.Count
			if i > 0 && (b.From != bars[i-1].To || b.To-b.From != bars[0].To-bars[0].From) {
				t.Errorf("%v: %+v", list, bars)
			}
		}
		if n != len(list) || n > 0 && (bars[0].Count == 0 || bars[len(bars)-1].Count == 0) {
			t.Errorf("%v: %+v", list, bars)
		}
	}
}

func TestEstimates(t *testing.T) {
	r := probe.Radio{Rate: 300}
	// One transmission of 222 bytes: preamble 0.6 s, and 1808 bits in blocks of 180.
	if got := r.Signal(222); got != 7200*time.Millisecond {
		t.Errorf("222 bytes at 300 bit/s: %v", got)
	}
	one := r.NonARQ(1, 196, 0)
	if one.Transmissions != 1 || one.Air != one.Time {
		t.Errorf("one non-ARQ U_PDU: %+v", one)
	}
	if twice := r.NonARQ(1, 196, 1); twice.Air < one.Air*3/2 {
		t.Errorf("with a repeat %v, without %v", twice.Air, one.Air)
	}
	few, many := r.ARQ(10, 200), r.ARQ(1000, 200)
	if many.Air < 50*few.Air || few.Time <= few.Air || few.Transmissions != 6 {
		t.Errorf("10: %+v, 1000: %+v", few, many)
	}
	if slow := (probe.Radio{Rate: 75}).ARQ(10, 200); slow.Air < 3*few.Air {
		t.Errorf("at 75 bit/s: %+v", slow)
	}
	if odd := (probe.Radio{Rate: 500}).ARQ(10, 200); odd.Air >= few.Air || odd.Air <= few.Air/3 {
		t.Errorf("at 500 bit/s, which no waveform has: %+v, at 300: %+v", odd, few)
	}
	// What was measured goes before what is known of waveforms.
	if got := (probe.Radio{Rate: 75, Goodput: 200}).ARQ(10, 200); got.Air != 80*time.Second {
		t.Errorf("measured: %+v", got)
	}
	for _, e := range []probe.Estimate{r.Exchanges(1<<40, 2048, 2048), probe.Radio{Goodput: 1e-300}.ARQ(4096, 4096), probe.Radio{}.ARQ(10, 0)} {
		if e.Air <= 0 || e.Time <= 0 {
			t.Errorf("overflow: %+v", e)
		}
	}
}
