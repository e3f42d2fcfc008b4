package custody

import (
	"fmt"
	"slices"
	"sync"

	"longwire/store"
)

// A Desk is where all links of a peer keep its numbers, so that they have one numbering. It lives as long as the node; links come and go.
//
// Turn is held while custody changes, by whichever link does it: from the choice of entries to their numbers, and for each word of the peer that moves
// a numbering. It is not held while anything waits for a link.
type Desk struct {
	Turn    sync.Mutex
	carrier hold // of the ordinary lane; under Turn
	express hold // of the express lane

	handed []uint64 // entries that the express lane has left to other links; under Turn
	listed bool     // those of earlier runs of the node are among them

	db    *store.DB
	queue *store.Queue
	peer  string

	mu    sync.Mutex // guards what follows
	books map[string]*Book
	users map[*User]bool
	ears  map[*ear]bool
}

// hold is who took a lane last, and how often it went to another.
type hold struct {
	who any
	n   int
}

func (h *hold) take(who any) {
	if h.who != who {
		h.who = who
		h.n++
	}
}

// A User is a link as the desk knows it.
type User struct {
	// Numbering is what it gives numbers of: links of the same one go on where the other was. Two Longwire nodes have one for all links between them, called
	// like the peer; with others each link has its own.
	Numbering string
	Keys      []string // of the records whose sessions its entries are in
	// Yield makes unsent what it has sent in a numbering of its own and the peer has not confirmed, as another link is to send it. False: not yet, it may still be
	// confirmed. It is called under Turn.
	Yield func() (bool, error)
}

// ear is a link that wants to hear of what others took.
type ear struct {
	who any
	f   func(took bool)
}

// Use notes that a link may have numbered entries, until stop is called with all that have taken for it. Turn must not be held then.
func (d *Desk) Use(u *User) (stop func(who ...any)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users[u] = true
	return func(who ...any) { d.quit(u, who) }
}

// quit takes a link off. What it leaves on the express lane, where no other link goes on with that, is for the one that carries, which takes anew.
func (d *Desk) quit(u *User, who []any) {
	d.Turn.Lock()
	defer d.Turn.Unlock()
	d.mu.Lock()
	delete(d.users, u)
	x := d.books[Express(d.peer)]
	d.mu.Unlock()
	for _, h := range []*hold{&d.carrier, &d.express} {
		if slices.Contains(who, h.who) {
			h.who = nil
		}
	}
	if x == nil || slices.Contains(d.keys(), Express(d.peer)) {
		return
	}
	if c := x.State(); c.Sent != c.Acked {
		d.carrier.who = nil
		defer d.Confirmed(nil)
	}
}

// keys are those of the records that links use.
func (d *Desk) keys() (keys []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for u := range d.users {
		keys = append(keys, u.Keys...)
	}
	return keys
}

// Carries tells whether it was who that took last. Under Turn.
func (d *Desk) Carries(who any) bool { return d.carrier.who == who }

// Stretch numbers the times between two takings of the express lane or the ordinary one, and is 0 while another than who has it. A link that finds another number
// than it left is not the only one that has sent since, though no new number may have been given. Under Turn.
func (d *Desk) Stretch(who any, express bool) int {
	h := d.carrier
	if express {
		h = d.express
	}
	if h.who != nil && h.who != who {
		return 0
	}
	return h.n + 1
}

// Holds tells whether what is numbered is for who to look after: no other has taken it, since the node runs or since that one left. Under Turn.
func (d *Desk) Holds(who any) bool { return d.carrier.who == nil || d.carrier.who == who }

// Take makes who, of the link u, the one that sends what is for the peer. False: not yet, another must yield first. Whoever takes over announces anew, with the
// numbers there are. Under Turn.
func (d *Desk) Take(who any, u *User) (bool, error) {
	if d.Carries(who) {
		return true, nil
	}
	d.mu.Lock()
	var others []*User
	for o := range d.users {
		if o.Numbering != u.Numbering {
			others = append(others, o)
		}
	}
	d.mu.Unlock()
	for _, o := range others {
		yield := o.Yield
		if o.Numbering == d.peer {
			yield = d.requeue
		}
		if ok, err := yield(); !ok || err != nil {
			return false, err
		}
	}
	if err := d.orphans(); err != nil {
		return false, err
	}
	d.carrier.take(who)
	return true, nil
}

