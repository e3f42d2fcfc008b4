package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
)

func count(tx *store.Tx) (n int) {
	_ = tx.Accounts(func(store.Account) error { n++; return nil })
	return n
}

func putAccount(jid string) func(*store.Tx) error {
	return func(tx *store.Tx) error { return tx.PutAccount(store.Account{JID: jid}) }
}

func TestOperationsSeeThoseBeforeAndDonesComeInOrder(t *testing.T) {
	db := open(t, store.Options{SlowSync: time.Millisecond})
	var told []int
	for i := range 3000 {
		db.Submit(func(tx *store.Tx) error {
			c, err := tx.Custody("c")
			if err != nil || c.Mark != uint32(i) {
				return fmt.Errorf("op %d found mark %d, %v", i, c.Mark, err)
			}
			c.Mark++
			return tx.PutCustody("c", c)
		}, func(err error) {
			if err != nil {
				t.Error(err)
			}
			told = append(told, i)
		})
	}
	update(t, db, nil)
	if len(told) != 3000 || !slices.IsSorted(told) {
		t.Errorf("%d told, sorted: %v", len(told), slices.IsSorted(told))
	}
}

func TestConcurrentSubmittersShareCommits(t *testing.T) {
	db := open(t, store.Options{SlowSync: 5 * time.Millisecond})
	commits := store.CountCommits(db)
	const n = 400
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { update(t, db, putAccount(fmt.Sprint(i))) })
	}
	wg.Wait()
	if c := commits.Load(); c > n/10 {
		t.Errorf("%d commits for %d operations", c, n)
	}
	view(t, db, func(tx *store.Tx) error {
		if got := count(tx); got != n {
			t.Errorf("%d accounts", got)
		}
		return nil
	})
}

// batch submits the operations so that they share one transaction, and returns what each was told.
func batch(t *testing.T, db *store.DB, ops ...func(*store.Tx) error) []error {
	t.Helper()
	hold, entered := make(chan bool), make(chan bool)
	db.Submit(func(*store.Tx) error { close(entered); <-hold; return nil }, nil)
	<-entered // this batch has begun: what is submitted from here on forms the next
	errs := make([]error, len(ops))
	for i, op := range ops {
		db.Submit(op, func(err error) { errs[i] = err })
	}
	close(hold)
	_ = db.Update(nil) // it may share the others' fate
	return errs
}

func TestFailedOperationHasNoEffectAndDisturbsNobody(t *testing.T) {
	fails := map[string]func(*store.Tx, *store.Queue) error{
		"clean":  func(tx *store.Tx, q *store.Queue) error { return errOp },
		"dirty":  func(tx *store.Tx, q *store.Queue) error { _ = putAccount("bad")(tx); return errOp },
		"panics": func(tx *store.Tx, q *store.Queue) error { _ = putAccount("bad")(tx); panic("no") },
		"overwrites, deletes and adds": func(tx *store.Tx, q *store.Queue) error {
			_ = tx.PutAccount(store.Account{JID: "a", LastStatus: "bad"})
			_ = tx.DeleteAccount("a")
			_ = putAccount("bad")(tx)
			_ = tx.DeleteAccount("bad")
			_ = putAccount("bad")(tx)
			_, _, _ = q.Put(tx, entry("x", store.ClassRoutine, "a", "b"), store.QueueLimits{})
			return errOp
		},
		"meets damage": func(tx *store.Tx, q *store.Queue) error { _ = putAccount("bad")(tx); store.PanicInside(tx); return nil },
	}
	for name, fail := range fails {
		t.Run(name, func(t *testing.T) {
			db := open(t, store.Options{})
			q := db.Queue("p")
			fail := func(tx *store.Tx) error { return fail(tx, q) }
			commits := store.CountCommits(db)
			var runs atomic.Int64
			errs := batch(t, db,
				func(tx *store.Tx) error {
					runs.Add(1)
					return tx.PutAccount(store.Account{JID: "a", LastStatus: "good"})
				},
				fail, putAccount("b"), fail, putAccount("c"))
			for i, err := range errs {
				if bad := i == 1 || i == 3; bad != (err != nil) {
					t.Errorf("op %d: %v", i, err)
				}
			}
			view(t, db, func(tx *store.Tx) error {
				a, err := tx.Account("a")
				if a.LastStatus != "good" || count(tx) != 3 {
					t.Errorf("%d accounts, a is %+v", count(tx), a)
				}
				return err
			})
			if s := q.Stats(); s.Entries != 0 {
				t.Error(s)
			}
			if commits.Load() != 1 {
				t.Errorf("%d commits", commits.Load())
			}
			if damage := name == "meets damage"; damage != errors.Is(db.Health().Err, store.ErrCorrupt) {
				t.Errorf("health: %v", db.Health().Err)
			} else if !damage && runs.Load() != 1 {
				t.Errorf("a good operation ran %d times", runs.Load())
			}
		})
	}
}

