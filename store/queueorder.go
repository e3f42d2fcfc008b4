package store

import (
	"fmt"
)

// eachUnsent calls fn for the peer's unsent entries in sending order: by class, then by id, but an entry that follows
// others of the same From and To draws those with it. So chat never waits behind a less urgent kind of somebody
// else's, and what one sender told one recipient stays in order (RFC 6120 §10.1).
func (tx *Tx) eachUnsent(peer string, fn func(id uint64, size int) error) error {
	p := queueKey(peer, tagOrder)
	last := map[pairID]uint64{} // highest id given to fn, per pair: all below it went before
	return tx.scan(bucketQueue, p, p, func(k, v []byte) error {
		id := tail64(k)
		o, err := parseOrder(k, v)
		if err != nil {
			return err
		}
		if id <= last[o.pair] {
			return nil
		}
		if err := tx.eachEarlier(peer, o.pair, last[o.pair], id, fn); err != nil {
			return err
		}
		last[o.pair] = id
		return fn(id, o.size)
	})
}

// eachEarlier calls fn for the pair's unsent entries between two ids, both excluded. There are any only if they are less
// urgent than the later one.
func (tx *Tx) eachEarlier(peer string, pair pairID, after, before uint64, fn func(id uint64, size int) error) error {
	p := append(queueKey(peer, tagPair), pair[:]...)
	stopped := false
	err := tx.scan(bucketQueue, pairKey(peer, tagPair, pair, after+1), p, func(k, _ []byte) error {
		id := tail64(k)
		if id >= before {
			return errStop
		}
		e, _, err := tx.entryOrStub(peer, id)
		if err != nil {
			return err
		}
		err = fn(id, len(e.Stanza))
		stopped = err == errStop
		return err
	})
	if stopped {
		return errStop
	}
	return err
}

// victims chooses the unsent entries to drop so that e fits: higher classes first, oldest first within a class, none as
// urgent as e. ErrQuota when that does not make room.
func (tx *Tx) victims(peer string, r queueRecord, e Entry, replaced []Entry, lim QueueLimits) (victims []Entry, err error) {
	entries, size := r.Entries-len(replaced)+1, r.Bytes+int64(len(e.Stanza))
	gone := map[uint64]bool{}
	for _, old := range replaced {
		size -= int64(len(old.Stanza))
		gone[old.ID] = true
	}
	fits := func() bool { return entries <= lim.Entries && size <= lim.Bytes }
	if fits() {
		return nil, nil
	}
	var ids []uint64
	classes, err := tx.classesAbove(peer, e.Class)
	for i := len(classes) - 1; err == nil && i >= 0 && !fits(); i-- { // the least urgent first
		c := classes[i]
		p := append(queueKey(peer, tagOrder), byte(c))
		err = tx.scan(bucketQueue, p, p, func(k, v []byte) error {
			id := tail64(k)
			o, err := parseOrder(k, v)
			if err != nil || gone[id] {
				return err
			}
			ids = append(ids, id)
			entries--
			size -= int64(o.size)
			if fits() {
				return errStop
			}
			return nil
		})
	}
	if err != nil {
		return nil, err
	}
	if !fits() {
		return nil, fmt.Errorf("store: queue of %s: %w", peer, ErrQuota)
	}
	for _, id := range ids {
		v, _, err := tx.entryOrStub(peer, id)
		if err != nil {
			return nil, err
		}
		victims = append(victims, v)
	}
	return victims, nil
}

// classesAbove are the classes less urgent than c that have unsent entries, the most urgent first. It looks forward, as serialsWrap does.
func (tx *Tx) classesAbove(peer string, c Class) (classes []Class, err error) {
	p := queueKey(peer, tagOrder)
	for more := c < 255; more; {
		more = false
		err := tx.scan(bucketQueue, orderKey(peer, c+1, 0), p, func(k, _ []byte) error {
			if len(k) != len(p)+9 {
				return damaged(bucketQueue, k, fmt.Errorf("%d bytes", len(k)))
			}
			c = Class(k[len(p)])
			classes, more = append(classes, c), c < 255
			return errStop
		})
		if err != nil {
			return nil, err
		}
	}
	return classes, nil
}
