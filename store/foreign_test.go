package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"longwire/store"
)

// foreign is a bbolt file of another program, with a list of free pages, and buckets in buckets, as ours have not.
func foreign(t *testing.T, path string) {
	t.Helper()
	bolt, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		err := bolt.Update(func(tx *bbolt.Tx) error {
			outer, err := tx.CreateBucketIfNotExists([]byte("outer"))
			if err != nil {
				return err
			}
			inner, err := outer.CreateBucketIfNotExists(fmt.Append(nil, "inner", i/2))
			if err != nil {
				return err
			}
			return inner.Put([]byte("k"), bytes.Repeat([]byte("v"), 10+i*3000))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := bolt.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFileOfAnotherProgramIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	foreign(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := openAndClose(path); !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "not a store of longwire") {
		t.Error(err)
	}
	// Damage to what only such files have must not end the process either.
	for page := range len(whole) / 4096 {
		for _, at := range []int{0, 8, 10, 12, 16, 20, 24, 28, 32, 40} {
			data := bytes.Clone(whole)
			data[page*4096+at] ^= 0x13
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := openAndClose(path); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("page %d byte %d: %v", page, at, err)
			}
		}
	}
}

// A commit that bbolt gives up in the middle ends writing, but not reading.
func TestDamageDuringACommit(t *testing.T) {
	db := open(t, store.Options{})
	update(t, db, putAccount("a"))
	store.FailCommits(db, func() error { panic("page 7 already freed") }, nil)
	for range 2 {
		if err := db.Update(putAccount("b")); !errors.Is(err, store.ErrCorrupt) {
			t.Error(err)
		}
	}
	if !errors.Is(db.Health().Err, store.ErrCorrupt) {
		t.Error(db.Health().Err)
	}
	view(t, db, func(tx *store.Tx) error {
		if n := count(tx); n != 1 {
			t.Errorf("%d accounts", n)
		}
		return nil
	})
}
