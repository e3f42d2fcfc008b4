package modem

import "time"

// StationStats count what one station did. They go on when its Modem is closed and opened again.
type StationStats struct {
	Name          string
	Transmissions int
	Keyed         time.Duration // with a signal on the air
	Bits          uint64        // of data that were sent
	Collisions    int           // transmissions of its own that met another

	Heard    uint64 // bits delivered
	Blocks   uint64 // that came in
	Lost     uint64 // of them: to collisions and fades
	Overruns int    // times that nobody read
}

func (s *StationStats) add(g *Signal) {
	if !g.End.After(g.Start) {
		return // broken off before there was a signal
	}
	s.Transmissions++
	s.Keyed += g.End.Sub(g.Start)
	s.Bits += uint64(g.Bits)
	if g.Collided {
		s.Collisions++
	}
}

// Stats count what happened on a Channel, up to signals that are over.
type Stats struct {
	Seed          uint64
	Transmissions int
	Keyed         time.Duration // the sum of all stations
	Bits          uint64
	Collisions    int // pairs of signals
	Stations      []StationStats
}

// Stats gives the counts so far.
func (c *Channel) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := Stats{Seed: c.cfg.Seed, Collisions: c.collisions}
	for _, s := range c.order {
		one := s.stats
		one.Name = s.name
		t.Transmissions += one.Transmissions
		t.Keyed += one.Keyed
		t.Bits += one.Bits
		t.Stations = append(t.Stations, one)
	}
	return t
}
