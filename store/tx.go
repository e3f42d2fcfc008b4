package store

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// Tx is one transaction. Methods that write panic in a View. It is used by one goroutine and dies with the function that got it.
type Tx struct {
	db      *DB
	bolt    *bbolt.Tx
	buckets [bucketCount]*bbolt.Bucket

	// inside is true while bbolt's code runs: a panic then is bbolt's, about a page that it cannot read.
	inside bool

	writable bool
	full     bool // the flash is full: what adds data is refused, what moves or deletes it is not
	writes   int  // changes so far, undone ones included
	bytes    int  // what they add up to
	undo     []change
	hooks    []func()         // OnUndo's, of all operations so far
	touched  map[string]touch // peer queues changed
	receipts bool             // some may be due
}

// change is one key's state before an operation wrote it.
type change struct {
	bucket   bucketID
	key, old []byte
	had      bool
}

// touch is what the commit of a batch changes for one peer queue's readers.
type touch struct {
	put   bool // there is something to send
	stats QueueStats
	last  uint64
}

func (tx *Tx) bucket(b bucketID) *bbolt.Bucket {
	if tx.buckets[b] == nil {
		tx.buckets[b] = tx.bolt.Bucket([]byte(bucketNames[b]))
		tx.fill(b)
	}
	return tx.buckets[b]
}

// fill says how full a bucket's pages get before they are split.
func (tx *Tx) fill(b bucketID) {
	if tx.buckets[b] == nil {
		return
	}
	switch b {
	case bucketQueue, bucketSpool, bucketArchive, bucketArchiveLog:
		// Ids rise, so that keys are mostly added behind others: fuller pages, smaller file.
		tx.buckets[b].FillPercent = 0.8
	}
}

// toWrite is bucket, which it makes if the file has none yet: see buckets of format.
func (tx *Tx) toWrite(b bucketID) (*bbolt.Bucket, error) {
	if have := tx.bucket(b); have != nil {
		return have, nil
	}
	made, err := tx.bolt.CreateBucketIfNotExists([]byte(bucketNames[b]))
	tx.buckets[b] = made
	tx.fill(b)
	return made, err
}

// get is a key's value, nil if there is none; it is valid until the transaction's next change.
func (tx *Tx) get(b bucketID, key []byte) []byte {
	tx.inside = true
	var v []byte
	if have := tx.bucket(b); have != nil {
		v = have.Get(key)
	}
	tx.inside = false
	return v
}

func (tx *Tx) put(b bucketID, key, value []byte) error {
	tx.remember(b, key)
	return tx.write(b, key, value)
}

// putNew is put for a key that is known not to be there, which saves looking.
func (tx *Tx) putNew(b bucketID, key, value []byte) error {
	tx.note(change{b, bytes.Clone(key), nil, false})
	return tx.write(b, key, value)
}

func (tx *Tx) write(b bucketID, key, value []byte) error {
	tx.inside = true
	to, err := tx.toWrite(b)
	if err == nil {
		err = to.Put(key, value)
	}
	tx.inside = false
	tx.bytes += len(key) + len(value)
	if err != nil {
		return fmt.Errorf("store: putting %.100q in %s: %w", key, b, err)
	}
	return nil
}

func (tx *Tx) delete(b bucketID, key []byte) error {
	tx.remember(b, key)
	return tx.remove(b, key)
}

// deleteKnown is delete for a key whose value is known, which saves looking. Both become the transaction's.
func (tx *Tx) deleteKnown(b bucketID, key, old []byte) error {
	tx.note(change{b, key, old, true})
	return tx.remove(b, key)
}

func (tx *Tx) remove(b bucketID, key []byte) error {
	tx.inside = true
	var err error
	if from := tx.bucket(b); from != nil {
		err = from.Delete(key)
	}
	tx.inside = false
	if err != nil {
		return fmt.Errorf("store: deleting %.100q in %s: %w", key, b, err)
	}
	return nil
}

// remember notes the key's present state, so that a failed operation can be taken back without its batch.
func (tx *Tx) remember(b bucketID, key []byte) {
	old := tx.get(b, key)
	tx.note(change{b, bytes.Clone(key), bytes.Clone(old), old != nil})
}

func (tx *Tx) note(c change) {
	if !tx.writable {
		panic("store: write in a View")
	}
	tx.writes++
	tx.undo = append(tx.undo, c)
}

