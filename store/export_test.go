package store

import (
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// FailCommits puts fail in front of each commit: an error from before fails it, one from after comes although it happened.
func FailCommits(db *DB, before, after func() error) {
	set(db, func(btx *bbolt.Tx) error {
		if err := before(); err != nil {
			_ = btx.Rollback()
			return err
		}
		if err := btx.Commit(); err != nil {
			return err
		}
		return after()
	})
}

// CountCommits counts them from here on.
func CountCommits(db *DB) *atomic.Int64 {
	n := new(atomic.Int64)
	set(db, func(btx *bbolt.Tx) error {
		n.Add(1)
		return btx.Commit()
	})
	return n
}

// set changes the committer's commit on the committer itself.
func set(db *DB, commit func(*bbolt.Tx) error) {
	if err := db.Update(func(*Tx) error { db.committer.commit = commit; return nil }); err != nil {
		panic(err)
	}
}

// PanicInside makes the operation look like one that met a page bbolt cannot read.
func PanicInside(tx *Tx) {
	tx.inside = true
	panic("page 7 already freed")
}

// Corrupt overwrites the first record of a bucket whose key begins with prefix with something that is no CBOR.
func Corrupt(tx *Tx, bucket, prefix string) error {
	for b, name := range bucketNames {
		if name != bucket {
			continue
		}
		all, err := tx.collect(bucketID(b), []byte(prefix), []byte(prefix))
		if err != nil {
			return err
		}
		return tx.put(bucketID(b), all[0].k, []byte{0xff, 0xff})
	}
	panic("no bucket " + bucket)
}

// Keys counts the keys of every bucket but the reserve and the notes about the file.
func Keys(tx *Tx) map[string]int {
	n := map[string]int{}
	for b := range bucketCount {
		if b == bucketMeta || b == bucketReserve {
			continue
		}
		_ = tx.scan(b, nil, nil, func(k, _ []byte) error {
			n[b.String()]++
			return nil
		})
	}
	return n
}

// Plant puts a key into a bucket whose records are no matter here.
func Plant(tx *Tx, bucket, key string) error {
	for b, name := range bucketNames {
		if name == bucket {
			return tx.put(bucketID(b), []byte(key), []byte("x"))
		}
	}
	panic("no bucket " + bucket)
}
