package store

import (
	"fmt"
	"sync"
	"time"
)

// Class orders what waits for a peer; the lower goes first and is dropped last.
type Class uint8

// Classes, most urgent first.
const (
	ClassChat      Class = 2 // chat, normal, headline, errors, subscriptions
	ClassGroupchat Class = 3
	ClassIQ        Class = 4
	ClassPresence  Class = 6
	ClassReceipt   Class = 7 // receipts, markers
	ClassState     Class = 8 // nothing but a chat state
)

// Entry is one stanza that waits for a peer's confirmation. The store keeps stanzas, never wire bytes.
type Entry struct {
	ID       uint64 // custody number: rises with each entry of the peer; set by Put
	Class    Class
	From, To string // full JIDs as in the stanza
	StanzaID string // id attribute, for people
	Coalesce bool   // an unsent entry with the same From and To and Coalesce is replaced (presence)
	Queued   time.Time
	Expires  time.Time // zero: never
	Stanza   []byte
	Session  string // the link session that numbered it; "": not sent yet
	Seq      uint32 // its number there
}

// QueueLimits bound one peer's queue. Zero fields: 10 000 entries, 8 MiB.
type QueueLimits struct {
	Entries int
	Bytes   int64
}

func (l QueueLimits) orDefault() QueueLimits {
	if l.Entries <= 0 {
		l.Entries = 10_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 8 << 20
	}
	return l
}

// QueueStats is a peer queue's depth.
type QueueStats struct {
	Entries, Sent int
	Bytes         int64
	Oldest        time.Time
}

// Queue is one peer's durable queue; any number of goroutines. Get it from DB.Queue. An entry is unsent or numbered;
// what becomes of it:
//
//	Put -> unsent --Number-> numbered --Confirm-> gone
//	          ^                  |
//	          +-----Requeue------+           Done: gone from either state
type Queue struct {
	db   *DB
	name string
	wake chan struct{}

	mu    sync.Mutex // guards stats
	stats QueueStats
}

// Queue returns the queue of the peer called name, made at first use.
func (db *DB) Queue(name string) *Queue {
	db.queuesMu.Lock()
	defer db.queuesMu.Unlock()
	q := db.queues[name]
	if q == nil {
		q = &Queue{db: db, name: name, wake: make(chan struct{}, 1)}
		db.queues[name] = q
		// Filled under queuesMu, which published takes too: no commit gets in between. A store that cannot be read
		// says so in the methods that return an error.
		_ = db.View(func(tx *Tx) (err error) {
			q.stats, err = tx.queueStats(name)
			return err
		})
		if q.stats.Entries > q.stats.Sent {
			q.wake <- struct{}{}
		}
	}
	return q
}

// Queues lists the peers that have one.
func (db *DB) Queues() (names []string, err error) {
	err = db.View(func(tx *Tx) error {
		var next []byte
		for {
			name := ""
			err := tx.scan(bucketQueue, next, nil, func(k, _ []byte) error {
				for i, c := range k {
					if c == 0 {
						name = string(k[:i])
						break
					}
				}
				return errStop
			})
			if err != nil || name == "" {
				return err
			}
			names = append(names, name)
			next = append([]byte(name), 1)
		}
	})
	return names, err
}

// Wake gets a token after commits that put something; it has room for one. A queue that held unsent entries at its first use starts with one.
func (q *Queue) Wake() <-chan struct{} { return q.wake }

// Stats is the depth as of the last commit.
func (q *Queue) Stats() QueueStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stats
}

// publish tells the queue's readers about a commit.
func (q *Queue) publish(t touch) {
	q.mu.Lock()
	q.stats = t.stats
	q.mu.Unlock()
	if !t.put {
		return
	}
	select {
	case q.wake <- struct{}{}:
	default: // the token of an earlier commit is still there
	}
}

// Next returns unsent entries, by class, then age, at most n of them and about maxBytes in all (at least one). Two
// entries with the same From and To never swap places: an urgent entry takes those that it must not overtake with it.
func (q *Queue) Next(n, maxBytes int) (next []Entry, err error) {
	if n <= 0 {
		return nil, nil
	}
	err = q.db.View(func(tx *Tx) error {
		return tx.eachUnsent(q.name, func(id uint64, size int) error {
			maxBytes -= size
			if maxBytes < 0 && len(next) > 0 {
				return errStop
			}
			e, ok, err := tx.entryOrStub(q.name, id)
			if err != nil || !ok {
				return err
			}
			next = append(next, e)
			if len(next) == n {
				return errStop
			}
			return nil
		})
	})
	return next, err
}

// Unconfirmed returns the numbered entries of a session, by number.
func (q *Queue) Unconfirmed(session string) (sent []Entry, err error) {
	err = q.db.View(func(tx *Tx) error {
		return tx.eachSent(q.name, session, func(seq uint32, id uint64) error {
			e, err := tx.entry(q.name, id)
			if err != nil {
				return err
			}
			e.Session, e.Seq = session, seq
			sent = append(sent, e)
			return nil
		})
	})
	return sent, err
}

// Expired returns unsent entries whose time is over, and when the next one's will be (zero: none).
func (q *Queue) Expired(now time.Time) (over []Entry, next time.Time, err error) {
	err = q.db.View(func(tx *Tx) error {
		p := queueKey(q.name, tagExpires)
		return tx.scan(bucketQueue, p, p, func(k, _ []byte) error {
			if at := fromNanos(int64(tail64(k[:len(k)-8]))); at.After(now) {
				next = at
				return errStop
			}
			e, _, err := tx.entryOrStub(q.name, tail64(k))
			if err != nil {
				return err
			}
			over = append(over, e)
			return nil
		})
	})
	return over, next, err
}

// List returns all entries in sending order, numbered ones first.
func (q *Queue) List() (all []Entry, err error) {
	err = q.db.View(func(tx *Tx) error {
		sessions, err := tx.sessions(q.name)
		if err != nil {
			return err
		}
		for _, s := range sessions {
			err := tx.eachSent(q.name, s, func(seq uint32, id uint64) error {
				e, _, err := tx.entryOrStub(q.name, id)
				e.Session, e.Seq = s, seq
				all = append(all, e)
				return err
			})
			if err != nil {
				return err
			}
		}
		return tx.eachUnsent(q.name, func(id uint64, _ int) error {
			e, _, err := tx.entryOrStub(q.name, id)
			all = append(all, e)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("store: listing the queue of %s: %w", q.name, err)
	}
	return all, nil
}
