package forecast

import (
	"slices"
	"time"
)

// maxOutages is how many are remembered.
const maxOutages = 32

// outages are how long the link was down each time, in seconds, newest last.
type outages []float64

func (o *outages) add(d time.Duration) {
	*o = append(*o, d.Seconds())
	if len(*o) > maxOutages {
		*o = slices.Delete(*o, 0, len(*o)-maxOutages)
	}
}

// left tells how much longer one usually lasts that has lasted so long, from those that did. Three are the least to call usual.
func (o outages) left(lasted time.Duration) (about, most time.Duration, ok bool) {
	var longer []float64
	for _, d := range o {
		if d > lasted.Seconds() {
			longer = append(longer, d-lasted.Seconds())
		}
	}
	if len(longer) < 3 {
		return 0, 0, false
	}
	return seconds(quantile(longer, 0.5)), seconds(quantile(longer, 0.9)), true
}

func seconds(s float64) time.Duration {
	return time.Duration(min(s*float64(time.Second), float64(Never)))
}