func TestOperationsThatWriteNothingCostNoCommit(t *testing.T) {
	db := open(t, store.Options{})
	commits := store.CountCommits(db)
	errs := batch(t, db, nil, func(tx *store.Tx) error { _, err := tx.AccountExists("a"); return err }, func(*store.Tx) error { return errOp })
	if errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], errOp) {
		t.Error(errs)
	}
	if commits.Load() != 0 {
		t.Errorf("%d commits", commits.Load())
	}
}

func TestBarrierComesAfterWhatWasBefore(t *testing.T) {
	db := open(t, store.Options{SlowSync: 3 * time.Millisecond})
	var done atomic.Int64
	for i := range 50 {
		db.Submit(putAccount(fmt.Sprint(i)), func(error) { done.Add(1) })
	}
	update(t, db, nil)
	if done.Load() != 50 {
		t.Errorf("barrier passed %d operations", 50-done.Load())
	}
}

func TestFailedCommitFailsItsWholeBatch(t *testing.T) {
	db := open(t, store.Options{})
	broken := errors.New("flash is on fire")
	store.FailCommits(db, func() error { return broken }, func() error { return nil })
	for i, err := range batch(t, db, putAccount("a"), nil, putAccount("b")) {
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "store.db") {
			t.Errorf("op %d: %v", i, err)
		}
	}
	if !errors.Is(db.Health().Err, broken) {
		t.Errorf("health %v", db.Health().Err)
	}
	_ = store.CountCommits(db) // heals
	if err := db.Probe(); err != nil || db.Health().Err != nil {
		t.Errorf("probe %v, health %v", err, db.Health().Err)
	}
	view(t, db, func(tx *store.Tx) error {
		if count(tx) != 0 {
			t.Error("a failed commit left something")
		}
		return nil
	})
}

// When only the last sync fails, readers see the transaction: its callers must not hear that it failed.
func TestCommitThatHappenedAfterAllIsSettled(t *testing.T) {
	db := open(t, store.Options{})
	calls := 0
	store.FailCommits(db, func() error { return nil }, func() error {
		if calls++; calls == 1 {
			return syscall.EIO
		}
		return nil
	})
	update(t, db, putAccount("a"))
	if calls != 2 || db.Health().Err != nil {
		t.Errorf("%d commits, health %v", calls, db.Health().Err)
	}
	store.FailCommits(db, func() error { return nil }, func() error { return syscall.EIO })
	if err := db.Update(putAccount("b")); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
}

func TestDoneMaySubmitWhenManyWait(t *testing.T) {
	db := open(t, store.Options{SlowSync: time.Millisecond})
	var again atomic.Int64
	var wg sync.WaitGroup
	const n = 3 * 4096
	wg.Add(n)
	for i := range n {
		db.Submit(func(*store.Tx) error { return nil }, func(error) {
			db.Submit(nil, func(error) { again.Add(1); wg.Done() })
			if i == 0 {
				time.Sleep(20 * time.Millisecond) // let the queue fill
			}
		})
	}
	wg.Wait()
	if again.Load() != n {
		t.Error(again.Load())
	}
}

