package store

import (
	"bytes"
	"errors"
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
	id     uint64 // of the entry in front
	pair   pairID
	rank   Class // of it; while it is not read, the most urgent it can have
	read   bool
	head   Entry
}

func (tx *Tx) sending(peer string, now time.Time, only ClassSet, kinds KindSet) (*sending, error) {
	w := &sending{tx: tx, peer: peer, now: now, only: only, kinds: kinds, last: map[pairID]uint64{}}
	if err := w.readHeld(); err != nil {
		return nil, err
	}
	if tx.bucket(bucketQueue) == nil {
		return w, nil
	}
	order := queueKey(peer, tagOrder)
	var c *bbolt.Cursor
	for place := 0; place < 256; place++ { // those that have entries
		tx.inside = true
		if c == nil {
			c = tx.bucket(bucketQueue).Cursor()
		}
		k, v := c.Seek(append(order[:len(order):len(order)], byte(place)))
		tx.inside = false
		if !bytes.HasPrefix(k, order) || len(k) != len(order)+9 {
			break
		}
		place = int(k[len(order)])
		if !only.mayStandAt(Class(place)) {
			continue
		}
		l := &lane{c: c, prefix: bytes.Clone(k[:len(order)+1])}
		c = nil
		ok, err := w.front(l, k, v)
		if err != nil {
			return nil, err
		}
		if ok {
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

// front puts the entry of a key in front of its lane, or the next one that has not gone and is not held. It is not read yet.
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
		l.id, l.pair, l.read, l.rank = id, o.pair, false, soonest(Class(k[len(l.prefix)-1]))
		return true, nil
	}
	return false, nil
}

// look reads what is in front of a lane; false: it may not begin.
func (w *sending) look(l *lane) (ok bool, err error) {
	l.head, _, err = w.tx.entryOrStub(w.peer, l.id)
	if err != nil {
		return false, err
	}
	l.read = true
	if l.head.Stanza == nil { // damaged; only the key tells its class
		l.rank = Class(l.prefix[len(l.prefix)-1])
		return true, nil
	}
	l.rank = rank(l.head, w.now)
	return w.only.Has(l.head.Class) && w.kinds.Has(l.head.Kind), nil
}

func (w *sending) step(l *lane) (k, v []byte) {
	w.tx.inside = true
	k, v = l.c.Next()
	w.tx.inside = false
	return k, v
}

func (w *sending) gone(id uint64, p pairID) bool { return id <= w.last[p] || w.given[id] }

// next is the lane whose head goes next, read; nil when nothing is left. Most of what cannot be next is never read.
func (w *sending) next() (best *lane, err error) {
	for {
		best = nil
		for _, l := range w.lanes {
			if best == nil || l.rank < best.rank || l.rank == best.rank && l.id < best.id {
				best = l
			}
		}
		if best == nil || best.read && !w.gone(best.id, best.pair) {
			return best, nil
		}
		ok := false
		if !w.gone(best.id, best.pair) {
			ok, err = w.look(best)
		}
		if err == nil && !ok {
			err = w.advance(best)
		}
		if err != nil {
			return nil, err
		}
	}
}

// advance puts the next entry in front of a lane.
func (w *sending) advance(l *lane) error {
	k, v := w.step(l)
	ok, err := w.front(l, k, v)
	if !ok {
		w.lanes = without(w.lanes, l)
	}
	return err
}

// each calls fn for the entries in order, until it returns an error; errStop is none.
func (w *sending) each(fn func(Entry) error) error {
	for {
		l, err := w.next()
		if err == nil && l != nil {
			err = w.give(l.head, l.pair, fn)
		}
		switch {
		case err == errStop || err == nil && l == nil:
			return nil
		case err != nil:
			return err
		}
		if err := w.advance(l); err != nil {
			return err
		}
	}
}

// riders calls fn for what is held for a newer one, the oldest first, and what has to go before it.
func (w *sending) riders(fn func(Entry) error) error {
	for _, id := range slices.Sorted(maps.Keys(w.held)) {
		e, _, err := w.tx.entryOrStub(w.peer, id)
		if errors.Is(err, ErrNotFound) || err == nil && e.HeldFor != HeldForNewer {
			continue
		}
		pair := pairOf(e.From, e.To)
		if err == nil && !w.gone(id, pair) && w.only.Has(e.Class) && w.kinds.Has(e.Kind) {
			err = w.give(e, pair, fn)
		}
		if err == errStop {
			return nil
		}
		if err != nil {
			return err
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
