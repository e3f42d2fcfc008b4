package store

// A serial is a number of XEP-0198: 32 bits, after 4294967295 comes 0 (XEP-0198 §5). Of two, the one less than 2^31 steps ahead is the later.

// serialAfter tells whether a is later than b.
func serialAfter(a, b uint32) bool { return int32(a-b) > 0 }

// scanSerials calls fn for the keys that are prefix and a serial, earliest serial first, also when they wrap around.
func (tx *Tx) scanSerials(b bucketID, prefix []byte, fn func(seq uint32, v []byte) error) error {
	const half = 1 << 31
	wraps, err := tx.serialsWrap(b, prefix)
	if err != nil {
		return err
	}
	stopped := false
	visit := func(k, v []byte) error {
		err := fn(tail32(k), v)
		stopped = err == errStop
		return err
	}
	if !wraps {
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

// serialsWrap tells whether the serials under prefix go over 4294967295. They never span a quarter of all numbers, so that then, and only
// then, both the first and the last quarter hold some.
//
// It only looks forward: bbolt's cursor, going back, stops at a page that this transaction has emptied.
func (tx *Tx) serialsWrap(b bucketID, prefix []byte) (bool, error) {
	const quarter = 1 << 30
	low, high := false, false
	err := tx.scan(b, prefix, prefix, func(k, _ []byte) error {
		low = tail32(k) < quarter
		return errStop
	})
	if err != nil || !low {
		return false, err
	}
	err = tx.scan(b, key32(prefix, 3*quarter), prefix, func([]byte, []byte) error {
		high = true
		return errStop
	})
	return high, err
}
