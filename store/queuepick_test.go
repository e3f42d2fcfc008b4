package store_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"longwire/store"
)

// urgent is an entry of a kind and class, called as them.
func urgent(id string, k store.Kind, c store.Class, from, to string) store.Entry {
	e := entry(id, c, from, to)
	e.Kind = k
	return e
}

const chat, groupchat = store.KindChat, store.KindGroupchat

func TestOnlyAnUrgentMessageOvertakesItsOwn(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	put(t, db, q,
		urgent("a1", chat, store.ClassRoutine, "a", "x"),
		urgent("a2 presence", store.KindPresence, store.ClassPresence, "a", "x"),
		urgent("a3 priority", chat, store.ClassPriority, "a", "x"),
		urgent("room1", groupchat, store.ClassRoutine, "r", "s"),
		urgent("a4 flash", chat, store.ClassFlash, "a", "x"),
		urgent("room2 flash", groupchat, store.ClassFlash, "r", "s"),
		urgent("a5 priority", chat, store.ClassPriority, "a", "x"),
		urgent("a6 iq", store.KindIQ, store.ClassIQ, "a", "x"),
		urgent("b", chat, store.ClassRoutine, "b", "x"),
	)
	want := []string{"a4 flash", "room1", "room2 flash", "a3 priority", "a5 priority", "a1", "b", "a2 presence", "a6 iq"}
	for n := range len(want) + 1 {
		if got := ids(pick(t, q, store.Pick{N: n, Bytes: 1 << 20, Now: day})); !slices.Equal(got, want[:n]) {
			t.Errorf("first %d: %q, want %q", n, got, want[:n])
		}
	}
}

func TestPickOfSomeClassesAndKinds(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	put(t, db, q,
		urgent("routine", chat, store.ClassRoutine, "a", "x"),
		urgent("line", groupchat, store.ClassRoutine, "r", "s"),
		urgent("flash", chat, store.ClassFlash, "a", "x"),
		urgent("line flash", groupchat, store.ClassFlash, "r", "s"),
		urgent("iq", store.KindIQ, store.ClassIQ, "c", "x"),
	)
	for _, c := range []struct {
		p    store.Pick
		want []string
	}{
		{store.Pick{Classes: store.Classes(store.ClassFlash)}, []string{"flash", "line", "line flash"}}, // in a room order is all
		{store.Pick{Classes: store.Classes(store.ClassFlash), Kinds: store.Kinds(chat)}, []string{"flash"}},
		{store.Pick{Classes: store.Classes(store.ClassRoutine)}, []string{"routine", "line"}},
		{store.Pick{Classes: store.Classes(store.ClassIQ, store.ClassState)}, []string{"iq"}},
		{store.Pick{Classes: store.Classes(store.ClassPresence)}, nil},
		{store.Pick{Kinds: store.Kinds(groupchat)}, []string{"line", "line flash"}},
	} {
		c.p.N, c.p.Bytes, c.p.Now = 99, 1<<20, day
		if got := ids(pick(t, q, c.p)); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.p, got, c.want)
		}
	}
}

