package store

import (
	"bytes"
	"time"
)

// ArchivePrune removes the oldest entries while the archive is over its limits, max at most, and tells how many.
func (tx *Tx) ArchivePrune(name string, lim ArchiveLimits, now time.Time, max int) (pruned int, err error) {
	a, ok, err := tx.archive(name)
	if err != nil || !ok {
		return 0, err
	}
	if pruned, err = tx.prune(&a, lim, now, max); err != nil || pruned == 0 {
		return 0, err
	}
	return pruned, tx.putRecord(bucketArchives, []byte(name), a)
}

// makeRoom keeps an archive within its limits after n entries were put. It removes some at a time, as the pages where the
// oldest are cost writing.
func (tx *Tx) makeRoom(a *archiveRecord, lim ArchiveLimits, n int) error {
	most := putPrunes + 2*n
	if tx.Tight() {
		// Choice: what was said long ago gives way to what is being said, in all of the store.
		fewer := ArchiveLimits{Entries: max(a.Entries-2*n, n)}
		if _, err := tx.prune(a, fewer, time.Time{}, most); err != nil {
			return err
		}
	}
	number := lim.Entries > 0 && a.Entries > lim.Entries+min(putPrunes, lim.Entries/16)
	if number || lim.Bytes > 0 && a.Bytes > lim.Bytes+lim.Bytes/64 {
		_, err := tx.prune(a, lim, time.Time{}, most)
		return err
	}
	return nil
}

// prune takes the entries it removes off the counters in a, which it does not write. A zero now leaves the age out.
func (tx *Tx) prune(a *archiveRecord, lim ArchiveLimits, now time.Time, most int) (pruned int, err error) {
	old := int64(0)
	if lim.Age > 0 && !now.IsZero() {
		old = now.Add(-lim.Age).UnixNano()
	}
	over := func() bool {
		return lim.Entries > 0 && a.Entries > lim.Entries || lim.Bytes > 0 && a.Bytes > lim.Bytes
	}
	if old == 0 && !over() {
		return 0, nil
	}
	type oldest struct {
		id  uint64
		v   []byte
		rec entryMarks
		bad error
	}
	var all []oldest
	err = tx.walk(bucketArchive, be64(a.Num), 0, 0, false, func(id uint64, v []byte) (bool, error) {
		rec, bad := decode[entryMarks](v)
		// What claims to be of the future is as old as its arrival.
		if len(all) >= most || !over() && (bad != nil || int64(id)+min(rec.Shift, 0) >= old) {
			return false, nil
		}
		all = append(all, oldest{id, bytes.Clone(v), rec, bad})
		a.take(int64(len(v)) + entryOverhead)
		return true, nil
	})
	for _, o := range all {
		if err == nil && o.bad == nil {
			err = tx.unindexEntry(a.Num, o.rec.entry(o.id))
		}
		if err == nil {
			err = tx.deleteKnown(bucketArchive, archiveKey(a.Num, o.id), o.v)
		}
	}
	return len(all), err
}

// take is one entry less.
func (a *archiveRecord) take(size int64) {
	a.Entries = max(a.Entries-1, 0)
	a.Bytes = max(a.Bytes-size, 0)
	if a.Entries == 0 {
		a.Bytes, a.Late, a.Early = 0, 0, 0
	}
}

// deleteArchive makes an archive one that nobody finds any more. A large one would be too much for one transaction:
// ArchiveSweep takes it apart later.
func (tx *Tx) deleteArchive(name string) error {
	if err := tx.forgetLogged(name); err != nil {
		return err
	}
	key := []byte(name)
	if tx.get(bucketArchives, key) == nil {
		return nil
	}
	if a, ok, err := tx.archive(name); err == nil && ok {
		if err := tx.put(bucketArchives, append([]byte{0}, be64(a.Num)...), nil); err != nil {
			return err
		}
	}
	return tx.delete(bucketArchives, key)
}

// DeleteArchive deletes an archive; no error when there is none.
func (tx *Tx) DeleteArchive(name string) error {
	if err := checkNames(name); err != nil {
		return err
	}
	return tx.deleteArchive(name)
}

// ArchiveSweep takes deleted archives apart, max keys at most, and tells how many there were. 0: nothing is left of any.
func (tx *Tx) ArchiveSweep(max int) (swept int, err error) {
	var dead []byte
	err = tx.scan(bucketArchives, []byte{0}, []byte{0}, func(k, _ []byte) error {
		dead = append(dead, k...)
		return errStop
	})
	if err != nil || dead == nil {
		return 0, err
	}
	num := dead[1:]
	for _, b := range []bucketID{bucketArchiveIndex, bucketArchive} {
		keys, err := tx.firstKeys(b, num, max-swept)
		if err != nil {
			return 0, err
		}
		for _, k := range keys {
			if err := tx.delete(b, k); err != nil {
				return 0, err
			}
		}
		swept += len(keys)
	}
	if swept < max {
		swept++
		err = tx.delete(bucketArchives, dead)
	}
	return swept, err
}

// firstKeys are at most n of the keys that begin with prefix.
func (tx *Tx) firstKeys(b bucketID, prefix []byte, n int) (keys [][]byte, err error) {
	if n <= 0 {
		return nil, nil
	}
	err = tx.scan(b, prefix, prefix, func(k, _ []byte) error {
		keys = append(keys, append([]byte(nil), k...))
		if len(keys) == n {
			return errStop
		}
		return nil
	})
	return keys, err
}
