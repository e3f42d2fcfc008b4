package store

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// A message for an account's archive comes in the transaction that carries the message, and there are many archives: each
// put in its place would make that commit write several pages of its own. So it is logged first, behind what was logged
// before, whoever's it is; ArchiveSettle brings what has gathered to its places, in one go.

// ArchiveLog puts an entry for an archive into the log. It is in the archive after ArchiveSettle.
func (tx *Tx) ArchiveLog(name string, e ArchiveEntry) error {
	if err := checkArchive(name, e); err != nil {
		return err
	}
	if err := tx.room(); err != nil {
		return err
	}
	_, err := tx.putNewRecord(bucketArchiveLog, append(be64(e.ID), name...), archiveEntryRecordOf(e))
	return err
}

// ArchiveSettle moves what was logged to the archives of accounts, most entries at a time, and tells how many there were.
// What was for an account that is gone goes too.
func (tx *Tx) ArchiveSettle(lim ArchiveLimits, most int) (n int, err error) {
	logged, err := tx.logged(most)
	if err != nil || len(logged) == 0 {
		return 0, err
	}
	if err := tx.room(); err != nil {
		return 0, err // they stay where they are
	}
	var names []string
	of := map[string][]ArchiveEntry{}
	for _, p := range logged {
		name := string(p.k[8:])
		if of[name] == nil {
			names = append(names, name)
		}
		rec, err := read[archiveEntryRecord](bucketArchiveLog, p.k, p.v)
		if err != nil {
			tx.db.noteDamage(err)
		} else {
			of[name] = append(of[name], rec.entry(binary.BigEndian.Uint64(p.k)))
		}
		if err := tx.deleteKnown(bucketArchiveLog, p.k, p.v); err != nil {
			return 0, err
		}
	}
	for _, name := range names {
		if tx.get(bucketAccounts, []byte(name)) == nil || len(of[name]) == 0 {
			continue
		}
		if _, err := tx.ArchivePutAll(name, of[name], lim); errors.Is(err, ErrNewer) {
			tx.db.noteDamage(err) // a program that knows the archive will go on with it
		} else if err != nil {
			return 0, err
		}
	}
	return len(logged), nil
}

// logged are the oldest of what was logged.
func (tx *Tx) logged(most int) (all []pair, err error) {
	err = tx.scan(bucketArchiveLog, nil, nil, func(k, v []byte) error {
		if len(all) == most {
			return errStop
		}
		if len(k) > 8 {
			all = append(all, pair{bytes.Clone(k), bytes.Clone(v)})
		}
		return nil
	})
	return all, err
}

// forgetLogged takes what was logged for one archive out.
func (tx *Tx) forgetLogged(name string) error {
	var mine []pair
	err := tx.scan(bucketArchiveLog, nil, nil, func(k, v []byte) error {
		if len(k) > 8 && string(k[8:]) == name {
			mine = append(mine, pair{bytes.Clone(k), bytes.Clone(v)})
		}
		return nil
	})
	for _, p := range mine {
		if err == nil {
			err = tx.deleteKnown(bucketArchiveLog, p.k, p.v)
		}
	}
	return err
}
