package store_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"longwire/store"
)

// open opens a store of its own for the test and closes it at the end.
func open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "store.db"), o)
}

func openAt(t testing.TB, path string, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func update(t testing.TB, db *store.DB, op func(*store.Tx) error) {
	t.Helper()
	if err := db.Update(op); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, db *store.DB, op func(*store.Tx) error) {
	t.Helper()
	if err := db.View(op); err != nil {
		t.Fatal(err)
	}
}

var errOp = errors.New("no")

// day is a time that survives a record unchanged.
var day = time.Date(2026, 7, 23, 10, 15, 0, 123456789, time.UTC)

func TestWhatIsCommittedIsThereAfterReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *store.Tx) error { return tx.PutAccount(store.Account{JID: "a@field.net", Created: day}) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []store.Options{{}, {ReadOnly: true}} {
		db, err := store.Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		view(t, db, func(tx *store.Tx) error {
			a, err := tx.Account("a@field.net")
			if !a.Created.Equal(day) {
				t.Errorf("created %v", a.Created)
			}
			return err
		})
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
