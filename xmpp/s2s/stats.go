package s2s

import (
	"sync"

	"longwire/store"
)

// Counts are stanzas by kind.
type Counts struct {
	Chat, Groupchat, IQ, Presence, Receipt, State uint64
}

func (c *Counts) add(kind store.Kind) {
	switch kind {
	case store.KindChat:
		c.Chat++
	case store.KindGroupchat:
		c.Groupchat++
	case store.KindIQ:
		c.IQ++
	case store.KindPresence:
		c.Presence++
	case store.KindReceipt:
		c.Receipt++
	case store.KindState:
		c.State++
	}
}

// Stats are what a peer's traffic came to since the node started.
type Stats struct {
	Queued    Counts // taken into the queue
	Expired   Counts // waited too long
	Overflow  Counts // found no room, or had to make room
	Cancelled Counts // taken out by the operator
	Refused   Counts // by Fold or Spend
	Folded    Counts // nothing was left of them
	Idle      uint64 // chat states that were not queued because no link was up
	Oversize  uint64 // stanzas too large for the peer

	Delivered    uint64 // came from the peer and were routed
	Duplicates   uint64 // came again
	FoldedIn     uint64 // nothing was left of them
	Misaddressed uint64 // for a domain that is not ours, or not open to the peer
	BadFrom      uint64 // from a domain that is not the peer's
	NoAddress    uint64 // without from or to
}

type stats struct {
	mu sync.Mutex
	s  Stats
}

func (s *stats) add(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.s)
}

// Stats is a snapshot.
func (p *Peer) Stats() Stats {
	p.stats.mu.Lock()
	defer p.stats.mu.Unlock()
	return p.stats.s
}
