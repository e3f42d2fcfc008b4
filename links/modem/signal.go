package modem

import (
	"slices"
	"time"
)

// A signal is one transmission.
type signal struct {
	from   *station
	number uint64 // of its sender's signals
	w      Waveform
	bits   []byte
	keyed  time.Time // its sender is deaf from here to the end
	start  time.Time
	end    time.Time
	broken bool
	over   bool
	to     []*station // who can hear it
	others []*signal  // that are on the air at the same time
}

// meets tells whether two signals overlap.
func (g *signal) meets(o *signal) bool { return g.start.Before(o.end) && o.start.Before(g.end) }

// harms tells whether there is somebody for whom the two spoil each other: who hears both, or sends one and would hear the other.
func (g *signal) harms(o *signal) bool {
	if slices.Contains(g.to, o.from) || slices.Contains(o.to, g.from) {
		return true
	}
	return slices.ContainsFunc(g.to, func(s *station) bool { return slices.Contains(o.to, s) })
}

// data is when block k begins.
func (g *signal) data(k int) time.Time {
	return g.start.Add(g.w.Preamble + time.Duration(k)*g.w.Block)
}

// blocks is how many blocks the whole signal has.
func (g *signal) blocks() int {
	b := g.w.blockBits()
	return (8*len(g.bits) + g.w.Tail + b - 1) / b
}

// blocksBefore is how many blocks end by t.
func (g *signal) blocksBefore(t time.Time) int {
	return max(0, int(t.Sub(g.data(0))/g.w.Block))
}

// spoiled tells whether another signal that to hears is on the air between a and b.
func (g *signal) spoiled(to *station, a, b time.Time) bool {
	return slices.ContainsFunc(g.others, func(o *signal) bool {
		return o.start.Before(b) && a.Before(o.end) && slices.Contains(o.to, to)
	})
}
