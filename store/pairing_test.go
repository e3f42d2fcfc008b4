package store_test

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"longwire/store"
)

func TestPairingOutlivesTheProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := openAt(t, path, store.Options{MaxBytes: 256 << 10})
	fillUp(t, db) // a full flash must not keep a kit from saying who it is
	at := time.Date(2026, 7, 23, 10, 15, 0, 0, time.UTC)
	p := store.Pairing{Invitation: [4]byte{1, 2, 3, 4}, Key: []byte{1}, Counter: 7, Address: "1.1.0.2", Paired: at}
	update(t, db, func(tx *store.Tx) error { return tx.PutPairing("field", p) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, store.Options{})
	look := func(peer string) (p store.Pairing) {
		t.Helper()
		view(t, db, func(tx *store.Tx) (err error) { p, err = tx.Pairing(peer); return err })
		return p
	}
	if got := look("field"); !reflect.DeepEqual(got, p) {
		t.Errorf("got %+v", got)
	}
	if got := look("fiel"); !reflect.DeepEqual(got, store.Pairing{}) {
		t.Errorf("of nobody: %+v", got)
	}
	update(t, db, func(tx *store.Tx) error { return tx.DeletePairing("field") })
	if got := look("field"); !reflect.DeepEqual(got, store.Pairing{}) {
		t.Errorf("forgotten: %+v", got)
	}
	if err := db.Update(func(tx *store.Tx) error { return tx.PutPairing("a\x00b", p) }); err == nil {
		t.Error("a peer with a zero byte was taken")
	}
}
