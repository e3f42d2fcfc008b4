package store

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// A full flash must not keep data from leaving: deleting needs pages too, since bbolt writes a changed page to a free
// one. So the file holds a reserve, a bucket of padding. When a commit finds no space:
//
//  1. the reserve is deleted, in a commit of its own; its pages are free from the next transaction on;
//  2. the batch runs again in full mode, in smaller batches: methods that add data return ErrFull, the others work;
//  3. an ordinary commit, which also puts the reserve back, is tried when enough was deleted, after a while, and for Probe.
//
// Pages in the middle of the file have their blocks on the device already, so that writing them needs no new ones on
// file systems that write in place (ext4); on others the reserve helps as far as the file system lets it.
const (
	reserveSize  = 128 << 10
	reserveValue = 1300 // three fill a page
	fullBatch    = 32
	fullRetry    = 5 * time.Second
)

// fullState is the committer's view of a full flash.
type fullState struct {
	on    bool // the reserve is missing and ordinary commits fail
	retry time.Time
	free  int // free pages when the last attempt failed
}

// reservePages is how many pages the reserve takes.
func (db *DB) reservePages() int {
	size := int64(reserveSize)
	if m := db.opt.MaxBytes; m > 0 {
		size = min(size, m/4)
	}
	return max(int(size/pageSize), 2)
}

// worthTrying tells whether an ordinary commit may succeed.
func (db *DB) worthTrying(batch []operation) bool {
	f := &db.committer.full
	if !f.on || !time.Now().Before(f.retry) || db.freePages() >= f.free+db.reservePages() {
		return true
	}
	for _, o := range batch {
		if o.probe {
			return true
		}
	}
	return false
}

// afterAttempt draws the conclusions from an ordinary commit.
func (db *DB) afterAttempt(a attempt) {
	switch {
	case a.err != nil:
		db.setHealth(a.err)
	case a.committed:
		db.committer.full.on = false
		db.setHealth(nil)
	}
}

// attemptFull runs the first operations of the batch on a full flash.
func (db *DB) attemptFull(batch []operation) []error {
	f := &db.committer.full
	if !f.on || !time.Now().Before(f.retry) {
		f.retry = time.Now().Add(fullRetry)
	}
	f.on = true
	released := db.releaseReserve()
	a := db.attempt(batch[:min(len(batch), fullBatch)], true)
	f.free = db.freePages()
	if released && f.free >= 2*db.reservePages() {
		// It was one large operation that did not fit; the next may.
		f.retry = time.Now()
	}
	if a.err != nil {
		db.setHealth(a.err)
	}
	return a.errs
}

// releaseReserve deletes the reserve; false if there is none or it cannot be deleted.
func (db *DB) releaseReserve() bool {
	btx, err := db.bolt.Begin(true)
	if err != nil {
		return false
	}
	tx := &Tx{db: db, bolt: btx, writable: true}
	err = tx.guard(func(tx *Tx) error {
		tx.inside = true
		defer func() { tx.inside = false }()
		if k, _ := tx.bucket(bucketReserve).Cursor().First(); k == nil {
			return errStop
		}
		name := []byte(bucketNames[bucketReserve])
		if err := btx.DeleteBucket(name); err != nil {
			return err
		}
		_, err := btx.CreateBucket(name)
		return err
	})
	if err != nil {
		tx.rollback()
		return false
	}
	return db.commitTx(tx) == nil
}

// keepReserve puts the reserve back when the flash was full.
func (tx *Tx) keepReserve() error {
	if tx.full || !tx.db.committer.full.on {
		return nil
	}
	tx.inside = true
	defer func() { tx.inside = false }()
	return fillReserve(tx.bolt, tx.db.reservePages())
}

// fillReserve makes the reserve as large as it should be.
func fillReserve(btx *bbolt.Tx, pages int) error {
	b := btx.Bucket([]byte(bucketNames[bucketReserve]))
	b.FillPercent = 1
	padding := make([]byte, reserveValue)
	for i := range uint32(pages * (pageSize / reserveValue)) {
		if err := b.Put(key32(nil, i), padding); err != nil {
			return fmt.Errorf("store: filling the reserve: %w", err)
		}
	}
	return nil
}

// reserveMissing tells, at Open, that the flash was full when the file was last used.
func reserveMissing(btx *bbolt.Tx) bool {
	k, _ := btx.Bucket([]byte(bucketNames[bucketReserve])).Cursor().First()
	return k == nil
}

func (db *DB) freePages() int {
	st := db.bolt.Stats()
	return st.FreePageN + st.PendingPageN
}
