package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// ArchiveEntry is one message of an archive (XEP-0313), whose name is the bare JID of an account or a room.
type ArchiveEntry struct {
	ID       uint64    // from ArchiveID; its order is the order of the archive
	Stamp    time.Time // when it was said; zero in ArchivePut: the id's time
	With     string    // account: the other's full JID; room: the occupant's real bare JID
	From     string    // room: the nick
	StanzaID string    // the stanza's own id
	Stanza   []byte

	Origin string // who gave the line its number in a federated room, and the number; "" and 0: none
	Seq    uint64
	Key    [16]byte // a digest that finds duplicates; zero: none
}

// ArchiveLimits bound an archive; zero: no bound.
type ArchiveLimits struct {
	Entries int
	Bytes   int64
	Age     time.Duration
}

// ArchiveStats is what an archive holds.
type ArchiveStats struct {
	Entries     int
	Bytes       int64  // of its records, with an allowance for what finds them
	First, Last uint64 // ids; 0 when there is none. Last is that of the newest entry ever
	// No entry's stamp is more than Late before its id's time, nor more than Early behind it.
	Late, Early time.Duration
}

const (
	entryOverhead = 64 // bytes that an entry is counted with beside its record
	putPrunes     = 64 // how many of the oldest entries one ArchivePut removes at a time, about

	// idLeap is how far ids go ahead, in ns, while the clock stands still or was set back.
	idLeap = uint64(time.Millisecond)
)

// ArchiveID is a number for an entry of any archive of this store: unique, higher than all before, and the time in
// nanoseconds since 1970 as far as the clock allows that. It needs no transaction.
func (db *DB) ArchiveID() uint64 {
	now := uint64(max(time.Now().UnixNano(), 1))
	for {
		last := db.archiveID.Load()
		id := now
		if now <= last {
			// XEP-0313, Message archives: nobody should be able to tell the next one.
			id = last + 1 + rand.Uint64N(idLeap)
		}
		if db.archiveID.CompareAndSwap(last, id) {
			return id
		}
	}
}

// startArchiveIDs makes ArchiveID go on above every id in the file.
func (db *DB) startArchiveIDs(tx *Tx) error {
	var last uint64
	err := tx.scan(bucketArchives, nil, nil, func(k, v []byte) error {
		if k[0] == 0 {
			last = max(last, tail64(k))
		} else if rec, err := decode[archiveRecord](v); err == nil {
			last = max(last, rec.Num, rec.Last)
		}
		return nil
	})
	if err == nil {
		err = tx.scan(bucketArchiveLog, nil, nil, func(k, _ []byte) error {
			if len(k) > 8 {
				last = max(last, binary.BigEndian.Uint64(k))
			}
			return nil
		})
	}
	db.archiveID.Store(last)
	return err
}

// ArchivePut adds an entry, and keeps the archive within its limits of number and size (of age: see ArchivePrune) by removing
// the oldest, some at a time: a sixteenth more in number, or a sixty-fourth in size, may be there meanwhile. ErrExists when
// the id is taken.
func (tx *Tx) ArchivePut(name string, e ArchiveEntry, lim ArchiveLimits) error {
	n, err := tx.ArchivePutAll(name, []ArchiveEntry{e}, lim)
	if err == nil && n == 0 {
		return fmt.Errorf("store: entry %d of the archive of %s: %w", e.ID, name, ErrExists)
	}
	return err
}

