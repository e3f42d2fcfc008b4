package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Tags of the keys in the queue bucket; layout.go draws them.
const (
	tagQueue    = 'm'
	tagBody     = 'b'
	tagOrder    = 'o'
	tagPair     = 'p'
	tagCoalesce = 'c'
	tagExpires  = 'x'
	tagSent     = 's'
	tagState    = 't'
	tagHeld     = 'h'
)

// pairID stands for From and To. Half a SHA-256: nobody finds two pairs that share one, and places are kept by it.
type pairID [16]byte

func pairOf(from, to string) (p pairID) {
	sum := sha256.Sum256(append(prefix(from), to...))
	copy(p[:], sum[:])
	return p
}

func queueKey(peer string, tag byte) []byte { return append(prefix(peer), tag) }

func bodyKey(peer string, id uint64) []byte {
	return binary.BigEndian.AppendUint64(queueKey(peer, tagBody), id)
}

func orderKey(peer string, c Class, id uint64) []byte {
	return binary.BigEndian.AppendUint64(append(queueKey(peer, tagOrder), byte(c)), id)
}

func pairKey(peer string, tag byte, p pairID, id uint64) []byte {
	return binary.BigEndian.AppendUint64(append(queueKey(peer, tag), p[:]...), id)
}

// expiresKey sorts by time; all that is older than 1970 is equally over.
func expiresKey(peer string, at time.Time, id uint64) []byte {
	k := binary.BigEndian.AppendUint64(queueKey(peer, tagExpires), uint64(max(nanos(at), 1)))
	return binary.BigEndian.AppendUint64(k, id)
}

// heldKey sorts by the time until which an entry is held.
func heldKey(peer string, until time.Time, id uint64) []byte {
	k := binary.BigEndian.AppendUint64(queueKey(peer, tagHeld), uint64(max(nanos(until), 1)))
	return binary.BigEndian.AppendUint64(k, id)
}

func sentPrefix(peer, session string) []byte {
	return append(append(queueKey(peer, tagSent), session...), 0)
}

func stateKey(peer string, id uint64) []byte {
	return binary.BigEndian.AppendUint64(queueKey(peer, tagState), id)
}

// orderValue is what sending order is decided on without reading the body.
type orderValue struct {
	pair pairID
	size int
}

func (o orderValue) bytes() []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(o.pair[:]), uint32(o.size))
}

func parseOrder(k, v []byte) (o orderValue, err error) {
	if len(v) != len(o.pair)+4 {
		return o, damaged(bucketQueue, k, fmt.Errorf("%d bytes", len(v)))
	}
	copy(o.pair[:], v)
	o.size = int(tail32(v))
	return o, nil
}

// queue is the counters of the peer's queue.
func (tx *Tx) queue(peer string) (queueRecord, error) {
	return loadOrNew(tx, bucketQueue, queueKey(peer, tagQueue), queueRecord{head: v1})
}

// putQueue stores the counters and notes that the queue's readers are to be told after the commit.
func (tx *Tx) putQueue(peer string, r queueRecord, put bool) error {
	if err := tx.putRecord(bucketQueue, queueKey(peer, tagQueue), r); err != nil {
		return err
	}
	t := tx.touched[peer]
	t.put = t.put || put
	tx.touched[peer] = t
	return nil
}

// queueStats is the queue's depth as this transaction sees it, and the number of its newest entry.
func (tx *Tx) queueStats(peer string) (QueueStats, uint64, error) {
	r, err := tx.queue(peer)
	if err != nil {
		return QueueStats{}, 0, err
	}
	s := QueueStats{Entries: r.Entries, Sent: r.Sent, Bytes: r.Bytes}
	p := queueKey(peer, tagBody)
	err = tx.scan(bucketQueue, p, p, func(k, v []byte) error {
		rec, err := read[entryAge](bucketQueue, k, v)
		if err != nil {
			return err
		}
		s.Oldest = fromNanos(rec.Queued)
		return errStop
	})
	return s, r.Last, err
}

// entry is the body of one entry, without its state.
func (tx *Tx) entry(peer string, id uint64) (Entry, error) {
	rec, err := load[entryRecord](tx, bucketQueue, bodyKey(peer, id))
	if err != nil {
		return Entry{}, fmt.Errorf("store: entry %d for %s: %w", id, peer, err)
	}
	return rec.entry(id), nil
}

