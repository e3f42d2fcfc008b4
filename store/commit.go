package store

import (
	"fmt"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
)

// How an operation gets to the flash:
//
//	Submit -> pending -> committer: take -> batch: op, op, op -> one commit -> publish queues -> done, done, done
//	             ^                            |  op failed: its changes are taken back, the others stay
//	             | waits for room             |  op met a damaged page: the batch is run again without it
//	             +-- 4096                     |  flash full: see full.go
//
// While a commit is under way the next batch gathers, so that the slower the flash, the larger the batches.
const (
	maxPending    = 4096
	maxBatch      = 1024
	maxBatchBytes = 4 << 20 // what a batch may add; bbolt holds it in memory

	// Those who were just told may submit again at once: waiting this part of a commit's time for them, when fewer wait
	// than were told, doubles the batches of senders that wait for each commit.
	gatherPart = 8
	gatherMax  = 2 * time.Millisecond
)

// operation is one call of Submit.
type operation struct {
	fn    func(*Tx) error
	done  func(error)
	probe bool // asks for an attempt although the flash was full a moment ago
}

// committer is what the committer goroutine knows.
type committer struct {
	dead   error // the file must not be written any more
	full   fullState
	told   int                   // operations of the last batch
	toldAt time.Time             // when their done functions had returned
	gather time.Duration         // how long the next batch may wait for more
	commit func(*bbolt.Tx) error // (*bbolt.Tx).Commit; tests put a failing flash here
}

// Submit queues op for the next commit. Ops run one after the other, in the order of the calls, on one goroutine, each
// seeing the effects of those before. done is called after the commit, in the same order, with nil or the error. An op that returns
// an error (or panics) has no effect, and done gets that error; the others of its batch are not disturbed. An op may run more than once: it must plan
// world-visible effects only, and start afresh each time. When the commit fails, every done of the batch
// gets the error. Submit itself never waits for the flash, but for room when 4096 ops are queued.
//
// A nil op changes nothing and marks a place in the order. done may be nil. It runs on the committer and must be brief; it may call Submit but
// not Update. After Close, and in a store opened read-only, done gets its error before Submit returns, on the caller's goroutine.
func (db *DB) Submit(op func(*Tx) error, done func(error)) {
	db.submit(operation{fn: op, done: done})
}

func (db *DB) submit(o operation) {
	err := db.enqueue(o)
	if err != nil && o.done != nil {
		o.done(fmt.Errorf("store: writing %s: %w", db.path, err))
	}
}

func (db *DB) enqueue(o operation) error {
	if db.opt.ReadOnly {
		return ErrReadOnly
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	for len(db.pending) >= maxPending && !db.telling && !db.closing {
		db.room.Wait()
	}
	if db.closing {
		return ErrClosed
	}
	db.pending = append(db.pending, o)
	db.work.Signal()
	return nil
}

// Update is Submit and waits. It must not be called from an op, a done or a View.
func (db *DB) Update(op func(*Tx) error) error { return db.wait(operation{fn: op}) }

func (db *DB) wait(o operation) error {
	result := make(chan error, 1)
	o.done = func(err error) { result <- err }
	db.submit(o)
	return <-result
}

// run is the committer goroutine. It ends when the store is closing and nothing is pending.
func (db *DB) run() {
	defer close(db.ended)
	debug.SetPanicOnFault(true) // see View
	for {
		batch := db.take()
		if len(batch) == 0 {
			return
		}
		db.committer.told = len(batch)
		for len(batch) > 0 {
			began := time.Now()
			errs := db.commitBatch(batch)
			db.committer.gather = min(time.Since(began)/gatherPart, gatherMax)
			db.tell(batch[:len(errs)], errs)
			batch = batch[len(errs):]
		}
		db.committer.toldAt = time.Now()
	}
}

// take waits for operations; none means that the store is closing.
func (db *DB) take() []operation {
	db.mu.Lock()
	defer db.mu.Unlock()
	for len(db.pending) == 0 && !db.closing {
		db.work.Wait()
	}
	c := &db.committer
	if more := c.gather - time.Since(c.toldAt); more > 0 && len(db.pending) < c.told && !db.closing {
		db.mu.Unlock()
		time.Sleep(more)
		db.mu.Lock()
	}
	n := min(len(db.pending), maxBatch)
	batch := db.pending[:n:n]
	db.pending = db.pending[n:]
	if len(db.pending) == 0 {
		db.pending = nil
	}
	db.room.Broadcast()
	return batch
}

// tell calls the done functions. Meanwhile Submit does not wait for room, or a done that submits could wait for itself.
func (db *DB) tell(batch []operation, errs []error) {
	db.setTelling(true)
	for i, o := range batch {
		if o.done != nil {
			o.done(errs[i])
		}
	}
	db.setTelling(false)
}

func (db *DB) setTelling(on bool) {
	db.mu.Lock()
	db.telling = on
	db.room.Broadcast()
	db.mu.Unlock()
}
