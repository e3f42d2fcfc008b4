package store

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"time"

	berrors "go.etcd.io/bbolt/errors"
)

// Health tells whether commits reach the flash.
type Health struct {
	Err   error // nil: healthy; else wraps ErrFull, ErrReadOnly, ErrCorrupt or another commit error
	Since time.Time
}

// Health is the state of the last commit.
func (db *DB) Health() Health {
	db.healthMu.Lock()
	defer db.healthMu.Unlock()
	return db.health
}

// Probe tries one small commit, so that a node that was full or read-only finds out when it is healed.
func (db *DB) Probe() error {
	return db.wait(operation{fn: func(tx *Tx) error {
		return tx.putRecord(bucketMeta, []byte(keyProbe), probeRecord{head: v1, At: nanos(time.Now())})
	}, probe: true})
}

// noteDamage makes damage that somebody met in passing part of the health. OnHealth hears of it after the next commit.
func (db *DB) noteDamage(err error) {
	if !errors.Is(err, ErrCorrupt) {
		return
	}
	db.healthMu.Lock()
	defer db.healthMu.Unlock()
	if !errors.Is(db.health.Err, ErrCorrupt) {
		db.health = Health{Err: err, Since: time.Now()}
		db.untold = true
		slog.Error("store: damage found", "err", err)
	}
}

// setHealth notes the outcome of a commit and tells OnHealth when it differs in kind from the last one. A damaged file
// stays damaged until it is opened again, whatever later commits do.
func (db *DB) setHealth(err error) {
	db.healthMu.Lock()
	if !errors.Is(db.health.Err, ErrCorrupt) && !sameHealth(db.health.Err, err) {
		db.health = Health{Err: err, Since: time.Now()}
		db.untold = true
	}
	h, untold := db.health, db.untold
	db.untold = false
	db.healthMu.Unlock()
	if untold && db.opt.OnHealth != nil {
		db.opt.OnHealth(h)
	}
}

func sameHealth(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	for _, kind := range []error{ErrFull, ErrReadOnly, ErrCorrupt} {
		if errors.Is(a, kind) || errors.Is(b, kind) {
			return errors.Is(a, kind) == errors.Is(b, kind)
		}
	}
	return a.Error() == b.Error()
}

// classify puts our sentinel in front of an error of the system or of bbolt.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrFull), errors.Is(err, ErrReadOnly), errors.Is(err, ErrCorrupt), errors.Is(err, ErrClosed),
		errors.Is(err, ErrLocked), errors.Is(err, ErrNewer):
		return err
	case isErrno(err, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG), errors.Is(err, berrors.ErrMaxSizeReached):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case isErrno(err, syscall.EROFS, syscall.EACCES, syscall.EPERM), errors.Is(err, berrors.ErrDatabaseReadOnly):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%w: %w", ErrLocked, err)
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return ErrClosed
	}
	return err
}

// isErrno also looks at the text: bbolt drops the error number when the file cannot be grown.
func isErrno(err error, nos ...syscall.Errno) bool {
	for _, no := range nos {
		if errors.Is(err, no) || strings.Contains(err.Error(), no.Error()) {
			return true
		}
	}
	return false
}
