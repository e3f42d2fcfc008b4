package store_test

import (
	"bufio"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"longwire/store"
)

// step is operation number i of the crash test. What the store holds after it follows from i alone.
func step(q *store.Queue, tx *store.Tx, i uint64) error {
	c, err := tx.Custody("mark")
	if err != nil {
		return err
	}
	if uint64(c.Mark) != i-1 {
		return fmt.Errorf("step %d on mark %d", i, c.Mark)
	}
	id, err := tx.SpoolPut("a@field.net", store.SpoolEntry{Stanza: []byte(strconv.FormatUint(i, 10))}, true)
	if err != nil || id != i {
		return fmt.Errorf("step %d got spool id %d, %v", i, id, err)
	}
	if err := tx.SpoolDelete("a@field.net", i-min(i, 40)); err != nil {
		return err
	}
	qid, _, err := q.Put(tx, entry(strconv.FormatUint(i, 10), store.ClassRoutine, "a", strconv.FormatUint(i%3, 10)), store.QueueLimits{})
	if err != nil || qid != i {
		return fmt.Errorf("step %d got queue id %d, %v", i, qid, err)
	}
	if i%5 == 0 {
		if err := q.Number(tx, "s", uint32(i-4), []uint64{i - 4, i - 3, i - 2, i - 1, i}); err != nil {
			return err
		}
	}
	if i%10 == 0 {
		if _, err := q.Confirm(tx, "s", uint32(i-7)); err != nil {
			return err
		}
	}
	e := store.ArchiveEntry{ID: i, With: strconv.FormatUint(i%3, 10), Stanza: []byte(strconv.FormatUint(i, 10))}
	if err := tx.ArchivePut("a@field.net", e, store.ArchiveLimits{Entries: 64}); err != nil {
		return err
	}
	return tx.PutCustody("mark", store.Custody{Mark: uint32(i)})
}

// checkArchived tells whether the archive holds the last of i entries, whichever way they are counted.
func checkArchived(t *testing.T, tx *store.Tx, i uint64) error {
	t.Helper()
	want := i
	if i > 68 {
		want = 64 + (i-69)%5 // four more than the bound, then they go
	}
	next, with := i-want+1, 0
	err := tx.ArchiveScan("a@field.net", 0, 0, false, func(e store.ArchiveEntry) (bool, error) {
		if e.ID != next || string(e.Stanza) != strconv.FormatUint(next, 10) {
			t.Errorf("archive entry %d holds %q, want %d", e.ID, e.Stanza, next)
		}
		next++
		return true, nil
	})
	for w := range uint64(3) {
		err = cmp.Or(err, tx.ArchiveScanWith("a@field.net", strconv.FormatUint(w, 10), 0, 0, true, func(store.ArchiveEntry) (bool, error) {
			with++
			return true, nil
		}))
	}
	if s := tx.ArchiveStats("a@field.net"); next != i+1 || uint64(s.Entries) != want || uint64(with) != want || s.Last != i {
		t.Errorf("archive ends at %d, %d by the index, %+v, mark %d", next-1, with, s, i)
	}
	return err
}

// checkSteps compares the store with what i steps leave.
func checkSteps(t *testing.T, db *store.DB) (i uint64) {
	t.Helper()
	view(t, db, func(tx *store.Tx) error {
		c, err := tx.Custody("mark")
		i = uint64(c.Mark)
		next := i - min(i, 40) + 1
		err2 := tx.Spool("a@field.net", 0, func(e store.SpoolEntry) error {
			if e.ID != next || string(e.Stanza) != strconv.FormatUint(next, 10) {
				t.Errorf("spool entry %d holds %q, want %d", e.ID, e.Stanza, next)
			}
			next++
			return nil
		})
		if n, _ := tx.SpoolCount("a@field.net"); next != i+1 || uint64(n) != min(i, 40) {
			t.Errorf("spool ends at %d with %d entries, mark %d", next-1, n, i)
		}
		return cmp.Or(err, err2, checkArchived(t, tx, i))
	})
	all, err := db.Queue("peer").List()
	if err != nil {
		t.Fatal(err)
	}
	first := uint64(1)
	if i >= 10 {
		first = i/10*10 - 6
	}
	sent := 0
	slices.SortFunc(all, func(a, b store.Entry) int { return cmp.Compare(a.ID, b.ID) })
	for n, e := range all {
		if want := first + uint64(n); e.ID != want || e.StanzaID != strconv.FormatUint(want, 10) {
			t.Errorf("queue entry %d is %q, want %d", e.ID, e.StanzaID, want)
		}
		if numbered := e.ID <= i/5*5; numbered != (e.Session == "s") || numbered && uint64(e.Seq) != e.ID {
			t.Errorf("queue entry %d has number %d of %q, mark %d", e.ID, e.Seq, e.Session, i)
		}
		if e.Session != "" {
			sent++
		}
	}
	if n := uint64(len(all)); n != i+1-first {
		t.Errorf("queue has %d entries from %d, mark %d", n, first, i)
	}
	if s := db.Queue("peer").Stats(); s.Entries != len(all) || s.Sent != sent {
		t.Errorf("stats %+v, %d entries, %d sent", s, len(all), sent)
	}
	return i
}

// crashChild goes on with the steps and prints the number of each that was committed, until it is killed.
func crashChild() {
	db, err := store.Open(os.Getenv("STORE_TEST_PATH"), store.Options{SlowSync: time.Duration(os.Getpid()%3) * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	q := db.Queue("peer")
	var mark uint64
	_ = db.View(func(tx *store.Tx) error { c, err := tx.Custody("mark"); mark = uint64(c.Mark); return err })
	room := make(chan bool, 100)
	for i := mark + 1; ; i++ {
		room <- true
		db.Submit(func(tx *store.Tx) error { return step(q, tx, i) }, func(err error) {
			if err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			fmt.Println(i)
			<-room
		})
	}
}

func TestWhatWasAcknowledgedSurvivesKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	kills := 30
	if testing.Short() {
		kills = 5
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var last uint64
	for range kills {
		cmd := child(t, "crash", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(rnd.IntN(120))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		acked := last
		for lines := bufio.NewScanner(out); lines.Scan(); {
			i, err := strconv.ParseUint(lines.Text(), 10, 64)
			if err != nil || i != acked+1 && acked != last {
				t.Fatalf("child says %q after %d", lines.Text(), acked)
			}
			acked = i
		}
		_ = cmd.Wait()
		kill.Stop()
		db, err := store.Open(path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := checkSteps(t, db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if got < acked {
			t.Fatalf("%d was acknowledged, the store holds %d", acked, got)
		}
		last = got
	}
	if last == 0 {
		t.Error("no step was ever done")
	}
	t.Logf("%d steps over %d kills", last, kills)
}

// The same steps with every commit that fails at random, before or after it happened.
func TestStepsOverAFailingFlash(t *testing.T) {
	db := open(t, store.Options{})
	rnd := rand.New(rand.NewPCG(3, 4))
	fail := func() error {
		if rnd.IntN(4) == 0 {
			return fmt.Errorf("flash: input/output error")
		}
		return nil
	}
	store.FailCommits(db, fail, func() error { return nil })
	q := db.Queue("peer")
	failed := 0
	for i := uint64(1); i <= 300; {
		if err := db.Update(func(tx *store.Tx) error { return step(q, tx, i) }); err != nil {
			failed++
			continue
		}
		i++
	}
	if got := checkSteps(t, db); got != 300 || failed == 0 {
		t.Errorf("%d steps, %d failed", got, failed)
	}
}
