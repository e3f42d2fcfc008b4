package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"longwire/store"
)

const fateAlice, fateBob = "alice@field.net/tent", "bob@headquarters.net/desk"

func tracked(id string) store.Entry {
	e := entry(id, store.ClassRoutine, fateAlice, fateBob)
	e.Track, e.Receipt, e.Queued = true, true, time.Now()
	return e
}

// states are the fates of alice as "id:state", the newest first.
func states(t *testing.T, db *store.DB) (s []string) {
	t.Helper()
	view(t, db, func(tx *store.Tx) error {
		all, err := tx.Fates("alice@field.net", 0)
		for _, f := range all {
			s = append(s, f.StanzaID+":"+f.State.String())
			one, err := tx.FateOf(f.Peer, f.Entry)
			if one != f || err != nil {
				t.Errorf("one by one %+v, %v; in the list %+v", one, err, f)
			}
		}
		return err
	})
	return s
}

func due(t *testing.T, db *store.DB) (ids []string) {
	t.Helper()
	view(t, db, func(tx *store.Tx) error {
		all, err := tx.ReceiptsDue(10)
		for _, f := range all {
			ids = append(ids, f.StanzaID)
		}
		return err
	})
	return ids
}

func TestEveryWayOutOfTheQueueIsAFate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	<-db.FatesWake() // it begins with a token
	q := db.Queue("hq")
	plain := entry("plain", store.ClassRoutine, fateAlice, fateBob)
	var id []uint64
	for _, s := range []string{"waits", "confirmed", "delivered", "refused", "expired", "cancelled"} {
		id = append(id, put(t, db, q, tracked(s))...)
	}
	put(t, db, q, plain)
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s", 1, id[1:4]) })
	if got := states(t, db); !slices.Equal(got, []string{"cancelled:queued", "expired:queued", "refused:queued", "delivered:queued", "confirmed:queued", "waits:queued"}) {
		t.Error(got)
	}
	view(t, db, func(tx *store.Tx) error {
		f, err := tx.FateOf("hq", id[1])
		if f2, _ := tx.FateOf("hq", id[0]); !f.OnWay || f2.OnWay {
			t.Error("what has a number is on its way, and nothing else is")
		}
		return err
	})
	if len(db.FatesWake()) != 0 || len(due(t, db)) != 0 {
		t.Error("a receipt is due for what is not at the peer")
	}
	// The far client's receipt may be faster than its node's confirmation.
	update(t, db, func(tx *store.Tx) error {
		known, err := tx.FateDelivered(fateAlice, "bob@headquarters.net/phone", "delivered")
		if !known {
			t.Error("a receipt for what is on its way")
		}
		unknown, err2 := tx.FateDelivered(fateAlice, fateBob, "waits")
		if unknown {
			t.Error("a receipt for what was not sent")
		}
		return errors.Join(err, err2)
	})
	update(t, db, func(tx *store.Tx) error { _, err := q.Confirm(tx, "s", 3); return err })
	<-db.FatesWake()
	if got := due(t, db); !slices.Equal(got, []string{"confirmed", "refused"}) {
		t.Error("due:", got)
	}
	update(t, db, func(tx *store.Tx) error {
		_, err1 := tx.FateRefused(fateAlice, fateBob, "refused", "item-not-found: no such user")
		_, err2 := q.DoneAs(tx, store.Because{State: store.FateExpired, Why: "not sent before 14:00 UTC"}, id[4])
		_, err3 := q.DoneAs(tx, store.Because{State: store.FateCancelled, Why: "you asked for it"}, id[5])
		_, _, err4 := q.Put(tx, tracked("urgent"), store.QueueLimits{Entries: 3}) // as urgent as the others: nothing is dropped
		return errors.Join(err1, err2, err3, err4)
	})
	urgent := tracked("flash")
	urgent.Class = store.ClassFlash
	update(t, db, func(tx *store.Tx) error {
		_, dropped, err := q.Put(tx, urgent, store.QueueLimits{Entries: 3})
		if len(dropped) != 1 {
			t.Error(ids(dropped))
		}
		return err
	})
	want := []string{"flash:queued", "urgent:queued", "cancelled:cancelled", "expired:expired", "refused:refused", "delivered:delivered", "confirmed:at peer", "waits:overflow"}
	if got := states(t, db); !slices.Equal(got, want) {
		t.Error(got)
	}
	if got := due(t, db); !slices.Equal(got, []string{"confirmed"}) {
		t.Error("due:", got)
	}
	// A restart forgets nothing, and makes whoever makes receipts look again.
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, store.Options{})
	<-db.FatesWake()
	if got := states(t, db); !slices.Equal(got, want) {
		t.Error(got)
	}
	update(t, db, func(tx *store.Tx) error { return tx.ReceiptMade("hq", id[1]) })
	if got := due(t, db); got != nil {
		t.Error("due after it was made:", got)
	}
	view(t, db, func(tx *store.Tx) error {
		if _, err := tx.FateOf("hq", 7); !errors.Is(err, store.ErrNotFound) {
			t.Error("the fate of what is not tracked:", err)
		}
		f, err := tx.FateOf("hq", id[4])
		if f.Why != "not sent before 14:00 UTC" || f.From != fateAlice || f.To != fateBob || f.Bytes == 0 || f.Queued.IsZero() || !f.WantsReceipt {
			t.Errorf("%+v", f)
		}
		return err
	})
}

