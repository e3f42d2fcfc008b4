package s2s

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"io"
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

// key sums up what makes two messages the same.
func (r *ring) key(s *stanza.Stanza) uint64 {
	r.once.Do(func() { r.seed = maphash.MakeSeed() })
	var h maphash.Hash
	h.SetSeed(r.seed)
	identity(s, &h)
	return h.Sum64()
}

// digest is the same for what is kept on flash.
func digest(s *stanza.Stanza) uint64 {
	h := sha256.New()
	identity(s, h)
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// identity writes what makes two messages the same: from, to, id, and what they say.
func identity(s *stanza.Stanza, h io.Writer) {
	part := func(v string) {
		io.WriteString(h, v)
		h.Write([]byte{0}) // stands in no address and in no text
	}
	part(s.From.String())
	part(s.To.String())
	part(s.ID)
	for _, name := range []string{"subject", "body"} {
		text := []byte(nil)
		if c, ok := s.Child("", name); ok {
			text = s.Inner[c.TextStart:c.TextEnd]
		}
		h.Write(append(text[:len(text):len(text)], 0))
	}
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
