package muc

import (
	"sync"
	"sync/atomic"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
)

// A Room is one chat room.
//
// What happens in it is decided in the store's operations, which run one after the other, and shown to the world once
// they are committed:
//
//	client ─ Accept ─▶ op: next, records, queue ─ commit ─▶ After: live, outboxes
//	                    ▲ OnUndo: next as it was
//
// Who only looks (pings, disco, chat states) needs no op and sees live.
type Room struct {
	service *Service
	jid     jid.JID
	next    *State // touched by ops only; nil: no such room
	count   uint64 // of the changes of next; ops only, and never taken back
	sending int    // stanzas that are being routed to clients elsewhere; ops only
	live    atomic.Pointer[State]

	mu      sync.Mutex // held while live changes, and while stanzas go into outboxes; guards what follows
	version uint64     // of live
	lost    map[jid.JID]bool
	quick   router.Turn // to ask who is blocked
}

// JID is the room's bare JID.
func (r *Room) JID() jid.JID { return r.jid }

// State is the room as it was committed last; nil before its creation and after its end.
func (r *Room) State() *State { return r.live.Load() }

// Next is the room as the Turn sees it: in a transaction with all that was decided before it. nil: there is no such room.
func (r *Room) Next(t *router.Turn) *State {
	if t.Tx != nil {
		return r.next
	}
	return r.live.Load()
}

// set makes n the room's state, for good when the Turn is committed; nil ends the room.
func (r *Room) set(t *router.Turn, n *State) {
	show := r.decide(t, n)
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		show()
	})
}

// decide is set, but that showLocked is to be called after the commit.
func (r *Room) decide(t *router.Turn, n *State) (showLocked func()) {
	old := r.next
	r.next = n
	t.Tx.OnUndo(func() { r.next = old })
	version := r.count + 1
	r.count = version
	return func() {
		// Choice: After-functions of Turns that do not end on the store's own goroutine may come late; they change nothing.
		if version > r.version {
			r.version = version
			r.live.Store(n)
		}
	}
}

// configure changes the room's record.
func (r *Room) configure(t *router.Turn, f func(*store.Room)) error {
	n := r.next.clone()
	f(&n.Config)
	if err := t.Tx.PutRoom(n.Config); err != nil {
		return err
	}
	r.set(t, n)
	return nil
}

// address is the address of a nick in the room; nicks are resourceparts in normal form.
func (r *Room) address(nick string) jid.JID {
	j, err := r.jid.WithResource(nick)
	if err != nil {
		return r.jid
	}
	return j
}
