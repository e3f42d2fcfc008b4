package forecast

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// maxTurns is how many turns are remembered; the newest weigh most.
const maxTurns = 64

// A turn is what arrived at one time, and how long that had taken since the time before, or since it began if the link was idle.
type turn struct {
	At    time.Duration
	Took  float64 // s
	Bytes float64
	First bool    // the link was idle before,
	Gap   float64 // for so many s
}

// costs are what the turns of late say.
type costs struct {
	next float64 // s for a turn that follows another, beside its bytes
	warm float64 // s for one after a short pause,
	cold float64 // or a long one, when the link must be made anew
	gap  float64 // s; a pause is long from here on
	byte float64 // s for each byte
}

// first is what a turn after a pause costs.
func (c costs) first(gap float64) float64 {
	if gap < c.gap {
		return c.warm
	}
	return c.cold
}

// sorts of turns.
const (
	next = iota
	warm
	cold
	sorts
)

func (t turn) sort(gap float64) int {
	switch {
	case !t.First:
		return next
	case t.Gap < gap:
		return warm
	}
	return cold
}

// gaps are the pauses that may tell warm from cold, in seconds.
var gaps = [...]float64{15, 20, 25, 30, 35, 40, 45, 50, 60, 90, 120, 300}

// Weights: of one turn to the next older of its sort, and what an age of an hour takes off.
const (
	newer    = 0.85
	halfLife = time.Hour
)

// weigh gives each turn its weight.
func weigh(turns []turn, gap float64, now time.Duration) []float64 {
	var of [sorts]float64
	all := make([]float64, len(turns))
	for i := len(turns) - 1; i >= 0; i-- {
		k := turns[i].sort(gap)
		if of[k] == 0 {
			of[k] = 1
		}
		all[i] = of[k] * math.Exp2(-float64(now-turns[i].At)/float64(halfLife))
		of[k] *= newer
	}
	return all
}

// fit finds what explains the turns: the same cost of a byte for all, and a fixed cost for each sort. prior is what a byte is thought to cost, in s;
// 0: not known. Turns of one size tell nothing of that.
func fit(turns []turn, prior float64, now time.Duration) (c costs, ok bool) {
	if len(turns) == 0 {
		return costs{next: 0.5, warm: 1, cold: 1, byte: prior}, prior > 0
	}
	var all [len(gaps)]costs
	var off [len(gaps)]float64
	for i, gap := range gaps {
		all[i], off[i] = fitAt(turns, prior, gap, now)
	}
	least := slices.Min(off[:])
	var alike []int
	for i := range off {
		if off[i] <= least*1.02 {
			alike = append(alike, i)
		}
	}
	c = all[alike[len(alike)/2]]
	return c, true
}

// fitAt is fit for one idea of what a long pause is, and tells how far it is off.
func fitAt(turns []turn, prior, gap float64, now time.Duration) (c costs, off float64) {
	w := weigh(turns, gap, now)
	c = costs{gap: gap, byte: slope(turns, w, gap, prior)}
	var rest [sorts][]weighed
	for i, t := range turns {
		k := t.sort(gap)
		rest[k] = append(rest[k], weighed{max(0, t.Took-c.byte*t.Bytes), w[i]})
	}
	fixed := [...]*float64{&c.next, &c.warm, &c.cold}
	for k := range rest {
		*fixed[k] = middle(rest[k])
		for _, r := range rest[k] {
			off += r.w * math.Abs(r.v-*fixed[k])
		}
	}
	// What was never seen is like its neighbour.
	for _, p := range [...][2]int{{cold, warm}, {warm, cold}, {warm, next}, {cold, next}, {next, warm}} {
		if len(rest[p[0]]) == 0 && *fixed[p[0]] == 0 {
			*fixed[p[0]] = *fixed[p[1]]
		}
	}
	return c, off
}

// slope is the cost of a byte: how much longer larger turns took, within their sort.
func slope(turns []turn, w []float64, gap, prior float64) float64 {
	var sum [sorts]struct{ w, b, t, bb, bt float64 }
	var weight, bytes, took float64
	for i, t := range turns {
		g := &sum[t.sort(gap)]
		g.w += w[i]
		g.b += w[i] * t.Bytes
		g.t += w[i] * t.Took
		g.bb += w[i] * t.Bytes * t.Bytes
		g.bt += w[i] * t.Bytes * t.Took
		weight, bytes, took = weight+w[i], bytes+w[i]*t.Bytes, took+w[i]*t.Took
	}
	if bytes <= 0 || weight <= 0 {
		return prior
	}
	most := took / bytes // no turn is free
	if prior <= 0 {
		prior = most / 2
	}
	mean := bytes / weight
	slack := weight * mean * mean / 20 // as if some turns said what the prior says
	over, under := slack*prior, slack
	for _, g := range sum {
		if g.w > 0 {
			over += g.bt - g.b*g.t/g.w
			under += g.bb - g.b*g.b/g.w
		}
	}
	return min(max(over/under, 0), most)
}

// weighed is a value and what it is worth.
type weighed struct{ v, w float64 }

// middle is the weighted median: one turn in a fade must not count for ten.
func middle(all []weighed) float64 {
	slices.SortFunc(all, func(a, b weighed) int { return cmp.Compare(a.v, b.v) })
	var sum, half float64
	for _, x := range all {
		half += x.w / 2
	}
	for _, x := range all {
		if sum += x.w; sum >= half {
			return x.v
		}
	}
	return 0
}