// entryOrStub is entry for those who want to get rid of it: when the body is damaged, the entry has its ID only.
func (tx *Tx) entryOrStub(peer string, id uint64) (e Entry, ok bool, err error) {
	e, err = tx.entry(peer, id)
	if !errors.Is(err, ErrCorrupt) {
		return e, err == nil, err
	}
	tx.db.noteDamage(err)
	return Entry{ID: id}, false, nil
}

func (tx *Tx) entryWithState(peer string, id uint64) (Entry, error) {
	e, _, err := tx.entryOrStub(peer, id)
	if err != nil {
		return e, err
	}
	if v := tx.get(bucketQueue, stateKey(peer, id)); v != nil {
		if len(v) < 5 {
			return e, damaged(bucketQueue, stateKey(peer, id), fmt.Errorf("%d bytes", len(v)))
		}
		e.Seq, e.Session = binary.BigEndian.Uint32(v), string(v[4:])
	}
	return e, nil
}

// wasSent is the value of the keys in the pair and coalesce indexes while the entry waits for a second time.
var wasSent = []byte{1}

// indexUnsent gives e its place among the unsent; again is what its keys in the pair and coalesce indexes hold.
func (tx *Tx) indexUnsent(peer string, e Entry, again []byte) error {
	pair := pairOf(e.From, e.To)
	if err := tx.put(bucketQueue, orderKey(peer, e.place(), e.ID), orderValue{pair, len(e.Stanza)}.bytes()); err != nil {
		return err
	}
	if err := tx.put(bucketQueue, pairKey(peer, tagPair, pair, e.ID), again); err != nil {
		return err
	}
	if e.Coalesce {
		if err := tx.put(bucketQueue, pairKey(peer, tagCoalesce, pair, e.ID), again); err != nil {
			return err
		}
	}
	if !e.NotBefore.IsZero() {
		if err := tx.put(bucketQueue, heldKey(peer, e.NotBefore, e.ID), []byte{}); err != nil {
			return err
		}
	}
	if !e.Expires.IsZero() {
		return tx.put(bucketQueue, expiresKey(peer, e.Expires, e.ID), []byte{})
	}
	return nil
}

func (tx *Tx) unindexUnsent(peer string, e Entry) error {
	if e.Stanza == nil {
		return tx.unindexDamaged(peer, e.ID)
	}
	pair := pairOf(e.From, e.To)
	keys := [][]byte{orderKey(peer, e.place(), e.ID), pairKey(peer, tagPair, pair, e.ID)}
	if e.Coalesce {
		keys = append(keys, pairKey(peer, tagCoalesce, pair, e.ID))
	}
	if !e.Expires.IsZero() {
		keys = append(keys, expiresKey(peer, e.Expires, e.ID))
	}
	if !e.NotBefore.IsZero() {
		keys = append(keys, heldKey(peer, e.NotBefore, e.ID))
	}
	for _, k := range keys {
		if err := tx.delete(bucketQueue, k); err != nil {
			return err
		}
	}
	return nil
}

