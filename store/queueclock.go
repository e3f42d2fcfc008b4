package store

import (
	"fmt"
	"time"
)

// Last is the number of the newest entry there was, as of the last commit.
func (q *Queue) Last() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.last
}

// Shift moves all times of the entries that which chooses by d, in tx: the clock by which they were put was set. It returns how many.
func (q *Queue) Shift(tx *Tx, d time.Duration, which func(Entry) bool) (moved int, err error) {
	r, err := tx.queue(q.name)
	if err != nil {
		return 0, err
	}
	err = q.Each(tx, func(e Entry) (bool, error) {
		if !which(e) {
			return true, nil
		}
		moved++
		return true, tx.shift(q.name, e, d)
	})
	if err != nil {
		return 0, fmt.Errorf("store: setting the times in the queue of %s: %w", q.name, err)
	}
	if moved == 0 {
		return 0, nil
	}
	return moved, tx.putQueue(q.name, r, true)
}

func (tx *Tx) shift(peer string, e Entry, d time.Duration) error {
	n := e
	for _, at := range []*time.Time{&n.Queued, &n.Expires, &n.NotBefore} {
		if !at.IsZero() {
			*at = at.Add(d)
		}
	}
	if e.Session == "" {
		tag := byte(tagPair)
		if e.Coalesce { // an earlier version noted it there alone
			tag = tagCoalesce
		}
		again := tx.get(bucketQueue, pairKey(peer, tag, pairOf(e.From, e.To), e.ID))
		again = append([]byte{}, again...)
		if err := tx.unindexUnsent(peer, e); err != nil {
			return err
		}
		if err := tx.indexUnsent(peer, n, again); err != nil {
			return err
		}
	}
	return tx.putRecord(bucketQueue, bodyKey(peer, e.ID), entryRecordOf(n))
}

// ShiftFates moves the times of what is remembered by d, where which says that they are of the clock that was set.
func (tx *Tx) ShiftFates(d time.Duration, which func(changed time.Time) bool) error {
	p := prefix(fatesByAge)
	return eachRecord(tx, bucketFates, p, p, func(k []byte, r fateRecord) error {
		if !which(fromNanos(r.Changed)) {
			return nil
		}
		r.Queued, r.Changed = r.Queued+int64(d), r.Changed+int64(d)
		return tx.putRecord(bucketFates, k, r)
	})
}
