package s2s

import "time"

// SetClock gives Run another clock, and another count of time.
func SetClock(ps *Peers, now func() (wall time.Time, mono time.Duration)) { ps.timing.now = now }

// Look is the longest pause between two looks at the clock, and a little.
const Look = look + time.Second

// Poke makes Run look now.
func (ps *Peers) Poke() { ps.poke() }
