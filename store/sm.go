package store

import (
	"encoding/binary"
	"fmt"
	"time"
)

// SMSession is what must outlive a crash of a client's stream: how far each side's count has got.
type SMSession struct {
	ID       string
	Account  string
	Resource string
	H        uint32 // stanzas of the client that we took responsibility for
	Ended    bool   // over; kept for <failed h=''/> only
	Changed  time.Time
}

// SM is the session called id; ErrNotFound.
func (tx *Tx) SM(id string) (SMSession, error) {
	rec, err := load[smRecord](tx, bucketSM, []byte(id))
	if err != nil {
		return SMSession{}, err
	}
	return rec.session(id), nil
}

// PutSM adds or replaces the session.
func (tx *Tx) PutSM(s SMSession) error {
	if err := checkNames(s.ID); err != nil {
		return err
	}
	rec := smRecord{head: v1, Account: s.Account, Resource: s.Resource, H: s.H, Ended: s.Ended, Changed: nanos(s.Changed)}
	return tx.putRecord(bucketSM, []byte(s.ID), rec)
}

// DeleteSM forgets the session and its assignments; no error when it is gone already.
func (tx *Tx) DeleteSM(id string) error {
	if err := tx.delete(bucketSM, []byte(id)); err != nil {
		return err
	}
	return tx.deleteAll(bucketSMSent, prefix(id))
}

// PurgeSM forgets sessions, and their assignments, not changed since.
func (tx *Tx) PurgeSM(before time.Time) error {
	return tx.deleteSMWhere(func(s SMSession) bool { return s.Changed.Before(before) })
}

func (tx *Tx) deleteSMOf(account string) error {
	return tx.deleteSMWhere(func(s SMSession) bool { return s.Account == account })
}

// deleteSMWhere looks at every session: there are few, and this is rare. One that cannot be read is of no use and goes too.
func (tx *Tx) deleteSMWhere(over func(SMSession) bool) error {
	return tx.each(bucketSM, nil, nil, func(k, v []byte) error {
		rec, err := decode[smRecord](v)
		if err == nil && !over(rec.session(string(k))) {
			return nil
		}
		return tx.DeleteSM(string(k))
	})
}

// SMAssign notes that spool entry went out as number seq of that session. It is committed before the stanza is written.
func (tx *Tx) SMAssign(id string, seq uint32, spool uint64) error {
	if err := checkNames(id); err != nil {
		return err
	}
	return tx.put(bucketSMSent, key32(prefix(id), seq), be64(spool))
}

// SMAcked deletes from the account's spool what was assigned to numbers up to and including h (modulo 2^32), and the assignments.
func (tx *Tx) SMAcked(id, account string, h uint32) error {
	type assigned struct {
		seq   uint32
		spool uint64
	}
	var acked []assigned
	p := prefix(id)
	// XEP-0198 §5: h counts all that was handled, so that everything up to it is confirmed.
	err := tx.scanSerials(bucketSMSent, p, func(seq uint32, v []byte) error {
		if serialAfter(seq, h) {
			return errStop
		}
		if len(v) != 8 {
			return damaged(bucketSMSent, key32(p, seq), fmt.Errorf("%d bytes", len(v)))
		}
		acked = append(acked, assigned{seq, binary.BigEndian.Uint64(v)})
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range acked {
		if err := tx.SpoolDelete(account, a.spool); err != nil {
			return err
		}
		if err := tx.delete(bucketSMSent, key32(p, a.seq)); err != nil {
			return err
		}
	}
	return nil
}

func (r smRecord) session(id string) SMSession {
	return SMSession{ID: id, Account: r.Account, Resource: r.Resource, H: r.H, Ended: r.Ended, Changed: fromNanos(r.Changed)}
}
