package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"longwire/store"
)

func TestAccounts(t *testing.T) {
	db := open(t, store.Options{})
	want := store.Account{
		JID: "b@field.net", Created: day, LastStatus: "gone\xff", // a client's text comes back as it was
		Credentials: []store.Credential{{Hash: "SHA-1", Salt: []byte("s"), Iterations: 10000, StoredKey: []byte("k"), ServerKey: []byte("l")}},
	}
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.PutAccount(want), putAccount("c@field.net")(tx), putAccount("a@field.net")(tx))
	})
	view(t, db, func(tx *store.Tx) error {
		var jids []string
		err := tx.Accounts(func(a store.Account) error { jids = append(jids, a.JID); return nil })
		if !slices.Equal(jids, []string{"a@field.net", "b@field.net", "c@field.net"}) {
			t.Error(jids)
		}
		got, err2 := tx.Account("b@field.net")
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v", got)
		}
		yes, err3 := tx.AccountExists("b@field.net")
		no, err4 := tx.AccountExists("b@field.ne")
		if !yes || no {
			t.Error(yes, no)
		}
		if _, err := tx.Account("d@field.net"); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		if err := tx.Accounts(func(store.Account) error { return errOp }); !errors.Is(err, errOp) {
			t.Error(err)
		}
		return errors.Join(err, err2, err3, err4)
	})
}

func TestDeleteAccountLeavesNothingOfIt(t *testing.T) {
	db := open(t, store.Options{})
	var alone, after map[string]int
	update(t, db, func(tx *store.Tx) error { return errors.Join(someOfEverything(db, tx, 1)) })
	view(t, db, func(tx *store.Tx) error { alone = store.Keys(tx); return nil })
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(someOfEverything(db, tx, 2), store.Plant(tx, "pubsub", "user2@field.net\x00node"), tx.DeleteAccount("user2@field.net"))
	})
	sweep(t, db)
	view(t, db, func(tx *store.Tx) error { after = store.Keys(tx); return nil })
	for bucket, n := range after {
		want := alone[bucket]
		switch bucket {
		case "rosters", "spools", "custody", "queue": // counters stay; queue and custody are the peer's
			continue
		case "rooms", "members": // are not the account's
			continue
		}
		if n != want {
			t.Errorf("%s has %d keys, want %d", bucket, n, want)
		}
	}
	if err := db.Update(func(tx *store.Tx) error { return tx.DeleteAccount("user2@field.net") }); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	// Who gets the name next starts empty, and with numbers that were never given.
	update(t, db, func(tx *store.Tx) error {
		ver, err := tx.PutRosterItem("user2@field.net", store.RosterItem{Contact: "x"})
		_, _, ok, err2 := tx.RosterSince("user2@field.net", 5)
		id, err3 := tx.SpoolPut("user2@field.net", store.SpoolEntry{}, false)
		if n, size := tx.SpoolCount("user2@field.net"); ver <= 6 || ok || id <= 5 || n != 1 || size != 0 {
			t.Error(ver, ok, id, n, size)
		}
		return errors.Join(err, err2, err3)
	})
}

func TestSecretStaysTheSame(t *testing.T) {
	db := open(t, store.Options{})
	var first, second, other []byte
	update(t, db, func(tx *store.Tx) (err error) { first, err = tx.Secret("salt", 32); return err })
	update(t, db, func(tx *store.Tx) (err error) { other, err = tx.Secret("other", 32); return err })
	view(t, db, func(tx *store.Tx) (err error) { second, err = tx.Secret("salt", 32); return err })
	if len(first) != 32 || !bytes.Equal(first, second) || bytes.Equal(first, other) {
		t.Errorf("%x %x %x", first, second, other)
	}
	if err := db.View(func(tx *store.Tx) error { _, err := tx.Secret("none", 8); return err }); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

func TestBlobs(t *testing.T) {
	db := open(t, store.Options{})
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.PutBlob("a", store.BlobVCard, "", []byte("card")), tx.PutBlob("a", store.BlobBlock, "z@y", []byte{}),
			tx.PutBlob("a", store.BlobBlock, "b@y", []byte("2")), tx.PutBlob("ab", store.BlobBlock, "c@y", []byte("3")),
			tx.PutBlob("a", store.BlobBlock, "gone@y", []byte("4")), tx.PutBlob("a", store.BlobBlock, "gone@y", nil),
			tx.PutBlob("a", store.BlobBlock, "never@y", nil))
	})
	view(t, db, func(tx *store.Tx) error {
		var all []string
		err := tx.Blobs("a", store.BlobBlock, func(name string, v []byte) error { all = append(all, name+"="+string(v)); return nil })
		if !slices.Equal(all, []string{"b@y=2", "z@y="}) {
			t.Error(all)
		}
		card, err2 := tx.Blob("a", store.BlobVCard, "")
		if string(card) != "card" {
			t.Error(string(card))
		}
		if _, err := tx.Blob("a", store.BlobBlock, "gone@y"); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		return errors.Join(err, err2)
	})
}