func TestCloseCommitsWhatWasSubmitted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(path, store.Options{SlowSync: 2 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var ok, closed atomic.Int64
	var wg sync.WaitGroup
	told := func(err error) {
		defer wg.Done()
		switch {
		case err == nil:
			ok.Add(1)
		case errors.Is(err, store.ErrClosed):
			closed.Add(1)
		default:
			t.Error(err)
		}
	}
	const n = 6000
	wg.Add(n)
	for range 4 {
		go func() {
			for i := range n / 4 {
				db.Submit(func(tx *store.Tx) error {
					_, err := tx.SpoolPut("a", store.SpoolEntry{Stanza: []byte{byte(i)}}, true)
					return err
				}, told)
			}
		}()
	}
	time.Sleep(3 * time.Millisecond)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := db.Update(nil); !errors.Is(err, store.ErrClosed) {
		t.Error(err)
	}
	if err := db.View(func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	again := openAt(t, path, store.Options{})
	view(t, again, func(tx *store.Tx) error {
		if n, _ := tx.SpoolCount("a"); int64(n) != ok.Load() {
			t.Errorf("%d entries, %d acknowledged, %d refused", n, ok.Load(), closed.Load())
		}
		return nil
	})
}

func TestLargeBatchIsCommittedInParts(t *testing.T) {
	db := open(t, store.Options{})
	commits := store.CountCommits(db)
	big := make([]byte, 1<<20)
	ops := make([]func(*store.Tx) error, 10)
	for i := range ops {
		ops[i] = func(tx *store.Tx) error { return tx.PutBlob("a", store.BlobPrivate, fmt.Sprint(i), big) }
	}
	for i, err := range batch(t, db, ops...) {
		if err != nil {
			t.Errorf("op %d: %v", i, err)
		}
	}
	if c := commits.Load(); c < 2 || c > 4 {
		t.Errorf("%d commits", c)
	}
}

func TestPanicOfAViewIsTheCallers(t *testing.T) {
	db := open(t, store.Options{})
	defer func() {
		if p := recover(); p != "mine" {
			t.Error(p)
		}
		update(t, db, putAccount("a"))
	}()
	_ = db.View(func(*store.Tx) error { panic("mine") })
}

func TestWriteInAViewPanics(t *testing.T) {
	db := open(t, store.Options{})
	q := db.Queue("p")
	for name, op := range map[string]func(*store.Tx) error{
		"account": putAccount("a"),
		"delete":  func(tx *store.Tx) error { return tx.DeleteSM("x") },
		"queue":   func(tx *store.Tx) error { _, _, err := q.Put(tx, store.Entry{}, store.QueueLimits{}); return err },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error(name, "did not panic")
				}
			}()
			_ = db.View(op)
		}()
	}
	if s := q.Stats(); s.Entries != 0 {
		t.Error(s)
	}
}

// Readers see whole commits only, while the file grows and is mapped anew under them.
func TestViewsWhileTheFileGrows(t *testing.T) {
	db := open(t, store.Options{})
	stop := make(chan bool)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := db.View(func(tx *store.Tx) error {
					c, err := tx.Custody("mark")
					if n, _ := tx.SpoolCount("a"); n != int(c.Mark) {
						t.Errorf("%d entries, mark %d", n, c.Mark)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 300 {
		update(t, db, func(tx *store.Tx) error {
			_, err := tx.SpoolPut("a", store.SpoolEntry{Stanza: make([]byte, 20_000)}, true)
			return errors.Join(err, tx.PutCustody("mark", store.Custody{Mark: uint32(i + 1)}))
		})
	}
	close(stop)
	wg.Wait()
}

// The store works inside a synctest bubble, where others test their timers with it.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t, store.Options{SlowSync: time.Hour})
		began := time.Now()
		update(t, db, putAccount("a"))
		if d := time.Since(began); d != time.Hour {
			t.Error(d)
		}
	})
}
