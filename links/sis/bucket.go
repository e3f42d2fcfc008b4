package sis

import "time"

// A bucket allows so much at once, and so much again over a time.
type bucket struct {
	size, rate float64 // rate: per second
	level      float64
	at         time.Time
}

func newBucket(size, rate float64) bucket { return bucket{size: size, rate: rate, level: size} }

func (b *bucket) fill() { b.level = b.size }

// take takes one out. When there is none, wait says how long until there is, and it is owed.
func (b *bucket) take(now time.Time) (wait time.Duration) {
	if !b.at.IsZero() {
		b.level = min(b.size, b.level+now.Sub(b.at).Seconds()*b.rate)
	}
	b.at = now
	b.level--
	if b.level >= 0 {
		return 0
	}
	return time.Duration(-b.level / b.rate * float64(time.Second))
}
