// Package store is everything the node keeps on flash: one bbolt file of CBOR records, each with a version.
//
// All writing goes through DB.Submit: one goroutine gathers what was submitted while the last commit was under way and
// puts it into the next one (commit.go). Reading goes through DB.View and never waits for a commit. The keys are drawn
// in layout.go, the values in records.go.
package store

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
)

// Decisions callers take on errors.
var (
	ErrNotFound = errors.New("store: not found")
	ErrExists   = errors.New("store: exists already")
	ErrQuota    = errors.New("store: quota exceeded")
	ErrLocked   = errors.New("store: file is locked by another process")
	ErrReadOnly = errors.New("store: file or folder is read-only")
	ErrFull     = errors.New("store: no space left on the device")
	ErrCorrupt  = errors.New("store: file is damaged")
	ErrNewer    = errors.New("store: file was written by a newer version")
	ErrClosed   = errors.New("store: closed")
)

// Options of Open; zero values are the defaults.
type Options struct {
	LockWait  time.Duration // how long to wait for another process's lock; default 1 s
	ReadOnly  bool          // for looking at the file of a stopped node; nothing is created, migrated or written
	SlowSync  time.Duration // test aid: each commit takes at least this long
	MaxBytes  int64         // bound of the file; a commit that would pass it fails with ErrFull; 0: none
	Keep      uint64        // the file is not migrated beyond this format, which an older program has to be able to read; 0: newest
	OnHealth  func(Health)  // called when the health changes, from the committer
	SpoolMax  int           // spool entries per account; default 500
	SpoolSize int64         // spool bytes per account; default 2 MiB
	FatesMax  int           // what is remembered of the stanzas an account sent; default 500
	FatesKeep time.Duration // and how long; default 7 days
}

// DB is the open store. Its committer goroutine gathers what was submitted meanwhile into one bbolt transaction (group
// commit), so that a slow flash bounds the commits a second, not the messages a second.
type DB struct {
	path   string
	opt    Options
	opened int64 // when, Unix nanoseconds
	bolt   *bbolt.DB

	// mu guards the queue of operations; room tells submitters, work tells the committer.
	mu      sync.Mutex
	room    sync.Cond
	work    sync.Cond
	pending []operation
	telling bool // the committer is calling done functions: Submit must not wait for room
	closing bool
	ended   chan struct{} // closed when the committer has returned

	committer committer // touched by the committer goroutine only

	healthMu sync.Mutex // guards health and untold
	health   Health
	untold   bool // OnHealth has not heard of it

	archiveID atomic.Uint64 // the last one given

	fatesWake chan struct{} // receipts are due

	queuesMu sync.Mutex // guards queues
	queues   map[string]*Queue
}

// View runs a read-only function on the last committed state; concurrent. It must be brief: while it runs, the space of
// deleted records is not used again, and the file may be unable to grow. It must not wait for an Update.
func (db *DB) View(op func(*Tx) error) (err error) {
	btx, err := db.bolt.Begin(false)
	if err != nil {
		return fmt.Errorf("store: reading %s: %w", db.path, classify(err))
	}
	tx := &Tx{db: db, bolt: btx}
	// A file cut short under us faults when it is read; that must end this View, not the node.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		p := recover()
		// Rollback fails only for a transaction that is over already.
		_ = btx.Rollback()
		switch {
		case p == nil:
		case tx.inside: // bbolt met a page it cannot read
			err = fmt.Errorf("store: reading %s: %w: %v", db.path, ErrCorrupt, p)
			db.noteDamage(err)
		default:
			panic(p)
		}
	}()
	err = op(tx)
	db.noteDamage(err)
	return err
}

// Size is the file's length and the bytes free inside it.
func (db *DB) Size() (file, free int64) {
	fi, err := os.Stat(db.path)
	if err != nil {
		return 0, 0
	}
	file = fi.Size()
	used := file
	if btx, err := db.bolt.Begin(false); err == nil {
		used = btx.Size()
		_ = btx.Rollback()
	}
	st := db.bolt.Stats()
	free = int64(st.FreePageN+st.PendingPageN) * pageSize
	if file > used {
		free += file - used
	}
	return file, free
}

// Close commits what was submitted and closes the file. What is submitted later gets ErrClosed.
func (db *DB) Close() error {
	db.mu.Lock()
	first := !db.closing
	db.closing = true
	db.work.Broadcast()
	db.room.Broadcast()
	db.mu.Unlock()
	if !first {
		<-db.ended
		return nil
	}
	if db.opt.ReadOnly {
		close(db.ended)
	} else {
		<-db.ended
	}
	if err := db.bolt.Close(); err != nil {
		return fmt.Errorf("store: closing %s: %w", db.path, classify(err))
	}
	return nil
}
