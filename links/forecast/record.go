package forecast

import (
	"math"
	"slices"
	"time"
)

// horizons part what was said by how far ahead it was: what makes a word for the next minute wrong is not what makes one for the
// day wrong.
var horizons = [...]time.Duration{20 * time.Second, 2 * time.Minute, 15 * time.Minute, 2 * time.Hour}

// remembered is how many words are kept of each.
const remembered = 24

// A record is how the model's words compared to what came: logarithms of seen to said, newest last.
type record [len(horizons) + 1][]float64

func horizon(d time.Duration) int {
	for i, h := range horizons {
		if d < h {
			return i
		}
	}
	return len(horizons)
}

// add takes one pair in. What was said is the model's bare word, before correction.
func (r *record) add(said, seen time.Duration) {
	const least = 100 * time.Millisecond // less is nobody's business
	h := horizon(said)
	v := math.Log(float64(max(seen, least)) / float64(max(said, least)))
	r[h] = append(r[h], min(max(v, -4), 4))
	if len(r[h]) > remembered {
		r[h] = slices.Delete(r[h], 0, len(r[h])-remembered)
	}
}

// Before there is a record it is assumed that one word in ten is too early by so much.
const (
	assumed = 2.5
	trust   = 6.0 // words that are worth as much as the assumption
)

// judge corrects a word, and tells how late it may get.
func (r *record) judge(said time.Duration) (about, most time.Duration) {
	seen := r[horizon(said)]
	n := float64(len(seen))
	late := math.Log(assumed)
	mid := 0.0
	if n > 0 {
		recent := seen[max(0, len(seen)-11):]
		mid = min(max(quantile(recent, 0.5), -1.2), 1.2) * n / (n + trust/2)
		late = (quantile(seen, 0.9)*n + late*trust) / (n + trust)
	}
	about = scale(said, mid)
	most = max(scale(said, late), scale(about, 0.1))
	return about, most
}

func scale(d time.Duration, by float64) time.Duration {
	return time.Duration(min(float64(d)*math.Exp(by), float64(Never)))
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
