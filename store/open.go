package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// Sizes of bbolt's mapping and growth. The mapping starts larger than one step of growth, so that bbolt grows the file by
// steps instead of doubling it.
const (
	initialMap = 1 << 20
	growStep   = 256 << 10
)

// lockPoll is the time between two attempts to get the lock.
const lockPoll = 20 * time.Millisecond

// Open opens or creates the file and migrates it. The folder must exist. When it fails, the file is as it was, and the error says what to do.
func Open(path string, o Options) (*DB, error) {
	db := &DB{path: path, opt: o.withDefaults(), opened: time.Now().UnixNano(), ended: make(chan struct{}), queues: map[string]*Queue{}, fatesWake: make(chan struct{}, 1)}
	db.fatesWake <- struct{}{}
	db.work.L, db.room.L = &db.mu, &db.mu
	db.committer.commit = (*bbolt.Tx).Commit
	if err := db.open(); err != nil {
		return nil, fmt.Errorf("store: opening %s: %w", path, advise(classify(err)))
	}
	if !o.ReadOnly {
		go db.run()
	}
	return db, nil
}

func (db *DB) open() (err error) {
	if !db.opt.ReadOnly {
		if err := db.create(); err != nil {
			return err
		}
	}
	if db.bolt, err = db.openBolt(db.path, nil); err != nil {
		return err
	}
	if err := db.prepare(); err != nil {
		_ = db.bolt.Close()
		return err
	}
	return nil
}

// create makes a new file beside its place and moves it there when it is complete, so that a power cut leaves either no
// file or a good one.
func (db *DB) create() (err error) {
	fi, err := os.Stat(db.path)
	if err == nil && fi.Size() > 0 {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh := db.path + ".new"
	bolt, err := db.openBolt(fresh, func(f *os.File) error {
		// Somebody else may have made the file while we waited for the lock.
		if mine, err := sameFile(f, fresh); err != nil || !mine {
			return errStop
		}
		// Or between our look for it and our opening of this one, which then is a new one.
		if fi, err := os.Stat(db.path); err == nil && fi.Size() > 0 {
			_ = os.Remove(fresh) // it is locked, and empty
			return errStop
		}
		return f.Truncate(0)
	})
	if err == errStop {
		return nil
	}
	if err != nil {
		return err
	}
	err = migrate(bolt, db.target(), db.reservePages())
	if err == nil {
		err = os.Rename(fresh, db.path)
	}
	if err2 := bolt.Close(); err == nil {
		err = err2
	}
	if err != nil {
		// What is left of it is made anew next time; on a full disk its space matters.
		_ = os.Remove(fresh)
		return err
	}
	return syncFolder(filepath.Dir(db.path))
}

// openBolt opens a file that is locked and checked before bbolt looks at it: bbolt waits for locks without telling whose,
// and ends the process for some kinds of damage.
func (db *DB) openBolt(path string, locked func(*os.File) error) (bolt *bbolt.DB, err error) {
	var file *os.File
	defer func() {
		if p := recover(); p != nil {
			if file != nil {
				_ = file.Close()
			}
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	bolt, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         db.opt.LockWait,
		ReadOnly:        db.opt.ReadOnly,
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: initialMap,
		PageSize:        pageSize,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			if err != nil {
				return nil, err
			}
			err = lock(f, !db.opt.ReadOnly, db.opt.LockWait)
			if err == nil && locked != nil {
				err = locked(f)
			}
			if err == nil {
				err = checkFile(f)
			}
			if err != nil {
				_ = f.Close()
				return nil, err
			}
			file = f
			return f, nil
		},
	})
	if err != nil {
		return nil, err
	}
	bound(bolt, db.opt.MaxBytes)
	return bolt, nil
}

// prepare brings the file to the format it may have and looks at the state it was left in.
func (db *DB) prepare() error {
	if !db.opt.ReadOnly {
		if err := migrate(db.bolt, db.target(), db.reservePages()); err != nil {
			return err
		}
	}
	btx, err := db.bolt.Begin(false)
	if err != nil {
		return err
	}
	defer func() { _ = btx.Rollback() }()
	if err := checkFormat(btx); err != nil {
		return err
	}
	db.committer.full.on = reserveMissing(btx)
	return db.startArchiveIDs(&Tx{db: db, bolt: btx})
}

// lock takes the lock that bbolt takes too, on the same open file, and so for bbolt.
func lock(f *os.File, exclusive bool, wait time.Duration) error {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	for deadline := time.Now().Add(wait); ; time.Sleep(lockPoll) {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			return fmt.Errorf("locking: %w", err)
		}
		if time.Now().After(deadline) {
			return ErrLocked
		}
	}
}

// sameFile tells whether path still leads to f.
func sameFile(f *os.File, path string) (bool, error) {
	a, err := f.Stat()
	if err != nil {
		return false, err
	}
	b, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return os.SameFile(a, b), nil
}

// syncFolder makes a new name in the folder safe.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// advise adds what a person can do.
func advise(err error) error {
	switch {
	case errors.Is(err, ErrLocked):
		return fmt.Errorf("%w: another longwire, or a command of it, works with this file; stop that one or use another data folder", err)
	case errors.Is(err, ErrReadOnly):
		return fmt.Errorf("%w: this user must be able to reach the file and its folder, which must be writable", err)
	case errors.Is(err, ErrFull):
		return fmt.Errorf("%w: make space on the device", err)
	case errors.Is(err, ErrCorrupt):
		return fmt.Errorf("%w: nothing was changed; put a backup in its place, or move it away and a new one is made", err)
	case errors.Is(err, ErrNewer):
		return fmt.Errorf("%w: use the program that wrote it, or a newer one", err)
	}
	return err
}
