package store

import (
	"errors"
	"fmt"
	"time"
)

// noteFates writes down why entries left the queue of a peer.
func (tx *Tx) noteFates(peer string, entries []Entry, b Because) error {
	for _, e := range entries {
		if !e.Track || e.Stanza == nil {
			continue
		}
		if b.Of != nil {
			b.Why = b.Of(e)
		}
		err := tx.noteFate(peer, e, b)
		if errors.Is(err, ErrCorrupt) { // what is remembered must not hold up the stanzas
			tx.db.noteDamage(err)
			continue
		}
		if err != nil {
			return fmt.Errorf("store: what became of entry %d for %s: %w", e.ID, peer, err)
		}
	}
	return nil
}

func (tx *Tx) noteFate(peer string, e Entry, b Because) error {
	if tx.full {
		return nil // what is remembered is worth less than what is let go
	}
	num, r, err := tx.fateOf(peer, e.ID)
	switch {
	case err == nil && (b.State == FateAtPeer || r.State == FateDelivered):
		return nil // more is known already
	case errors.Is(err, ErrNotFound):
		if num, err = tx.newFate(accountOf(e.From)); err != nil {
			return err
		}
		r = fateRecord{head: v1}
	case err != nil:
		return err
	}
	place := r.Place
	if place == 0 {
		place = tx.lastNumber(bucketFates, prefix(fatesOf, accountOf(e.From)), 4) + 1
	}
	r = fateRecord{
		head: v1, Peer: peer, Entry: e.ID, From: e.From, To: e.To, StanzaID: e.StanzaID, State: b.State, Why: b.Why,
		Kind: e.Kind, Class: e.Class, Bytes: len(e.Stanza), Queued: nanos(e.Queued), Changed: nanos(time.Now()),
		Wants: e.Receipt, Due: e.Receipt && b.State == FateAtPeer, Place: place,
	}
	return tx.putFate(num, r)
}

// putFate writes a record and its keys.
func (tx *Tx) putFate(num uint64, r fateRecord) error {
	due := key64(prefix(fatesDue), num)
	var err error
	if r.Due {
		tx.receipts = true
		err = tx.put(bucketFates, due, []byte{})
	} else if tx.get(bucketFates, due) != nil {
		err = tx.delete(bucketFates, due)
	}
	return errors.Join(err,
		tx.putRecord(bucketFates, key64(prefix(fatesByAge), num), r),
		tx.put(bucketFates, r.placeKey(), be64(num)),
		tx.put(bucketFates, key64(prefix(fatesByEntry, r.Peer), r.Entry), be64(num)))
}

// newFate is the number for one more of an account's; the oldest have to go for it.
func (tx *Tx) newFate(account string) (uint64, error) {
	last := tx.lastNumber(bucketFates, prefix(fatesByAge), 0)
	keep := nanos(time.Now().Add(-tx.db.opt.FatesKeep))
	// Some for each new one, so that the file gets no longer and nobody waits long.
	for range 4 {
		num, r, err := tx.oldestFate()
		if num == 0 || err == nil && last-num+1 < fatesInAll && r.Changed > keep {
			break
		}
		if err := tx.dropFate(num, r); err != nil { // of a damaged one the record only
			return 0, err
		}
	}
	return last + 1, tx.trimFates(account, tx.db.opt.FatesMax-1)
}

// trimFates leaves an account at most so many, the newest. Their places have no gaps: they only go from the front.
func (tx *Tx) trimFates(account string, most int) error {
	p := prefix(fatesOf, account)
	last := tx.lastNumber(bucketFates, p, 4)
	over := map[string]uint64{}
	err := tx.scan(bucketFates, p, p, func(k, v []byte) error {
		if place := tail64(k[:len(k)-4]); len(v) != 8 || last-place < uint64(most) {
			return errStop
		}
		over[string(k)] = tail64(v)
		return nil
	})
	for k, num := range over {
		r, _ := load[fateRecord](tx, bucketFates, key64(prefix(fatesByAge), num)) // zero when it is damaged
		err = errors.Join(err, tx.dropFate(num, r), tx.delete(bucketFates, []byte(k)))
	}
	return err
}

func (tx *Tx) dropFate(num uint64, r fateRecord) error {
	return errors.Join(
		tx.delete(bucketFates, key64(prefix(fatesByAge), num)),
		tx.delete(bucketFates, key64(prefix(fatesDue), num)),
		tx.delete(bucketFates, key64(prefix(fatesByEntry, r.Peer), r.Entry)),
		tx.delete(bucketFates, r.placeKey()))
}

// untrack makes what waits of an account's stanzas nobody's to ask after: another may get its name.
func (tx *Tx) untrack(account string) error {
	names, err := tx.queueNames()
	if err != nil {
		return err
	}
	for _, peer := range names {
		q := &Queue{db: tx.db, name: peer}
		err := q.Each(tx, func(e Entry) (bool, error) {
			if !e.Track || accountOf(e.From) != account {
				return true, nil
			}
			e.Track, e.Receipt = false, false
			return true, tx.putRecord(bucketQueue, bodyKey(peer, e.ID), entryRecordOf(e))
		})
		if errors.Is(err, ErrCorrupt) { // what is damaged must not keep an account from being deleted
			tx.db.noteDamage(err)
			continue
		}
		if err != nil {
			return fmt.Errorf("store: what %s has sent to %s: %w", account, peer, err)
		}
	}
	return nil
}

// Owe notes in tx whether the sender of an entry with Track is owed a receipt: what asks the far client for one was taken out, or was not after all.
func (q *Queue) Owe(tx *Tx, id uint64, owed bool) error {
	e, err := tx.entryWithState(q.name, id)
	if errors.Is(err, ErrNotFound) || err == nil && (e.Stanza == nil || !e.Track || e.Kind != KindChat || e.Receipt == owed) {
		return nil
	}
	if err == nil {
		e.Receipt = owed
		err = tx.putRecord(bucketQueue, bodyKey(q.name, id), entryRecordOf(e))
	}
	if err != nil {
		return fmt.Errorf("store: the receipt of entry %d for %s: %w", id, q.name, err)
	}
	return nil
}
