package forecast

import (
	"slices"
	"sync"
	"time"
)

// Bounds of what a Model remembers of entries.
const (
	maxFlight   = 4096
	maxPromises = 4096
)

// A Model learns one way to one peer. Make it with New; any number of goroutines.
type Model struct {
	mu    sync.Mutex // guards what follows
	prior float64    // s for a byte, as configured; 0: none

	turns  []turn
	record record
	down   outages

	flight   map[uint64]aloft // entries under way
	order    []uint64         // of flight, as sent
	there    map[uint64]bool  // arrived, and not confirmed by the peer yet
	size     int              // bytes in flight
	begun    time.Duration    // the turn at hand
	first    bool             // which began with an idle link
	last     time.Duration    // when something arrived last,
	active   time.Duration    // or was heard of the peer
	pause    float64          // before the turn at hand, if that is a first one; s
	up       bool
	since    time.Duration // of up or down
	everUp   bool
	rest     bool // down on purpose
	promises map[uint64]promise
	promised []uint64 // oldest first; may name some that are gone
}

// aloft is an entry under way: its bytes, and when it was sent, by which those are told apart that do not go in one turn.
type aloft struct {
	bytes int
	sent  time.Duration
}

// promise is what was said of an entry when it was accepted.
type promise struct {
	at   time.Duration
	said time.Duration
}

// New makes a Model. rate is what the link is thought to carry, in bit/s; 0: not known until measured.
func New(rate int) *Model {
	m := &Model{flight: make(map[uint64]aloft), there: make(map[uint64]bool), promises: make(map[uint64]promise)}
	m.SetRate(rate)
	return m
}

// SetRate changes what the link is thought to carry while nothing is measured.
func (m *Model) SetRate(rate int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prior = 0
	if rate > 0 {
		m.prior = 8 / float64(rate)
	}
}

// Up notes that the link can carry.
func (m *Model) Up(now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.up {
		return
	}
	if m.everUp && !m.rest {
		m.down.add(now - m.since)
	}
	m.up, m.everUp, m.rest, m.since = true, true, false, now
}

// Down notes that it cannot: on purpose (a window that closes, EMCON), or because it broke. What is under way will be sent again, or is
// confirmed later.
func (m *Model) Down(onPurpose bool, now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.up {
		return
	}
	m.up, m.rest, m.since = false, onPurpose, now
	clear(m.flight)
	m.order, m.size = m.order[:0], 0
}

// Sent notes that an entry of so many bytes was given to the link; it has waited since queued.
func (m *Model) Sent(id uint64, bytes int, queued, now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.there, id)
	if len(m.flight) == 0 {
		m.begun = max(queued, m.since)
		if m.first = m.begun > m.last || m.last == 0; !m.first {
			m.begun = m.last
		}
		m.begun = min(m.begun, now)
		m.pause = max(0, (m.begun - m.active).Seconds())
	}
	if _, ok := m.flight[id]; ok {
		return
	}
	if len(m.flight) >= maxFlight {
		m.goneLocked(m.order[0]) // nobody has told what became of it
	}
	m.flight[id] = aloft{bytes, now}
	m.order = append(m.order, id)
	m.size += bytes
}

// Arrived notes that an entry is at the far end of the link, as far as is known here, and whether the peer itself has said so, so that nothing more
// will be heard of it. More than once does no harm.
func (m *Model) Arrived(id uint64, final bool, now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, ok := m.flight[id]; ok {
		m.arrivedLocked(a.bytes, now)
	}
	if p, ok := m.promises[id]; ok {
		m.record.add(p.said, now-p.at)
	}
	m.goneLocked(id)
	if !final && len(m.there) < maxFlight {
		m.there[id] = true
	}
}

// Heard notes that the peer was: a link that carries to us does not have to be made anew.
func (m *Model) Heard(now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active = max(m.active, now)
}

// Gone notes that an entry will not arrive: it has expired, or was cancelled.
func (m *Model) Gone(id uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.goneLocked(id)
}

// Where tells whether an entry is under way, or there already.
func (m *Model) Where(id uint64) (aloft, there bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, aloft = m.flight[id]
	return aloft, m.there[id]
}

func (m *Model) goneLocked(id uint64) {
	delete(m.promises, id)
	delete(m.there, id)
	a, ok := m.flight[id]
	if !ok {
		return
	}
	m.size -= a.bytes
	delete(m.flight, id)
	if i := slices.Index(m.order, id); i >= 0 {
		m.order = slices.Delete(m.order, i, i+1)
	}
}

// together is how close things arrive that came in one turn: a fiftieth of it.
const together = 50

// arrivedLocked counts bytes into the turn at hand, or begins the next.
func (m *Model) arrivedLocked(bytes int, now time.Duration) {
	if n := len(m.turns); n > 0 && m.turns[n-1].At == m.last {
		if t := &m.turns[n-1]; now-m.last <= max(20*time.Millisecond, seconds(t.Took/together)) {
			t.Bytes += float64(bytes)
			return
		}
	}
	t := turn{At: now, Took: (now - m.begun).Seconds(), Bytes: float64(bytes), First: m.first, Gap: m.pause}
	if t.Took > 0 {
		m.turns = append(m.turns, t)
		if len(m.turns) > maxTurns {
			m.turns = slices.Delete(m.turns, 0, len(m.turns)-maxTurns)
		}
	}
	m.begun, m.last, m.first = now, now, false
	m.active = max(m.active, now)
}
