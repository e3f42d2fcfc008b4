package store_test

import (
	"fmt"
	"slices"
	"testing"

	"longwire/store"
)

// stanza ids in the order given.
func ids(entries []store.Entry) (s []string) {
	for _, e := range entries {
		s = append(s, e.StanzaID)
	}
	return s
}

func put(t testing.TB, db *store.DB, q *store.Queue, entries ...store.Entry) (got []uint64) {
	t.Helper()
	update(t, db, func(tx *store.Tx) error {
		got = nil
		for _, e := range entries {
			id, _, err := q.Put(tx, e, store.QueueLimits{})
			if err != nil {
				return err
			}
			got = append(got, id)
		}
		return nil
	})
	return got
}

func entry(id string, c store.Class, from, to string) store.Entry {
	return store.Entry{StanzaID: id, Class: c, From: from, To: to, Stanza: []byte("<message id='" + id + "'/>"), Queued: day}
}

func next(t testing.TB, q *store.Queue, n, size int) []store.Entry {
	t.Helper()
	es, err := q.Next(n, size)
	if err != nil {
		t.Fatal(err)
	}
	return es
}

func TestNextGivesUrgentFirstButKeepsPairsInOrder(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("headquarters.net")
	put(t, db, q,
		entry("state-a", store.ClassState, "a", "x"),
		entry("receipt-b", store.ClassReceipt, "b", "x"),
		entry("chat-a", store.ClassChat, "a", "x"),
		entry("presence-c", store.ClassPresence, "c", "x"),
		entry("chat-c", store.ClassChat, "c", "y"),
		entry("state-a2", store.ClassState, "a", "x"),
	)
	want := []string{"state-a", "chat-a", "chat-c", "presence-c", "receipt-b", "state-a2"}
	if got := ids(next(t, q, 100, 1<<20)); !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	for n := 1; n <= len(want); n++ {
		if got := ids(next(t, q, n, 1<<20)); !slices.Equal(got, want[:n]) {
			t.Errorf("first %d: %v", n, got)
		}
	}
	if got := next(t, q, 100, 1); len(got) != 1 {
		t.Errorf("%d entries for one byte", len(got))
	}
}

func TestNumberConfirmRequeue(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("headquarters.net")
	var es []store.Entry
	for i := range 6 {
		es = append(es, entry(fmt.Sprint(i), store.ClassChat, "a", "x"))
	}
	id := put(t, db, q, es...)
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s1", 4294967294, id[:4]) })
	un, err := q.Unconfirmed("s1")
	if err != nil || !slices.Equal(ids(un), []string{"0", "1", "2", "3"}) || un[2].Seq != 0 {
		t.Fatal(un, err)
	}
	if s := q.Stats(); s.Entries != 6 || s.Sent != 4 || !s.Oldest.Equal(day) {
		t.Error(s)
	}
	update(t, db, func(tx *store.Tx) error {
		es, err := q.Confirm(tx, "s1", 0)
		if !slices.Equal(ids(es), []string{"0", "1", "2"}) {
			t.Error(ids(es))
		}
		return err
	})
	update(t, db, func(tx *store.Tx) error { return q.Requeue(tx, "s1") })
	if got := ids(next(t, q, 9, 1<<20)); !slices.Equal(got, []string{"3", "4", "5"}) {
		t.Error(got)
	}
	if s := q.Stats(); s.Entries != 3 || s.Sent != 0 {
		t.Error(s)
	}
	all, err := q.List()
	if err != nil || len(all) != 3 {
		t.Error(all, err)
	}
}
