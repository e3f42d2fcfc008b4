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
	return pick(t, q, store.Pick{N: n, Bytes: size, Now: day})
}

func pick(t testing.TB, q *store.Queue, p store.Pick) []store.Entry {
	t.Helper()
	es, err := q.Pick(p)
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
		entry("chat-a", store.ClassRoutine, "a", "x"),
		entry("presence-c", store.ClassPresence, "c", "x"),
		entry("chat-c", store.ClassRoutine, "c", "y"),
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
		es = append(es, entry(fmt.Sprint(i), store.ClassRoutine, "a", "x"))
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

func TestCoalescedEntryIsReplacedAtTheEnd(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	presence := func(id, to string) store.Entry {
		e := entry(id, store.ClassPresence, "a", to)
		e.Coalesce = true
		return e
	}
	id := put(t, db, q, presence("1", "x"), presence("2", "y"), entry("3", store.ClassPresence, "a", "x"), presence("4", "x"))
	if got := ids(next(t, q, 9, 1<<20)); !slices.Equal(got, []string{"2", "3", "4"}) {
		t.Error(got)
	}
	// What is on the air cannot be replaced.
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s", 1, id[3:]) })
	put(t, db, q, presence("5", "x"))
	all, err := q.List()
	if err != nil || !slices.Equal(ids(all), []string{"4", "2", "3", "5"}) {
		t.Error(ids(all), err)
	}
	if s := q.Stats(); s.Entries != 4 || s.Sent != 1 {
		t.Error(s)
	}
}

func TestOverflowDropsTheLeastUrgentOldestFirst(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	id := put(t, db, q,
		entry("chat", store.ClassRoutine, "a", "x"), entry("state1", store.ClassState, "b", "x"), entry("receipt1", store.ClassReceipt, "a", "x"),
		entry("state2", store.ClassState, "a", "x"), entry("receipt2", store.ClassReceipt, "a", "x"), entry("state3", store.ClassState, "a", "x"))
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s", 1, id[3:4]) }) // state2 is sent: it stays
	try := func(e store.Entry, lim store.QueueLimits) (dropped []string, err error) {
		err = db.Update(func(tx *store.Tx) error {
			_, d, err := q.Put(tx, e, lim)
			dropped = ids(d)
			return err
		})
		return dropped, err
	}
	full := store.QueueLimits{Entries: 6}
	for _, c := range []struct {
		e       store.Entry
		lim     store.QueueLimits
		dropped []string
		quota   bool
	}{
		{entry("new", store.ClassState, "c", "x"), full, nil, true},
		{entry("new", store.ClassReceipt, "c", "x"), full, []string{"state1"}, false},
		{entry("new", store.ClassRoutine, "c", "x"), store.QueueLimits{Entries: 5}, []string{"state3", "receipt1"}, false},
		{entry("new", store.ClassRoutine, "c", "x"), store.QueueLimits{Entries: 3}, nil, true}, // receipts would not make enough room
		{entry("new", store.ClassRoutine, "c", "x"), store.QueueLimits{Bytes: -20}, []string{"receipt2", "new"}, false},
		{entry("new", store.ClassRoutine, "c", "x"), store.QueueLimits{Bytes: 10}, nil, true},
	} {
		before := q.Stats()
		if c.lim.Bytes < 0 { // that much less than there is
			c.lim.Bytes += before.Bytes
		}
		dropped, err := try(c.e, c.lim)
		if !slices.Equal(dropped, c.dropped) || c.quota != errors.Is(err, store.ErrQuota) || !c.quota && err != nil {
			t.Errorf("%s, limits %+v: dropped %v, %v", c.e.StanzaID, c.lim, dropped, err)
		}
		if after := q.Stats(); c.quota && after != before {
			t.Errorf("refused and yet changed: %+v, %+v", before, after)
		}
	}
}

func TestExpired(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	at := func(id string, sec int) store.Entry {
		e := entry(id, store.ClassIQ, "a", "x")
		e.Expires = day.Add(time.Duration(sec) * time.Second)
		return e
	}
	id := put(t, db, q, at("30", 30), entry("never", store.ClassRoutine, "a", "x"), at("10", 10), at("20", 20), at("sent", 5))
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s", 1, id[4:]) })
	check := func(sec int, want []string, next time.Time) {
		t.Helper()
		over, n, err := q.Expired(day.Add(time.Duration(sec) * time.Second))
		if err != nil || !slices.Equal(ids(over), want) || !n.Equal(next) {
			t.Error(sec, ids(over), n, err)
		}
	}
	check(9, nil, day.Add(10*time.Second))
	check(10, []string{"10"}, day.Add(20*time.Second))
	check(99, []string{"10", "20", "30"}, time.Time{})
	update(t, db, func(tx *store.Tx) error { return q.Requeue(tx, "s") })
	check(9, []string{"sent"}, day.Add(10*time.Second))
	update(t, db, func(tx *store.Tx) error { _, err := q.Done(tx, id...); return err })
	check(99, nil, time.Time{})
}

func TestDoneReturnsWhatItDeleted(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	id := put(t, db, q, entry("1", store.ClassRoutine, "a", "x"), entry("2", store.ClassRoutine, "a", "x"), entry("3", store.ClassRoutine, "a", "x"))
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s", 8, id[:1]) })
	update(t, db, func(tx *store.Tx) error {
		es, err := q.Done(tx, id[1], 99, id[0], id[1])
		if !slices.Equal(ids(es), []string{"2", "1"}) || es[1].Session != "s" || es[1].Seq != 8 {
			t.Errorf("%+v", es)
		}
		return err
	})
	if s := q.Stats(); s.Entries != 1 || s.Sent != 0 || s.Bytes != int64(len("<message id='3'/>")) {
		t.Error(s)
	}
	// Ids rise for ever, also when the queue was empty.
	update(t, db, func(tx *store.Tx) error { _, err := q.Done(tx, id[2]); return err })
	if s := q.Stats(); s != (store.QueueStats{}) {
		t.Error(s)
	}
	if got := put(t, db, q, entry("4", store.ClassRoutine, "a", "x")); got[0] != 4 {
		t.Error(got)
	}
}

func TestNumberIsAllOrNothing(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	id := put(t, db, q, entry("1", store.ClassRoutine, "a", "x"))
	err := db.Update(func(tx *store.Tx) error { return q.Number(tx, "s", 1, []uint64{id[0], 77}) })
	if !errors.Is(err, store.ErrNotFound) || q.Stats().Sent != 0 {
		t.Error(err, q.Stats())
	}
	// A new numbering takes the entry over.
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s", 1, id) })
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s2", 1, id) })
	for session, n := range map[string]int{"s": 0, "s2": 1} {
		if es, err := q.Unconfirmed(session); err != nil || len(es) != n {
			t.Error(session, es, err)
		}
	}
	if s := q.Stats(); s.Sent != 1 {
		t.Error(s)
	}
}

func TestWakeComesAfterTheCommitThatPut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	q := db.Queue("p")
	wake, stop := q.Watch()
	defer stop()
	other, stop2 := q.Watch()
	woken := func(q *store.Queue) bool {
		select {
		case <-wake:
			return true
		default:
			return false
		}
	}
	if woken(q) {
		t.Error("woken by nothing")
	}
	update(t, db, func(tx *store.Tx) error {
		_, _, err := q.Put(tx, entry("1", store.ClassRoutine, "a", "x"), store.QueueLimits{})
		if woken(q) || q.Stats().Entries != 0 {
			t.Error("woken before the commit")
		}
		return err
	})
	if !woken(q) || woken(q) {
		t.Error("not woken once")
	}
	update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s", 1, []uint64{1}) })
	if woken(q) {
		t.Error("woken by numbers")
	}
	update(t, db, func(tx *store.Tx) error { return q.Requeue(tx, "s") })
	if !woken(q) {
		t.Error("not woken by requeued entries")
	}
	if len(other) != 1 {
		t.Error("the other watcher has its own token")
	}
	stop2()
	<-other
	q.Nudge()
	if !woken(q) || len(other) != 0 {
		t.Error("a nudge is for those who still watch")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, path, store.Options{})
	wake, stop3 := again.Queue("p").Watch()
	defer stop3()
	if q := again.Queue("p"); !woken(q) || q.Stats().Entries != 1 || again.Queue("p") != q {
		t.Error("a queue found full at the start must wake")
	}
	names, err := again.Queues()
	if err != nil || !slices.Equal(names, []string{"p"}) {
		t.Error(names, err)
	}
}

