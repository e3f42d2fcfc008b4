package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// A sending goes through the peer's unsent entries in sending order: by class, then by id, but an entry that follows others of the
// same From and To draws those with it, unless it may overtake them. So urgent stanzas never wait behind what is less urgent and somebody
// else's, and what one sender told one recipient stays in order (RFC 6120 §10.1).
type sending struct {
	tx    *Tx
	peer  string
	now   time.Time
	only  ClassSet // classes to begin with; what an entry draws is not asked for its class
	kinds KindSet  // the same for kinds
	alone bool     // give only what needs no other to go before it, of at most most bytes
	most  int

	lanes []*lane
	last  map[pairID]uint64 // per pair: all up to this id went before
	given map[uint64]bool   // those that went beyond last
	held  map[uint64]bool

	blocked map[pairID]Class // alone: one of this class stayed behind
}

// A lane is the unsent entries of one class byte, the next of them in front.
type lane struct {
	c      *bbolt.Cursor
	prefix []byte
	head   Entry
	pair   pairID
	rank   Class // of the head, which rises as it waits
}

func (tx *Tx) sending(peer string, now time.Time, only ClassSet, kinds KindSet) (*sending, error) {
	w := &sending{tx: tx, peer: peer, now: now, only: only, kinds: kinds, last: map[pairID]uint64{}}
	if err := w.readHeld(); err != nil {
		return nil, err
	}
	classes, err := tx.classesAbove(peer, 0)
	if err != nil {
		return nil, err
	}
	for _, c := range classes {
		if !only.mayStandAt(c) {
			continue
		}
		l := &lane{prefix: append(queueKey(peer, tagOrder), byte(c))}
		tx.inside = true
		l.c = tx.bucket(bucketQueue).Cursor()
		k, v := l.c.Seek(l.prefix)
		tx.inside = false
		if ok, err := w.front(l, k, v); err != nil {
			return nil, err
		} else if ok {
			w.lanes = append(w.lanes, l)
		}
	}
	return w, nil
}

// readHeld notes which entries are to be left out.
func (w *sending) readHeld() error {
	p := queueKey(w.peer, tagHeld)
	return w.tx.scan(bucketQueue, heldKey(w.peer, w.now.Add(1), 0), p, func(k, _ []byte) error {
		if w.held == nil {
			w.held = map[uint64]bool{}
		}
		w.held[tail64(k)] = true
		return nil
	})
}

// front puts the entry of a key in front of its lane, or the next one that may stand there.
func (w *sending) front(l *lane, k, v []byte) (ok bool, err error) {
	for ; bytes.HasPrefix(k, l.prefix); k, v = w.step(l) {
		o, err := parseOrder(k, v)
		if err != nil {
			return false, err
		}
		id := tail64(k)
		if w.gone(id, o.pair) || w.held[id] {
			continue
		}
		e, _, err := w.tx.entryOrStub(w.peer, id)
		if err != nil {
			return false, err
		}
		if e.Stanza == nil { // damaged; only the key tells its class
			l.head, l.pair, l.rank = e, o.pair, Class(k[len(l.prefix)-1])
			return true, nil
		}
		if !w.only.Has(e.Class) || !w.kinds.Has(e.Kind) {
			continue
		}
		l.head, l.pair, l.rank = e, o.pair, rank(e, w.now)
		return true, nil
	}
	return false, nil
}

func (w *sending) step(l *lane) (k, v []byte) {
	w.tx.inside = true
	k, v = l.c.Next()
	w.tx.inside = false
	return k, v
}

func (w *sending) gone(id uint64, p pairID) bool { return id <= w.last[p] || w.given[id] }

// best is the lane whose head goes next; nil when nothing is left.
func (w *sending) best() (best *lane) {
	for _, l := range w.lanes {
		if best == nil || l.rank < best.rank || l.rank == best.rank && l.head.ID < best.head.ID {
			best = l
		}
	}
	return best
}

// each calls fn for the entries in order, until it returns an error; errStop is none.
func (w *sending) each(fn func(Entry) error) error {
	for l := w.best(); l != nil; l = w.best() {
		if !w.gone(l.head.ID, l.pair) {
			err := w.give(l.head, l.pair, fn)
			if err == errStop {
				return nil
			}
			if err != nil {
				return err
			}
		}
		k, v := w.step(l)
		ok, err := w.front(l, k, v)
		if err != nil {
			return err
		}
		if !ok {
			w.lanes = without(w.lanes, l)
		}
	}
	return nil
}

func without(lanes []*lane, l *lane) (left []*lane) {
	for _, o := range lanes {
		if o != l {
			left = append(left, o)
		}
	}
	return left
}

