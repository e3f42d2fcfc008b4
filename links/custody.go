package links

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"longwire/store"
)

// A book keeps the numbers of both directions with a peer. The record on flash is the truth; what is here beside it only runs ahead
// of it: numbers that were handed in and are not committed yet, confirmations on their way to the flash.
//
// Every change reads the record within its transaction, as several are under way at once: numbering by the sender, marks by
// whoever the node is told of a stanza, confirmations by the receiver.
type book struct {
	db    *store.DB
	queue *store.Queue
	key   string

	handing sync.Mutex // held while a stanza is given its place and handed to Inbound

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

func openBook(db *store.DB, queue *store.Queue, key string) (*book, error) {
	b := &book{db: db, queue: queue, key: key, space: make(chan struct{}, 1)}
	err := db.View(func(tx *store.Tx) (err error) {
		b.c, err = tx.Custody(key)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("links: reading the custody of %s: %w", key, err)
	}
	b.acked, b.taken = b.c.Acked, b.c.Mark
	// What the peer was told before a restart is not known: tell it again.
	return b, nil
}

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

// update changes the record in a transaction of its own and waits for it.
func (b *book) update(f func(*store.Tx, *store.Custody) error) error {
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
		return fmt.Errorf("links: writing the custody of %s: %w", b.key, err)
	}
	return nil
}

// state is a copy of the record, with what was heard since.
func (b *book) state() store.Custody {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.c
	c.Acked = b.acked
	return c
}

// tell notes that the peer is told of the mark.
func (b *book) tell(mark uint32) {
	b.mu.Lock()
	b.told = mark
	b.mu.Unlock()
}

// untold tells whether there is more to tell.
func (b *book) untold() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.c.Mark != b.told
}

// busy tells whether stanzas are on their way to the flash.
func (b *book) busy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inFlight > 0
}

// name makes sure that our stream has one.
func (b *book) name() error {
	if b.state().OutID != "" {
		return nil
	}
	return b.update(func(tx *store.Tx, c *store.Custody) error {
		if c.OutID == "" {
			c.OutID = newName()
		}
		return nil
	})
}

// restart begins a new numbering of ours, in tx: what the peer has not confirmed of the old one becomes unsent.
func (b *book) restart(tx *store.Tx, c *store.Custody) error {
	if c.OutID != "" {
		if err := b.queue.Requeue(tx, c.OutID); err != nil {
			return err
		}
	}
	c.OutID, c.Sent, c.Acked, c.Confirmed = newName(), 0, 0, false
	return nil
}

// renumber is restart in a transaction of its own.
func (b *book) renumber() error {
	if err := b.update(b.restart); err != nil {
		return err
	}
	b.restarted()
	return nil
}

// restarted is to be called after an update that called restart.
func (b *book) restarted() {
	b.mu.Lock()
	b.acked = b.c.Acked
	b.mu.Unlock()
}

