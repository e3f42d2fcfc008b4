package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"longwire/store"
)

func TestRosterVersionsRiseWithEachChange(t *testing.T) {
	db := open(t, store.Options{})
	update(t, db, func(tx *store.Tx) error {
		for i := range uint64(5) {
			if ver, err := tx.PutRosterItem("a", store.RosterItem{Contact: fmt.Sprint(i % 2)}); err != nil || ver != i+1 {
				t.Error(ver, err)
			}
		}
		if ver, err := tx.DeleteRosterItem("a", "0"); err != nil || ver != 6 {
			t.Error(ver, err)
		}
		if _, err := tx.DeleteRosterItem("a", "0"); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		it, err := tx.RosterItem("a", "1")
		ver, err2 := tx.RosterVer("a")
		none, err3 := tx.RosterVer("b")
		if it.Ver != 4 || ver != 6 || none != 0 {
			t.Error(it, ver, none)
		}
		return errors.Join(err, err2, err3)
	})
}

func TestRosterSince(t *testing.T) {
	db := open(t, store.Options{})
	put := func(contact string) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			_, err := tx.PutRosterItem("a", store.RosterItem{Contact: contact})
			return err
		}
	}
	remove := func(contact string) func(*store.Tx) error {
		return func(tx *store.Tx) error { _, err := tx.DeleteRosterItem("a", contact); return err }
	}
	for _, op := range []func(*store.Tx) error{
		put("x"), put("y"), put("z"), // 1 2 3
		remove("x"), put("y"), remove("z"), put("z"), // 4 5 6 7
		put("x"), remove("x"), // 8 9: removed twice
	} {
		update(t, db, op)
	}
	for _, c := range []struct {
		ver              uint64
		changed, removed []string
		ok               bool
	}{
		{0, []string{"y", "z"}, []string{"x"}, true},
		{3, []string{"y", "z"}, []string{"x"}, true},
		{5, []string{"z"}, []string{"x"}, true},
		{7, nil, []string{"x"}, true},
		{9, nil, nil, true},
		{10, nil, nil, false}, // never given
	} {
		view(t, db, func(tx *store.Tx) error {
			items, removed, ok, err := tx.RosterSince("a", c.ver)
			var changed []string
			for _, it := range items {
				changed = append(changed, it.Contact)
			}
			if !slices.Equal(changed, c.changed) || !slices.Equal(removed, c.removed) || ok != c.ok {
				t.Errorf("since %d: %v %v %v", c.ver, changed, removed, ok)
			}
			return err
		})
	}
}

func TestRosterForgetsRemovalsBeyondAHundred(t *testing.T) {
	db := open(t, store.Options{})
	update(t, db, func(tx *store.Tx) error {
		for i := range 103 {
			if _, err := tx.PutRosterItem("a", store.RosterItem{Contact: fmt.Sprint(i)}); err != nil {
				return err
			}
			if _, err := tx.DeleteRosterItem("a", fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, func(tx *store.Tx) error {
		// Versions 2, 4 and 6 were the removals that are forgotten.
		_, _, tooOld, err := tx.RosterSince("a", 5)
		_, removed, ok, err2 := tx.RosterSince("a", 6)
		if tooOld || !ok || len(removed) != 100 {
			t.Error(tooOld, ok, len(removed))
		}
		if n := store.Keys(tx)["tombs"]; n != 100 {
			t.Errorf("%d tombstones", n)
		}
		return errors.Join(err, err2)
	})
}
