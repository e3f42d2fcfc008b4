package store

import "errors"

// Unsent is the entries with these addresses that a newer one would take the place of (Entry.Coalesce), by id. again tells that the first
// was on its way before: nobody knows whether it arrived. There is more than one only then.
func (q *Queue) Unsent(tx *Tx, from, to string) (ids []uint64, again bool, err error) {
	if err := checkNames(q.name); err != nil {
		return nil, false, err
	}
	pair := pairOf(from, to)
	p := append(queueKey(q.name, tagCoalesce), pair[:]...)
	err = tx.scan(bucketQueue, p, p, func(k, v []byte) error {
		ids, again = append(ids, tail64(k)), again || len(v) > 0
		return nil
	})
	return ids, again, err
}

// Each calls fn for all entries in tx, by id, until fn wants no more. One that is damaged is left out.
func (q *Queue) Each(tx *Tx, fn func(e Entry) (more bool, err error)) error {
	p := queueKey(q.name, tagBody)
	err := tx.each(bucketQueue, p, p, func(k, _ []byte) error {
		e, err := tx.entryWithState(q.name, tail64(k))
		if err != nil || e.Stanza == nil {
			return err
		}
		more, err := fn(e)
		if err == nil && !more {
			err = errStop
		}
		return err
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}
