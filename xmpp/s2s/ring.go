package s2s

import (
	"hash/maphash"
	"sync"
	"time"

	"longwire/xmpp/stanza"
)

// A repeat is recognised among the last ringSize messages of the last ringAge, or of Config.DedupFor.
const (
	ringSize = 4096
	ringAge  = time.Hour
)

// ring remembers the messages that came from a peer. Its memory is made at the first message. mu guards what follows it.
type ring struct {
	once sync.Once
	seed maphash.Seed

	mu   sync.Mutex
	keys []uint64 // in the order they came, at most ringSize; next is the oldest once it is full
	next int
	at   map[uint64]time.Time
}

// key sums up what makes two messages the same: from, to, id, and what they say.
func (r *ring) key(s *stanza.Stanza) uint64 {
	r.once.Do(func() { r.seed = maphash.MakeSeed() })
	var h maphash.Hash
	h.SetSeed(r.seed)
	part := func(v string) {
		h.WriteString(v)
		h.WriteByte(0) // stands in no address and in no text
	}
	part(s.From.String())
	part(s.To.String())
	part(s.ID)
	for _, name := range []string{"subject", "body"} {
		if c, ok := s.Child("", name); ok {
			h.Write(s.Inner[c.TextStart:c.TextEnd])
		}
		h.WriteByte(0)
	}
	return h.Sum64()
}

func (r *ring) seen(key uint64, age time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.at[key]
	return ok && time.Since(at) < max(age, ringAge)
}

func (r *ring) note(key uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		r.at = make(map[uint64]time.Time)
	}
	if _, ok := r.at[key]; ok {
		r.at[key] = time.Now()
		return
	}
	r.at[key] = time.Now()
	if len(r.keys) < ringSize {
		r.keys = append(r.keys, key)
		return
	}
	delete(r.at, r.keys[r.next])
	r.keys[r.next] = key
	r.next = (r.next + 1) % ringSize
}
