package store

import (
	"errors"
	"fmt"
	"time"
)

// SpoolEntry is one message for an account.
type SpoolEntry struct {
	ID       uint64 // set by SpoolPut; rises with each entry of the account
	Stanza   []byte
	Received time.Time
}

// SpoolPut appends. ErrQuota when the account's spool is full; hard ignores the quota (what a peer already handed over must land).
func (tx *Tx) SpoolPut(account string, e SpoolEntry, hard bool) (id uint64, err error) {
	if err := checkNames(account); err != nil {
		return 0, err
	}
	if err := tx.room(); err != nil {
		return 0, err
	}
	s, err := tx.spool(account)
	if err != nil {
		return 0, err
	}
	if !hard && (s.Entries >= tx.db.opt.SpoolMax || s.Bytes+int64(len(e.Stanza)) > tx.db.opt.SpoolSize) {
		return 0, fmt.Errorf("store: spool of %s: %w", account, ErrQuota)
	}
	s.Last++
	s.Entries++
	s.Bytes += int64(len(e.Stanza))
	rec := spoolEntryRecord{head: v1, Stanza: e.Stanza, Received: nanos(e.Received)}
	if err := tx.putRecord(bucketSpool, key64(prefix(account), s.Last), rec); err != nil {
		return 0, err
	}
	return s.Last, tx.putSpool(account, s)
}

// SpoolDelete deletes one entry; no error when it is gone already.
func (tx *Tx) SpoolDelete(account string, id uint64) error {
	key := key64(prefix(account), id)
	v := tx.get(bucketSpool, key)
	if v == nil {
		return nil
	}
	// An entry that cannot be read is deleted all the same; its bytes then stay in the count.
	size := 0
	if rec, err := decode[spoolEntryRecord](v); err == nil {
		size = len(rec.Stanza)
	}
	s, err := tx.spool(account)
	if err != nil {
		return err
	}
	if err := tx.delete(bucketSpool, key); err != nil {
		return err
	}
	s.Entries = max(s.Entries-1, 0)
	s.Bytes = max(s.Bytes-int64(size), 0)
	if s.Entries == 0 {
		s.Bytes = 0
	}
	return tx.putSpool(account, s)
}

// SpoolHas tells whether the entry is still there.
func (tx *Tx) SpoolHas(account string, id uint64) bool {
	return tx.get(bucketSpool, key64(prefix(account), id)) != nil
}

// Spool calls fn for the entries with higher ids than after, oldest first.
func (tx *Tx) Spool(account string, after uint64, fn func(SpoolEntry) error) error {
	if after+1 == 0 {
		return nil
	}
	p := prefix(account)
	return eachRecord(tx, bucketSpool, key64(p, after+1), p, func(k []byte, rec spoolEntryRecord) error {
		return fn(SpoolEntry{ID: tail64(k), Stanza: rec.Stanza, Received: fromNanos(rec.Received)})
	})
}

// SpoolCount is what the account's spool holds.
func (tx *Tx) SpoolCount(account string) (entries int, bytes int64) {
	s, err := tx.spool(account)
	if err != nil {
		return 0, 0
	}
	return s.Entries, s.Bytes
}

func (tx *Tx) spool(account string) (spoolRecord, error) {
	return loadOrNew(tx, bucketSpools, []byte(account), spoolRecord{head: v1})
}

func (tx *Tx) putSpool(account string, s spoolRecord) error {
	return tx.putRecord(bucketSpools, []byte(account), s)
}

// resetSpool empties the counters but for the last id.
func (tx *Tx) resetSpool(account string) error {
	s, err := tx.spool(account)
	if errors.Is(err, ErrCorrupt) {
		return tx.delete(bucketSpools, []byte(account))
	}
	if err != nil || s.Last == 0 {
		return err
	}
	return tx.putSpool(account, spoolRecord{head: v1, Last: s.Last})
}
