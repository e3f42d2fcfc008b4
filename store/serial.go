package store

// A serial is a number of XEP-0198: 32 bits, after 4294967295 comes 0 (XEP-0198 §5). Of two, the one less than 2^31 steps ahead is the later.

// serialAfter tells whether a is later than b.
func serialAfter(a, b uint32) bool { return int32(a-b) > 0 }

// scanSerials calls fn for the keys that are prefix and a serial, earliest serial first, also when they wrap around.
func (tx *Tx) scanSerials(b bucketID, prefix []byte, fn func(seq uint32, v []byte) error) error {
	const half = 1 << 31
	first, last, some, err := tx.serialEnds(b, prefix)
	if err != nil || !some {
		return err
	}
	stopped := false
	visit := func(k, v []byte) error {
		err := fn(tail32(k), v)
		stopped = err == errStop
		return err
	}
	if last-first <= half {
		return tx.scan(b, prefix, prefix, visit)
	}
	// They wrap: those below half are the later ones.
	if err := tx.scan(b, key32(prefix, half), prefix, visit); err != nil || stopped {
		return err
	}
	return tx.scan(b, prefix, prefix, func(k, v []byte) error {
		if tail32(k) >= half {
			return errStop
		}
		return visit(k, v)
	})
}

// serialEnds is the numerically lowest and highest serial under prefix.
func (tx *Tx) serialEnds(b bucketID, prefix []byte) (first, last uint32, some bool, err error) {
	err = tx.scan(b, prefix, prefix, func(k, _ []byte) error {
		first, some = tail32(k), true
		return errStop
	})
	if err != nil || !some {
		return 0, 0, false, err
	}
	tx.inside = true
	c := tx.bucket(b).Cursor()
	// No key of the prefix is longer than this, so that the one before is the last.
	k, _ := c.Seek(append(key32(prefix, 1<<32-1), 0))
	if k == nil {
		k, _ = c.Last()
	} else {
		k, _ = c.Prev()
	}
	tx.inside = false
	return first, tail32(k), true, nil
}
