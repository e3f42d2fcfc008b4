package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"longwire/store"
)

func TestLimitsChangeWhileOpen(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "x.db"), store.Options{SpoolMax: 1, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	put := func(n int) error {
		return db.Update(func(tx *store.Tx) error {
			_, err := tx.SpoolPut("a@field.net", store.SpoolEntry{Stanza: make([]byte, n)}, false)
			return err
		})
	}
	if err := put(10); err != nil {
		t.Fatal(err)
	}
	if err := put(10); !errors.Is(err, store.ErrQuota) {
		t.Errorf("second message: %v, want ErrQuota", err)
	}
	db.SetLimits(store.Options{SpoolMax: 100, SpoolSize: 1 << 30, MaxBytes: 1 << 20})
	if err := put(2 << 20); !errors.Is(err, store.ErrFull) {
		t.Errorf("more than the file may hold: %v, want ErrFull", err)
	}
	if h := db.Health(); !errors.Is(h.Err, store.ErrFull) {
		t.Errorf("health %v, want ErrFull", h.Err)
	}
	db.SetLimits(store.Options{SpoolMax: 100, SpoolSize: 1 << 30, MaxBytes: 16 << 20})
	if h := db.Health(); h.Err != nil {
		t.Errorf("health after raising the bound: %v", h.Err)
	}
	if err := put(2 << 20); err != nil {
		t.Errorf("after raising the bound: %v", err)
	}
}