// What goes alone takes nothing along, and leaves nothing behind that it must not overtake.
func TestPickOfWhatGoesAlone(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	big := urgent("big flash", chat, store.ClassFlash, "b", "x")
	big.Stanza = make([]byte, 500)
	held := urgent("held flash", chat, store.ClassFlash, "c", "x")
	held.NotBefore = day.Add(time.Hour)
	put(t, db, q,
		urgent("routine", chat, store.ClassRoutine, "a", "x"),
		urgent("flash", chat, store.ClassFlash, "a", "x"),
		urgent("line flash", groupchat, store.ClassFlash, "r", "s"),
		big,
		urgent("behind the big one", chat, store.ClassFlash, "b", "x"),
		urgent("immediate behind it", chat, store.ClassImmediate, "b", "x"),
		held,
		urgent("behind the held one", chat, store.ClassFlash, "c", "x"),
		urgent("flash again", chat, store.ClassFlash, "a", "x"),
		urgent("immediate", chat, store.ClassImmediate, "a", "x"),
	)
	p := store.Pick{N: 99, Bytes: 1 << 20, Now: day, Alone: true, MaxSize: 100, Classes: store.Classes(store.ClassFlash, store.ClassImmediate)}
	if got := ids(pick(t, q, p)); !slices.Equal(got, []string{"flash", "flash again", "immediate"}) {
		t.Errorf("%q", got)
	}
	p.MaxSize = 0
	if got := ids(pick(t, q, p)); !slices.Equal(got, []string{"flash", "big flash", "behind the big one", "flash again", "immediate behind it", "immediate"}) {
		t.Errorf("of any size: %q", got)
	}
}

func TestHeldEntriesWaitUnlessTheyMustNotBeOvertaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	q := db.Queue("p")
	hold := func(e store.Entry, d time.Duration) store.Entry {
		e.NotBefore = day.Add(d)
		return e
	}
	id := put(t, db, q,
		hold(urgent("a1", chat, store.ClassRoutine, "a", "x"), time.Hour),
		urgent("b1", chat, store.ClassRoutine, "b", "x"),
		hold(urgent("c1", chat, store.ClassRoutine, "c", "x"), time.Hour),
		urgent("c2", chat, store.ClassRoutine, "c", "x"),
		hold(urgent("d1", chat, store.ClassRoutine, "d", "x"), time.Hour),
		urgent("d2 flash", chat, store.ClassFlash, "d", "x"),
	)
	look := func(at time.Duration, want ...string) {
		t.Helper()
		if got := ids(pick(t, q, store.Pick{N: 99, Bytes: 1 << 20, Now: day.Add(at)})); !slices.Equal(got, want) {
			t.Errorf("after %v: %q, want %q", at, got, want)
		}
	}
	due := func(at, want time.Duration) {
		t.Helper()
		wanted := day.Add(want)
		if want == 0 {
			wanted = time.Time{}
		}
		if next, err := q.Due(day.Add(at)); err != nil || !next.Equal(wanted) {
			t.Errorf("due after %v: %v, %v", at, next, err)
		}
	}
	look(0, "d2 flash", "b1", "c1", "c2")
	due(0, time.Hour)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, store.Options{})
	q = db.Queue("p")
	look(time.Hour-1, "d2 flash", "b1", "c1", "c2")
	look(time.Hour, "d2 flash", "a1", "b1", "c1", "c2", "d1")
	due(time.Hour, 0)
	wake, stop := q.Watch()
	defer stop()
	<-wake
	update(t, db, func(tx *store.Tx) error {
		held, err := q.Hold(tx, []uint64{id[1], 4711}, day.Add(2*time.Hour))
		if !slices.Equal(held, id[1:2]) {
			t.Error(held)
		}
		released, err2 := q.Release(tx, id[0], id[4])
		if len(released) != 2 {
			t.Error(released)
		}
		if err == nil {
			err = err2
		}
		return err
	})
	select {
	case <-wake:
	default:
		t.Error("what was released wakes nobody")
	}
	look(0, "d2 flash", "a1", "c1", "c2", "d1")
	due(0, time.Hour) // c1
	due(time.Hour, 2*time.Hour)
	// What has a number cannot be held, and is no more held when it comes back.
	update(t, db, func(tx *store.Tx) error {
		if err := q.Number(tx, "s", 1, id[1:2]); err != nil {
			return err
		}
		if held, err := q.Hold(tx, id[1:2], day); err != nil || held != nil {
			t.Error(held, err)
		}
		return q.Requeue(tx, "s")
	})
	look(time.Hour, "d2 flash", "a1", "c1", "c2", "d1")
	update(t, db, func(tx *store.Tx) error { _, err := q.Done(tx, id...); return err })
	view(t, db, func(tx *store.Tx) error {
		if n := store.Keys(tx)["queue"]; n != 1 {
			t.Errorf("%d keys left", n)
		}
		return nil
	})
}

