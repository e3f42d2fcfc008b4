package forecast

import (
	"math"
	"time"
)

// maxTurns is how many turns are remembered; the newest weigh most.
const maxTurns = 64

// A turn is what arrived at one time, and how long that had taken since the time before, or since it began if the link was idle.
type turn struct {
	At    time.Duration
	Took  float64 // s
	Bytes float64
	First bool // the link was idle before
}

// costs are what the turns of late say.
type costs struct {
	first  float64 // s for a turn after idleness, beside its bytes
	next   float64 // s for one that follows another
	byte   float64 // s for each byte
	most   float64 // bytes that a turn takes; 0: not known
	spread float64 // of single turns about this, as a ratio
}

// Weights: of one turn to the next older, and what an age of an hour takes off.
const (
	newer    = 0.88
	halfLife = time.Hour
)

// group sums turns of one sort.
type group struct{ w, b, t, bb, bt float64 }

func (g *group) add(w, b, t float64) {
	g.w += w
	g.b += w * b
	g.t += w * t
	g.bb += w * b * b
	g.bt += w * b * t
}

// centred are the sums of squares and products about the means.
func (g *group) centred() (bb, bt float64) {
	if g.w == 0 {
		return 0, 0
	}
	return g.bb - g.b*g.b/g.w, g.bt - g.b*g.t/g.w
}

// fit finds what explains the turns: the same cost of a byte for both sorts, and a fixed cost for each. Turns of one size tell
// nothing of what is fixed; prior (s for a byte, 0: none) decides then.
func fit(turns []turn, prior float64, now time.Duration) (c costs, ok bool) {
	var sort [2]group
	w := 1.0
	for i := len(turns) - 1; i >= 0; i-- {
		t := turns[i]
		k := 0
		if t.First {
			k = 1
		}
		sort[k].add(w*math.Exp2(-float64(now-t.At)/float64(halfLife)), t.Bytes, t.Took)
		w *= newer
	}
	all := group{w: sort[0].w + sort[1].w, b: sort[0].b + sort[1].b, t: sort[0].t + sort[1].t}
	if len(turns) == 0 || all.b <= 0 || all.t <= 0 || all.w < 1e-9 {
		if prior <= 0 {
			return costs{}, false
		}
		return costs{first: 1, next: 0.5, byte: prior, spread: 2}, true
	}
	bb, bt := sort[0].centred()
	bb1, bt1 := sort[1].centred()
	mean := all.b / all.w
	slack := all.w * mean * mean / 20 // as if some turns said what the prior says
	if prior <= 0 {
		prior = all.t / all.b / 2
	}
	c.byte = (bt + bt1 + slack*prior) / (bb + bb1 + slack)
	for _, g := range sort {
		if g.b > 0 {
			c.byte = min(c.byte, g.t/g.b) // no turn is free
		}
	}
	c.byte = max(c.byte, 0)
	fixed := func(g group) float64 { return max(0, (g.t-c.byte*g.b)/g.w) }
	switch {
	case sort[0].w == 0:
		c.first = fixed(sort[1])
		c.next = c.first
	case sort[1].w == 0:
		c.next = fixed(sort[0])
		c.first = c.next
	default:
		c.next, c.first = fixed(sort[0]), fixed(sort[1])
	}
	c.most = capacity(turns)
	return c, true
}

// capacity is what a turn takes when more waits than it takes: the upper quarter of those that followed another of late.
func capacity(turns []turn) float64 {
	var sizes []float64
	for i := len(turns) - 1; i >= 0 && len(sizes) < 12; i-- {
		if !turns[i].First {
			sizes = append(sizes, turns[i].Bytes)
		}
	}
	if len(sizes) < 2 {
		return 0
	}
	return quantile(sizes, 0.75)
}
