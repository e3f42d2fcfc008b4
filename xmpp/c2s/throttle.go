package c2s

import (
	"sync"
	"time"
)

// maxThrottled bounds the addresses remembered; beyond it the oldest minute is forgotten at once.
const maxThrottled = 10000

// throttle counts failed logins by address and minute. The zero value is ready once setMax was called.
type throttle struct {
	mu     sync.Mutex
	max    int
	minute int64
	count  map[string]int
}

func (t *throttle) setMax(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.max = n
}

func (t *throttle) turnLocked() {
	now := time.Now().Unix() / 60
	if now != t.minute || len(t.count) > maxThrottled {
		t.minute, t.count = now, nil
	}
}

func (t *throttle) failed(addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turnLocked()
	if t.count == nil {
		t.count = make(map[string]int)
	}
	t.count[addr]++
}

// wait tells whether the address has failed so often in this minute that it must wait for the next.
func (t *throttle) wait(addr string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turnLocked()
	return t.count[addr] >= t.max
}