// More comes than goes, and all but a little of it is more urgent: what is routine goes all the same, in six hours, and flash never waits for it.
func TestRoutineIsNotStarved(t *testing.T) {
	for _, busy := range []store.Class{store.ClassImmediate, store.ClassPriority} {
		db := open(t, store.Options{})
		q := db.Queue("p")
		waited := map[store.Class]time.Duration{}
		now := day
		for i := range 300 { // every two minutes two come and one goes
			update(t, db, func(tx *store.Tx) error {
				for n := range 2 {
					class := busy
					if i%50 == 7 && n == 0 {
						class = store.ClassFlash
					} else if i%10 == 3 && n == 0 {
						class = store.ClassRoutine
					}
					e := urgent(fmt.Sprint(i), chat, class, fmt.Sprint("from", i%5), "x")
					e.Queued = now
					if _, _, err := q.Put(tx, e, store.QueueLimits{}); err != nil {
						return err
					}
				}
				return nil
			})
			now = now.Add(2 * time.Minute)
			e := pick(t, q, store.Pick{N: 1, Bytes: 1, Now: now})[0]
			waited[e.Class] = max(waited[e.Class], now.Sub(e.Queued))
			update(t, db, func(tx *store.Tx) error { _, err := q.Done(tx, e.ID); return err })
		}
		if waited[store.ClassFlash] > 2*time.Minute || waited[store.ClassRoutine] == 0 || waited[store.ClassRoutine] > 10*time.Hour {
			t.Error(busy, waited)
		}
		t.Log(busy, "all the time; longest waits:", waited)
	}
}

// What is held now is listed behind what may go.
func TestListHasHeldEntriesLast(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	soon := urgent("held", chat, store.ClassFlash, "a", "x")
	soon.NotBefore = time.Now().Add(time.Hour)
	put(t, db, q, soon, urgent("routine", chat, store.ClassRoutine, "b", "x"))
	if all, err := q.List(); err != nil || !slices.Equal(ids(all), []string{"routine", "held"}) {
		t.Errorf("list %q, %v", ids(all), err)
	}
}

// What waits only for a newer one to take its place goes along when anything goes at all.
func TestWhatIsHeldForANewerOneRides(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	rider := func(id, from string) store.Entry {
		e := urgent(id, store.KindPresence, store.ClassPresence, from, "x")
		e.Coalesce, e.NotBefore, e.HeldFor = true, day.Add(time.Minute), store.HeldForNewer
		return e
	}
	budget := rider("no air", "d")
	budget.HeldFor = "no air"
	put(t, db, q, rider("b shows", "b"), rider("c shows", "c"), budget)
	if got := pick(t, q, store.Pick{N: 9, Bytes: 1 << 20, Now: day, Riders: true}); len(got) > 0 {
		t.Errorf("%q go for themselves", ids(got))
	}
	put(t, db, q, urgent("a", chat, store.ClassRoutine, "a", "x"), urgent("c says", chat, store.ClassRoutine, "c", "x"))
	for _, c := range []struct {
		p    store.Pick
		want []string
	}{
		{store.Pick{N: 9}, []string{"a", "c shows", "c says"}},
		{store.Pick{N: 9, Riders: true}, []string{"a", "c shows", "c says", "b shows"}},
		{store.Pick{N: 3, Riders: true}, []string{"a", "c shows", "c says"}},
		{store.Pick{N: 9, Riders: true, Kinds: store.Kinds(chat)}, []string{"a", "c shows", "c says"}},
	} {
		c.p.Bytes, c.p.Now = 1<<20, day
		if got := ids(pick(t, q, c.p)); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.p, got, c.want)
		}
	}
}
