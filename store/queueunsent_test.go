package store_test

import (
	"slices"
	"testing"

	"longwire/store"
)

func TestUnsentTellsWhatWouldBeReplaced(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("headquarters.net")
	digest := entry("d", store.ClassRoutine, "a", "x")
	digest.Coalesce = true
	check := func(what string, want []uint64, wantAgain bool) {
		t.Helper()
		update(t, db, func(tx *store.Tx) error {
			ids, again, err := q.Unsent(tx, "a", "x")
			if !slices.Equal(ids, want) || again != wantAgain {
				t.Errorf("%s: %v, sent before: %v", what, ids, again)
			}
			return err
		})
	}
	check("nothing was put", nil, false)
	put(t, db, q, entry("line", store.ClassRoutine, "a", "x"))
	check("a line is not replaced", nil, false)
	first := put(t, db, q, digest)
	check("put", first, false)
	first = put(t, db, q, digest)
	check("replaced", first, false)
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s1", 1, first) })
	check("on its way", nil, false)
	second := put(t, db, q, digest)
	check("the next one", second, false)
	update(t, db, func(tx *store.Tx) error { return q.Requeue(tx, "s1") })
	check("it came back", append(first, second...), true)
	third := put(t, db, q, digest)
	check("both are replaced", third, false)
	update(t, db, func(tx *store.Tx) error {
		gone, err := q.Done(tx, third...)
		if len(gone) != 1 {
			t.Errorf("%d deleted", len(gone))
		}
		return err
	})
	check("taken out", nil, false)
	if got := ids(next(t, q, 9, 1<<20)); !slices.Equal(got, []string{"line"}) {
		t.Errorf("%v wait", got)
	}
}

func TestUnsentIsForgottenWithTheTransaction(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("headquarters.net")
	digest := entry("d", store.ClassRoutine, "a", "x")
	digest.Coalesce = true
	id := put(t, db, q, digest)
	err := db.Update(func(tx *store.Tx) error {
		if _, err := q.Done(tx, id...); err != nil {
			return err
		}
		return store.ErrQuota
	})
	if err == nil {
		t.Fatal("the transaction was committed")
	}
	update(t, db, func(tx *store.Tx) error {
		ids, _, err := q.Unsent(tx, "a", "x")
		if !slices.Equal(ids, id) {
			t.Errorf("%v wait, want %v", ids, id)
		}
		return err
	})
}

func TestEachSeesNumberedAndUnsent(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("headquarters.net")
	id := put(t, db, q, entry("1", store.ClassRoutine, "a", "x"), entry("2", store.ClassRoutine, "b", "x"), entry("3", store.ClassRoutine, "a", "x"))
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s", 7, id[:1]) })
	for most, want := range map[int][]string{1: {"1"}, 9: {"1", "2", "3"}} {
		var got []string
		look := func(tx *store.Tx) error {
			got = nil
			return q.Each(tx, func(e store.Entry) (bool, error) {
				if (e.Session == "s") != (e.StanzaID == "1") {
					t.Errorf("entry %s is of session %q", e.StanzaID, e.Session)
				}
				got = append(got, e.StanzaID)
				return len(got) < most, nil
			})
		}
		if update(t, db, look); !slices.Equal(got, want) {
			t.Errorf("in an Update: %v, want %v", got, want)
		}
		if view(t, db, look); !slices.Equal(got, want) {
			t.Errorf("in a View: %v, want %v", got, want)
		}
	}
}