// give calls fn for what has to go before e, and for e.
func (w *sending) give(e Entry, p pairID, fn func(Entry) error) error {
	if !e.mayOvertake() {
		if w.alone {
			return nil
		}
		if err := w.draw(e, p, fn); err != nil {
			return err
		}
		w.last[p] = e.ID
		return fn(e)
	}
	if w.alone && (w.most > 0 && len(e.Stanza) > w.most || w.blocked[p] > 0 && w.blocked[p] <= e.Class) {
		return w.block(e, p)
	}
	// What is earlier and as urgent was in front of it, unless it is held.
	if w.held != nil {
		if w.alone {
			err := w.draw(e, p, func(Entry) error { return errAlone })
			if err == errAlone {
				return w.block(e, p)
			}
			if err != nil {
				return err
			}
		} else if err := w.draw(e, p, fn); err != nil {
			return err
		}
	}
	w.give1(e.ID)
	return fn(e)
}

// errAlone ends a look for what must not be overtaken, and is nobody's error.
var errAlone = errors.New("store: not alone")

// block keeps what is behind e, and no more urgent, from going without it.
func (w *sending) block(e Entry, p pairID) error {
	if w.blocked == nil {
		w.blocked = map[pairID]Class{}
	}
	if c := w.blocked[p]; c == 0 || e.Class < c {
		w.blocked[p] = e.Class
	}
	return nil
}

func (w *sending) give1(id uint64) {
	if w.given == nil {
		w.given = map[uint64]bool{}
	}
	w.given[id] = true
}

// draw calls fn for the unsent entries of e's pair that are before it and which it must not overtake.
func (w *sending) draw(e Entry, p pairID, fn func(Entry) error) error {
	prefix := append(queueKey(w.peer, tagPair), p[:]...)
	var fault error
	err := w.tx.scan(bucketQueue, pairKey(w.peer, tagPair, p, w.last[p]+1), prefix, func(k, _ []byte) error {
		id := tail64(k)
		if id >= e.ID {
			return errStop
		}
		if w.given[id] {
			return nil
		}
		o, _, err := w.tx.entryOrStub(w.peer, id)
		if err != nil {
			return err
		}
		if e.overtakes(o) {
			return nil
		}
		if e.mayOvertake() {
			w.give1(id)
		}
		fault = fn(o)
		return fault
	})
	if fault != nil { // errStop too, which the scan keeps to itself
		return fault
	}
	return err
}

// eachUnsent calls fn for all unsent entries, in sending order, those that are held last.
func (tx *Tx) eachUnsent(peer string, fn func(Entry) error) error {
	w, err := tx.sending(peer, time.Now(), 0, 0)
	if err != nil {
		return err
	}
	err = w.each(func(e Entry) error {
		delete(w.held, e.ID)
		return fn(e)
	})
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(w.held)) {
		e, _, err := tx.entryOrStub(peer, id)
		if errors.Is(err, ErrNotFound) { // an earlier version took it out
			continue
		}
		if err == nil {
			err = fn(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// victims chooses the unsent entries to drop so that e fits: higher classes first, oldest first within a class, none as
// urgent as e. ErrQuota when that does not make room.
func (tx *Tx) victims(peer string, r queueRecord, e Entry, replaced []Entry, lim QueueLimits) (victims []Entry, err error) {
	entries, size := r.Entries-len(replaced)+1, r.Bytes+int64(len(e.Stanza))
	gone := map[uint64]bool{}
	for _, old := range replaced {
		size -= int64(len(old.Stanza))
		gone[old.ID] = true
	}
	fits := func() bool { return entries <= lim.Entries && size <= lim.Bytes }
	if fits() {
		return nil, nil
	}
	var ids []uint64
	classes, err := tx.classesAbove(peer, e.Class)
	for i := len(classes) - 1; err == nil && i >= 0 && !fits(); i-- { // the least urgent first
		c := classes[i]
		p := append(queueKey(peer, tagOrder), byte(c))
		err = tx.scan(bucketQueue, p, p, func(k, v []byte) error {
			id := tail64(k)
			o, err := parseOrder(k, v)
			if err != nil || gone[id] {
				return err
			}
			ids = append(ids, id)
			entries--
			size -= int64(o.size)
			if fits() {
				return errStop
			}
			return nil
		})
	}
	if err != nil {
		return nil, err
	}
	if !fits() {
		return nil, fmt.Errorf("store: queue of %s: %w", peer, ErrQuota)
	}
	for _, id := range ids {
		v, _, err := tx.entryOrStub(peer, id)
		if err != nil {
			return nil, err
		}
		victims = append(victims, v)
	}
	return victims, nil
}

// classesAbove are the classes less urgent than c that have unsent entries, the most urgent first. It looks forward, as serialsWrap does.
func (tx *Tx) classesAbove(peer string, c Class) (classes []Class, err error) {
	p := queueKey(peer, tagOrder)
	for more := c < 255; more; {
		more = false
		err := tx.scan(bucketQueue, orderKey(peer, c+1, 0), p, func(k, _ []byte) error {
			if len(k) != len(p)+9 {
				return damaged(bucketQueue, k, fmt.Errorf("%d bytes", len(k)))
			}
			c = Class(k[len(p)])
			classes, more = append(classes, c), c < 255
			return errStop
		})
		if err != nil {
			return nil, err
		}
	}
	return classes, nil
}
