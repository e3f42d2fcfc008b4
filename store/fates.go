package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// FateState is how far a stanza came.
type FateState uint8

// States. What is queued has no record here: it is the entry itself.
const (
	FateQueued    FateState = iota + 1
	FateAtPeer              // the peer's node confirmed it
	FateDelivered           // the far client has it: it sent a receipt
	FateExpired             // and so on: it left the queue otherwise, Fate.Why tells more
	FateRefused
	FateCancelled
	FateOverflow
)

func (s FateState) String() string {
	words := [...]string{FateQueued: "queued", FateAtPeer: "at peer", FateDelivered: "delivered", FateExpired: "expired",
		FateRefused: "refused", FateCancelled: "cancelled", FateOverflow: "overflow"}
	if int(s) < len(words) && words[s] != "" {
		return words[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Fate is what became of an entry with Track.
type Fate struct {
	Peer     string
	Entry    uint64
	From, To string
	StanzaID string
	State    FateState
	Why      string // for people; "" where the state says it all
	Kind     Kind
	Class    Class
	Bytes    int
	Queued   time.Time
	Changed  time.Time

	OnWay        bool // queued: it has a number of a link session
	WantsReceipt bool
	ReceiptDue   bool // at the peer, and nobody has told the sender yet
}

// Because is why entries leave a queue.
type Because struct {
	State FateState
	Why   string
	Of    func(Entry) string // instead of Why, where each has its own
}

// fatesInAll bounds what is remembered of all accounts together, and with them the file.
const fatesInAll = 20_000

// accountOf is the bare JID of an address.
func accountOf(full string) string {
	bare, _, _ := strings.Cut(full, "/")
	return bare
}

// Fates tells what became of an account's stanzas, the newest first, at most most of them (0: all that are known). Those that still wait come
// with the others, by their own age.
func (tx *Tx) Fates(account string, most int) (all []Fate, err error) {
	known := map[string]bool{}
	if err := tx.eachFateOf(account, func(_ uint64, r fateRecord) (bool, error) {
		all = append(all, r.fate())
		known[entryName(r.Peer, r.Entry)] = true
		return true, nil
	}); err != nil {
		return nil, err
	}
	names, err := tx.queueNames()
	if err != nil {
		return nil, err
	}
	for _, peer := range names {
		q := &Queue{db: tx.db, name: peer}
		err := q.Each(tx, func(e Entry) (bool, error) {
			if e.Track && accountOf(e.From) == account && !known[entryName(peer, e.ID)] {
				all = append(all, queuedFate(peer, e))
			}
			return true, nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b Fate) int { return b.Queued.Compare(a.Queued) })
	if most > 0 && len(all) > most {
		all = all[:most]
	}
	return all, nil
}

// FateOf tells what became of one entry; ErrNotFound if nothing is known of it.
func (tx *Tx) FateOf(peer string, entry uint64) (Fate, error) {
	_, r, err := tx.fateOf(peer, entry)
	if !errors.Is(err, ErrNotFound) {
		return r.fate(), err
	}
	e, err := tx.entryWithState(peer, entry)
	if err != nil {
		return Fate{}, err
	}
	if !e.Track {
		return Fate{}, fmt.Errorf("store: entry %d for %s: %w", entry, peer, ErrNotFound)
	}
	return queuedFate(peer, e), nil
}

// FateDelivered notes that the far client at to has the stanza called id that from sent it. It tells whether there is such a one.
func (tx *Tx) FateDelivered(from, to, id string) (known bool, err error) {
	return tx.learn(from, to, id, Because{State: FateDelivered})
}

// FateRefused notes that the far side answered it with an error.
func (tx *Tx) FateRefused(from, to, id, why string) (known bool, err error) {
	return tx.learn(from, to, id, Because{State: FateRefused, Why: why})
}

// learn notes what the far side says of a stanza. It may say so before its node confirmed it.
func (tx *Tx) learn(from, to, id string, b Because) (known bool, err error) {
	num, r, err := tx.findFate(accountOf(from), accountOf(to), id)
	switch {
	case errors.Is(err, ErrNotFound):
		peer, e, err := tx.findSent(accountOf(from), accountOf(to), id)
		if err != nil || e.ID == 0 {
			return false, err
		}
		return true, tx.noteFate(peer, e, b)
	case err != nil:
		return false, err
	case r.State == FateDelivered:
		return true, nil
	}
	r.State, r.Why, r.Changed, r.Due = b.State, b.Why, nanos(time.Now()), false
	return true, tx.putFate(num, r)
}

// findSent finds the entry that is on its way: numbered and not confirmed.
func (tx *Tx) findSent(account, to, id string) (peer string, found Entry, err error) {
	names, err := tx.queueNames()
	if err != nil {
		return "", Entry{}, err
	}
	for _, peer := range names {
		p := queueKey(peer, tagState)
		err := tx.scan(bucketQueue, p, p, func(k, _ []byte) error {
			e, _, err := tx.entryOrStub(peer, tail64(k))
			if err != nil {
				return err
			}
			if e.Track && e.StanzaID == id && accountOf(e.From) == account && accountOf(e.To) == to {
				found = e
				return errStop
			}
			return nil
		})
		if err != nil || found.ID != 0 {
			return peer, found, err
		}
	}
	return "", Entry{}, nil
}

// ReceiptsDue are those whose senders want a receipt and had none yet, the oldest first, at most most.
func (tx *Tx) ReceiptsDue(most int) (all []Fate, err error) {
	p := prefix(fatesDue)
	err = tx.scan(bucketFates, p, p, func(k, _ []byte) error {
		r, err := load[fateRecord](tx, bucketFates, key64(prefix(fatesByAge), tail64(k)))
		if err != nil {
			tx.db.noteDamage(err)
			return nil
		}
		if all = append(all, r.fate()); len(all) == most {
			return errStop
		}
		return nil
	})
	return all, err
}

// ReceiptMade notes that the sender has been told; in the transaction that tells it.
func (tx *Tx) ReceiptMade(peer string, entry uint64) error {
	num, r, err := tx.fateOf(peer, entry)
	if err != nil || !r.Due {
		return err
	}
	r.Due = false
	return tx.putFate(num, r)
}

// FatesWake gets a token after commits that made receipts due; it has room for one, and begins with one.
func (db *DB) FatesWake() <-chan struct{} { return db.fatesWake }

// oldestFate is 0 when there is none.
func (tx *Tx) oldestFate() (num uint64, r fateRecord, err error) {
	p := prefix(fatesByAge)
	err = tx.scan(bucketFates, p, p, func(k, v []byte) error {
		num = tail64(k)
		r, err = read[fateRecord](bucketFates, k, v)
		if err != nil {
			return err
		}
		return errStop
	})
	return num, r, err
}

// eachFateOf calls fn for an account's records, the newest first.
func (tx *Tx) eachFateOf(account string, fn func(num uint64, r fateRecord) (more bool, err error)) error {
	return tx.backwards(bucketFates, prefix(fatesOf, account), func(k, v []byte) (bool, error) {
		num := binary.BigEndian.Uint64(v)
		r, err := load[fateRecord](tx, bucketFates, key64(prefix(fatesByAge), num))
		if err != nil {
			tx.db.noteDamage(err)
			return true, nil // without it
		}
		return fn(num, r)
	})
}

// findFate finds the newest record about a stanza.
func (tx *Tx) findFate(account, to, id string) (num uint64, r fateRecord, err error) {
	sum := sum32(id)
	err = tx.backwards(bucketFates, prefix(fatesOf, account), func(k, v []byte) (bool, error) {
		if tail32(k) != sum {
			return true, nil
		}
		n := binary.BigEndian.Uint64(v)
		c, err := load[fateRecord](tx, bucketFates, key64(prefix(fatesByAge), n))
		if err != nil {
			tx.db.noteDamage(err)
			return true, nil
		}
		if c.StanzaID != id || accountOf(c.To) != to {
			return true, nil
		}
		num, r = n, c
		return false, nil
	})
	if err == nil && num == 0 {
		err = fmt.Errorf("store: a stanza of %s to %s: %w", account, to, ErrNotFound)
	}
	return num, r, err
}

func (tx *Tx) fateOf(peer string, entry uint64) (num uint64, r fateRecord, err error) {
	v := tx.get(bucketFates, key64(prefix(fatesByEntry, peer), entry))
	if len(v) != 8 {
		return 0, r, fmt.Errorf("store: what became of entry %d for %s: %w", entry, peer, ErrNotFound)
	}
	num = tail64(v)
	r, err = load[fateRecord](tx, bucketFates, key64(prefix(fatesByAge), num))
	return num, r, err
}
