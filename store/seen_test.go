package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"longwire/store"
)

func TestSeenKeepsTheLatest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := openAt(t, path, store.Options{})
	look := func(key string) (s []store.Seen) {
		t.Helper()
		if err := db.View(func(tx *store.Tx) (err error) { s, err = tx.Seen(key); return err }); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := look("field.net"); s != nil {
		t.Errorf("of a new peer: %v", s)
	}
	for i := range uint64(300) {
		update(t, db, func(tx *store.Tx) error { return tx.AddSeen("field.net", store.Seen{Unit: i, Text: i << 32}) })
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, store.Options{})
	s := look("field.net")
	if len(s) != store.MaxSeen || s[0] != (store.Seen{Unit: 44, Text: 44 << 32}) || s[255] != (store.Seen{Unit: 299, Text: 299 << 32}) {
		t.Errorf("%d, from %v to %v", len(s), s[0], s[len(s)-1])
	}
	if s := look("headquarters.net"); s != nil {
		t.Errorf("of another peer: %v", s)
	}
	for _, bad := range []string{"", "a\x00b", strings.Repeat("x", 4000)} {
		if err := db.Update(func(tx *store.Tx) error { return tx.AddSeen(bad, store.Seen{}) }); err == nil {
			t.Errorf("%.10q was taken for a name", bad)
		}
	}
}

// A stanza may be dropped on a full flash, but what was there must stay known.
func TestSeenWorksOnAFullFlash(t *testing.T) {
	db := openAt(t, filepath.Join(t.TempDir(), "db"), store.Options{MaxBytes: 256 << 10})
	fillUp(t, db)
	update(t, db, func(tx *store.Tx) error { return tx.AddSeen("field.net", store.Seen{Unit: 1}) })
}
