// Package custody keeps the numbers of both directions with a peer on flash: which number each stanza of ours was given, how far the peer
// confirmed them, and how far we took the peer's. It is the same for every kind of link between Longwire nodes, so that a peer that is
// reached over several has one numbering.
package custody

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"longwire/store"
)

// A Book keeps the numbers of both directions with a peer. The record on flash is the truth; what is here beside it only runs ahead
// of it: numbers that were handed in and are not committed yet, confirmations on their way to the flash.
//
// Every change reads the record within its transaction, as several are under way at once: numbering by the sender, marks by
// whoever the node is told of a stanza, confirmations by the receiver.
type Book struct {
	db    *store.DB
	queue *store.Queue
	key   string

	Handing sync.Mutex // held while a stanza is given its place and handed to Inbound

	mu       sync.Mutex    // guards what follows; never held while waiting
	c        store.Custody // as last committed, as far as was heard
	acked    uint32        // highest confirmation that was heard; the flash may not know yet
	taken    uint32        // highest number handed to Inbound
	inFlight int           // stanzas handed to Inbound, not done
	idle     chan struct{} // closed when inFlight came to 0, while someone waits
	space    chan struct{} // a stanza was committed; room for one
	epoch    int           // contacts that were announced in an earlier one are not listened to
	broken   bool          // a stanza could not be committed, so none behind it may
	told     uint32        // mark that the peer was last told
}

// Open reads the record called key.
func Open(db *store.DB, queue *store.Queue, key string) (*Book, error) {
	b := &Book{db: db, queue: queue, key: key, space: make(chan struct{}, 1)}
	err := db.View(func(tx *store.Tx) (err error) {
		b.c, err = tx.Custody(key)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("custody: reading the record of %s: %w", key, err)
	}
	b.acked, b.taken = b.c.Acked, b.c.Mark
	// What the peer was told before a restart is not known: tell it again.
	return b, nil
}

// Claims is the key of the record that links/s5066 keeps beside the one called key: under which names our stream was sent, and nobody answered. Whoever sends
// the stream in another way puts an empty one: what the peer has taken may then be his, and is no sign of a record that is too old.
func Claims(key string) string { return key + "/s5066/ours" }

// Was is the key of the record of the peer's numbering before the one called key, as far as it was taken: what comes late of it is known.
func Was(key string) string { return key + "/s5066/was" }

// newName makes the name of a numbering. It is short because it is paid for on the link, and random because it must not come
// again while a peer remembers it.
func newName() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var b [6]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = letters[b[i]&31]
	}
	return string(b[:])
}

// Update changes the record in a transaction of its own and waits for it.
func (b *Book) Update(f func(*store.Tx, *store.Custody) error) error {
	var c store.Custody
	result := make(chan error, 1)
	b.db.Submit(func(tx *store.Tx) (err error) {
		if c, err = tx.Custody(b.key); err != nil {
			return err
		}
		if err = f(tx, &c); err != nil {
			return err
		}
		c.Changed = time.Now()
		return tx.PutCustody(b.key, c)
	}, func(err error) { // here, as what is committed later is told later
		if err == nil {
			b.mu.Lock()
			b.c = c
			b.mu.Unlock()
		}
		result <- err
	})
	if err := <-result; err != nil {
		return fmt.Errorf("custody: writing the record of %s: %w", b.key, err)
	}
	return nil
}

// State is a copy of the record, with what was heard since.
func (b *Book) State() store.Custody {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.c
	c.Acked = b.acked
	return c
}

// Tell notes that the peer is told of the mark.
func (b *Book) Tell(mark uint32) {
	b.mu.Lock()
	b.told = mark
	b.mu.Unlock()
}

// Untold tells whether there is more to tell.
func (b *Book) Untold() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.c.Mark != b.told
}

// Busy tells whether stanzas are on their way to the flash.
func (b *Book) Busy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inFlight > 0
}

// Name makes sure that our stream has one.
func (b *Book) Name() error {
	if b.State().OutID != "" {
		return nil
	}
	return b.Update(func(tx *store.Tx, c *store.Custody) error {
		if c.OutID == "" {
			c.OutID = newName()
		}
		return nil
	})
}

// Restart begins a new numbering of ours, in tx: what the peer has not confirmed of the old one becomes unsent.
func (b *Book) Restart(tx *store.Tx, c *store.Custody) error {
	if c.OutID != "" {
		if err := b.queue.Requeue(tx, c.OutID); err != nil {
			return err
		}
	}
	c.OutID, c.Sent, c.Acked, c.Confirmed = newName(), 0, 0, false
	return nil
}

// Renumber is restart in a transaction of its own.
func (b *Book) Renumber() error {
	if err := b.Update(b.Restart); err != nil {
		return err
	}
	b.Restarted()
	return nil
}

// Restarted is to be called after an update that called restart.
func (b *Book) Restarted() {
	b.mu.Lock()
	b.acked = b.c.Acked
	b.mu.Unlock()
}

// Number gives the next numbers to entries, on flash. The first byte of them may be sent afterwards.
func (b *Book) Number(entries []store.Entry) error {
	ids := make([]uint64, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return b.Update(func(tx *store.Tx, c *store.Custody) error {
		if c.OutID == "" {
			c.OutID = newName()
		}
		if err := b.queue.Number(tx, c.OutID, c.Sent+1, ids); err != nil {
			return err
		}
		for i := range entries {
			entries[i].Session, entries[i].Seq = c.OutID, c.Sent+1+uint32(i)
		}
		c.Sent += uint32(len(entries))
		return nil
	})
}
