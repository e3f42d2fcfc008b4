package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
)

// MaxShortIDs is how many ids of messages to a peer are remembered; the oldest are forgotten first.
const MaxShortIDs = 10_000

// maxLongID bounds one of them.
const maxLongID = 256

// Parts of the keys of bucketShortIDs.
const (
	shortCount  = "m"
	shortNumber = "n"
	shortDigest = "d"
)

// An ID is that of a message of one account to another, as its client made it.
type ID struct{ From, To, ID string }

// digest is the key under which an ID is found.
func (id ID) digest() []byte {
	sum := sha256.Sum256([]byte(id.From + "\x00" + id.To + "\x00" + id.ID))
	return sum[:16]
}

// ShortenID gives an ID its number among those for the peer, the one it has or a new one, which is odd or even as asked for. Numbers only
// rise, and begin at random, so that a node that has lost its store does not give what it gave before.
func (tx *Tx) ShortenID(peer string, id ID, odd bool) (uint64, error) {
	if err := checkNames(peer); err != nil {
		return 0, err
	}
	if id.ID == "" || len(id.ID) > maxLongID {
		return 0, fmt.Errorf("store: an id of %d bytes is not shortened", len(id.ID))
	}
	if n, ok := tx.ShortID(peer, id); ok {
		return n, nil
	}
	const least, span = 36 * 36 * 36, 1_000_000 // four characters of base 36
	c, err := loadOrNew(tx, bucketShortIDs, prefix(peer, shortCount), shortCountRecord{head: v1, Next: least + rand.Uint64N(span)})
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
	if err := tx.putRecord(bucketShortIDs, key64(prefix(peer, shortNumber), n), shortIDRecord{v1, id.ID, digest}); err != nil {
		return 0, err
	}
	if err := tx.put(bucketShortIDs, append(prefix(peer, shortDigest), digest...), be64(n)); err != nil {
		return 0, err
	}
	return n, tx.putRecord(bucketShortIDs, prefix(peer, shortCount), c)
}

// ShortID finds the number of an ID, if it has one.
func (tx *Tx) ShortID(peer string, id ID) (n uint64, ok bool) {
	v := tx.get(bucketShortIDs, append(prefix(peer, shortDigest), id.digest()...))
	if len(v) != 8 {
		return 0, false
	}
	return tail64(v), true
}

// LongID is the id of which n is the number, if it is remembered, and is that of a message of the one to the other: nobody gets another's by guessing.
func (tx *Tx) LongID(peer string, n uint64, from, to string) (id string, ok bool, err error) {
	rec, err := load[shortIDRecord](tx, bucketShortIDs, key64(prefix(peer, shortNumber), n))
	if errors.Is(err, ErrNotFound) {
		return "", false, nil
	}
	if err != nil || !bytes.Equal(ID{from, to, rec.ID}.digest(), rec.Digest) {
		return "", false, err
	}
	return rec.ID, true, nil
}

func (tx *Tx) forgetOldestID(peer string) error {
	p := prefix(peer, shortNumber)
	var key []byte
	err := tx.scan(bucketShortIDs, p, p, func(k, _ []byte) error {
		key = bytes.Clone(k)
		return errStop
	})
	if err != nil || key == nil {
		return err
	}
	rec, err := load[shortIDRecord](tx, bucketShortIDs, key)
	if err == nil {
		err = tx.delete(bucketShortIDs, append(prefix(peer, shortDigest), rec.Digest...))
	}
	if err != nil {
		return err
	}
	return tx.delete(bucketShortIDs, key)
}
