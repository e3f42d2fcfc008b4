package store

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// walker goes through the keys that are a prefix and a number, either way, while others write.
type walker struct {
	tx       *Tx
	c        *bbolt.Cursor
	prefix   []byte
	backward bool
	writes   int // of tx, when the cursor was last right
}

// from finds the number n or the next one; or, when past, the next one without n itself.
func (w *walker) from(n uint64, past bool) (uint64, []byte, bool) {
	w.tx.inside = true
	k, v := w.c.Seek(key64(w.prefix, n))
	switch {
	case w.backward && k == nil:
		k, v = w.c.Last()
	case w.backward:
		k, v = w.c.Prev()
	case past && bytes.Equal(k, key64(w.prefix, n)):
		k, v = w.c.Next()
	}
	w.tx.inside = false
	return w.number(k, v)
}

func (w *walker) next(n uint64) (uint64, []byte, bool) {
	if w.writes != w.tx.writes { // a cursor is lost when its bucket changes
		return w.from(n, true)
	}
	w.tx.inside = true
	var k, v []byte
	if w.backward {
		k, v = w.c.Prev()
	} else {
		k, v = w.c.Next()
	}
	w.tx.inside = false
	return w.number(k, v)
}

func (w *walker) number(k, v []byte) (uint64, []byte, bool) {
	if len(k) != len(w.prefix)+8 || !bytes.HasPrefix(k, w.prefix) {
		return 0, nil, false
	}
	return tail64(k), v, true
}
