package store

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Pick says which unsent entries a link would like to have. Zero fields ask for nothing special.
type Pick struct {
	N       int       // at most so many entries
	Bytes   int       // and about so many bytes in all, but at least one entry
	Now     time.Time // zero: time.Now()
	Classes ClassSet  // an entry of another class goes only if one of these must not overtake it
	Kinds   KindSet   // the same for kinds
	Alone   bool      // only urgent messages that may overtake all that stays behind them, each of at most MaxSize bytes (0: any)
	MaxSize int
	Riders  bool // behind all that, if there is any, what is held only as a newer one may take its place: its way is paid for
}

// HeldForNewer is the HeldFor of what may ride.
const HeldForNewer = "a newer one may take its place"

// Pick returns unsent entries, the most urgent first, then by age. Two entries with the same From and To swap places only when the later
// one is a more urgent message of one person to another: every other takes those that it must not overtake with it.
// What is held (Entry.NotBefore) is left out, unless it is so taken.
func (q *Queue) Pick(p Pick) (picked []Entry, err error) {
	if p.N <= 0 {
		return nil, nil
	}
	if p.Now.IsZero() {
		p.Now = time.Now()
	}
	err = q.db.View(func(tx *Tx) error {
		w, err := tx.sending(q.name, p.Now, p.Classes, p.Kinds)
		if err != nil {
			return err
		}
		w.alone, w.most = p.Alone, p.MaxSize
		take := func(e Entry) error {
			p.Bytes -= len(e.Stanza)
			if p.Bytes < 0 && len(picked) > 0 {
				return errStop
			}
			if e.Stanza == nil { // damaged
				return nil
			}
			picked = append(picked, e)
			if len(picked) == p.N {
				return errStop
			}
			return nil
		}
		if err := w.each(take); err != nil || !p.Riders || len(picked) == 0 || len(picked) == p.N || p.Bytes < 0 {
			return err
		}
		return w.riders(take)
	})
	return picked, err
}

// Next is Pick for a link that takes all there is.
func (q *Queue) Next(n, maxBytes int) ([]Entry, error) { return q.Pick(Pick{N: n, Bytes: maxBytes}) }

// ages say after what wait an entry of a class goes with those of a more urgent one, the longest first. So what is less urgent is not starved, and a long queue does not
// make urgency worthless all the same: an immediate message waits for routine ones of six hours at most, and flash for nothing.
// Choice: what is no message does not come before messages, but among them.
var ages = [...][2]struct {
	wait time.Duration
	rank Class
}{
	ClassPriority: {{3 * time.Hour, ClassImmediate}},
	ClassRoutine:  {{6 * time.Hour, ClassImmediate}, {10 * time.Minute, ClassPriority}},
	ClassIQ:       {{10 * time.Minute, ClassRoutine}},
	ClassPresence: {{time.Hour, ClassRoutine}, {10 * time.Minute, ClassIQ}},
	ClassReceipt:  {{time.Hour, ClassRoutine}, {10 * time.Minute, ClassPresence}},
	ClassState:    {{time.Hour, ClassRoutine}, {10 * time.Minute, ClassReceipt}},
}

// rank is the class that an entry goes with.
func rank(e Entry, now time.Time) Class {
	if int(e.Class) >= len(ages) || e.Queued.IsZero() {
		return e.Class
	}
	waited := now.Sub(e.Queued)
	for _, age := range ages[e.Class] {
		if age.wait > 0 && waited >= age.wait {
			return age.rank
		}
	}
	return e.Class
}

// soonest is the most urgent rank that an entry with this class byte can have.
func soonest(place Class) Class {
	switch {
	case place <= ClassFlash:
		return place
	case place <= ClassRoutine:
		return ClassImmediate
	}
	return ClassRoutine
}

