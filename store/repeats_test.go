package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"longwire/store"
)

func TestRepeatsAreKnownOverARestartAndForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	open := func() *store.DB {
		db, err := store.Open(path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open()
	now := time.Date(2031, 6, 2, 12, 0, 0, 0, time.UTC)
	repeat := func(digest uint64, now time.Time) (again bool) {
		t.Helper()
		err := db.Update(func(tx *store.Tx) (err error) {
			again, err = tx.Repeat("field", digest, now, 7*24*time.Hour)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	if repeat(1, now) || !repeat(1, now) || repeat(2, now) || !repeat(2, now.Add(time.Hour)) {
		t.Error("a repeat is not known, or a first one is")
	}
	db.Close()
	db = open()
	defer func() { db.Close() }()
	if !repeat(1, now.Add(24*time.Hour)) {
		t.Error("not known after a restart")
	}
	if repeat(1, now.Add(8*24*time.Hour)) {
		t.Error("known after its time")
	}
	if !repeat(1, now.Add(9*24*time.Hour)) {
		t.Error("what was noted anew is not known")
	}
	err := db.Update(func(tx *store.Tx) error {
		for i := range uint64(store.MaxRepeats + 5) {
			if _, err := tx.Repeat("other", i+1, now, 7*24*time.Hour); err != nil {
				return err
			}
		}
		for digest, want := range map[uint64]bool{1: false, store.MaxRepeats: true} {
			if again, err := tx.Repeat("other", digest, now, 7*24*time.Hour); err != nil || again != want {
				t.Errorf("%d: %v, %v", digest, again, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
