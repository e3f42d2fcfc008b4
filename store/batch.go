package store

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// commitBatch runs as much of the batch as fits in one commit, at least one operation, and returns an error or nil for each that it ran.
func (db *DB) commitBatch(batch []operation) []error {
	if dead := db.committer.dead; dead != nil {
		return all(len(batch), dead)
	}
	if db.worthTrying(batch) {
		a := db.attempt(batch, false)
		db.afterAttempt(a)
		if !errors.Is(a.err, ErrFull) {
			return a.errs
		}
	}
	return db.attemptFull(batch)
}

// attempt is what became of the first len(errs) operations of a batch.
type attempt struct {
	errs      []error
	committed bool  // something was written and is safe
	err       error // the commit failed; errs then hold nothing else
}

// attempt runs the batch in one transaction and commits it.
func (db *DB) attempt(batch []operation, full bool) attempt {
	excluded := map[int]error{}
	for {
		a, broken := db.try(batch, excluded, full)
		if broken < 0 {
			if a.err != nil {
				a.err = fmt.Errorf("store: committing to %s: %w", db.path, a.err)
				a.errs = all(len(a.errs), a.err)
			}
			return a
		}
		// The transaction is of no use any more. Again, without the operation that broke it.
		excluded[broken] = a.errs[broken]
		db.noteDamage(a.errs[broken])
	}
}

// try is one transaction. broken is the index of an operation that left bbolt's transaction unusable, or -1.
func (db *DB) try(batch []operation, excluded map[int]error, full bool) (a attempt, broken int) {
	began := time.Now()
	btx, err := db.bolt.Begin(true)
	if err != nil {
		return attempt{errs: all(len(batch), nil), err: classify(err)}, -1
	}
	tx := &Tx{db: db, bolt: btx, writable: true, full: full, touched: map[string]touch{}}
	a.errs, broken = tx.runAll(batch, excluded)
	if broken >= 0 {
		tx.rollback()
		tx.undone(0)
		return a, broken
	}
	if tx.writes == 0 {
		tx.rollback()
		return a, -1
	}
	if a.err = tx.afterBatch(); a.err != nil {
		tx.rollback()
		tx.undone(0)
		return a, -1
	}
	if a.err = db.commitTx(tx); a.err != nil {
		tx.undone(0)
		return a, -1
	}
	a.committed = true
	if d := db.opt.SlowSync - time.Since(began); d > 0 {
		time.Sleep(d)
	}
	db.publish(tx.touched)
	if tx.receipts {
		select {
		case db.fatesWake <- struct{}{}:
		default: // the token of an earlier commit is still there
		}
	}
	return a, -1
}

// runAll runs the operations until the transaction is large enough; errs has an error or nil for each that ran.
func (tx *Tx) runAll(batch []operation, excluded map[int]error) (errs []error, broken int) {
	for i, o := range batch {
		err, ok := excluded[i]
		if !ok && o.fn != nil {
			err = tx.runOne(o.fn)
		}
		errs = append(errs, err)
		if tx.inside {
			return errs, i
		}
		if tx.bytes >= maxBatchBytes {
			break
		}
	}
	return errs, -1
}

// runOne runs one operation and takes its changes back when it fails. When tx.inside is still set afterwards, bbolt
// panicked and the transaction cannot be used any more.
func (tx *Tx) runOne(fn func(*Tx) error) error {
	tx.undo = tx.undo[:0]
	began := len(tx.hooks)
	err := tx.guard(fn)
	if err == nil {
		return nil
	}
	defer tx.undone(began)
	if tx.inside {
		return err
	}
	if undoErr := tx.guard((*Tx).takeBack); undoErr != nil {
		tx.inside = true
	}
	return err
}

// guard turns a panic into an error.
func (tx *Tx) guard(fn func(*Tx) error) (err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case tx.inside:
			err = fmt.Errorf("store: writing %s: %w: %v", tx.db.path, ErrCorrupt, p)
		default:
			slog.Error("store: operation panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("store: operation panicked: %v", p)
		}
	}()
	return fn(tx)
}

// afterBatch does what a commit has beside its operations: it gathers what the readers of peer queues are told, and restores the reserve.
func (tx *Tx) afterBatch() error {
	return tx.guard(func(tx *Tx) error {
		for peer, t := range tx.touched {
			stats, last, err := tx.queueStats(peer)
			if err != nil {
				// Depth is for people; it must not hold up the stanzas.
				tx.db.noteDamage(err)
			}
			t.stats, t.last = stats, last
			tx.touched[peer] = t
		}
		return tx.keepReserve()
	})
}

func (tx *Tx) rollback() {
	// It fails only for a transaction that is over already.
	_ = tx.bolt.Rollback()
}

// commitTx commits, and makes sure that a commit that failed did not happen.
func (db *DB) commitTx(tx *Tx) (err error) {
	id := tx.bolt.ID()
	defer func() {
		if p := recover(); p != nil {
			// bbolt met a damaged page in the middle of its work. What it knows about free pages may be wrong, and
			// writing on would spread the damage. Reading goes on.
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
			db.committer.dead = fmt.Errorf("store: writing %s: %w", db.path, err)
			tx.rollback()
		}
	}()
	err = classify(db.committer.commit(tx.bolt))
	if err == nil || !db.happened(id) {
		return err
	}
	// Only the last step failed, the sync of the page that makes the transaction count: readers see it, and whether it
	// would survive a power cut is open. Telling its callers that it failed could bring the same stanzas twice, so
	// settle it by another commit, which syncs the same and more.
	again, err2 := db.bolt.Begin(true)
	if err2 != nil {
		return err
	}
	if err2 := (&Tx{db: db, bolt: again, writable: true}).putRecord(bucketMeta, []byte(keyProbe), probeRecord{head: v1}); err2 != nil {
		_ = again.Rollback()
		return err
	}
	if err2 := classify(db.committer.commit(again)); err2 != nil {
		return err
	}
	return nil
}

// happened tells whether the transaction is the one that readers see.
func (db *DB) happened(id int) bool {
	btx, err := db.bolt.Begin(false)
	if err != nil {
		return false
	}
	defer func() { _ = btx.Rollback() }()
	return btx.ID() == id
}

// publish tells the peer queues' readers what was committed.
func (db *DB) publish(touched map[string]touch) {
	db.queuesMu.Lock()
	defer db.queuesMu.Unlock()
	for name, t := range touched {
		if q := db.queues[name]; q != nil {
			q.publish(t)
		}
	}
}

func all(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}
