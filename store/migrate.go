package store

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// migrations lead from format n, at index n, to n+1. A file is brought up one step after the other, each in one
// transaction with the note of the format reached. A released step is never changed.
var migrations = []func(btx *bbolt.Tx) error{
	createV1,
}

// Newest and Oldest are the highest and the lowest format of a file that this program can work with.
const (
	Newest = formatNow
	Oldest = 1
)

// formatNow is the format that this program writes; layout.go draws it.
const formatNow = 1

// createV1 makes the buckets of an empty file.
func createV1(btx *bbolt.Tx) error {
	for _, name := range bucketNames {
		if _, err := btx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return fmt.Errorf("creating bucket %s: %w", name, err)
		}
	}
	return nil
}

// migrate brings the file to formatNow.
func migrate(bolt *bbolt.DB, reservePages int) error {
	for {
		format, created, err := readFormat(bolt)
		if err != nil || format >= formatNow {
			return err
		}
		if format == 0 {
			created = time.Now()
		}
		err = bolt.Update(func(btx *bbolt.Tx) error {
			if err := migrations[format](btx); err != nil {
				return err
			}
			if format == 0 {
				if err := fillReserve(btx, reservePages); err != nil {
					return err
				}
			}
			rec := formatRecord{head: v1, Format: format + 1, Created: nanos(created)}
			return btx.Bucket([]byte(bucketNames[bucketMeta])).Put([]byte(keyFormat), encode(rec))
		})
		if err != nil {
			return fmt.Errorf("migrating from format %d to %d: %w", format, format+1, err)
		}
	}
}

// readFormat is 0 for an empty file.
func readFormat(bolt *bbolt.DB) (format uint64, created time.Time, err error) {
	err = bolt.View(func(btx *bbolt.Tx) error {
		if k, _ := btx.Cursor().First(); k == nil {
			return nil
		}
		rec, err := formatOf(btx)
		format, created = rec.Format, fromNanos(rec.Created)
		return err
	})
	return format, created, err
}

// checkFormat refuses what this program cannot work with.
func checkFormat(btx *bbolt.Tx) error {
	rec, err := formatOf(btx)
	if err != nil {
		return err
	}
	if rec.Format < formatNow {
		return fmt.Errorf("the file has format %d, this program works with %d and may not migrate it", rec.Format, formatNow)
	}
	for _, name := range bucketNames {
		if btx.Bucket([]byte(name)) == nil {
			return fmt.Errorf("%w: bucket %s is missing", ErrCorrupt, name)
		}
	}
	return nil
}

// formatOf reads the format record, and refuses one that is newer than we are.
func formatOf(btx *bbolt.Tx) (rec formatRecord, err error) {
	b := btx.Bucket([]byte(bucketNames[bucketMeta]))
	if b == nil {
		return rec, fmt.Errorf("%w: it is not a store of longwire", ErrCorrupt)
	}
	rec, err = decode[formatRecord](b.Get([]byte(keyFormat)))
	if err != nil {
		return rec, fmt.Errorf("%w: format record: %w", ErrCorrupt, err)
	}
	if rec.Format > formatNow {
		return rec, fmt.Errorf("%w: the file has format %d, this program reads up to %d", ErrNewer, rec.Format, formatNow)
	}
	if rec.Format == 0 {
		return rec, fmt.Errorf("%w: format record names no format", ErrCorrupt)
	}
	return rec, nil
}