// ArchivePutAll is ArchivePut for many at once. Those whose id is taken are left out; it tells how many it put.
func (tx *Tx) ArchivePutAll(name string, all []ArchiveEntry, lim ArchiveLimits) (n int, err error) {
	for _, e := range all {
		if err := checkArchive(name, e); err != nil {
			return 0, err
		}
	}
	if err := tx.room(); err != nil {
		return 0, err
	}
	a, err := tx.archiveToWrite(name)
	if err != nil {
		return 0, err
	}
	for _, e := range all {
		put, err := tx.putEntry(&a, e)
		if err != nil {
			return n, err
		}
		if put {
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	if err := tx.makeRoom(&a, lim, n); err != nil {
		return n, err
	}
	return n, tx.putRecord(bucketArchives, []byte(name), a)
}

// putEntry puts one entry and counts it in a, unless its id is taken.
func (tx *Tx) putEntry(a *archiveRecord, e ArchiveEntry) (ok bool, err error) {
	key := archiveKey(a.Num, e.ID)
	if e.ID <= a.Last && tx.get(bucketArchive, key) != nil {
		return false, nil
	}
	rec := archiveEntryRecordOf(e)
	size, err := tx.putNewRecord(bucketArchive, key, rec)
	if err != nil {
		return false, err
	}
	a.Bytes += int64(size) + entryOverhead
	if err := tx.indexEntry(a.Num, e); err != nil {
		return false, err
	}
	a.Entries++
	a.Last = max(a.Last, e.ID)
	a.Late, a.Early = max(a.Late, -rec.Shift), max(a.Early, rec.Shift)
	return true, nil
}

func checkArchive(name string, e ArchiveEntry) error {
	if err := checkNames(name); err != nil {
		return err
	}
	if e.Origin != "" {
		if err := checkNames(e.Origin); err != nil {
			return err
		}
	}
	if e.ID == 0 {
		return fmt.Errorf("store: an entry for the archive of %s has no id", name)
	}
	return nil
}

// ArchiveScan calls fn for the entries with ids between after and before, both excluded, 0 being an open end: oldest
// first, or newest first when backward. In an Update fn may write.
func (tx *Tx) ArchiveScan(name string, after, before uint64, backward bool, fn func(ArchiveEntry) (more bool, err error)) error {
	a, ok, err := tx.archive(name)
	if err != nil || !ok {
		return err
	}
	return tx.walk(bucketArchive, be64(a.Num), after, before, backward, func(id uint64, v []byte) (bool, error) {
		return tx.visit(a.Num, id, v, fn)
	})
}

// ArchiveScanWith is ArchiveScan for the entries whose With is bare, or one of its resources.
func (tx *Tx) ArchiveScanWith(name, bare string, after, before uint64, backward bool, fn func(ArchiveEntry) (more bool, err error)) error {
	return tx.scanIndex(name, func(num uint64) []byte { return withPrefix(num, bare) }, after, before, backward, func(e ArchiveEntry) (bool, error) {
		if bareOf(e.With) != bareOf(bare) { // their digests are the same
			return true, nil
		}
		return fn(e)
	})
}

// ArchiveScanFrom is ArchiveScan for the entries whose From is nick.
func (tx *Tx) ArchiveScanFrom(name, nick string, after, before uint64, backward bool, fn func(ArchiveEntry) (more bool, err error)) error {
	return tx.scanIndex(name, func(num uint64) []byte { return fromPrefix(num, nick) }, after, before, backward, func(e ArchiveEntry) (bool, error) {
		if e.From != nick {
			return true, nil
		}
		return fn(e)
	})
}

// scanIndex walks through the ids under a prefix of the index.
func (tx *Tx) scanIndex(name string, prefix func(num uint64) []byte, after, before uint64, backward bool, fn func(ArchiveEntry) (bool, error)) error {
	a, ok, err := tx.archive(name)
	if err != nil || !ok {
		return err
	}
	return tx.walk(bucketArchiveIndex, prefix(a.Num), after, before, backward, func(id uint64, _ []byte) (bool, error) {
		return tx.visit(a.Num, id, tx.get(bucketArchive, archiveKey(a.Num, id)), fn)
	})
}

// ArchiveGet is one entry; ErrNotFound.
func (tx *Tx) ArchiveGet(name string, id uint64) (e ArchiveEntry, err error) {
	a, ok, err := tx.archive(name)
	if err != nil {
		return e, err
	}
	key := archiveKey(a.Num, id)
	if !ok {
		return e, fmt.Errorf("store: entry %d of the archive of %s: %w", id, name, ErrNotFound)
	}
	rec, err := load[archiveEntryRecord](tx, bucketArchive, key)
	return rec.entry(id), err
}

// ArchiveFind tells which entry has the digest.
func (tx *Tx) ArchiveFind(name string, key [16]byte) (id uint64, ok bool) {
	a, ok, err := tx.archive(name)
	if err != nil || !ok {
		return 0, false
	}
	v := tx.get(bucketArchiveIndex, keyKey(a.Num, key))
	if len(v) != 8 {
		return 0, false
	}
	return tail64(v), true
}

// ArchiveOrigin calls fn for the entries that an origin gave numbers above after, in the order of these.
func (tx *Tx) ArchiveOrigin(name, origin string, after uint64, fn func(ArchiveEntry) (more bool, err error)) error {
	a, ok, err := tx.archive(name)
	if err != nil || !ok {
		return err
	}
	return tx.walk(bucketArchiveIndex, originPrefix(a.Num, origin), after, 0, false, func(_ uint64, v []byte) (bool, error) {
		if len(v) != 8 {
			return true, nil
		}
		id := tail64(v)
		return tx.visit(a.Num, id, tx.get(bucketArchive, archiveKey(a.Num, id)), fn)
	})
}

// ArchiveOriginLast is the highest number of an origin that the archive holds; 0: none.
func (tx *Tx) ArchiveOriginLast(name, origin string) (last uint64) {
	a, ok, err := tx.archive(name)
	if err != nil || !ok {
		return 0
	}
	_ = tx.walk(bucketArchiveIndex, originPrefix(a.Num, origin), 0, 0, true, func(seq uint64, _ []byte) (bool, error) {
		last = seq
		return false, nil
	})
	return last
}

// ArchiveStats tells what the archive holds; all zero when there is none.
func (tx *Tx) ArchiveStats(name string) (s ArchiveStats) {
	a, ok, err := tx.archive(name)
	if err != nil || !ok {
		return s
	}
	s = ArchiveStats{Entries: a.Entries, Bytes: a.Bytes, Last: a.Last, Late: time.Duration(a.Late), Early: time.Duration(a.Early)}
	_ = tx.walk(bucketArchive, be64(a.Num), 0, 0, false, func(id uint64, _ []byte) (bool, error) {
		s.First = id
		return false, nil
	})
	return s
}

// Archives calls fn for the name of each archive, in order.
func (tx *Tx) Archives(fn func(name string) error) error {
	return tx.each(bucketArchives, []byte{1}, nil, func(k, _ []byte) error { return fn(string(k)) })
}

// visit hands an entry to fn; one that cannot be read is left out.
func (tx *Tx) visit(num, id uint64, v []byte, fn func(ArchiveEntry) (bool, error)) (bool, error) {
	if v == nil {
		return true, nil
	}
	rec, err := read[archiveEntryRecord](bucketArchive, archiveKey(num, id), v)
	if errors.Is(err, ErrCorrupt) {
		tx.db.noteDamage(err)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return fn(rec.entry(id))
}

// archive is the record of an archive; ok is false when there is none.
func (tx *Tx) archive(name string) (a archiveRecord, ok bool, err error) {
	key := []byte(name)
	v := tx.get(bucketArchives, key)
	if v == nil || name == "" || name[0] == 0 {
		return a, false, nil
	}
	a, err = read[archiveRecord](bucketArchives, key, v)
	return a, err == nil, err
}

// archiveToWrite is the record of an archive that there is afterwards. One whose record is damaged begins anew: messages
// must not stop for it.
func (tx *Tx) archiveToWrite(name string) (archiveRecord, error) {
	a, ok, err := tx.archive(name)
	if errors.Is(err, ErrCorrupt) {
		tx.db.noteDamage(err)
	} else if err != nil || ok {
		return a, err
	}
	return archiveRecord{head: v1, Num: tx.db.ArchiveID()}, nil
}

func archiveKey(num, id uint64) []byte {
	return binary.BigEndian.AppendUint64(be64(num), id)
}