// Watch returns a channel that gets a token after commits that put something, and when what was held is due (Nudge); it has room for one, and
// begins with one if something waits already. Each link that takes from the queue has its own, until it calls stop.
func (q *Queue) Watch() (wake <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stats.Entries > q.stats.Sent {
		c <- struct{}{}
	}
	q.watchers = append(slices.Clip(q.watchers), c)
	return c, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.watchers = slices.DeleteFunc(slices.Clone(q.watchers), func(o chan struct{}) bool { return o == c })
	}
}

// Nudge makes all who watch the queue look again. Whoever keeps the time calls it when something is due.
func (q *Queue) Nudge() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.nudge()
}

func (q *Queue) nudge() {
	for _, c := range q.watchers {
		select {
		case c <- struct{}{}:
		default: // the token of an earlier commit is still there
		}
	}
}

// Due is when the next of what is held will no longer be; zero: nothing is.
func (q *Queue) Due(now time.Time) (next time.Time, err error) {
	err = q.db.View(func(tx *Tx) error {
		return tx.scan(bucketQueue, heldKey(q.name, now.Add(1), 0), queueKey(q.name, tagHeld), func(k, _ []byte) error {
			next = fromNanos(int64(tail64(k[:len(k)-8])))
			return errStop
		})
	})
	return next, err
}

// Hold keeps unsent entries back until then, in tx; the zero time: no longer. It returns those that it found unsent.
func (q *Queue) Hold(tx *Tx, ids []uint64, until time.Time) (held []uint64, err error) {
	r, err := tx.queue(q.name)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		e, err := tx.entryWithState(q.name, id)
		if errors.Is(err, ErrNotFound) || err == nil && (e.Session != "" || e.Stanza == nil) {
			continue
		}
		if err == nil {
			err = tx.hold(q.name, e, until)
		}
		if err != nil {
			return nil, fmt.Errorf("store: holding entry %d for %s: %w", id, q.name, err)
		}
		held = append(held, id)
	}
	if len(held) == 0 {
		return nil, nil
	}
	return held, tx.putQueue(q.name, r, true)
}

// Release is Hold until now.
func (q *Queue) Release(tx *Tx, ids ...uint64) (released []uint64, err error) {
	return q.Hold(tx, ids, time.Time{})
}

func (tx *Tx) hold(peer string, e Entry, until time.Time) error {
	if !e.NotBefore.IsZero() {
		if err := tx.delete(bucketQueue, heldKey(peer, e.NotBefore, e.ID)); err != nil {
			return err
		}
	}
	e.NotBefore, e.HeldFor = until, "" // for another reason than before
	if !until.IsZero() {
		if err := tx.put(bucketQueue, heldKey(peer, until, e.ID), []byte{}); err != nil {
			return err
		}
	}
	return tx.putRecord(bucketQueue, bodyKey(peer, e.ID), entryRecordOf(e))
}

// Prolong gives an unsent entry another time to expire at, in tx, and returns what it is now; the zero Entry if it is gone or was sent.
func (q *Queue) Prolong(tx *Tx, id uint64, to func(Entry) (time.Time, Ending)) (Entry, error) {
	e, err := tx.entryWithState(q.name, id)
	if errors.Is(err, ErrNotFound) || err == nil && (e.Session != "" || e.Stanza == nil) {
		return Entry{}, nil
	}
	if err != nil {
		return Entry{}, err
	}
	if !e.Expires.IsZero() {
		err = tx.delete(bucketQueue, expiresKey(q.name, e.Expires, id))
	}
	e.Expires, e.Ending = to(e)
	if err == nil && !e.Expires.IsZero() {
		err = tx.put(bucketQueue, expiresKey(q.name, e.Expires, id), []byte{})
	}
	if err == nil {
		err = tx.putRecord(bucketQueue, bodyKey(q.name, id), entryRecordOf(e))
	}
	if err != nil {
		return Entry{}, fmt.Errorf("store: prolonging entry %d for %s: %w", id, q.name, err)
	}
	return e, nil
}