// number gives the next numbers to entries, on flash. The first byte of them may be sent afterwards.
func (b *book) number(entries []store.Entry) error {
	ids := make([]uint64, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return b.update(func(tx *store.Tx, c *store.Custody) error {
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

// maxInFlight bounds the stanzas between Inbound and their commit.
const maxInFlight = 256

// errTooHigh tells of a confirmation for what was never sent.
var errTooHigh = errors.New("links: peer confirms more than was sent")

// confirm notes that the peer has taken our stanzas up to h of the numbering id, and tells done when that is on flash. wait makes it return only
// then. What is said of an earlier numbering is of no interest.
func (b *book) confirm(id string, h uint32, wait bool, done func([]store.Entry, error)) error {
	b.mu.Lock()
	if id != b.c.OutID {
		b.mu.Unlock()
		return nil
	}
	if int32(h-b.c.Sent) > 0 { // XEP-0198 §4: h counts modulo 2^32
		b.mu.Unlock()
		return errTooHigh
	}
	if int32(h-b.acked) < 0 {
		b.mu.Unlock()
		return nil // said before what was heard already, on another contact
	}
	again := h == b.acked && b.c.Confirmed
	b.acked = h
	b.mu.Unlock()
	if again {
		return nil
	}
	var gone []store.Entry
	var c store.Custody
	op := func(tx *store.Tx) (err error) {
		if c, err = tx.Custody(b.key); err != nil || c.OutID != id {
			return err
		}
		if gone, err = b.queue.Confirm(tx, id, h); err != nil {
			return err
		}
		c.Acked, c.Confirmed, c.Changed = h, true, time.Now()
		return tx.PutCustody(b.key, c)
	}
	finish := func(err error) {
		b.mu.Lock()
		switch {
		case b.c.OutID != id:
		case err == nil:
			b.c.Acked, b.c.Confirmed = h, true
		default:
			b.acked = b.c.Acked // the peer will have to say it again
		}
		b.mu.Unlock()
		done(gone, err)
	}
	if !wait {
		b.db.Submit(op, finish)
		return nil
	}
	result := make(chan error, 1)
	b.db.Submit(op, func(err error) { finish(err); result <- err })
	return <-result
}

// errStale means that the numbering changed under a stanza that was under way; it is not taken.
var errStale = errors.New("links: stanza of an earlier numbering")

// mark is what Inbound commits with stanza n of the stream called id. The numbers must come without a gap: when one could not be committed,
// neither can those behind it, so that the peer sends them all again.
func (b *book) mark(tx *store.Tx, id string, n uint32) error {
	c, err := tx.Custody(b.key)
	if err != nil {
		return err
	}
	if c.InID != id || c.Mark+1 != n {
		return errStale
	}
	c.Mark, c.Changed = n, time.Now()
	return tx.PutCustody(b.key, c)
}

// marked is told of the commit.
func (b *book) marked(n uint32, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.c.Mark = n
	} else {
		b.broken = true
	}
	select {
	case b.space <- struct{}{}:
	default:
	}
	if b.inFlight--; b.inFlight == 0 && b.idle != nil {
		close(b.idle)
		b.idle = nil
	}
}

// drain waits until no stanza is between Inbound and its commit.
func (b *book) drain() {
	b.mu.Lock()
	if b.inFlight == 0 {
		b.mu.Unlock()
		return
	}
	if b.idle == nil {
		b.idle = make(chan struct{})
	}
	idle := b.idle
	b.mu.Unlock()
	<-idle
}

// settle stops taking stanzas from all contacts, waits for those under way, and then believes the flash only. A contact is listened to again when its peer has
// announced its stream there.
func (b *book) settle() error {
	b.mu.Lock()
	b.epoch++
	b.mu.Unlock()
	b.drain()
	var c store.Custody
	err := b.db.View(func(tx *store.Tx) (err error) {
		c, err = tx.Custody(b.key)
		return err
	})
	if err != nil {
		return fmt.Errorf("links: reading the custody of %s: %w", b.key, err)
	}
	b.mu.Lock()
	b.c.InID, b.c.Mark, b.taken, b.broken = c.InID, c.Mark, c.Mark, false
	b.mu.Unlock()
	return nil
}

// mend settles after a stanza could not be committed.
func (b *book) mend() error {
	b.mu.Lock()
	broken := b.broken
	b.mu.Unlock()
	if !broken {
		return nil
	}
	return b.settle()
}

func (b *book) now() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.epoch
}

// place is where the next stanza of the peer stands.
type place uint8

const (
	known place = iota // taken before
	next               // the one that is due
	gap                // one before it is missing
	stale              // of a stream that was begun anew elsewhere
)

// admit tells where stanza n stands that came on a contact of that epoch. The next one counts as handed in, as part of the stream id. It waits while too many
// are under way, until quit is closed.
func (b *book) admit(epoch int, n uint32, quit <-chan struct{}) (at place, id string) {
	for {
		b.mu.Lock()
		switch {
		case b.epoch != epoch || b.broken:
			at = stale
		case int32(n-b.taken) <= 0:
			at = known
		case n != b.taken+1:
			at = gap
		case b.inFlight >= maxInFlight:
			b.mu.Unlock()
			select {
			case <-b.space:
				continue
			case <-quit:
				return stale, ""
			}
		default:
			at = next
			b.taken = n
			b.inFlight++
		}
		id = b.c.InID
		b.mu.Unlock()
		return at, id
	}
}
