// Package meter counts what crosses the links: stanzas, bytes before and after compression, contacts and why they ended.
package meter

import (
	"maps"
	"sync"
	"time"
)

// Direction of traffic.
type Direction uint8

// Out is to the peer.
const (
	Out Direction = iota
	In
)

// Traffic is what went in one direction.
type Traffic struct {
	Stanzas  uint64
	Repeated uint64 // out: sent again; in: discarded, as they had been taken before
	Raw      uint64 // bytes before compression, custody words included
	Wire     uint64 // bytes of TCP payload, or of the link's frames
	Flushes  uint64 // out: writes
}

// Counts are what a Meter has seen since it was made.
type Counts struct {
	Out, In   Traffic
	Contacts  uint64            // that came up
	Resumed   uint64            // of them, those that took a stream up again
	Refused   uint64            // connections that were not the peer's, and attempts that failed
	Violation uint64            // stanzas the peer may not send
	Causes    map[string]uint64 // why contacts ended, in words
	Up        time.Duration     // with contact, in all
}

// maxCauses bounds the words kept.
const maxCauses = 64

// A Meter counts for one peer. The zero value is ready; any number of goroutines.
type Meter struct {
	mu sync.Mutex // guards c
	c  Counts
}

// Add counts under the lock.
func (m *Meter) Add(f func(*Counts)) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.c)
}

// Ended counts the end of a contact.
func (m *Meter) Ended(cause string, lasted time.Duration) {
	m.Add(func(c *Counts) {
		if c.Causes == nil {
			c.Causes = make(map[string]uint64)
		}
		if _, ok := c.Causes[cause]; !ok && len(c.Causes) >= maxCauses {
			cause = "other"
		}
		c.Causes[cause]++
		c.Up += lasted
	})
}

// Counts is a copy.
func (m *Meter) Counts() Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.c
	c.Causes = maps.Clone(c.Causes)
	return c
}
