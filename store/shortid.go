package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// MaxShortIDs is how many ids to a peer are remembered; the oldest are forgotten first.
const MaxShortIDs = 10_000

// maxLongID bounds one of them.
const maxLongID = 256

// Parts of the keys of bucketShortIDs.
const (
	shortCount  = "m"
	shortNumber = "n"
	shortDigest = "d"
)

// An ID is that of a stanza from one to another, as its client made it. Resource is that of its sender, and no part of what ShortID finds it by.
type ID struct{ From, To, ID, Resource string }

// digest is the key under which an ID is found.
func (id ID) digest() []byte {
	sum := sha256.Sum256([]byte(id.From + "\x00" + id.To + "\x00" + id.ID))
	return sum[:16]
}

// ShortenID gives an ID its number among those for the peer, the one it has or a new one, which is odd or even as asked for. What another resource sends
// with the same short ID is another stanza, and the ID from now on. Numbers only rise. They begin at random, and leap at the first use after a start to what may have been
// given by then, so that a node that has lost its store, or was given an old one, does not give what it gave before.
func (tx *Tx) ShortenID(peer string, id ID, odd bool) (uint64, error) {
	if err := checkNames(peer); err != nil {
		return 0, err
	}
	if id.ID == "" || len(id.ID) > maxLongID {
		return 0, fmt.Errorf("store: an id of %d bytes is not shortened", len(id.ID))
	}
	if n, ok := tx.ShortID(peer, id); ok && n%2 == 1 == odd {
		if same, err := tx.sentAgain(peer, n, id); same || err != nil {
			return n, err
		}
	}
	c, err := tx.shortCounts(peer)
	if err != nil {
		return 0, err
	}
	n := c.Next
	if n%2 == 1 != odd {
		n++
	}
	c.Next = n + 1
	if c.Count++; c.Count > MaxShortIDs {
		if err := tx.forgetOldestID(peer); err != nil {
			return 0, err
		}
		c.Count--
	}
	digest := id.digest()
	if err := tx.putRecord(bucketShortIDs, key64(prefix(peer, shortNumber), n), shortIDRecord{v1, id.ID, digest, id.Resource}); err != nil {
		return 0, err
	}
	if err := tx.put(bucketShortIDs, append(prefix(peer, shortDigest), digest...), be64(n)); err != nil {
		return 0, err
	}
	return n, tx.putRecord(bucketShortIDs, prefix(peer, shortCount), c)
}

// unique is the length, in bytes, from which an ID is nobody else's. Choice: shorter ones may be counted.
const unique = 16

// sentAgain tells whether n is of that very stanza: a client that sends again what it had no word of may be another resource by then, whose the answers are.
func (tx *Tx) sentAgain(peer string, n uint64, id ID) (bool, error) {
	key := key64(prefix(peer, shortNumber), n)
	rec, err := load[shortIDRecord](tx, bucketShortIDs, key)
	switch {
	case err != nil || rec.Resource == id.Resource:
		return true, err
	case len(id.ID) < unique:
		return false, nil
	}
	rec.Resource = id.Resource
	return true, tx.putRecord(bucketShortIDs, key, rec)
}

// shortCounts are the counters of a peer. Choice: a node gives a peer fewer than one number a second in the long run. So what it has given by now is known without
// them: two a second, as they are odd or even, since Zero.
func (tx *Tx) shortCounts(peer string) (shortCountRecord, error) {
	const least, span = 36 * 36 * 36, 1_000_000 // four characters of base 36
	c, err := loadOrNew(tx, bucketShortIDs, prefix(peer, shortCount), shortCountRecord{head: v1, Next: least + rand.Uint64N(span)})
	if err != nil {
		return c, err
	}
	if c.Zero == 0 {
		c.Zero = tx.db.opened - int64(c.Next/2)*int64(time.Second)
	}
	if by := (tx.db.opened - c.Zero) / int64(time.Second); by > 0 {
		c.Next = max(c.Next, 2*uint64(by))
	}
	return c, nil
}

// ShortID finds the number of an ID, if it has one.
func (tx *Tx) ShortID(peer string, id ID) (n uint64, ok bool) {
	v := tx.get(bucketShortIDs, append(prefix(peer, shortDigest), id.digest()...))
	if len(v) != 8 {
		return 0, false
	}
	return tail64(v), true
}

// LongID is what n is the number of, if it is remembered, and is of the one to the other: nobody gets another's by guessing.
func (tx *Tx) LongID(peer string, n uint64, from, to string) (id ID, ok bool, err error) {
	rec, err := load[shortIDRecord](tx, bucketShortIDs, key64(prefix(peer, shortNumber), n))
	if errors.Is(err, ErrNotFound) {
		return ID{}, false, nil
	}
	id = ID{from, to, rec.ID, rec.Resource}
	if err != nil || !bytes.Equal(id.digest(), rec.Digest) {
		return ID{}, false, err
	}
	return id, true, nil
}

func (tx *Tx) forgetOldestID(peer string) error {
	key, err := tx.firstKey(bucketShortIDs, prefix(peer, shortNumber))
	if err != nil || key == nil {
		return err
	}
	rec, err := load[shortIDRecord](tx, bucketShortIDs, key)
	if err != nil {
		return err
	}
	found := append(prefix(peer, shortDigest), rec.Digest...)
	if v := tx.get(bucketShortIDs, found); len(v) == 8 && tail64(v) == tail64(key) { // it may have another since
		if err := tx.delete(bucketShortIDs, found); err != nil {
			return err
		}
	}
	return tx.delete(bucketShortIDs, key)
}

// firstKey is the first key with a prefix; nil: there is none.
func (tx *Tx) firstKey(b bucketID, prefix []byte) (key []byte, err error) {
	err = tx.scan(b, prefix, prefix, func(k, _ []byte) error {
		key = bytes.Clone(k)
		return errStop
	})
	return key, err
}
