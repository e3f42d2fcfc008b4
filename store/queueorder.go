package store

import "fmt"

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
