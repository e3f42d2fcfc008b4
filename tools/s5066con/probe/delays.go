package probe

import (
	"math"
	"slices"
	"time"
)

// Delays collects durations and says how they are spread. The zero value is empty.
type Delays struct{ list []time.Duration }

// Add adds one. What is negative counts as 0.
func (d *Delays) Add(x time.Duration) {
	x = max(x, 0)
	i, _ := slices.BinarySearch(d.list, x)
	d.list = slices.Insert(d.list, i, x)
}

// Count is how many there are.
func (d *Delays) Count() int { return len(d.list) }

// Quantile is the shortest duration that a share q of all do not exceed: 0 is the least, 1 the most. Without any it is 0.
func (d *Delays) Quantile(q float64) time.Duration {
	if len(d.list) == 0 {
		return 0
	}
	i := int(math.Ceil(q*float64(len(d.list)))) - 1
	return d.list[min(max(i, 0), len(d.list)-1)]
}

// A Bar is one bar of a histogram: durations from From up to, and without, To.
type Bar struct {
	From, To time.Duration
	Count    int
}

// steps are the widths that people can read off an axis.
var steps = []time.Duration{
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, time.Hour,
}

// Histogram returns at most so many bars of one width, without gaps between them; few durations make few bars.
func (d *Delays) Histogram(most int) []Bar {
	if len(d.list) == 0 || most < 1 {
		return nil
	}
	least, last := d.list[0], d.list[len(d.list)-1]
	width := steps[len(steps)-1]
	for _, s := range steps {
		// Nobody wants to know a minute to a hundredth of a second.
		if s >= last/40 && int64(last/s)-int64(least/s) < int64(most) {
			width = s
			break
		}
	}
	for int64(last/width)-int64(least/width) >= int64(most) {
		width *= 2
	}
	from := least / width * width
	bars := make([]Bar, int(last/width-least/width)+1)
	for i := range bars {
		bars[i].From = from + time.Duration(i)*width
		bars[i].To = bars[i].From + width
	}
	for _, x := range d.list {
		bars[(x-from)/width].Count++
	}
	return bars
}
