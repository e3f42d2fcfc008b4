package store

import (
	"bytes"
	"fmt"
	"sync"
	"time"
)

// Entry is one stanza that waits for a peer's confirmation. The store keeps stanzas, never wire bytes.
type Entry struct {
	ID        uint64 // custody number: rises with each entry of the peer; set by Put
	Kind      Kind   // 0 in Put: by the Class
	Class     Class  // 0 in Put: that of the Kind
	From, To  string // full JIDs as in the stanza
	StanzaID  string // id attribute, for people
	Coalesce  bool   // an unsent entry with the same From and To and Coalesce is replaced (presence)
	Queued    time.Time
	Expires   time.Time // zero: never
	Ending    Ending    // what Expires means, if its sender set it; 0: its sender is told
	NotBefore time.Time // it is held until then, unless one goes that must not overtake it; zero: it is not
	HeldFor   string    // why, for people; "": nobody said
	Track     bool      // its sender may ask what became of it (fates.go)
	Receipt   bool      // its sender wants a receipt, and what is sent does not ask the far client for one
	Saved     int       // bytes that folding spared
	Stanza    []byte
	Session   string // the link session that numbered it; "": not sent yet
	Seq       uint32 // its number there
	Was       string // the session that had numbered it before another took it over: the peer may have it by that; "": none
	WasSeq    uint32 // its number there

	Tried bool // of what Done returns: it waits, and was given to a link before, so that the peer may have it; not on flash with the entry

	old bool // an earlier version wrote it, which had only kinds
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

	mu       sync.Mutex // guards what follows
	stats    QueueStats
	last     uint64 // number of the newest entry
	watchers []chan struct{}
}

// Queue returns the queue of the peer called name, made at first use.
func (db *DB) Queue(name string) *Queue {
	db.queuesMu.Lock()
	defer db.queuesMu.Unlock()
	q := db.queues[name]
	if q == nil {
		q = &Queue{db: db, name: name}
		db.queues[name] = q
		// Filled under queuesMu, which published takes too: no commit gets in between. A store that cannot be read
		// says so in the methods that return an error.
		_ = db.View(func(tx *Tx) (err error) {
			q.stats, q.last, err = tx.queueStats(name)
			return err
		})
	}
	return q
}

// Queues lists the peers that have one.
func (db *DB) Queues() (names []string, err error) {
	err = db.View(func(tx *Tx) error {
		names, err = tx.queueNames()
		return err
	})
	return names, err
}

func (tx *Tx) queueNames() (names []string, err error) {
	var next []byte
	for {
		name := ""
		err := tx.scan(bucketQueue, next, nil, func(k, _ []byte) error {
			if i := bytes.IndexByte(k, 0); i > 0 {
				name = string(k[:i])
			}
			return errStop
		})
		if err != nil || name == "" {
			return names, err
		}
		names = append(names, name)
		next = append([]byte(name), 1)
	}
}

// Stats is the depth as of the last commit.
func (q *Queue) Stats() QueueStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stats
}

// publish tells the queue's readers about a commit.
func (q *Queue) publish(t touch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats, q.last = t.stats, t.last
	if t.put {
		q.nudge()
	}
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

// List returns all entries in sending order, numbered ones first, those that are held last.
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
		return tx.eachUnsent(q.name, func(e Entry) error {
			all = append(all, e)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("store: listing the queue of %s: %w", q.name, err)
	}
	return all, nil
}
