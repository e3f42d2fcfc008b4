package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"longwire/store"
)

// spooled is what the account's spool holds, by text.
func spooled(t testing.TB, db *store.DB, account string, after uint64) (all []string) {
	t.Helper()
	view(t, db, func(tx *store.Tx) error {
		return tx.Spool(account, after, func(e store.SpoolEntry) error {
			if !tx.SpoolHas(account, e.ID) || !e.Received.Equal(day) {
				t.Error(e)
			}
			all = append(all, fmt.Sprint(e.ID, string(e.Stanza)))
			return nil
		})
	})
	return all
}

func spoolPut(t testing.TB, db *store.DB, account string, stanzas ...string) {
	t.Helper()
	update(t, db, func(tx *store.Tx) error {
		for _, s := range stanzas {
			if _, err := tx.SpoolPut(account, store.SpoolEntry{Stanza: []byte(s), Received: day}, false); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestSpoolKeepsOrderAndNeverGivesAnIDTwice(t *testing.T) {
	db := open(t, store.Options{})
	spoolPut(t, db, "a", "one", "two", "three")
	spoolPut(t, db, "a2", "other")
	if got := spooled(t, db, "a", 0); !slices.Equal(got, []string{"1one", "2two", "3three"}) {
		t.Error(got)
	}
	if got := spooled(t, db, "a", 2); !slices.Equal(got, []string{"3three"}) {
		t.Error(got)
	}
	if got := spooled(t, db, "a", 1<<64-1); got != nil {
		t.Error(got)
	}
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.SpoolDelete("a", 3), tx.SpoolDelete("a", 1), tx.SpoolDelete("a", 2), tx.SpoolDelete("a", 2), tx.SpoolDelete("b", 1))
	})
	spoolPut(t, db, "a", "four")
	if got := spooled(t, db, "a", 0); !slices.Equal(got, []string{"4four"}) {
		t.Error(got)
	}
	view(t, db, func(tx *store.Tx) error {
		if n, size := tx.SpoolCount("a"); n != 1 || size != 4 {
			t.Error(n, size)
		}
		return nil
	})
}

func TestSpoolQuota(t *testing.T) {
	db := open(t, store.Options{SpoolMax: 3, SpoolSize: 100})
	try := func(size int, hard bool) error {
		return db.Update(func(tx *store.Tx) error {
			_, err := tx.SpoolPut("a", store.SpoolEntry{Stanza: make([]byte, size)}, hard)
			return err
		})
	}
	if err := try(101, false); !errors.Is(err, store.ErrQuota) {
		t.Error(err)
	}
	if err := errors.Join(try(50, false), try(50, false)); err != nil {
		t.Error(err)
	}
	if err := try(1, false); !errors.Is(err, store.ErrQuota) {
		t.Error(err)
	}
	if err := errors.Join(try(1, true), try(1, true)); err != nil {
		t.Error("what a peer handed over must land:", err)
	}
	update(t, db, func(tx *store.Tx) error { return errors.Join(tx.SpoolDelete("a", 1), tx.SpoolDelete("a", 2)) })
	if err := try(98, false); err != nil {
		t.Error(err)
	}
	if err := try(0, false); !errors.Is(err, store.ErrQuota) {
		t.Error(err)
	}

	db = open(t, store.Options{})
	for i := range 501 {
		if err := db.Update(func(tx *store.Tx) error {
			_, err := tx.SpoolPut("a", store.SpoolEntry{}, false)
			return err
		}); errors.Is(err, store.ErrQuota) != (i == 500) {
			t.Fatal(i, err)
		}
	}
}

func TestAcknowledgedNumbersEmptyTheSpool(t *testing.T) {
	for _, first := range []uint32{1, 1<<31 - 2, 1<<32 - 2} { // the numbers pass the sign bit, and zero
		db := open(t, store.Options{})
		spoolPut(t, db, "a", "0", "1", "2", "3", "4")
		update(t, db, func(tx *store.Tx) error {
			err := tx.SMAssign("other", first, 5)
			for i := range uint32(5) {
				err = errors.Join(err, tx.SMAssign("s", first+i, uint64(i+1)))
			}
			return err
		})
		ack := func(h uint32, want ...string) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error { return tx.SMAcked("s", "a", h) })
			if got := spooled(t, db, "a", 0); !slices.Equal(got, want) {
				t.Errorf("from %d, acked %d: %v", first, h, got)
			}
		}
		ack(first-1, "10", "21", "32", "43", "54")
		ack(first+2, "43", "54")
		ack(first+2, "43", "54")
		ack(first, "43", "54") // an older count takes nothing back and confirms nothing
		ack(first + 4)
		view(t, db, func(tx *store.Tx) error {
			if n := store.Keys(tx)["smsent"]; n != 1 {
				t.Errorf("%d assignments", n)
			}
			return nil
		})
	}
}

func TestPurgeForgetsOldSessionsWithTheirAssignments(t *testing.T) {
	db := open(t, store.Options{})
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(
			tx.PutSM(store.SMSession{ID: "old", Account: "a", Changed: day}), tx.SMAssign("old", 1, 1),
			tx.PutSM(store.SMSession{ID: "new", Account: "a", Resource: "r", H: 3, Ended: true, Changed: day.Add(time.Hour)}), tx.SMAssign("new", 1, 1),
			tx.PurgeSM(day.Add(time.Minute)))
	})
	view(t, db, func(tx *store.Tx) error {
		if _, err := tx.SM("old"); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		s, err := tx.SM("new")
		if s.H != 3 || !s.Ended || s.Resource != "r" || s.ID != "new" || store.Keys(tx)["smsent"] != 1 {
			t.Error(s, store.Keys(tx))
		}
		return err
	})
	update(t, db, func(tx *store.Tx) error { return errors.Join(tx.DeleteSM("new"), tx.DeleteSM("new")) })
	view(t, db, func(tx *store.Tx) error {
		if n := store.Keys(tx); n["sm"] != 0 || n["smsent"] != 0 {
			t.Error(n)
		}
		return nil
	})
}

func TestCustody(t *testing.T) {
	db := open(t, store.Options{})
	want := store.Custody{OutID: "o", Sent: 1<<32 - 1, Acked: 2, Confirmed: true, InID: "i", Mark: 3, Changed: day}
	update(t, db, func(tx *store.Tx) error { return tx.PutCustody("field.net opener", want) })
	view(t, db, func(tx *store.Tx) error {
		got, err := tx.Custody("field.net opener")
		none, err2 := tx.Custody("field.net")
		if got != want || none != (store.Custody{}) {
			t.Error(got, none)
		}
		return errors.Join(err, err2)
	})
}
