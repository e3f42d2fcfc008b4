package fold

import (
	"crypto/sha256"
	"sync"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

// An Item is a queue entry that is about to be sent.
type Item struct {
	ID     uint64
	Queued time.Time // what the age of its time stamps is told from, so that it is folded as it was then
	Stanza *stanza.Stanza
}

// A Done is an entry that will not be sent: take it from the queue. With Refuse, answer its sender.
type Done struct {
	ID     uint64
	Reason Reason
	Saved  int
	Refuse *stanza.Err
}

// bounds on what a Memory keeps. What is forgotten costs one presence.
const (
	maxPairs  = 8192
	maxFlight = 4096
)

// A Memory knows what a peer was told of each presence, so that it is not told again. The zero Memory knows nothing, and
// works; it outlives the Folder when rules are changed. Any number of goroutines may use it.
//
// What was sent counts as told when the peer has confirmed it, not before: an entry that is sent again after a lost
// contact must not be taken for one that arrived.
type Memory struct {
	mu     sync.Mutex // guards what follows
	pairs  map[pair]known
	flight map[uint64]pair // by entry: under way, not confirmed
}

// A pair is one presence: of whom, to whom. A room's occupants share one, as a nick is part of the address.
type pair struct{ from, to jid.JID }

func pairOf(s *stanza.Stanza) pair { return pair{s.From, s.To.Bare()} }

// digest tells one presence from another; the zero digest is none.
type digest [16]byte

// known is what the peer was told of a pair: either it has confirmed the newest, or that is under way as entry id.
type known struct {
	told, sent digest
	id         uint64
}

// Filter judges a batch that leaves the queue, in its order, before its entries are numbered: of several presences of one
// pair the newest is sent, and that only if it is news to the peer. What was queued under other rules is folded by those
// of f. The batch itself is reused for what is sent.
func (m *Memory) Filter(f *Folder, batch []Item) (send []Item, done []Done) {
	m.mu.Lock()
	defer m.mu.Unlock()
	newest := f.newest(batch)
	send = batch[:0]
	for i, it := range batch {
		r := f.Fold(it.Queued, it.Stanza)
		if r.Stanza == nil {
			done = append(done, Done{it.ID, r.Reason, r.Saved, r.Refuse})
			continue
		}
		why := m.judge(f, r.Stanza, it.ID, newest[i])
		if why != Crosses {
			done = append(done, Done{ID: it.ID, Reason: why, Saved: len(it.Stanza.Bytes())})
			continue
		}
		it.Stanza = r.Stanza
		send = append(send, it)
	}
	return send, done
}

// judge tells why a folded stanza need not be sent. m.mu is held.
func (m *Memory) judge(f *Folder, s *stanza.Stanza, id uint64, newest bool) Reason {
	if s.Kind != stanza.Presence {
		return Crosses
	}
	p := pairOf(s)
	if !f.remembered(s) {
		// What enters a room, or changes a subscription, may make the peer forget the rest.
		delete(m.pairs, p)
		return Crosses
	}
	if !newest {
		return Replaced
	}
	d := f.digest(s)
	if m.pairs[p].told == d {
		return Told
	}
	if m.pairs == nil || len(m.pairs) >= maxPairs {
		m.pairs = make(map[pair]known)
	}
	if m.flight == nil || len(m.flight) >= maxFlight {
		m.flight = make(map[uint64]pair)
	}
	// Until the peer confirms, nobody knows which it believes.
	m.pairs[p] = known{sent: d, id: id}
	m.flight[id] = p
	return Crosses
}

// newest tells of each item of a batch whether no later one takes its place.
func (f *Folder) newest(batch []Item) []bool {
	is := make([]bool, len(batch))
	later := make(map[pair]bool)
	for i := len(batch) - 1; i >= 0; i-- {
		s := batch[i].Stanza
		if s.Kind != stanza.Presence {
			is[i] = true
			continue
		}
		p := pairOf(s)
		switch {
		case !f.remembered(s):
			is[i] = true
			delete(later, p) // what stands before it is not the same as what stands behind it
		default:
			is[i] = !later[p]
			later[p] = true
		}
	}
	return is
}

// remembered tells whether a presence is of the kind of which only news is sent.
func (f *Folder) remembered(s *stanza.Stanza) bool {
	return (f.p.Presence == PresenceCoalesce || f.p.Presence == PresenceMinimal) &&
		s.Kind == stanza.Presence && (s.Type == "" || s.Type == stanza.Unavailable) && !Federated(s) && !f.roomly(s)
}

// digest is of what a presence tells: not its id. In PresenceMinimal that is its type alone.
func (f *Folder) digest(s *stanza.Stanza) (d digest) {
	n := &stanza.Stanza{Kind: stanza.Presence, To: s.To, Type: s.Type}
	if f.p.Presence != PresenceMinimal {
		n.Lang, n.Extra, n.Inner = s.Lang, s.Extra, s.Inner
	}
	sum := sha256.Sum256(n.Bytes())
	copy(d[:], sum[:])
	return d
}

// Confirmed notes that the peer has these entries.
func (m *Memory) Confirmed(ids ...uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		p, ok := m.flight[id]
		if !ok {
			continue
		}
		delete(m.flight, id)
		if k := m.pairs[p]; k.id == id { // no newer one is under way
			m.pairs[p] = known{told: k.sent}
		}
	}
}

// Forget makes the next presence to an account news: when it probes, it has forgotten. The zero JID is all, for when the
// peer itself has lost what it knew.
func (m *Memory) Forget(account jid.JID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.pairs {
		if account.IsZero() || p.to == account.Bare() {
			delete(m.pairs, p)
		}
	}
}

// Size is how many presences are known, and how many are under way.
func (m *Memory) Size() (pairs, flight int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pairs), len(m.flight)
}
