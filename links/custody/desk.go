package custody

import (
	"sync"

	"longwire/store"
)

// A Desk is where all links of a peer keep its numbers, so that they have one numbering. It lives as long as the node; links come and go.
//
// Turn is held while custody changes, by whichever link does it: from the choice of entries to their numbers, and for each word of the peer that moves
// a numbering. It is not held while anything waits for a link. Carrier and what stands with it are guarded by it.
type Desk struct {
	Turn sync.Mutex

	// Carrier is who sent our stanzas of the ordinary lane last: whoever takes over announces anew, with the numbers there are. Any comparable value; under Turn.
	Carrier any

	db    *store.DB
	queue *store.Queue

	mu    sync.Mutex // guards what follows
	books map[string]*Book
	ears  map[*ear]bool
}

// ear is a link that wants to hear of what others took.
type ear struct{ f func() }

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

// Listen has f called when a link has something to tell the peer that it may not say itself, until stop is called. f must not wait.
func (d *Desk) Listen(f func()) (stop func()) {
	e := &ear{f}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ears[e] = true
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.ears, e)
	}
}

// Pass tells all who listen that the peer waits to hear what was taken.
func (d *Desk) Pass() {
	d.mu.Lock()
	all := make([]*ear, 0, len(d.ears))
	for e := range d.ears {
		all = append(all, e)
	}
	d.mu.Unlock()
	for _, e := range all {
		e.f()
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
		d.all[peer] = &Desk{db: d.db, queue: d.db.Queue(peer), books: map[string]*Book{}, ears: map[*ear]bool{}}
	}
	return d.all[peer]
}
