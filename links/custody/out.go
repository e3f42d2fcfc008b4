package custody

import (
	"errors"
	"time"

	"longwire/store"
)

// ErrTooHigh tells of a confirmation for what was never sent.
var ErrTooHigh = errors.New("custody: peer confirms more than was sent")

// Confirm notes that the peer has taken our stanzas up to h of the numbering id, and tells done when that is on flash. wait makes it return only
// then. What is said of an earlier numbering is of no interest.
func (b *Book) Confirm(id string, h uint32, wait bool, done func([]store.Entry, error)) error {
	b.mu.Lock()
	if id != b.c.OutID {
		b.mu.Unlock()
		return nil
	}
	if int32(h-b.c.Sent) > 0 { // XEP-0198 §4: h counts modulo 2^32
		b.mu.Unlock()
		return ErrTooHigh
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
