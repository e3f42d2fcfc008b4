package store

import (
	"encoding/binary"
	"fmt"
	"time"
)

// MaxRepeats is how many messages of a peer are remembered, to know those that come again.
const MaxRepeats = 16384

// Repeat tells whether a message of a peer with this digest was noted within a time, and notes it if not. It is for peers whose links number in ways of their
// own, so that what is sent on a second link comes again.
func (tx *Tx) Repeat(peer string, digest uint64, now time.Time, within time.Duration) (bool, error) {
	if err := checkNames(peer); err != nil {
		return false, fmt.Errorf("store: repeats: %w", err)
	}
	base := prefix(keyRepeat, peer)
	known := key64(append(base[:len(base):len(base)], 'd'), digest)
	order := append(base[:len(base):len(base)], 'n')
	if v := tx.get(bucketMeta, known); len(v) == 8 {
		if at, ok := tx.repeatAt(order, binary.BigEndian.Uint64(v)); ok && now.Sub(at) < within {
			return true, nil
		}
	}
	first, last, err := tx.repeatEnds(order)
	if err != nil {
		return false, err
	}
	if err := tx.forgetRepeats(base, order, first, last, now.Add(-within)); err != nil {
		return false, err
	}
	v := binary.BigEndian.AppendUint64(nil, digest)
	v = binary.BigEndian.AppendUint64(v, uint64(nanos(now)))
	if err := tx.put(bucketMeta, key64(order, last+1), v); err != nil {
		return false, err
	}
	return false, tx.put(bucketMeta, known, binary.BigEndian.AppendUint64(nil, last+1))
}

// repeatAt is when note n was made.
func (tx *Tx) repeatAt(order []byte, n uint64) (time.Time, bool) {
	v := tx.get(bucketMeta, key64(order, n))
	if len(v) != 16 {
		return time.Time{}, false
	}
	return fromNanos(int64(binary.BigEndian.Uint64(v[8:]))), true
}

// repeatEnds are the numbers of the oldest and the newest note; both 0 when there is none.
func (tx *Tx) repeatEnds(order []byte) (first, last uint64, err error) {
	err = tx.scan(bucketMeta, order, order, func(k, _ []byte) error { first = tail64(k); return errStop })
	if err == nil {
		err = tx.scanBack(bucketMeta, order, func(k, _ []byte) error { last = tail64(k); return errStop })
	}
	return first, last, err
}

// forgetRepeats drops what is too old, a few at a time, and what is too much.
func (tx *Tx) forgetRepeats(base, order []byte, first, last uint64, before time.Time) error {
	for i := 0; i < 4 && first != 0 && first <= last; i, first = i+1, first+1 {
		at, ok := tx.repeatAt(order, first)
		if ok && !at.Before(before) && last-first < MaxRepeats-1 {
			return nil
		}
		if v := tx.get(bucketMeta, key64(order, first)); len(v) == 16 {
			known := key64(append(base[:len(base):len(base)], 'd'), binary.BigEndian.Uint64(v))
			if w := tx.get(bucketMeta, known); len(w) == 8 && binary.BigEndian.Uint64(w) == first {
				if err := tx.delete(bucketMeta, known); err != nil {
					return err
				}
			}
		}
		if err := tx.delete(bucketMeta, key64(order, first)); err != nil {
			return err
		}
	}
	return nil
}

// ShiftRepeats moves the times of what is noted of a peer by d, where which says that they are of the clock that was set.
func (tx *Tx) ShiftRepeats(peer string, d time.Duration, which func(at time.Time) bool) error {
	order := append(prefix(keyRepeat, peer), 'n')
	return tx.each(bucketMeta, order, order, func(k, v []byte) error {
		if len(v) != 16 {
			return nil
		}
		at := fromNanos(int64(binary.BigEndian.Uint64(v[8:])))
		if !which(at) {
			return nil
		}
		return tx.put(bucketMeta, k, binary.BigEndian.AppendUint64(append([]byte(nil), v[:8]...), uint64(nanos(at.Add(d)))))
	})
}
