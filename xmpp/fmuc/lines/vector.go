package lines

import (
	"maps"
	"slices"
	"time"
)

// MaxOrigins bounds a vector. Choice: years of restarts fit; beyond that the oldest that have been silent longest are behind the horizon.
const MaxOrigins = 4096

// A Vector is what a node knows of a room's lines. The zero value knows nothing; it is used by one goroutine at a time.
type Vector struct {
	known   map[Origin]count
	newest  Origin // the highest origin of known
	horizon Origin // of those up to it nothing is wanted and nothing offered
}

// count is the highest number without a gap, and when it got there.
type count struct {
	n  uint64
	at int64 // Unix seconds
}

// Known is the highest number without a gap, 0 for an origin that was not heard of.
func (v *Vector) Known(o Origin) uint64 { return v.known[o].n }

// At tells when the number was last set.
func (v *Vector) At(o Origin) time.Time { return time.Unix(v.known[o].at, 0) }

// Len is the number of origins.
func (v *Vector) Len() int { return len(v.known) }

// Horizon is the origin up to which everything is forgotten, 0 for none.
func (v *Vector) Horizon() Origin { return v.horizon }

// Set makes n the highest number of an origin; 0 forgets the origin, which takes a Set back.
func (v *Vector) Set(o Origin, n uint64, at time.Time) {
	if n == 0 {
		delete(v.known, o)
		if o == v.newest {
			v.newest = 0
			for k := range v.known {
				v.newest = max(v.newest, k)
			}
		}
		return
	}
	if v.known == nil {
		v.known = map[Origin]count{}
	}
	v.known[o] = count{n, at.Unix()}
	v.newest = max(v.newest, o)
}

// Over is the oldest origin while there are more than MaxOrigins, 0 else: whoever keeps the vector forgets up to it.
func (v *Vector) Over() Origin {
	if len(v.known) <= MaxOrigins {
		return 0
	}
	oldest := v.newest
	for o := range v.known {
		oldest = min(oldest, o)
	}
	return oldest
}

// Forget raises the horizon and returns the origins that fell behind it. undo takes it back, before anything else is changed.
func (v *Vector) Forget(upTo Origin) (gone []Origin, undo func()) {
	horizon, were := v.horizon, map[Origin]count{}
	v.horizon = max(v.horizon, upTo)
	for o, c := range v.known {
		if o <= upTo {
			gone, were[o] = append(gone, o), c
		}
	}
	slices.Sort(gone)
	for _, o := range gone {
		v.Set(o, 0, time.Time{})
	}
	return gone, func() {
		v.horizon = horizon
		for o, c := range were {
			v.Set(o, c.n, time.Unix(c.at, 0))
		}
	}
}

// Origins are those known, by age.
func (v *Vector) Origins() []Origin { return slices.Sorted(maps.Keys(v.known)) }

// Place is where a line stands.
type Place uint8

// Places of a line.
const (
	Next   Place = iota // the one that is due
	Before              // taken before, or of no interest any more
	Gap                 // one before it is missing, of its origin or the one that this follows
)

// Place tells where a line with that number stands. Nothing is changed.
func (v *Vector) Place(n Number) Place {
	known := v.Known(n.Origin)
	switch {
	case n.N <= known, known == 0 && n.Origin <= v.horizon:
		return Before
	case n.After.N > v.Known(n.After.Origin) && n.After.Origin > v.horizon:
		return Gap
	case n.N == known+1, n.Hole:
		return Next
	}
	return Gap
}
