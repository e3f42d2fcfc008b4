package store

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// A system update is on trial for a while, and when it comes to nothing, the program before it opens the file again. So
// for as long the file keeps the format that the older program reads (Options.Keep), and nothing in it is of a version that
// it does not read. The table says what a format means; the newer program works with an older format as it is, and what it
// cannot store there it does without until Migrate.

// format is one version of the drawing in layout.go.
type format struct {
	// migrate leads to it from the format before, in one transaction with the note of the format reached. A released
	// step is never changed.
	migrate func(btx *bbolt.Tx) error
	// records is the highest version of any record that all programs read which work with this format.
	records uint8
	// buckets is how many of bucketNames it has for certain. The others are made when something is first put in them, and
	// one that is not there reads as empty. A program that does not know a bucket leaves it alone, as it does with the
	// keys of a record; so a new bucket needs no new format.
	buckets bucketID
	// works tells whether this program can work with a file that has it, without migrating.
	works bool
}

// formats is the table of this program; the index is the format's number. Tests put another program's table here.
var formats = []format{
	1: {createV1, 1, bucketsV1, true},
}

// Newest and Oldest are the highest and the lowest format of a file that this program can work with. It writes Newest.
const (
	Newest = 1
	Oldest = 1
)

// bucketsV1 is how many buckets format 1 has.
const bucketsV1 = bucketReserve + 1

func newest() uint64 { return uint64(len(formats) - 1) }

// maxVersion is the highest version of any record type that this program reads.
func maxVersion() uint8 { return formats[newest()].records }

// target is the format that the file may have at most.
func (db *DB) target() uint64 {
	if keep := db.opt.Keep; keep != 0 && keep < newest() {
		return keep
	}
	return newest()
}

// createV1 makes the buckets of an empty file.
func createV1(btx *bbolt.Tx) error {
	for _, name := range bucketNames[:bucketsV1] {
		if _, err := btx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return fmt.Errorf("creating bucket %s: %w", name, err)
		}
	}
	return nil
}

// migrate brings the file to a format, one step after the other. One that is beyond it stays as it is.
func migrate(bolt *bbolt.DB, to uint64, reservePages int) error {
	for {
		format, created, err := readFormat(bolt)
		if err != nil || format >= to {
			return err
		}
		if format == 0 {
			created = time.Now()
		}
		err = bolt.Update(func(btx *bbolt.Tx) error {
			if err := formats[format+1].migrate(btx); err != nil {
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
	f := formats[rec.Format]
	if !f.works {
		return fmt.Errorf("the file has format %d, with which this program cannot work, and it may not be migrated now", rec.Format)
	}
	for _, name := range bucketNames[:f.buckets] {
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
	if rec.Format > newest() {
		return rec, fmt.Errorf("%w: the file has format %d, this program reads up to %d", ErrNewer, rec.Format, newest())
	}
	if rec.Format == 0 {
		return rec, fmt.Errorf("%w: format record names no format", ErrCorrupt)
	}
	return rec, nil
}

// Migrate brings an open store to the newest format: no older program will read it again. While it runs, commits wait.
// When it fails, the file is as it was, and goes on so.
func (db *DB) Migrate() error {
	if db.opt.ReadOnly {
		return fmt.Errorf("store: migrating %s: %w", db.path, ErrReadOnly)
	}
	if err := migrate(db.bolt, newest(), db.reservePages()); err != nil {
		return fmt.Errorf("store: %s: %w", db.path, classify(err))
	}
	return nil
}

// Format is the format that the file has; 0 if it cannot be read.
func (db *DB) Format() uint64 {
	format, _, err := readFormat(db.bolt)
	if err != nil {
		return 0
	}
	return format
}

// records is the highest version that a record may have in this file. It is the transaction's own view: a migration comes
// between two of them.
func (tx *Tx) records() (uint8, error) {
	rec, err := formatOf(tx.bolt)
	if err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	return formats[rec.Format].records, nil
}

// putRecord writes a record, unless a program that works with this file's format could not read it.
func (tx *Tx) putRecord(b bucketID, key []byte, rec interface{ version() uint8 }) error {
	if err := tx.allows(b, rec); err != nil {
		return err
	}
	return tx.put(b, key, encode(rec))
}

// putNewRecord is putRecord for a key that is known not to be there; it tells the record's size.
func (tx *Tx) putNewRecord(b bucketID, key []byte, rec interface{ version() uint8 }) (size int, err error) {
	if err := tx.allows(b, rec); err != nil {
		return 0, err
	}
	v := encode(rec)
	return len(v), tx.putNew(b, key, v)
}

// allows refuses a record that some program which works with this file's format could not read.
func (tx *Tx) allows(b bucketID, rec interface{ version() uint8 }) error {
	if v := rec.version(); v > formats[1].records {
		most, err := tx.records()
		if err != nil {
			return err
		}
		if v > most {
			return fmt.Errorf("store: a record of version %d for %s does not belong into this file: it may hold up to %d until it is migrated", v, b, most)
		}
	}
	return nil
}