// TakeExpress makes who the one that sends in the numbering of the express lane. Under Turn.
func (d *Desk) TakeExpress(who any) { d.express.take(who) }

// HasExpress tells whether it was who that took that last. Under Turn.
func (d *Desk) HasExpress(who any) bool { return d.express.who == who }

// HoldsExpress is as Holds, of the express lane. Under Turn.
func (d *Desk) HoldsExpress(who any) bool { return d.express.who == nil || d.express.who == who }

// requeue makes unsent what is not confirmed of the common numbering. Its numbers are filled when that goes on.
func (d *Desk) requeue() (bool, error) {
	b, err := d.Book(d.peer)
	if err != nil {
		return false, err
	}
	c := b.State()
	if c.OutID == "" || c.Sent == c.Acked {
		return true, nil
	}
	if err := d.db.Update(func(tx *store.Tx) error { return d.queue.Requeue(tx, c.OutID) }); err != nil {
		return false, fmt.Errorf("custody: requeueing for %s: %w", d.peer, err)
	}
	return true, nil
}

// orphans makes unsent what has a number of nobody's, from a time when the peer had other links.
func (d *Desk) orphans() error {
	if d.queue.Stats().Sent == 0 {
		return nil
	}
	known, keys := map[string]bool{"": true}, d.keys()
	if !slices.Contains(keys, Express(d.peer)) {
		if err := d.HandOver(); err != nil { // the peer may have taken it by that number
			return err
		}
	}
	err := d.db.View(func(tx *store.Tx) error {
		for _, key := range keys {
			c, err := tx.Custody(key)
			if err != nil {
				return err
			}
			known[c.OutID], known[c.OutID+Second] = true, true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("custody: reading the records of %s: %w", d.peer, err)
	}
	all, err := d.queue.List()
	if err != nil {
		return fmt.Errorf("custody: reading the queue of %s: %w", d.peer, err)
	}
	for _, e := range all {
		if known[e.Session] {
			continue
		}
		known[e.Session] = true
		if err := d.db.Update(func(tx *store.Tx) error { return d.queue.Requeue(tx, e.Session) }); err != nil {
			return fmt.Errorf("custody: requeueing for %s: %w", d.peer, err)
		}
	}
	return nil
}

// Second is what the name of a session ends in that shares the record of another.
const Second = "+"

// Book is the book called key: the same one for all who ask.
func (d *Desk) Book(key string) (*Book, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b := d.books[key]; b != nil {
		return b, b.Mend()
	}
	b, err := Open(d.db, d.queue, key)
	if err == nil {
		d.books[key] = b
	}
	return b, err
}

// Listen has f called when another link than who has taken something that it may not confirm itself, or not as cheaply, and, with took false, when it has heard
// that the peer confirms, until stop is called. f must not wait.
func (d *Desk) Listen(who any, f func(took bool)) (stop func()) {
	e := &ear{who, f}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ears[e] = true
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.ears, e)
	}
}

// Pass tells all others who listen that the peer waits to hear what who has taken.
func (d *Desk) Pass(who any) { d.tell(who, true) }

// Confirmed tells all others who listen that the peer has confirmed something on the link who.
func (d *Desk) Confirmed(who any) { d.tell(who, false) }

func (d *Desk) tell(who any, took bool) {
	d.mu.Lock()
	all := make([]*ear, 0, len(d.ears))
	for e := range d.ears {
		if e.who != who {
			all = append(all, e)
		}
	}
	d.mu.Unlock()
	for _, e := range all {
		e.f(took)
	}
}

// Desks are those of a node, by peer.
type Desks struct {
	db *store.DB

	mu  sync.Mutex // guards what follows
	all map[string]*Desk
}

// NewDesks makes none yet.
func NewDesks(db *store.DB) *Desks { return &Desks{db: db, all: map[string]*Desk{}} }

// Desk is that of a peer, made at first use.
func (d *Desks) Desk(peer string) *Desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all[peer] == nil {
		d.all[peer] = &Desk{db: d.db, queue: d.db.Queue(peer), peer: peer, books: map[string]*Book{}, users: map[*User]bool{}, ears: map[*ear]bool{}}
	}
	return d.all[peer]
}
