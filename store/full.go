package store

import (
	"errors"
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
	fullStep     = 8 // pages that must have become free to try again before that
)

// fullState is the committer's view of a full flash.
type fullState struct {
	on     bool      // the reserve is missing and ordinary commits fail
	failed int       // how often in a row
	retry  time.Time // when to try one again
	free   int       // free pages after the last one failed
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
	if !f.on || !time.Now().Before(f.retry) {
		return true
	}
	if free := db.freePages(); free >= f.free+fullStep && free >= db.reservePages()+fullStep {
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
	f := &db.committer.full
	switch {
	case errors.Is(a.err, ErrFull):
		f.on = true
		f.failed++
		db.releaseReserve()
		f.free = db.freePages()
		f.retry = time.Now()
		if f.failed > 1 {
			f.retry = f.retry.Add(fullRetry)
		} // else it may be one large operation that did not fit; the next batch may
		db.setHealth(a.err)
	case a.err != nil:
		db.setHealth(a.err)
	case a.committed:
		f.on, f.failed = false, 0
		db.setHealth(nil)
	}
}

// attemptFull runs the first operations of the batch on a full flash.
func (db *DB) attemptFull(batch []operation) []error {
	a := db.attempt(batch[:min(len(batch), fullBatch)], true)
	if a.err != nil {
		db.setHealth(a.err)
	}
	return a.errs
}

// releaseReserve deletes the reserve if it is there. When it cannot, it stays for the next time.
func (db *DB) releaseReserve() {
	btx, err := db.bolt.Begin(true)
	if err != nil {
		return
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
		return
	}
	_ = db.commitTx(tx)
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

// What of the bound is kept for what peers hand over: enough for a few large stanzas however small the bound, as the file
// grows in steps and a commit needs pages to write to.
const (
	marginPart  = 8
	marginLeast = 512 << 10
)

// Tight tells, in an Update, that a store with a bound (Options.MaxBytes) is nearly full: what can be refused should be,
// so that what must be taken still finds room. Two nodes that are full of what waits for each other could not take
// anything from each other otherwise, and so would never get rid of it.
func (tx *Tx) Tight() bool {
	most := tx.db.opt.MaxBytes
	if most <= 0 || !tx.writable {
		return false
	}
	used := tx.bolt.Size() - int64(tx.db.freePages())*pageSize + int64(tx.bytes)
	return used > most-max(most/marginPart, min(marginLeast, most/4))
}
