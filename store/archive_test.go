package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
)

const ops = "ops@rooms.field.net"

func line(db *store.DB) store.ArchiveEntry {
	return store.ArchiveEntry{ID: db.ArchiveID(), With: "a@field.net/x", From: "a", StanzaID: "1", Stanza: stanza300, Origin: "abc", Seq: 1, Key: [16]byte{1}}
}

// sweep takes deleted archives apart, in small steps.
func sweep(t testing.TB, db *store.DB) {
	t.Helper()
	for n := 1; n > 0; {
		update(t, db, func(tx *store.Tx) (err error) {
			if n, err = tx.ArchiveSweep(7); n > 7 {
				t.Errorf("swept %d keys at once", n)
			}
			return err
		})
	}
}

func TestArchiveIDsRiseAndAreTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		first := db.ArchiveID()
		if at := time.Unix(0, int64(first)); !at.Equal(time.Now()) {
			t.Error(at)
		}
		time.Sleep(time.Hour)
		last := db.ArchiveID()
		if last-first != uint64(time.Hour) {
			t.Error(first, last)
		}
		at := last
		var steps []uint64
		for range 5 { // the clock stands still
			again := db.ArchiveID()
			steps = append(steps, again-at)
			if again <= at || again-at > uint64(time.Millisecond) {
				t.Error(at, again)
			}
			at = again
		}
		if slices.Max(steps) == slices.Min(steps) {
			t.Errorf("the next one can be told: %d", steps)
		}
		e := store.ArchiveEntry{ID: last + uint64(24*time.Hour)} // by a clock that was wrong
		if err := errors.Join(db.Update(func(tx *store.Tx) error { return tx.ArchivePut(ops, e, store.ArchiveLimits{}) }), db.Close()); err != nil {
			t.Fatal(err)
		}
		for _, o := range []store.Options{{}, {ReadOnly: true}} {
			if db, err = store.Open(path, o); err != nil {
				t.Fatal(err)
			}
			if id := db.ArchiveID(); id <= e.ID || id > e.ID+uint64(time.Millisecond) {
				t.Errorf("%d after %d", id, e.ID)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestArchiveKeepsStampsApartFromIDs(t *testing.T) {
	db := open(t, store.Options{})
	at := time.Now().UTC().Round(0)
	late, own := line(db), line(db)
	late.Stamp = at.Add(-time.Hour)
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.ArchivePut(ops, late, store.ArchiveLimits{}), tx.ArchivePut(ops, own, store.ArchiveLimits{}))
	})
	view(t, db, func(tx *store.Tx) error {
		a, err1 := tx.ArchiveGet(ops, late.ID)
		b, err2 := tx.ArchiveGet(ops, own.ID)
		if !a.Stamp.Equal(late.Stamp) || !b.Stamp.Equal(time.Unix(0, int64(own.ID))) {
			t.Error(a.Stamp, b.Stamp)
		}
		if s := tx.ArchiveStats(ops); s.Late < time.Hour || s.Late > 2*time.Hour || s.Early != 0 || s.First != late.ID || s.Last != own.ID || s.Entries != 2 {
			t.Errorf("%+v", s)
		}
		return errors.Join(err1, err2)
	})
	if err := db.Update(func(tx *store.Tx) error { return tx.ArchivePut(ops, own, store.ArchiveLimits{}) }); !errors.Is(err, store.ErrExists) {
		t.Error(err)
	}
	if err := db.Update(func(tx *store.Tx) error { return tx.ArchivePut(ops, store.ArchiveEntry{}, store.ArchiveLimits{}) }); err == nil {
		t.Error("an entry without an id")
	}
}

func TestAClockOfTheFutureDoesNotKeepAnything(t *testing.T) {
	db := open(t, store.Options{})
	now := time.Now()
	update(t, db, func(tx *store.Tx) error {
		for i := range 5 {
			e := store.ArchiveEntry{ID: uint64(now.Add(time.Duration(i-10) * time.Hour).UnixNano()), Stamp: now.AddDate(50, 0, 0)}
			if err := tx.ArchivePut(ops, e, store.ArchiveLimits{}); err != nil {
				return err
			}
		}
		n, err := tx.ArchivePrune(ops, store.ArchiveLimits{Age: 7*time.Hour + time.Minute}, now, 10)
		if n != 3 {
			t.Errorf("%d pruned", n)
		}
		return err
	})
}

// archiveModel is an archive as a list.
type archiveModel []store.ArchiveEntry

