package main

import "time"

// A fifo is a queue of times in a ring that grows.
type fifo struct {
	ring    []time.Time
	head, n int
}

func (f *fifo) put(t time.Time) {
	if f.n == len(f.ring) {
		bigger := make([]time.Time, max(64, 2*len(f.ring)))
		for i := range f.n {
			bigger[i] = f.ring[(f.head+i)%len(f.ring)]
		}
		f.ring, f.head = bigger, 0
	}
	f.ring[(f.head+f.n)%len(f.ring)] = t
	f.n++
}

// take returns the oldest time; from an empty queue the zero one.
func (f *fifo) take() time.Time {
	if f.n == 0 {
		return time.Time{}
	}
	t := f.ring[f.head]
	f.head = (f.head + 1) % len(f.ring)
	f.n--
	return t
}
