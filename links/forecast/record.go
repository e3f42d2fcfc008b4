package forecast

import (
	"math"
	"slices"
	"time"
)

// horizons part what was said by how far ahead it was: what makes a word for the next minute wrong is not what makes one for the
// day wrong.
var horizons = [...]time.Duration{20 * time.Second, 2 * time.Minute, 15 * time.Minute, 2 * time.Hour}

// A record is how late things come compared to what was said: for each horizon the logarithm of the factor that nine in ten keep below.
//
// It is learned from each word by whether it was kept, and not by how much: a word that was broken raises the factor nine times as much as one that
// was kept lowers it, so that in the long run one in ten is broken, whatever the cause.
type record [len(horizons) + 1]struct {
	late  float64
	words int
}

// Before there is a record it is assumed that one word in ten is too early by so much.
const assumed = 2.5

// step is how much one broken word counts; the first ones count more.
const (
	step  = 0.15
	early = 3
)

const broken = 0.1 // of all words

func horizon(d time.Duration) int {
	for i, h := range horizons {
		if d < h {
			return i
		}
	}
	return len(horizons)
}

// add takes one pair in.
func (r *record) add(said, seen time.Duration) {
	const least = 100 * time.Millisecond // less is nobody's business
	h := &r[horizon(said)]
	by := step * (1 + early/float64(h.words+1))
	if math.Log(float64(max(seen, least))/float64(max(said, least))) > h.late+math.Log(assumed) {
		h.late += by * (1 - broken)
	} else {
		h.late -= by * broken
	}
	h.late = min(max(h.late, math.Log(1.05/assumed)), 4)
	h.words++
}

// most tells how late it may get.
func (r *record) most(said time.Duration) time.Duration {
	return time.Duration(min(float64(said)*math.Exp(r[horizon(said)].late)*assumed, float64(Never)))
}

// Never is later than any forecast; it keeps sums of spans from running over.
const Never = 400 * 24 * time.Hour

func quantile(v []float64, q float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	at := q * float64(len(s)-1)
	i := int(at)
	if i+1 >= len(s) {
		return s[len(s)-1]
	}
	return s[i] + (at-float64(i))*(s[i+1]-s[i])
}
