package local

import (
	"sync"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

// Resource is one bound client of an account. Its mutex guards everything below it; methods are safe for concurrent
// use.
type Resource struct {
	full jid.JID
	bare jid.JID
	out  Outbox
	Born time.Time // when it was bound

	mu         sync.Mutex
	presence   *stanza.Stanza // last broadcast available presence; nil: not available
	priority   int8
	round      int  // rises with each time that messages stop to reach it
	caught     bool // it has what waited in the spool
	interested bool // wants roster pushes (RFC 6121 §2.2)
	blockPush  bool // wants block list pushes (XEP-0191 §3.3)
	carbons    bool // XEP-0280
	directed   Set
}

// NewResource makes a resource that Bind can add.
func NewResource(full jid.JID, out Outbox) *Resource {
	return &Resource{full: full, bare: full.Bare(), out: out, Born: time.Now()}
}

// JID is the full JID.
func (r *Resource) JID() jid.JID { return r.full }

// Addr is the client's address, for people.
func (r *Resource) Addr() string { return r.out.Addr() }

// Send queues a stanza for the client now.
func (r *Resource) Send(s *stanza.Stanza) { r.out.Send(s, 0) }

// End closes the client's stream with a stream error.
func (r *Resource) End(condition, text string) { r.out.End(condition, text) }

// Presence is the last available presence that was broadcast, nil while not available.
func (r *Resource) Presence() *stanza.Stanza {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.presence
}

// SetPresence notes the presence that was broadcast; nil: unavailable.
func (r *Resource) SetPresence(s *stanza.Stanza, priority int8) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.presence, r.priority = s, priority
	if s == nil || priority < 0 {
		r.round++
		r.caught = false
	}
}

// Priority is that of the last available presence, −128 to 127.
func (r *Resource) Priority() int8 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.priority
}

// Available tells whether the resource has sent available presence.
func (r *Resource) Available() bool { return r.Presence() != nil }

// takesMessages tells whether messages to the bare JID reach it. RFC 6121 §8.5.2.1.1: never with negative priority. A
// resource that has just come online first gets what waited, so that nothing newer comes before it; that does not
// concern messages that nobody keeps.
func (r *Resource) takesMessages(keepable bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.presence != nil && r.priority >= 0 && (r.caught || !keepable)
}

// catchingUp tells whether it is online and still gets what waited.
func (r *Resource) catchingUp() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.presence != nil && r.priority >= 0 && !r.caught
}

// catchUp begins to hand out the spool and returns a number that names the round.
func (r *Resource) catchUp() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.round++
	r.caught = false
	return r.round
}

// inRound tells whether the round still goes on.
func (r *Resource) inRound(round int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.round == round && r.presence != nil && r.priority >= 0
}

// caughtUp ends a round well.
func (r *Resource) caughtUp(round int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.caught = r.round == round
}

// Interested tells whether the client asked for the roster.
func (r *Resource) Interested() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.interested }

// SetInterested makes the client get roster pushes.
func (r *Resource) SetInterested() { r.mu.Lock(); defer r.mu.Unlock(); r.interested = true }

// WantsBlocks tells whether the client asked for the block list.
func (r *Resource) WantsBlocks() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.blockPush }

// SetWantsBlocks makes the client get block list pushes.
func (r *Resource) SetWantsBlocks() { r.mu.Lock(); defer r.mu.Unlock(); r.blockPush = true }

// Carbons tells whether the client wants copies of the account's other messages.
func (r *Resource) Carbons() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.carbons }

// SetCarbons switches copies on or off.
func (r *Resource) SetCarbons(on bool) { r.mu.Lock(); defer r.mu.Unlock(); r.carbons = on }

// Directed is the set of those who got directed presence and must hear of the end. RFC 6121 §4.6.
func (r *Resource) Directed() *Set { return &r.directed }

// maxSet bounds a Set: what a client can make grow.
const maxSet = 1024

// Set is a small bounded set of addresses. The zero value is empty; safe for concurrent use.
type Set struct {
	mu sync.Mutex
	m  map[jid.JID]struct{}
}

// Add puts j in; false when the set is full.
func (s *Set) Add(j jid.JID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.m[j]; ok {
		return true
	}
	if len(s.m) >= maxSet {
		return false
	}
	if s.m == nil {
		s.m = make(map[jid.JID]struct{})
	}
	s.m[j] = struct{}{}
	return true
}

// Remove takes j out.
func (s *Set) Remove(j jid.JID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, j)
}

// Has tells whether j is in.
func (s *Set) Has(j jid.JID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.m[j]
	return ok
}

// All lists the members.
func (s *Set) All() []jid.JID {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]jid.JID, 0, len(s.m))
	for j := range s.m {
		all = append(all, j)
	}
	return all
}