func TestQueuesOfPeersAreApart(t *testing.T) {
	db := open(t, store.Options{})
	for _, p := range []string{"field.net", "field.ne", "field.net2", "a"} {
		put(t, db, db.Queue(p), entry(p, store.ClassRoutine, "a", "x"), entry(p, store.ClassRoutine, "a", "x"))
	}
	db.Queue("unused")
	names, err := db.Queues()
	if err != nil || !slices.Equal(names, []string{"a", "field.ne", "field.net", "field.net2"}) {
		t.Error(names, err)
	}
	for _, p := range names {
		if all, err := db.Queue(p).List(); err != nil || !slices.Equal(ids(all), []string{p, p}) {
			t.Error(p, ids(all), err)
		}
	}
}

func TestDamagedEntryDoesNotHoldUpTheQueue(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	body := func(id byte) string { return "p\x00b\x00\x00\x00\x00\x00\x00\x00" + string(id) }
	var es []store.Entry
	for i := range 6 {
		e := entry(fmt.Sprint(i+1), store.ClassRoutine, "a", "x")
		e.Expires = day
		es = append(es, e)
	}
	id := put(t, db, q, es...)
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(q.Number(tx, "s", 1, id[:3]), store.Corrupt(tx, "queue", body(2)), store.Corrupt(tx, "queue", body(3)), store.Corrupt(tx, "queue", body(5)))
	})
	if got := ids(next(t, q, 9, 1<<20)); !slices.Equal(got, []string{"4", "6"}) {
		t.Error(got)
	}
	if err := db.Update(func(tx *store.Tx) error { return q.Number(tx, "s", 4, id[4:]) }); !errors.Is(err, store.ErrCorrupt) {
		t.Error(err)
	}
	over, _, err := q.Expired(day)
	if err != nil || len(over) != 3 {
		t.Error(over, err)
	}
	update(t, db, func(tx *store.Tx) error { _, err := q.Confirm(tx, "s", 2); return err })
	update(t, db, func(tx *store.Tx) error { return q.Requeue(tx, "s") }) // entry 3 has no place any more
	update(t, db, func(tx *store.Tx) error { _, err := q.Done(tx, id[4]); return err })
	all, err := q.List()
	if err != nil || !slices.Equal(ids(all), []string{"4", "6"}) || q.Stats().Entries != 2 {
		t.Error(ids(all), err, q.Stats())
	}
	update(t, db, func(tx *store.Tx) error { _, err := q.Done(tx, id...); return err })
	view(t, db, func(tx *store.Tx) error {
		if n := store.Keys(tx)["queue"]; n != 1 {
			t.Errorf("%d keys left", n)
		}
		return nil
	})
}

func TestQueueHoldsTenThousand(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	fill(t, db, q, 10_000)
	seen := map[string]uint64{}
	n := 0
	for {
		es := next(t, q, 500, 1<<20)
		if len(es) == 0 {
			break
		}
		var got []uint64
		for _, e := range es {
			pair := e.From + " " + e.To
			if e.ID < seen[pair] {
				t.Fatalf("%s: %d after %d", pair, e.ID, seen[pair])
			}
			seen[pair] = e.ID
			got = append(got, e.ID)
		}
		update(t, db, func(tx *store.Tx) error { return q.Number(tx, "s", uint32(n), got) })
		n += len(es)
	}
	if n != 10_000 {
		t.Error(n)
	}
	update(t, db, func(tx *store.Tx) error {
		es, err := q.Confirm(tx, "s", 9_999)
		if len(es) != 10_000 {
			t.Error(len(es))
		}
		return err
	})
	if s := q.Stats(); s != (store.QueueStats{}) {
		t.Error(s)
	}
}
