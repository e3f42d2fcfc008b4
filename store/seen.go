package store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Seen is what is remembered of a stanza that a peer handed over on a link without numbers, so that it is known when it comes again: two
// digests, of which either may be 0.
type Seen struct{ Unit, Text uint64 }

// MaxSeen is how many stanzas of a peer are remembered.
const MaxSeen = 256

const seenSize = 16

// Seen returns what is remembered under key, oldest first.
func (tx *Tx) Seen(key string) ([]Seen, error) {
	rec, err := load[seenRecord](tx, bucketMeta, seenKey(key))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err == nil && (len(rec.Ring)%seenSize != 0 || len(rec.Ring) > MaxSeen*seenSize) {
		err = damaged(bucketMeta, seenKey(key), fmt.Errorf("%d bytes of digests", len(rec.Ring)))
	}
	if err != nil {
		return nil, err
	}
	var all []Seen
	for b := rec.Ring; len(b) > 0; b = b[seenSize:] {
		all = append(all, Seen{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])})
	}
	return all, nil
}

// AddSeen remembers one more, and forgets the oldest when there are more than MaxSeen.
func (tx *Tx) AddSeen(key string, s Seen) error {
	if err := checkNames(key); err != nil {
		return fmt.Errorf("store: seen: %w", err)
	}
	rec, err := load[seenRecord](tx, bucketMeta, seenKey(key))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	b := binary.BigEndian.AppendUint64(rec.Ring, s.Unit)
	b = binary.BigEndian.AppendUint64(b, s.Text)
	b = b[max(0, len(b)-MaxSeen*seenSize):]
	return tx.putRecord(bucketMeta, seenKey(key), seenRecord{head: v1, Ring: b})
}

func seenKey(key string) []byte { return append(prefix(keySeen), key...) }