func (m archiveModel) scan(after, before uint64, backward bool, is func(store.ArchiveEntry) bool) (ids []uint64) {
	for _, e := range m {
		if e.ID > after && (before == 0 || e.ID < before) && is(e) {
			ids = append(ids, e.ID)
		}
	}
	if backward {
		slices.Reverse(ids)
	}
	return ids
}

// Whatever is put and pruned, the archive is what a list would be, by every way into it.
func TestArchiveAgainstAModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { testArchiveModel(t, rand.New(rand.NewPCG(seed, 5)), 300) })
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(uint64(7))
	f.Fuzz(func(t *testing.T, seed uint64) { testArchiveModel(t, rand.New(rand.NewPCG(seed, 6)), 60) })
}

func testArchiveModel(t *testing.T, r *rand.Rand, steps int) {
	db := open(t, store.Options{})
	models := map[string]archiveModel{"a@field.net": nil, ops: nil}
	names := []string{"a@field.net", ops}
	base := db.ArchiveID() + uint64(time.Hour)
	for range steps {
		name := names[r.IntN(2)]
		m := models[name]
		err := db.Update(func(tx *store.Tx) error {
			switch k := r.IntN(20); {
			case k < 15:
				e := someEntry(r, base)
				lim := store.ArchiveLimits{Entries: 40}
				err := tx.ArchivePut(name, e, lim)
				taken := slices.ContainsFunc(m, func(o store.ArchiveEntry) bool { return o.ID == e.ID })
				if errors.Is(err, store.ErrExists) != taken {
					t.Errorf("putting %d: %v", e.ID, err)
				}
				if err == nil {
					m = append(m, e)
					slices.SortFunc(m, func(a, b store.ArchiveEntry) int { return int(int64(a.ID - b.ID)) })
					if len(m) > 42 {
						m = m[len(m)-40:]
					}
				}
			case k < 18:
				lim := store.ArchiveLimits{Entries: 10 + r.IntN(30)}
				n, err := tx.ArchivePrune(name, lim, time.Now(), 5)
				if want := min(5, max(0, len(m)-lim.Entries)); n != want || err != nil {
					t.Errorf("pruned %d, want %d: %v", n, want, err)
				}
				m = m[n:]
			case k == 18:
				if err := tx.DeleteArchive(name); err != nil {
					return err
				}
				m = nil
			default:
				if _, err := tx.ArchiveSweep(20); err != nil {
					return err
				}
			}
			models[name] = m
			checkArchive(t, tx, r, name, m)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	view(t, db, func(tx *store.Tx) error {
		for name, m := range models {
			checkArchive(t, tx, r, name, m)
		}
		return nil
	})
	// What is counted is there, and what is not counted is not: without entries nothing is left of an archive but its record.
	for _, name := range names {
		update(t, db, func(tx *store.Tx) error { return tx.DeleteArchive(name) })
	}
	sweep(t, db)
	view(t, db, func(tx *store.Tx) error {
		if k := store.Keys(tx); k["archives"] != 0 || k["archive"] != 0 || k["archidx"] != 0 {
			t.Error(k)
		}
		return nil
	})
}

func someEntry(r *rand.Rand, base uint64) store.ArchiveEntry {
	e := store.ArchiveEntry{ID: base + r.Uint64N(400), Stanza: []byte("<message/>")}
	e.Stamp = time.Unix(0, int64(e.ID)).UTC()
	switch r.IntN(3) {
	case 0:
		e.With = fmt.Sprintf("w%d@field.net", r.IntN(3))
	case 1:
		e.With = fmt.Sprintf("w%d@field.net/r", r.IntN(3))
	}
	if r.IntN(2) == 0 {
		e.From = fmt.Sprint("n", r.IntN(3))
	}
	if r.IntN(2) == 0 {
		e.Key = [16]byte{3: byte(1 + r.IntN(200))}
	}
	if r.IntN(2) == 0 {
		e.Origin, e.Seq = fmt.Sprint("o", r.IntN(3)), e.ID-base+1
	}
	return e
}

func checkArchive(t *testing.T, tx *store.Tx, r *rand.Rand, name string, m archiveModel) {
	t.Helper()
	anyone := func(store.ArchiveEntry) bool { return true }
	var after, before uint64
	if len(m) > 0 && r.IntN(2) == 0 {
		after = m[r.IntN(len(m))].ID
	}
	if len(m) > 0 && r.IntN(2) == 0 {
		before = m[r.IntN(len(m))].ID
	}
	backward := r.IntN(2) == 0
	var got []uint64
	collect := func(e store.ArchiveEntry) (bool, error) { got = append(got, e.ID); return true, nil }
	same := func(what string, want []uint64, err error) {
		t.Helper()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s of %s: %v\n want %v, %v", what, name, got, want, err)
		}
		got = nil
	}
	same("scan", m.scan(after, before, backward, anyone), tx.ArchiveScan(name, after, before, backward, collect))
	for w := range 3 {
		with := fmt.Sprintf("w%d@field.net", w)
		want := m.scan(after, before, backward, func(e store.ArchiveEntry) bool { return e.With == with || e.With == with+"/r" })
		same(with, want, tx.ArchiveScanWith(name, with+"/other", after, before, backward, collect))
		nick := fmt.Sprint("n", w)
		want = m.scan(after, before, backward, func(e store.ArchiveEntry) bool { return e.From == nick })
		same(nick, want, tx.ArchiveScanFrom(name, nick, after, before, backward, collect))
		origin := fmt.Sprint("o", w)
		want = m.scan(0, 0, false, func(e store.ArchiveEntry) bool { return e.Origin == origin })
		same(origin, want, tx.ArchiveOrigin(name, origin, 0, collect))
		last := uint64(0)
		for _, e := range m {
			if e.Origin == origin {
				last = e.Seq
			}
		}
		if n := tx.ArchiveOriginLast(name, origin); n != last {
			t.Errorf("last of %s: %d, want %d", origin, n, last)
		}
	}
	s := tx.ArchiveStats(name)
	if s.Entries != len(m) || len(m) > 0 && s.First != m[0].ID || (s.Bytes == 0) != (len(m) == 0) {
		t.Errorf("%+v, model has %d", s, len(m))
	}
	for _, e := range m {
		have, err := tx.ArchiveGet(name, e.ID)
		if err != nil || !reflect.DeepEqual(have, e) {
			t.Errorf("%+v, want %+v, %v", have, e, err)
		}
		if id, ok := tx.ArchiveFind(name, e.Key); e.Key != [16]byte{} && ok && !slices.ContainsFunc(m, func(o store.ArchiveEntry) bool { return o.ID == id && o.Key == e.Key }) {
			t.Errorf("%x leads to %d", e.Key, id)
		}
	}
}

func TestArchiveFindsDuplicates(t *testing.T) {
	db := open(t, store.Options{})
	a, b := line(db), line(db)
	b.Key = [16]byte{2}
	update(t, db, func(tx *store.Tx) error { return tx.ArchivePut(ops, a, store.ArchiveLimits{}) })
	update(t, db, func(tx *store.Tx) error {
		id, ok := tx.ArchiveFind(ops, a.Key)
		if _, other := tx.ArchiveFind(ops, b.Key); id != a.ID || !ok || other {
			t.Error(id, ok, other)
		}
		if err := tx.ArchivePut(ops, b, store.ArchiveLimits{Entries: 1}); err != nil { // pushes a out
			return err
		}
		if id, ok := tx.ArchiveFind(ops, b.Key); id != b.ID || !ok {
			t.Error(id, ok)
		}
		if _, ok := tx.ArchiveFind(ops, a.Key); ok {
			t.Error("found what is pruned")
		}
		return nil
	})
}

func TestArchiveIsWrittenWhileItIsRead(t *testing.T) {
	db := open(t, store.Options{})
	for range 50 {
		update(t, db, func(tx *store.Tx) error { return tx.ArchivePut(ops, line(db), store.ArchiveLimits{}) })
	}
	for _, backward := range []bool{false, true} {
		seen := 0
		update(t, db, func(tx *store.Tx) error {
			return tx.ArchiveScan(ops, 0, 0, backward, func(e store.ArchiveEntry) (bool, error) {
				seen++
				e.ID = db.ArchiveID()
				return seen < 40, tx.ArchivePut("copy@rooms.field.net", e, store.ArchiveLimits{})
			})
		})
		if seen != 40 {
			t.Errorf("backward %v: %d entries", backward, seen)
		}
	}
}

func TestArchivePrunesByAgeInSteps(t *testing.T) {
	db := open(t, store.Options{})
	now := time.Now()
	for i := range 20 {
		e := line(db)
		e.Stamp = now.Add(time.Duration(i-20) * time.Hour)
		update(t, db, func(tx *store.Tx) error { return tx.ArchivePut(ops, e, store.ArchiveLimits{Age: time.Hour}) })
	}
	prune := func(now time.Time) (n int) {
		update(t, db, func(tx *store.Tx) (err error) {
			n, err = tx.ArchivePrune(ops, store.ArchiveLimits{Age: 10*time.Hour + 30*time.Minute}, now, 6)
			return err
		})
		return n
	}
	if a, b, c := prune(now), prune(now), prune(now); a != 6 || b != 4 || c != 0 {
		t.Error(a, b, c)
	}
	if n := prune(now.Add(1000 * time.Hour)); n != 6 {
		t.Error(n)
	}
	view(t, db, func(tx *store.Tx) error {
		if s := tx.ArchiveStats(ops); s.Entries != 4 {
			t.Errorf("%+v", s)
		}
		return nil
	})
}

func TestArchiveStaysWithinItsBytes(t *testing.T) {
	db := open(t, store.Options{})
	lim := store.ArchiveLimits{Bytes: 64 << 10}
	for range 400 {
		update(t, db, func(tx *store.Tx) error { return tx.ArchivePut(ops, line(db), lim) })
	}
	view(t, db, func(tx *store.Tx) error {
		s := tx.ArchiveStats(ops)
		if s.Bytes > lim.Bytes*65/64 || s.Bytes < lim.Bytes-1000 || s.Entries < 100 {
			t.Errorf("%+v", s)
		}
		return nil
	})
}

func TestDamagedArchiveDoesNotStopMessages(t *testing.T) {
	db := open(t, store.Options{})
	for range 3 {
		update(t, db, func(tx *store.Tx) error { return tx.ArchivePut(ops, line(db), store.ArchiveLimits{}) })
	}
	n := 0
	all := func(store.ArchiveEntry) (bool, error) { n++; return true, nil }
	update(t, db, func(tx *store.Tx) error { return store.Corrupt(tx, "archive", "") })
	view(t, db, func(tx *store.Tx) error { return tx.ArchiveScan(ops, 0, 0, false, all) })
	if n != 2 || !errors.Is(db.Health().Err, store.ErrCorrupt) {
		t.Error(n, db.Health())
	}
	update(t, db, func(tx *store.Tx) error {
		pruned, err := tx.ArchivePrune(ops, store.ArchiveLimits{Entries: 1}, time.Now(), 9)
		if pruned != 2 {
			t.Error(pruned)
		}
		return err
	})
	update(t, db, func(tx *store.Tx) error { return store.Corrupt(tx, "archives", ops) })
	update(t, db, func(tx *store.Tx) error { return tx.ArchivePut(ops, line(db), store.ArchiveLimits{}) })
	n = 0
	view(t, db, func(tx *store.Tx) error { return tx.ArchiveScan(ops, 0, 0, false, all) })
	if n != 1 {
		t.Error(n)
	}
}

func TestAnAccountBeginsWithoutAnArchive(t *testing.T) {
	db := open(t, store.Options{})
	const jid = "a@field.net"
	empty := func(when string) {
		view(t, db, func(tx *store.Tx) error {
			if s := tx.ArchiveStats(jid); s.Entries != 0 {
				t.Errorf("%s: %+v", when, s)
			}
			return nil
		})
	}
	put := func(tx *store.Tx) error { return tx.ArchivePut(jid, line(db), store.ArchiveLimits{}) }
	update(t, db, put) // left by an account that an older program deleted
	update(t, db, func(tx *store.Tx) error { return tx.PutAccount(store.Account{JID: jid}) })
	empty("created")
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(put(tx), tx.PutAccount(store.Account{JID: jid, Disabled: true}))
	})
	view(t, db, func(tx *store.Tx) error {
		if s := tx.ArchiveStats(jid); s.Entries != 1 {
			t.Errorf("a change of the account: %+v", s)
		}
		return nil
	})
	update(t, db, func(tx *store.Tx) error { return tx.DeleteAccount(jid) })
	empty("deleted")
}

