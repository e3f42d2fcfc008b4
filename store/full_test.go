package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"longwire/store"
)

// add puts one spool entry of 4000 bytes.
func add(tx *store.Tx) (id uint64, err error) {
	return tx.SpoolPut("a@field.net", store.SpoolEntry{Stanza: make([]byte, 4000)}, true)
}

func refused(tx *store.Tx) error { _, err := add(tx); return err }

func spool(db *store.DB) (id uint64, err error) {
	err = db.Update(func(tx *store.Tx) (err error) { id, err = add(tx); return err })
	return id, err
}

// fillUp puts entries until the store is full for good, and returns those that it took.
func fillUp(t *testing.T, db *store.DB) (ids []uint64) {
	t.Helper()
	for failed := 0; len(ids) < 100_000; {
		id, err := spool(db)
		switch {
		case err == nil:
			failed = 0
			ids = append(ids, id)
		case !errors.Is(err, store.ErrFull):
			t.Fatal(err)
		default:
			if failed++; failed == 5 {
				return ids
			}
		}
	}
	t.Fatal("never full")
	return nil
}

// testFullFlash is what must hold on a full flash, an emulated or a real one.
func testFullFlash(t *testing.T, path string, o store.Options, most int64) {
	var told []error
	o.OnHealth = func(h store.Health) { told = append(told, h.Err) }
	db := openAt(t, path, o)
	q := db.Queue("headquarters.net")
	var qids []uint64
	for i := range 50 {
		e := entry(fmt.Sprint(i), store.ClassRoutine, "a", "b")
		e.Stanza = make([]byte, 500)
		qids = append(qids, put(t, db, q, e)...)
	}
	update(t, db, func(tx *store.Tx) error { return tx.PutCustody("headquarters.net", store.Custody{}) })
	ids := fillUp(t, db)
	if len(ids) < 10 {
		t.Fatalf("full after %d entries", len(ids))
	}

	if fi, err := os.Stat(path); err != nil || fi.Size() > most {
		t.Errorf("file has %d bytes of %d, %v", fi.Size(), most, err)
	}
	if !errors.Is(db.Health().Err, store.ErrFull) || len(told)%2 != 1 {
		t.Errorf("health %v, told %v", db.Health().Err, told)
	}
	if err := db.Update(refused); !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "space") {
		t.Errorf("adding: %v", err)
	}

	// What the links need to empty the queue works, in a batch with others that fail.
	errs := batch(t, db,
		func(tx *store.Tx) error { return q.Number(tx, "s", 1, qids[:30]) },
		refused,
		func(tx *store.Tx) error { _, err := q.Confirm(tx, "s", 10); return err },
		func(tx *store.Tx) error {
			_, _, err := q.Put(tx, entry("x", 2, "a", "b"), store.QueueLimits{})
			return err
		},
		func(tx *store.Tx) error { return q.Requeue(tx, "s") },
		func(tx *store.Tx) error { _, err := q.Done(tx, qids[10:]...); return err },
		func(tx *store.Tx) error { return tx.PutCustody("headquarters.net", store.Custody{Acked: 10, Mark: 3}) },
		func(tx *store.Tx) error { return tx.SpoolDelete("a@field.net", ids[0]) },
	)
	for i, err := range errs {
		if refused := i == 1 || i == 3; refused != errors.Is(err, store.ErrFull) || !refused && err != nil {
			t.Errorf("op %d: %v", i, err)
		}
	}
	if s := q.Stats(); s.Entries != 0 {
		t.Errorf("queue holds %+v", s)
	}

	// Deleting goes on to the last entry, and makes room again.
	for _, id := range ids[1:] {
		update(t, db, func(tx *store.Tx) error { return tx.SpoolDelete("a@field.net", id) })
	}
	if _, err := spool(db); err != nil {
		t.Errorf("after deleting: %v", err)
	}
	if db.Health().Err != nil || len(told)%2 != 0 || told[len(told)-1] != nil {
		t.Errorf("health %v, told %v", db.Health().Err, told)
	}

	// And it was no accident: again, and over a restart while it is full.
	ids = fillUp(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, o)
	more := fillUp(t, db)
	if len(more) > 3 {
		t.Errorf("%d entries after reopening", len(more))
	}
	ids = append(ids, more...)
	for _, id := range ids {
		update(t, db, func(tx *store.Tx) error { return tx.SpoolDelete("a@field.net", id) })
	}
	if again := fillUp(t, db); len(again) < len(ids)*8/10 {
		t.Errorf("only %d entries after %d", len(again), len(ids))
	}
}

func TestFullByMaxBytes(t *testing.T) {
	for _, size := range []int64{256 << 10, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			testFullFlash(t, filepath.Join(t.TempDir(), "store.db"), store.Options{MaxBytes: size}, size)
		})
	}
}

func TestFullDevice(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("mounting a small file system:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	testFullFlash(t, filepath.Join(dir, "store.db"), store.Options{}, 2<<20)
}

func TestFullAtFirstStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if _, err := store.Open(path, store.Options{MaxBytes: 16 << 10}); !errors.Is(err, store.ErrFull) {
		t.Error(err)
	}
	if names, _ := filepath.Glob(path + "*"); len(names) != 0 {
		t.Errorf("left %v", names)
	}
	openAt(t, path, store.Options{})
}

// One operation that is larger than what is left must not make the store refuse small ones.
func TestOneLargeOperationDoesNotFillTheStore(t *testing.T) {
	db := open(t, store.Options{MaxBytes: 2 << 20})
	for range 3 {
		err := db.Update(func(tx *store.Tx) error { return tx.PutBlob("a", store.BlobVCard, "", make([]byte, 3<<20)) })
		if !errors.Is(err, store.ErrFull) {
			t.Fatal(err)
		}
		var failed int
		for range 20 {
			if _, err := spool(db); err != nil {
				failed++
			}
		}
		if failed > 1 || db.Health().Err != nil {
			t.Errorf("%d small operations failed, health %v", failed, db.Health().Err)
		}
	}
}

// A device that others fill and empty: no deletion of ours makes room, so that time or Probe must find out.
func TestProbeFindsOutThatThereIsSpaceAgain(t *testing.T) {
	db := open(t, store.Options{})
	full := true
	store.FailCommits(db, func() error {
		if full {
			return &os.PathError{Op: "write", Path: "store.db", Err: syscall.ENOSPC}
		}
		return nil
	}, func() error { return nil })
	if err := db.Update(putAccount("a")); !errors.Is(err, store.ErrFull) {
		t.Error(err)
	}
	if err := db.Probe(); !errors.Is(err, store.ErrFull) {
		t.Error(err)
	}
	update(t, db, func(*store.Tx) error { full = false; return nil })
	if err := db.Probe(); err != nil {
		t.Error(err)
	}
	update(t, db, putAccount("a"))
	if db.Health().Err != nil {
		t.Error(db.Health().Err)
	}
}

func TestErrorsOfTheSystemAreClassified(t *testing.T) {
	for from, to := range map[error]error{
		syscall.ENOSPC: store.ErrFull, syscall.EDQUOT: store.ErrFull, syscall.EROFS: store.ErrReadOnly,
		// bbolt loses the number when growing fails.
		errors.New("file resize error: truncate store.db: no space left on device"): store.ErrFull,
	} {
		db := open(t, store.Options{})
		store.FailCommits(db, func() error { return from }, func() error { return nil })
		if err := db.Update(putAccount("a")); !errors.Is(err, to) {
			t.Errorf("%v became %v", from, err)
		}
		if !errors.Is(db.Health().Err, to) {
			t.Errorf("%v: health %v", from, db.Health().Err)
		}
	}
}
