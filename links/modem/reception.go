package modem

import (
	"cmp"
	"slices"
	"time"
)

// syncTime is the part of a preamble, at its end, that a receiver needs.
const syncTime = 600 * time.Millisecond

type stage uint8

const (
	arriving stage = iota // nobody noticed it yet
	syncing
	decoding
	sensing // there is something, and nothing to read in it
)

// A reception is one signal at one station.
type reception struct {
	g     *signal
	to    *station
	from  time.Time // the station is deaf before
	stage stage
	block int
	out   packer
}

// restart is what happens when the station keys in the middle: it will not read the rest.
func (r *reception) restart(from time.Time) {
	r.from, r.stage, r.block = from, arriving, 0
}

// noticed is when the station notices that there is a signal.
func (r *reception) noticed() time.Time {
	return laterOf(r.g.start, r.from).Add(r.to.c.cfg.Detect)
}

// due is when something happens next.
func (r *reception) due() time.Time {
	g := r.g
	switch r.stage {
	case arriving:
		return r.noticed()
	case syncing:
		if g.end.Before(g.data(0)) {
			return laterOf(r.noticed(), g.end)
		}
		return laterOf(r.noticed(), g.data(0))
	case decoding:
		if end := g.data(r.block + 1); !g.broken || !end.After(g.end) {
			return end.Add(g.w.Delay)
		}
		return g.end.Add(g.w.Delay)
	}
	return laterOf(g.end, r.from).Add(r.to.c.cfg.Detect)
}

// nextLocked is when the station hears something next.
func (s *station) nextLocked() (next time.Time, some bool) {
	for _, r := range s.receptions {
		if t := r.due(); !some || t.Before(next) {
			next, some = t, true
		}
	}
	return next, some
}

// advanceLocked works out what the station heard up to now.
func (s *station) advanceLocked(now time.Time) {
	for len(s.receptions) > 0 {
		first := slices.MinFunc(s.receptions, func(a, b *reception) int {
			return cmp.Or(a.due().Compare(b.due()), cmp.Compare(a.g.from.name, b.g.from.name))
		})
		at := first.due()
		if at.After(now) {
			return
		}
		if first.step(at) {
			continue
		}
		s.receptions = slices.DeleteFunc(s.receptions, func(r *reception) bool { return r == first })
	}
}

// lastHeardLocked is the end of the last signal the station heard.
func (s *station) lastHeardLocked(now time.Time) time.Time {
	for _, r := range s.receptions {
		if r.stage != arriving && !r.g.end.After(now) {
			s.heard = laterOf(s.heard, r.g.end)
		}
	}
	return s.heard
}

// deafenLocked makes the station hear nothing, as far as it is told.
func (s *station) deafenLocked(now time.Time) {
	if s.sensed > 0 {
		s.sensed = 0
		s.push(Event{Kind: CarrierOff, At: now})
	}
}

// step does what is due at at, and tells whether there is more to come.
func (r *reception) step(at time.Time) bool {
	g, s := r.g, r.to
	switch r.stage {
	case arriving:
		if at.After(g.end) {
			return false
		}
		if r.stage = syncing; s.sensed == 0 {
			e := Event{Kind: CarrierOn, At: at}
			if !r.from.After(g.start) && !g.spoiled(s, g.start, at) {
				e.Waveform = g.w
			}
			s.push(e)
		}
		s.sensed++
	case syncing:
		r.stage = sensing
		if r.synchronised() {
			r.stage = decoding
			r.begin()
		}
	case decoding:
		whole := !g.broken || !g.data(r.block+1).After(g.end)
		if whole && r.block < g.blocks() {
			r.decode(at)
			if r.block++; r.block < g.blocks() {
				return true
			}
		}
		r.over(at)
		return false
	case sensing:
		r.over(at)
		return false
	}
	return true
}

func (r *reception) over(at time.Time) {
	s := r.to
	s.heard = laterOf(s.heard, r.g.end)
	if s.sensed--; s.sensed == 0 {
		s.push(Event{Kind: CarrierOff, At: at})
	}
}

// synchronised tells whether the station caught the preamble.
func (r *reception) synchronised() bool {
	g := r.g
	b := g.data(0)
	a := b.Add(-min(g.w.Preamble, syncTime))
	faded := r.to.c.pathLocked(g.from, r.to).fade.share(a, b)
	return !r.from.After(a) && !g.end.Before(b) && !g.spoiled(r.to, a, b) && 2*faded <= b.Sub(a)
}

func (r *reception) begin() {
	if r.to.c.cfg.Shift {
		rng := r.to.c.dice(r.g, r.to, -1)
		r.out.fill(rng.IntN(8), byte(rng.Uint32()))
	}
}

// decode delivers a block.
func (r *reception) decode(at time.Time) {
	g, s := r.g, r.to
	c := s.c
	size := g.w.blockBits()
	first := r.block * size
	a, b := g.data(r.block), g.data(r.block+1)
	p := c.pathLocked(g.from, s)
	rng := c.dice(g, s, r.block)
	lost := 4*p.fade.share(a, b) > g.w.Block || g.spoiled(s, a, b)
	s.stats.Blocks++
	var bits []byte
	switch {
	case lost:
		s.stats.Lost++
		if rng.Float64() < c.cfg.Blank {
			r.out = packer{} // the next bits begin a new byte
			return
		}
		bits = noise(rng, size)
	default:
		// The end of message tells the modem where the data end.
		size = min(size, max(0, 8*len(g.bits)-first))
		bits = cut(g.bits, first, size)
		p.burst.damage(rng, c.cfg.Burst, bits, size, a, g.w.Rate)
	}
	start := a.Add(-bitTime(r.out.bits, g.w.Rate))
	out := r.out.add(bits, size, r.block+1 == g.blocks() || first+size >= 8*len(g.bits))
	if len(out) == 0 {
		return
	}
	s.stats.Heard += 8 * uint64(len(out))
	s.push(Event{Kind: Data, At: at, Start: start, Waveform: g.w, Bits: out})
}

func bitTime(n, rate int) time.Duration {
	return time.Duration(int64(n) * int64(time.Second) / int64(rate))
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
