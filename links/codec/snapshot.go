package codec

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"longwire/links/codec/mix"
)

// A snapshot is what priming made: a magic, the hash of what was learned, that of the rest, and the rest.
const (
	magic    = "longwire mind 1\n"
	snapHead = len(magic) + 2*sha256.Size
)

// Errors of Restore.
var (
	ErrSnapshot = errors.New("codec: the snapshot is damaged, or is none")
	ErrOther    = errors.New("codec: the snapshot is of another version or other data")
)

// Snapshot is what Restore takes, so that the next start need not prime. A provision is not in it.
func (l *Lore) Snapshot() []byte {
	b := make([]byte, snapHead, 4<<20)
	b = l.common.get().Save(b)
	copy(b, magic)
	copy(b[len(magic):], l.data[:])
	s := sha256.Sum256(b[snapHead:])
	copy(b[snapHead-sha256.Size:], s[:])
	return b
}

// Restore primes l, and all that share its data, by a snapshot. After an error l primes itself as without. It is to be called before the
// first use; later it has no effect.
func (l *Lore) Restore(b []byte) error {
	if len(b) < snapHead || string(b[:len(magic)]) != magic {
		return ErrSnapshot
	}
	if !bytes.Equal(b[len(magic):len(magic)+sha256.Size], l.data[:]) {
		return ErrOther
	}
	if s := sha256.Sum256(b[snapHead:]); !bytes.Equal(b[snapHead-sha256.Size:snapHead], s[:]) {
		return ErrSnapshot
	}
	mind, err := mix.Load(shape(), b[snapHead:])
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	l.common.once.Do(func() { l.common.mind = mind })
	return nil
}
