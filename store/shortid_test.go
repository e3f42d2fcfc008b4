package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
)

func TestShortIDs(t *testing.T) {
	db := open(t, store.Options{})
	id := func(n int) store.ID {
		return store.ID{From: "ann@field.net", To: "ben@headquarters.net", ID: fmt.Sprintf("b3e1a1a2-6d2c-4f2a-9a55-%012d", n)}
	}
	shorten := func(tx *store.Tx, id store.ID, odd bool) uint64 {
		t.Helper()
		n, err := tx.ShortenID("hq", id, odd)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	update(t, db, func(tx *store.Tx) error {
		first := shorten(tx, id(0), true)
		if first%2 != 1 || first < 36*36*36 {
			t.Errorf("%d", first)
		}
		if again := shorten(tx, id(0), true); again != first {
			t.Errorf("%d, then %d", first, again)
		}
		other := id(0)
		other.From = "eve@field.net"
		if n := shorten(tx, other, true); n <= first || n%2 != 1 {
			t.Errorf("%d behind %d", n, first)
		}
		if n := shorten(tx, id(1), false); n <= first || n%2 != 0 {
			t.Errorf("%d behind %d", n, first)
		}
		if got, ok, err := tx.LongID("hq", first, id(0).From, id(0).To); got != id(0) || !ok || err != nil {
			t.Errorf("%v, %v, %v", got, ok, err)
		}
		if _, ok, err := tx.LongID("hq", first, other.From, id(0).To); ok || err != nil {
			t.Error("known to somebody else", err)
		}
		if _, ok, err := tx.LongID("field", first, id(0).From, id(0).To); ok || err != nil {
			t.Error("known to another peer", err)
		}
		if _, ok := tx.ShortID("hq", id(2)); ok {
			t.Error("found what was never shortened")
		}
		if _, err := tx.ShortenID("hq", store.ID{ID: string(make([]byte, 257))}, true); err == nil {
			t.Error("took an id of 257 bytes")
		}
		return nil
	})
}

func TestShortIDsAreBounded(t *testing.T) {
	db := open(t, store.Options{})
	var first, last uint64
	update(t, db, func(tx *store.Tx) (err error) {
		for i := range store.MaxShortIDs + 50 {
			n, err := tx.ShortenID("hq", store.ID{ID: fmt.Sprint(i)}, i%2 == 0)
			if err != nil {
				return err
			}
			if i == 0 {
				first = n
			}
			last = n
		}
		return nil
	})
	update(t, db, func(tx *store.Tx) error {
		if _, ok, err := tx.LongID("hq", first, "", ""); ok || err != nil {
			t.Error("the oldest is still there", err)
		}
		if _, ok := tx.ShortID("hq", store.ID{ID: "0"}); ok {
			t.Error("the oldest is still found")
		}
		if id, ok, _ := tx.LongID("hq", last, "", ""); !ok || id.ID != fmt.Sprint(store.MaxShortIDs+49) {
			t.Errorf("the newest is %q", id.ID)
		}
		return nil
	})
}

// Two clients of an account may count their ids alike.
func TestShortIDsTellClientsApart(t *testing.T) {
	db := open(t, store.Options{})
	update(t, db, func(tx *store.Tx) error {
		numbers := map[string]uint64{}
		for _, client := range []string{"phone", "desk", "desk"} {
			id := store.ID{From: "a@field.net", To: "b@hq.net", ID: "x", Resource: client}
			n, err := tx.ShortenID("hq", id, true)
			if err != nil {
				return err
			}
			if before, ok := numbers[client]; ok && n != before {
				t.Errorf("%s: %d, then %d", client, before, n)
			}
			numbers[client] = n
			id.Resource = ""
			if latest, ok := tx.ShortID("hq", id); !ok || latest != n {
				t.Errorf("%d, not %d", latest, n)
			}
		}
		for client, n := range numbers {
			if got, ok, err := tx.LongID("hq", n, "a@field.net", "b@hq.net"); got.ID != "x" || got.Resource != client || !ok || err != nil {
				t.Error(got, ok, err)
			}
		}
		if numbers["phone"] == numbers["desk"] {
			t.Error(numbers)
		}
		again := store.ID{From: "a@field.net", To: "b@hq.net", ID: "b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c", Resource: "phone"}
		first, err := tx.ShortenID("hq", again, true)
		if err != nil {
			return err
		}
		again.Resource = "phone2"
		if second, err := tx.ShortenID("hq", again, true); second != first || err != nil {
			t.Errorf("sent again it is %d, not %d: %v", second, first, err)
		}
		if got, ok, err := tx.LongID("hq", first, again.From, again.To); got != again || !ok || err != nil {
			t.Error(got, ok, err)
		}
		if other, err := tx.ShortenID("hq", store.ID{From: "a@field.net", To: "b@hq.net", ID: "x"}, false); err != nil || other%2 != 0 {
			t.Error(other, err)
		}
		return nil
	})
}

// What was given after the backup, over starts too, is not given again when the backup is put back.
func TestABackupGivesNoShortIDAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path, backup := filepath.Join(dir, "store.db"), filepath.Join(dir, "backup.db")
		give := func(path string, from, to int) (last uint64) {
			db, err := store.Open(path, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			update(t, db, func(tx *store.Tx) error {
				for i := from; i < to && err == nil; i++ {
					last, err = tx.ShortenID("hq", store.ID{ID: fmt.Sprint(i)}, true)
				}
				return err
			})
			time.Sleep(time.Hour)
			return last
		}
		give(path, 0, 10)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(backup, data, 0o600); err != nil {
			t.Fatal(err)
		}
		give(path, 10, 500)
		last := give(path, 500, 1000)
		if first := give(backup, 1000, 1001); first <= last {
			t.Errorf("%d was given before, up to %d", first, last)
		}
	})
}
