package s5066

import (
	"sync"

	"longwire/links/sis"
)

// What may wait for a mapping that is busy with its store. A radio brings less in minutes.
const (
	inboxItems = 256
	inboxBytes = 512 << 10
)

// An inbox holds U_PDUs of a peer until its mapping looks. Its owner is woken by wake.
type inbox struct {
	wake chan struct{}

	mu    sync.Mutex // guards what follows
	items []sis.UnidataIndication
	bytes int
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put never waits. False means that there was no room; the peer will have to send it again.
func (b *inbox) put(p sis.UnidataIndication) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) >= inboxItems || b.bytes+len(p.UPDU) > inboxBytes {
		return false
	}
	b.items = append(b.items, p)
	b.bytes += len(p.UPDU)
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// take is the oldest.
func (b *inbox) take() (p sis.UnidataIndication, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == 0 {
		b.items = nil
		return p, false
	}
	p = b.items[0]
	b.items[0] = sis.UnidataIndication{}
	b.items = b.items[1:]
	b.bytes -= len(p.UPDU)
	return p, true
}
