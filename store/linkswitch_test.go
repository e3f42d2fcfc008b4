package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"longwire/store"
)

func TestLinkSwitchOutlivesTheProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := openAt(t, path, store.Options{})
	look := func(link string) (s store.LinkSwitch) {
		t.Helper()
		if err := db.View(func(tx *store.Tx) (err error) { s, err = tx.LinkSwitch(link); return err }); err != nil {
			t.Fatal(err)
		}
		return s
	}
	at := time.Date(2026, 7, 23, 10, 15, 0, 0, time.UTC)
	update(t, db, func(tx *store.Tx) error {
		return tx.PutLinkSwitch("5066 link", store.LinkSwitch{EMCON: true, Changed: at})
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, store.Options{})
	if s := look("5066 link"); !s.EMCON || !s.Changed.Equal(at) {
		t.Errorf("got %+v", s)
	}
	if s := look("5066"); s != (store.LinkSwitch{}) {
		t.Errorf("a link that nobody touched: %+v", s)
	}
	update(t, db, func(tx *store.Tx) error { return tx.PutLinkSwitch("5066 link", store.LinkSwitch{Changed: at}) })
	if s := look("5066 link"); s.EMCON {
		t.Error("still on")
	}
	if err := db.Update(func(tx *store.Tx) error { return tx.PutLinkSwitch("", store.LinkSwitch{}) }); err == nil {
		t.Error("a link without a name was taken")
	}
}

// A full flash must not keep anybody from silencing a radio.
func TestLinkSwitchWorksOnAFullFlash(t *testing.T) {
	db := openAt(t, filepath.Join(t.TempDir(), "db"), store.Options{MaxBytes: 256 << 10})
	fillUp(t, db)
	update(t, db, func(tx *store.Tx) error { return tx.PutLinkSwitch("5066 link", store.LinkSwitch{EMCON: true}) })
}