// unindexDamaged takes an unsent entry whose body cannot be read out of the indexes, by looking at all their keys.
func (tx *Tx) unindexDamaged(peer string, id uint64) error {
	var keys [][]byte
	for _, tag := range []byte{tagOrder, tagPair, tagCoalesce, tagExpires, tagHeld} {
		p := queueKey(peer, tag)
		err := tx.scan(bucketQueue, p, p, func(k, _ []byte) error {
			if tail64(k) == id {
				keys = append(keys, bytes.Clone(k))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, k := range keys {
		if err := tx.delete(bucketQueue, k); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) indexSent(peer string, e Entry) error {
	if err := tx.put(bucketQueue, key32(sentPrefix(peer, e.Session), e.Seq), be64(e.ID)); err != nil {
		return err
	}
	state := append(binary.BigEndian.AppendUint32(nil, e.Seq), e.Session...)
	return tx.put(bucketQueue, stateKey(peer, e.ID), state)
}

func (tx *Tx) unindexSent(peer string, e Entry) error {
	if err := tx.delete(bucketQueue, key32(sentPrefix(peer, e.Session), e.Seq)); err != nil {
		return err
	}
	return tx.delete(bucketQueue, stateKey(peer, e.ID))
}

func (tx *Tx) removeUnsent(peer string, r *queueRecord, e Entry) error {
	r.Entries--
	r.Bytes -= int64(len(e.Stanza))
	if err := tx.unindexUnsent(peer, e); err != nil {
		return err
	}
	return tx.delete(bucketQueue, bodyKey(peer, e.ID))
}

func (tx *Tx) removeSent(peer string, r *queueRecord, e Entry) error {
	r.Entries--
	r.Sent--
	r.Bytes -= int64(len(e.Stanza))
	if err := tx.unindexSent(peer, e); err != nil {
		return err
	}
	return tx.delete(bucketQueue, bodyKey(peer, e.ID))
}

// eachSent calls fn for the numbered entries of a session, by number.
func (tx *Tx) eachSent(peer, session string, fn func(seq uint32, id uint64) error) error {
	p := sentPrefix(peer, session)
	return tx.scanSerials(bucketQueue, p, func(seq uint32, v []byte) error {
		if len(v) != 8 {
			return damaged(bucketQueue, key32(p, seq), fmt.Errorf("%d bytes", len(v)))
		}
		return fn(seq, binary.BigEndian.Uint64(v))
	})
}

// sessions lists the link sessions that have numbered entries of the peer.
func (tx *Tx) sessions(peer string) (names []string, err error) {
	p := queueKey(peer, tagSent)
	for next, more := p, true; more; {
		more = false
		err := tx.scan(bucketQueue, next, p, func(k, _ []byte) error {
			// What is between the tag and the serial with its zero byte.
			if len(k) < len(p)+5 {
				return damaged(bucketQueue, k, fmt.Errorf("short key"))
			}
			names = append(names, string(k[len(p):len(k)-5]))
			more = true
			return errStop
		})
		if err != nil {
			return nil, err
		}
		if more {
			next = append(append(bytes.Clone(p), names[len(names)-1]...), 1)
		}
	}
	return names, nil
}

// replacedBy is the unsent entries that e takes the place of.
func (tx *Tx) replacedBy(peer string, e Entry, pair pairID) (old []Entry, err error) {
	if !e.Coalesce {
		return nil, nil
	}
	p := append(queueKey(peer, tagCoalesce), pair[:]...)
	err = tx.scan(bucketQueue, p, p, func(k, _ []byte) error {
		o, _, err := tx.entryOrStub(peer, tail64(k))
		old = append(old, o)
		return err
	})
	return old, err
}

func entryRecordOf(e Entry) entryRecord {
	kind := e.Kind
	if e.old { // it stays one of an earlier version, which had the kind for the class
		kind = 0
	}
	return entryRecord{
		head: v1, Class: e.place(), From: e.From, To: e.To, StanzaID: e.StanzaID, Coalesce: e.Coalesce,
		Queued: nanos(e.Queued), Expires: nanos(e.Expires), Stanza: e.Stanza,
		Kind: kind, NotBefore: nanos(e.NotBefore), Track: e.Track, Receipt: e.Receipt, Saved: e.Saved, Ending: e.Ending, HeldFor: e.HeldFor,
		Was: e.Was, WasSeq: e.WasSeq,
	}
}

func (r entryRecord) entry(id uint64) Entry {
	e := Entry{
		ID: id, Kind: r.Kind, Class: r.Class, From: r.From, To: r.To, StanzaID: r.StanzaID, Coalesce: r.Coalesce,
		Queued: fromNanos(r.Queued), Expires: fromNanos(r.Expires), Stanza: r.Stanza,
		NotBefore: fromNanos(r.NotBefore), Track: r.Track, Receipt: r.Receipt, Saved: r.Saved, Ending: r.Ending, HeldFor: r.HeldFor,
		Was: r.Was, WasSeq: r.WasSeq,
	}
	if e.Kind == 0 {
		e.Kind, e.old = Kind(r.Class), true
		e.Class = e.Kind.Class()
	}
	return e
}
