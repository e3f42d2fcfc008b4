package store

import (
	"bytes"
	"errors"
	"fmt"
)

// Put appends e in tx. When the queue is over its limits it drops less urgent unsent entries (higher Class first, oldest first within the class) and returns them, so that
// the caller can bounce them; ErrQuota when nothing less urgent is left to drop. Coalesced entries are replaced without being returned.
func (q *Queue) Put(tx *Tx, e Entry, lim QueueLimits) (id uint64, dropped []Entry, err error) {
	if err := checkNames(q.name); err != nil {
		return 0, nil, err
	}
	if err := tx.room(); err != nil {
		return 0, nil, err
	}
	r, err := tx.queue(q.name)
	if err != nil {
		return 0, nil, err
	}
	e = e.orDefault()
	e.Session, e.Seq = "", 0
	pair := pairOf(e.From, e.To)
	replaced, err := tx.replacedBy(q.name, e, pair)
	if err != nil {
		return 0, nil, err
	}
	// All victims are found before the first change, so that a refusal leaves nothing to undo.
	victims, err := tx.victims(q.name, r, e, replaced, lim.orDefault())
	if err != nil {
		return 0, nil, err
	}
	for _, old := range replaced {
		if !old.NotBefore.IsZero() && old.NotBefore.Before(e.NotBefore) {
			e.NotBefore = old.NotBefore // or what changes often would wait for ever
		}
		if err := tx.removeUnsent(q.name, &r, old); err != nil {
			return 0, nil, err
		}
	}
	if err := tx.noteFates(q.name, victims, Because{State: FateOverflow, Why: "it had to make room for what is more urgent"}); err != nil {
		return 0, nil, err
	}
	for _, v := range victims {
		if err := tx.removeUnsent(q.name, &r, v); err != nil {
			return 0, nil, err
		}
	}
	r.Last++
	e.ID = r.Last
	r.Entries++
	r.Bytes += int64(len(e.Stanza))
	if err := tx.putRecord(bucketQueue, bodyKey(q.name, e.ID), entryRecordOf(e)); err != nil {
		return 0, nil, err
	}
	if err := tx.indexUnsent(q.name, e, []byte{}); err != nil {
		return 0, nil, err
	}
	return e.ID, victims, tx.putQueue(q.name, r, true)
}