// takeBack undoes the changes since the operation began.
func (tx *Tx) takeBack() error {
	tx.inside = true
	for i := len(tx.undo) - 1; i >= 0; i-- {
		c := tx.undo[i]
		b := tx.bucket(c.bucket)
		var err error
		switch {
		case b == nil: // nothing was there, and nothing could be put there
		case c.had:
			err = b.Put(c.key, c.old)
		default:
			err = b.Delete(c.key)
		}
		if err != nil {
			return fmt.Errorf("store: taking back a change in %s: %w", c.bucket, err)
		}
	}
	tx.inside = false
	tx.undo = tx.undo[:0]
	return nil
}

// room refuses to add data while the flash is full.
func (tx *Tx) room() error {
	if tx.full {
		return fmt.Errorf("store: adding a record: %w", ErrFull)
	}
	return nil
}

// errStop ends a scan early and is nobody's error.
var errStop = errors.New("store: scan ends")

// scan calls fn for the keys from start on that begin with prefix, in order. fn must not write, and must not keep k and v.
func (tx *Tx) scan(b bucketID, start, prefix []byte, fn func(k, v []byte) error) error {
	tx.inside = true
	in := tx.bucket(b)
	if in == nil {
		tx.inside = false
		return nil
	}
	c := in.Cursor()
	k, v := c.Seek(start)
	for k != nil && bytes.HasPrefix(k, prefix) {
		tx.inside = false
		if err := fn(k, v); err != nil {
			if err == errStop {
				return nil
			}
			return err
		}
		tx.inside = true
		k, v = c.Next()
	}
	tx.inside = false
	return nil
}

// pair is a key and its value.
type pair struct{ k, v []byte }

// collect returns copies of all pairs that begin with prefix.
func (tx *Tx) collect(b bucketID, start, prefix []byte) (all []pair, err error) {
	err = tx.scan(b, start, prefix, func(k, v []byte) error {
		all = append(all, pair{bytes.Clone(k), bytes.Clone(v)})
		return nil
	})
	return all, err
}

// each is scan for a fn that belongs to the caller: in an Update it may write.
func (tx *Tx) each(b bucketID, start, prefix []byte, fn func(k, v []byte) error) error {
	if !tx.writable {
		return tx.scan(b, start, prefix, fn)
	}
	all, err := tx.collect(b, start, prefix)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := fn(p.k, p.v); err != nil {
			return err
		}
	}
	return nil
}

// deleteAll deletes every key that begins with prefix.
func (tx *Tx) deleteAll(b bucketID, prefix []byte) error {
	all, err := tx.collect(b, prefix, prefix)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := tx.delete(b, p.k); err != nil {
			return err
		}
	}
	return nil
}

// load reads the record under key; ErrNotFound if there is none.
func load[T interface{ version() uint8 }](tx *Tx, b bucketID, key []byte) (rec T, err error) {
	v := tx.get(b, key)
	if v == nil {
		return rec, fmt.Errorf("store: %.100q in %s: %w", key, b, ErrNotFound)
	}
	return read[T](b, key, v)
}

// loadOrNew is load with a fresh record instead of ErrNotFound.
func loadOrNew[T interface{ version() uint8 }](tx *Tx, b bucketID, key []byte, fresh T) (T, error) {
	v := tx.get(b, key)
	if v == nil {
		return fresh, nil
	}
	return read[T](b, key, v)
}

// eachRecord is each with the values decoded. A damaged record is left out, so that it does not take the others with
// it; Health tells of it.
func eachRecord[T interface{ version() uint8 }](tx *Tx, b bucketID, start, prefix []byte, fn func(k []byte, rec T) error) error {
	return tx.each(b, start, prefix, func(k, v []byte) error {
		rec, err := read[T](b, k, v)
		if errors.Is(err, ErrCorrupt) {
			tx.db.noteDamage(err)
			return nil
		}
		if err != nil {
			return err
		}
		return fn(k, rec)
	})
}

// read decodes a record and says which one it was when that fails.
func read[T interface{ version() uint8 }](b bucketID, key, v []byte) (T, error) {
	rec, err := decode[T](v)
	if err != nil {
		return rec, damaged(b, key, err)
	}
	return rec, nil
}