func TestFatesAreBoundedPerAccountAndInTime(t *testing.T) {
	db := open(t, store.Options{FatesMax: 5})
	q := db.Queue("hq")
	gone := func(name, from string) {
		e := tracked(name)
		e.From = from
		id := put(t, db, q, e)
		update(t, db, func(tx *store.Tx) error {
			_, err := q.DoneAs(tx, store.Because{State: store.FateCancelled}, id...)
			return err
		})
	}
	gone("other", "carol@field.net/x")
	for i := range 12 {
		gone(fmt.Sprint(i), fateAlice)
	}
	if got := states(t, db); !slices.Equal(got, []string{"11:cancelled", "10:cancelled", "9:cancelled", "8:cancelled", "7:cancelled"}) {
		t.Error(got)
	}
	view(t, db, func(tx *store.Tx) error {
		all, err := tx.Fates("alice@field.net", 2)
		if len(all) != 2 || all[0].StanzaID != "11" {
			t.Error(all)
		}
		if n := store.Keys(tx)["fates"]; n != 6*3 {
			t.Errorf("%d keys", n)
		}
		return err
	})
	db.SetLimits(store.Options{FatesMax: 5, FatesKeep: time.Nanosecond})
	gone("late", fateAlice)
	gone("later", fateAlice)
	if got := states(t, db); !slices.Equal(got, []string{"later:cancelled"}) {
		t.Error("the old ones go with the next:", got)
	}
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.PutAccount(store.Account{JID: "alice@field.net"}), tx.DeleteAccount("alice@field.net"))
	})
	view(t, db, func(tx *store.Tx) error {
		if n := store.Keys(tx)["fates"]; n != 0 {
			t.Errorf("%d keys of an account that is gone", n)
		}
		return nil
	})
}

// What an operation that fails had noted is not remembered.
func TestFateOfAnOperationThatFailed(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("hq")
	id := put(t, db, q, tracked("1"))
	sorry := errors.New("sorry")
	err := db.Update(func(tx *store.Tx) error {
		_, err := q.DoneAs(tx, store.Because{State: store.FateCancelled}, id...)
		return errors.Join(err, sorry)
	})
	if !errors.Is(err, sorry) {
		t.Fatal(err)
	}
	if got := states(t, db); !slices.Equal(got, []string{"1:queued"}) {
		t.Error(got)
	}
}

// A damaged record takes neither the others with it nor the stanzas.
func TestDamagedFate(t *testing.T) {
	db := open(t, store.Options{FatesMax: 2})
	q := db.Queue("hq")
	id := put(t, db, q, tracked("1"), tracked("2"), tracked("3"), tracked("4"))
	cancel := func(id uint64) {
		t.Helper()
		update(t, db, func(tx *store.Tx) error {
			_, err := q.DoneAs(tx, store.Because{State: store.FateCancelled}, id)
			return err
		})
	}
	cancel(id[0])
	update(t, db, func(tx *store.Tx) error { return store.Corrupt(tx, "fates", "f") })
	cancel(id[1])
	if got := states(t, db); !slices.Equal(got, []string{"4:queued", "3:queued", "2:cancelled"}) {
		t.Error(got)
	}
	cancel(id[2])
	cancel(id[3])
	if got := states(t, db); !slices.Equal(got, []string{"4:cancelled", "3:cancelled"}) {
		t.Error(got)
	}
}

// However many accounts there are, the file does not grow for ever.
func TestFatesAreBoundedInAll(t *testing.T) {
	if testing.Short() {
		t.Skip("21 000 entries")
	}
	db := open(t, store.Options{})
	q := db.Queue("hq")
	for i := range 40 {
		update(t, db, func(tx *store.Tx) error {
			var ids []uint64
			for j := range 525 {
				e := tracked(fmt.Sprint(i, "-", j))
				e.From = fmt.Sprintf("user%d@field.net/x", (i*525+j)/400)
				id, _, err := q.Put(tx, e, store.QueueLimits{})
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			_, err := q.DoneAs(tx, store.Because{State: store.FateCancelled}, ids...)
			return err
		})
	}
	view(t, db, func(tx *store.Tx) error {
		if n := store.Keys(tx)["fates"]; n != 20_000*3 {
			t.Errorf("%d keys", n)
		}
		return nil
	})
}

// Whoever gets the name of an account that is gone is told nothing of what that one has sent.
func TestANameThatIsGivenAgainInheritsNothing(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "store.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	account := store.Account{JID: "alice@field.net"}
	update(t, db, func(tx *store.Tx) error { return tx.PutAccount(account) })
	q := db.Queue("hq")
	ids := append(put(t, db, q, tracked("waits")), put(t, db, q, tracked("sent"))...)
	bobs := tracked("bob's")
	bobs.From = "bob@field.net/tent"
	put(t, db, q, bobs)
	update(t, db, func(tx *store.Tx) error {
		if err := q.Number(tx, "s", 1, ids[1:]); err != nil {
			return err
		}
		return errors.Join(tx.DeleteAccount(account.JID), tx.PutAccount(account))
	})
	update(t, db, func(tx *store.Tx) error { _, err := q.Confirm(tx, "s", 1); return err })
	if got := states(t, db); got != nil {
		t.Error(got)
	}
	if got := due(t, db); got != nil {
		t.Error("owed:", got)
	}
	if list, err := q.List(); err != nil || len(list) != 2 || list[0].StanzaID != "waits" || !list[1].Track {
		t.Error("what waits is sent all the same:", list, err)
	}
}