// Number notes in tx that entries were given numbers of a link session; it is committed before the first byte of them is
// sent. ErrNotFound, and nothing is numbered, when one of them is gone meanwhile.
func (q *Queue) Number(tx *Tx, session string, first uint32, ids []uint64) error {
	if err := checkNames(q.name, session); err != nil {
		return err
	}
	r, err := tx.queue(q.name)
	if err != nil {
		return err
	}
	entries := make([]Entry, 0, len(ids))
	for _, id := range ids {
		e, err := tx.entryWithState(q.name, id)
		if err == nil && e.Stanza == nil {
			err = damaged(bucketQueue, bodyKey(q.name, id), errors.New("it cannot be sent"))
		}
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	for i, e := range entries {
		if e.Session != "" {
			err = tx.unindexSent(q.name, e)
		} else {
			r.Sent++
			err = tx.unindexUnsent(q.name, e)
		}
		if err != nil {
			return err
		}
		e.Session, e.Seq = session, first+uint32(i)
		if err := tx.indexSent(q.name, e); err != nil {
			return err
		}
	}
	return tx.putQueue(q.name, r, false)
}

// Confirm deletes in tx the entries of the session numbered up to and including h (modulo 2^32) and returns them.
func (q *Queue) Confirm(tx *Tx, session string, h uint32) (confirmed []Entry, err error) {
	err = tx.eachSent(q.name, session, func(seq uint32, id uint64) error {
		if serialAfter(seq, h) {
			return errStop
		}
		e, _, err := tx.entryOrStub(q.name, id)
		e.Session, e.Seq = session, seq
		confirmed = append(confirmed, e)
		return err
	})
	if err != nil || len(confirmed) == 0 {
		return nil, err
	}
	if err := tx.noteFates(q.name, confirmed, Because{State: FateAtPeer}); err != nil {
		return nil, err
	}
	return confirmed, q.remove(tx, confirmed)
}

// DoneAs is Done, and notes what became of those with Track.
func (q *Queue) DoneAs(tx *Tx, b Because, ids ...uint64) (deleted []Entry, err error) {
	deleted, err = q.Done(tx, ids...)
	if err != nil {
		return nil, err
	}
	return deleted, tx.noteFates(q.name, deleted, b)
}

// Done deletes entries by id in tx, whatever their state; unknown ids are no error. It returns those deleted.
func (q *Queue) Done(tx *Tx, ids ...uint64) (deleted []Entry, err error) {
	seen := make(map[uint64]bool, len(ids))
	for _, id := range ids {
		if seen[id] || tx.get(bucketQueue, bodyKey(q.name, id)) == nil {
			continue
		}
		seen[id] = true
		e, err := tx.entryWithState(q.name, id)
		if err != nil {
			return nil, err
		}
		e.Tried = e.Session == "" && bytes.Equal(tx.get(bucketQueue, pairKey(q.name, tagPair, pairOf(e.From, e.To), e.ID)), wasSent)
		deleted = append(deleted, e)
	}
	if len(deleted) == 0 {
		return nil, nil
	}
	return deleted, q.remove(tx, deleted)
}

// Requeue makes the session's entries unsent again, in their places.
func (q *Queue) Requeue(tx *Tx, session string) error {
	_, err := q.requeue(tx, session, false)
	return err
}

// TakeOver is Requeue for another way to the same peer, by which an entry may get there a second time: it keeps the number it had, in Was. It returns
// their ids.
func (q *Queue) TakeOver(tx *Tx, session string) ([]uint64, error) {
	return q.requeue(tx, session, true)
}

// There are those of ids that are in the queue, in whatever state.
func (q *Queue) There(tx *Tx, ids []uint64) (there []uint64) {
	for _, id := range ids {
		if tx.get(bucketQueue, bodyKey(q.name, id)) != nil {
			there = append(there, id)
		}
	}
	return there
}

func (q *Queue) requeue(tx *Tx, session string, note bool) (ids []uint64, err error) {
	var back []Entry
	err = tx.eachSent(q.name, session, func(seq uint32, id uint64) error {
		e, _, err := tx.entryOrStub(q.name, id)
		e.Session, e.Seq = session, seq
		back = append(back, e)
		return err
	})
	if err != nil || len(back) == 0 {
		return nil, err
	}
	r, err := tx.queue(q.name)
	if err != nil {
		return nil, err
	}
	for _, e := range back {
		if e.Stanza == nil { // damaged: it has no place any more
			if err := tx.removeSent(q.name, &r, e); err != nil {
				return nil, err
			}
			continue
		}
		if err := tx.unindexSent(q.name, e); err != nil {
			return nil, err
		}
		r.Sent--
		ids = append(ids, e.ID)
		if err := tx.indexUnsent(q.name, e, wasSent); err != nil {
			return nil, err
		}
		if note && e.Was == "" {
			e.Was, e.WasSeq = e.Session, e.Seq
			if err := tx.putRecord(bucketQueue, bodyKey(q.name, e.ID), entryRecordOf(e)); err != nil {
				return nil, err
			}
		}
	}
	return ids, tx.putQueue(q.name, r, true)
}

// remove deletes entries whose state is known.
func (q *Queue) remove(tx *Tx, entries []Entry) error {
	r, err := tx.queue(q.name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Session == "" {
			err = tx.removeUnsent(q.name, &r, e)
		} else {
			err = tx.removeSent(q.name, &r, e)
		}
		if err != nil {
			return fmt.Errorf("store: deleting entry %d for %s: %w", e.ID, q.name, err)
		}
	}
	return tx.putQueue(q.name, r, false)
}