func TestNamesThatWouldBreakAKeyAreRefused(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("a\x00b")
	for _, name := range []string{"", "a\x00b", strings.Repeat("x", 4000)} {
		for i, op := range []func(*store.Tx) error{
			putAccount(name),
			func(tx *store.Tx) error { _, err := tx.PutRosterItem(name, store.RosterItem{Contact: "x"}); return err },
			func(tx *store.Tx) error { _, err := tx.PutRosterItem("x", store.RosterItem{Contact: name}); return err },
			func(tx *store.Tx) error { return tx.PutBlob("x", name, "x", []byte{1}) },
			func(tx *store.Tx) error { _, err := tx.SpoolPut(name, store.SpoolEntry{}, true); return err },
			func(tx *store.Tx) error { return tx.PutSM(store.SMSession{ID: name}) },
			func(tx *store.Tx) error { return tx.SMAssign(name, 1, 1) },
			func(tx *store.Tx) error { return tx.PutCustody(name, store.Custody{}) },
			func(tx *store.Tx) error { _, err := tx.Secret(name, 8); return err },
			func(tx *store.Tx) error { _, _, err := q.Put(tx, store.Entry{}, store.QueueLimits{}); return err },
			func(tx *store.Tx) error { return db.Queue("p").Number(tx, name, 1, nil) },
		} {
			if err := db.Update(op); err == nil {
				t.Errorf("%d took %.10q", i, name)
			}
		}
	}
}

// The caller's function may change what it walks over.
func TestWritingWhileWalking(t *testing.T) {
	db := open(t, store.Options{})
	update(t, db, func(tx *store.Tx) error {
		for i := range 300 {
			if _, err := tx.SpoolPut("a", store.SpoolEntry{Stanza: stanza300}, false); err != nil {
				return err
			}
			if _, err := tx.PutRosterItem("a", store.RosterItem{Contact: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		n := 0
		err := tx.Spool("a", 0, func(e store.SpoolEntry) error { n++; return tx.SpoolDelete("a", e.ID) })
		err2 := tx.Roster("a", func(it store.RosterItem) error { n++; _, err := tx.DeleteRosterItem("a", it.Contact); return err })
		if left, _ := tx.SpoolCount("a"); n != 600 || left != 0 {
			t.Error(n, left)
		}
		return errors.Join(err, err2)
	})
}

// One record that cannot be read does not take the others with it.
func TestDamagedRecordIsLeftOut(t *testing.T) {
	var told []store.Health
	db := open(t, store.Options{OnHealth: func(h store.Health) { told = append(told, h) }})
	update(t, db, func(tx *store.Tx) error { return someOfEverything(db, tx, 0) })
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(store.Corrupt(tx, "roster", "user0@field.net\x00c1"), store.Corrupt(tx, "spool", "user0@field.net\x00"),
			putAccount("a")(tx), store.Corrupt(tx, "accounts", "a"))
	})
	view(t, db, func(tx *store.Tx) error {
		n := 0
		err := tx.Roster("user0@field.net", func(store.RosterItem) error { n++; return nil })
		err2 := tx.Spool("user0@field.net", 0, func(store.SpoolEntry) error { n++; return nil })
		err3 := tx.Accounts(func(store.Account) error { n++; return nil })
		if n != 3+4+1 {
			t.Error(n)
		}
		return errors.Join(err, err2, err3)
	})
	if err := db.View(func(tx *store.Tx) error { _, err := tx.Account("a"); return err }); !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "accounts") {
		t.Error(err)
	}
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.SpoolDelete("user0@field.net", 1), tx.DeleteAccount("user0@field.net"), tx.DeleteAccount("a"))
	})
	if len(told) != 1 || !errors.Is(told[0].Err, store.ErrCorrupt) || told[0].Since.IsZero() {
		t.Error(told)
	}
}
