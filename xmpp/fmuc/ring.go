package fmuc

import (
	"time"

	"longwire/xmpp/router"
)

// Of what the ring remembers; spec 6.8.
const (
	ringTime = 10 * time.Minute
	ringSize = 4096
)

// A ring remembers the lines of the last minutes, so that one which comes by two ways is taken once. The zero value is
// ready; it is used by operations only.
type ring struct {
	at    map[[16]byte]time.Time
	order []noted
}

type noted struct {
	key [16]byte
	at  time.Time
}

func (r *ring) has(key [16]byte) bool {
	at, ok := r.at[key]
	return ok && time.Since(at) < ringTime
}

// note remembers a line.
func (r *ring) note(t *router.Turn, key [16]byte) {
	if key == [16]byte{} {
		return
	}
	now := time.Now()
	for len(r.order) > 0 && (len(r.order) >= ringSize || now.Sub(r.order[0].at) >= ringTime) {
		if old := r.order[0]; r.at[old.key].Equal(old.at) {
			delete(r.at, old.key)
		}
		r.order = r.order[1:]
	}
	if r.at == nil {
		r.at = make(map[[16]byte]time.Time)
	}
	old, had := r.at[key]
	r.at[key] = now
	r.order = append(r.order, noted{key, now})
	t.Tx.OnUndo(func() {
		if delete(r.at, key); had {
			r.at[key] = old
		}
	})
}