// What is pruned makes room for what is put: in full archives the file stays as it is.
func TestFullArchivesDoNotGrowTheFile(t *testing.T) {
	db := open(t, store.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	lim := store.ArchiveLimits{Entries: 300}
	names := make([]string, 8)
	for i := range names {
		names[i] = fmt.Sprintf("user%d@field.net", i)
	}
	round := func(n int) {
		for range n {
			update(t, db, func(tx *store.Tx) error {
				for range 50 {
					e := archived(db, r.IntN(1000))
					e.Stanza = make([]byte, 100+r.IntN(600))
					if err := tx.ArchivePut(names[r.IntN(len(names))], e, lim); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	round(2 * 8 * 300 / 50)
	full, _ := db.Size()
	var data int64
	view(t, db, func(tx *store.Tx) error {
		for _, n := range names {
			data += tx.ArchiveStats(n).Bytes
		}
		return nil
	})
	for range 3 {
		round(8 * 300 / 50)
		if now, _ := db.Size(); now > full*5/4 {
			t.Errorf("the file grew from %d to %d bytes with %d bytes of entries", full, now, data)
		}
	}
	if full > 3*data {
		t.Errorf("%d bytes of entries take a file of %d", data, full)
	}
	t.Logf("%d bytes of entries in a file of %d", data, full)
}

// Archives are the first to give way: they do not fill a store that has a bound.
func TestArchivesGiveWayWhenTheStoreIsTight(t *testing.T) {
	db := open(t, store.Options{MaxBytes: 2 << 20})
	for i := range 300 {
		update(t, db, func(tx *store.Tx) error {
			for j := range 20 {
				if err := tx.ArchivePut(fmt.Sprintf("user%d@field.net", j%5), archived(db, i), store.ArchiveLimits{}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range 50 { // what a peer hands over still finds room
		update(t, db, func(tx *store.Tx) error {
			_, err := tx.SpoolPut("a@field.net", store.SpoolEntry{Stanza: make([]byte, 2000)}, true)
			return err
		})
	}
	if err := db.Health().Err; err != nil {
		t.Error(err)
	}
	view(t, db, func(tx *store.Tx) error {
		if s := tx.ArchiveStats("user1@field.net"); s.Entries < 300 || s.Entries > 700 {
			t.Errorf("%+v", s)
		}
		return nil
	})
}

// What is logged is as safe as what is in its place, and gets there.
func TestTheArchiveLogIsSettled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"a@field.net", "b@field.net", "gone@field.net"}
	var last uint64
	update(t, db, func(tx *store.Tx) error {
		for _, n := range names[:2] {
			if err := tx.PutAccount(store.Account{JID: n}); err != nil {
				return err
			}
		}
		for i := range 10 {
			for _, n := range names {
				e := line(db)
				e.Key, e.StanzaID = [16]byte{}, fmt.Sprint(i)
				last = e.ID
				if err := tx.ArchiveLog(n, e); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, store.Options{})
	if id := db.ArchiveID(); id <= last {
		t.Errorf("%d after %d", id, last)
	}
	update(t, db, func(tx *store.Tx) error { // who gets the name next does not find it
		return errors.Join(tx.DeleteAccount("b@field.net"), tx.PutAccount(store.Account{JID: "b@field.net"}))
	})
	for _, want := range []int{7, 7, 6, 0} {
		update(t, db, func(tx *store.Tx) error {
			n, err := tx.ArchiveSettle(store.ArchiveLimits{Entries: 8}, 7)
			if n != want {
				t.Errorf("%d settled, want %d", n, want)
			}
			return err
		})
	}
	view(t, db, func(tx *store.Tx) error {
		for _, n := range names {
			want := ""
			if n == "a@field.net" {
				want = "23456789"
			}
			got := ""
			if err := tx.ArchiveScan(n, 0, 0, false, func(e store.ArchiveEntry) (bool, error) { got += e.StanzaID; return true, nil }); err != nil {
				return err
			}
			if got != want {
				t.Errorf("%s has %q, want %q", n, got, want)
			}
		}
		if n := store.Keys(tx)["archlog"]; n != 0 {
			t.Errorf("%d left in the log", n)
		}
		return nil
	})
}

func TestTheArchiveLogWaitsForRoom(t *testing.T) {
	db := open(t, store.Options{MaxBytes: 1 << 20})
	update(t, db, func(tx *store.Tx) error {
		e := line(db)
		return errors.Join(tx.PutAccount(store.Account{JID: "a@field.net"}), tx.ArchiveLog("a@field.net", e))
	})
	ids := fillUp(t, db)
	settle := func(tx *store.Tx) error { _, err := tx.ArchiveSettle(store.ArchiveLimits{}, 10); return err }
	if err := db.Update(settle); !errors.Is(err, store.ErrFull) {
		t.Errorf("on a full flash: %v", err)
	}
	for _, id := range ids {
		update(t, db, func(tx *store.Tx) error { return tx.SpoolDelete("a@field.net", id) })
	}
	if err := db.Probe(); err != nil {
		t.Fatal(err)
	}
	update(t, db, settle)
	view(t, db, func(tx *store.Tx) error {
		if s := tx.ArchiveStats("a@field.net"); s.Entries != 1 {
			t.Errorf("%+v", s)
		}
		return nil
	})
}
