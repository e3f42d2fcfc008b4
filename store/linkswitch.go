package store

import (
	"errors"
	"fmt"
	"time"
)

// LinkSwitch is what operators switched on a link while the node ran, and what has to outlive a power cut. The zero
// value is a link that nobody touched.
type LinkSwitch struct {
	EMCON   bool      // emission control: nothing is sent
	Changed time.Time // when it was switched last
}

// LinkSwitch returns that of the link called name.
func (tx *Tx) LinkSwitch(name string) (LinkSwitch, error) {
	rec, err := load[linkRecord](tx, bucketMeta, linkKey(name))
	if errors.Is(err, ErrNotFound) {
		return LinkSwitch{}, nil
	}
	return LinkSwitch{EMCON: rec.EMCON, Changed: fromNanos(rec.Changed)}, err
}

// PutLinkSwitch stores it. It works on a full flash too: silence must not depend on room.
func (tx *Tx) PutLinkSwitch(name string, s LinkSwitch) error {
	if err := checkNames(name); err != nil {
		return fmt.Errorf("store: link: %w", err)
	}
	return tx.putRecord(bucketMeta, linkKey(name), linkRecord{head: v1, EMCON: s.EMCON, Changed: nanos(s.Changed)})
}

func linkKey(name string) []byte { return append(prefix(keyLink), name...) }
