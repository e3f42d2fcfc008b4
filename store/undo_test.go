package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"longwire/store"
)

// memory follows what operations do, as a room's state does: it must be what the file is.
type memory struct {
	accounts []string
	runs     int
}

// put adds an account to file and memory, and complains when the two differed before.
func (m *memory) put(t *testing.T, jid string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		m.runs++
		if count(tx) != len(m.accounts) {
			t.Errorf("before %s: %d accounts, memory %q", jid, count(tx), m.accounts)
		}
		before := m.accounts
		tx.OnUndo(func() { m.accounts = before })
		m.accounts = append(before[:len(before):len(before)], jid)
		return putAccount(jid)(tx)
	}
}

func (m *memory) check(t *testing.T, db *store.DB, want ...string) {
	t.Helper()
	view(t, db, func(tx *store.Tx) error {
		if count(tx) != len(want) || len(m.accounts) != len(want) {
			t.Errorf("%d accounts, memory %q, want %q", count(tx), m.accounts, want)
		}
		for i, w := range want {
			if _, err := tx.Account(w); err != nil || m.accounts[i] != w {
				t.Errorf("%s: %v, memory %q", w, err, m.accounts)
			}
		}
		return nil
	})
}

func TestMemoryIsTakenBackWithItsOperation(t *testing.T) {
	then := func(put func(*store.Tx) error, end func(*store.Tx) error) func(*store.Tx) error {
		return func(tx *store.Tx) error { return errors.Join(put(tx), end(tx)) }
	}
	for _, c := range []struct {
		name string
		end  func(*store.Tx) error
		runs int
	}{
		{"fails", func(*store.Tx) error { return errOp }, 4},
		{"panics", func(*store.Tx) error { panic("no") }, 4},
		{"a hook panics", func(tx *store.Tx) error { tx.OnUndo(func() { panic("no") }); return errOp }, 4},
		// The batch is run again without the broken operation: a, bad; a, b, c.
		{"meets damage", func(tx *store.Tx) error { store.PanicInside(tx); return nil }, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, m := open(t, store.Options{}), new(memory)
			batch(t, db, m.put(t, "a"), then(m.put(t, "bad"), c.end), m.put(t, "b"), m.put(t, "c"))
			m.check(t, db, "a", "b", "c")
			if m.runs != c.runs {
				t.Errorf("%d runs", m.runs)
			}
			update(t, db, m.put(t, "d")) // and nothing is taken back later
			m.check(t, db, "a", "b", "c", "d")
		})
	}
}

func TestMemoryIsTakenBackWhenTheCommitFails(t *testing.T) {
	db, m := open(t, store.Options{}), new(memory)
	update(t, db, m.put(t, "a"))
	broken := errors.New("flash is on fire")
	store.FailCommits(db, func() error { return broken }, func() error { return nil })
	batch(t, db, m.put(t, "b"), m.put(t, "c"))
	m.check(t, db, "a")
	_ = store.CountCommits(db) // heals
	batch(t, db, m.put(t, "b"), m.put(t, "c"))
	m.check(t, db, "a", "b", "c")
}

// A batch that does not fit is run again, on the full flash.
func TestMemoryIsTakenBackWhenTheFlashIsFull(t *testing.T) {
	db := openAt(t, filepath.Join(t.TempDir(), "store.db"), store.Options{MaxBytes: 1 << 20})
	m := new(memory)
	update(t, db, m.put(t, "a"))
	fillUp(t, db)
	for range 3 {
		errs := batch(t, db, m.put(t, "b"), func(tx *store.Tx) error { return tx.DeleteAccount("nobody") })
		if !errors.Is(errs[0], store.ErrFull) {
			t.Errorf("no room: %v", errs[0])
		}
		m.check(t, db, "a")
	}
	// What does not add anything works there, and runs twice at most.
	m.runs = 0
	deleted := func(tx *store.Tx) error {
		m.runs++
		before := m.accounts
		tx.OnUndo(func() { m.accounts = before })
		m.accounts = nil
		return tx.DeleteAccount("a")
	}
	if errs := batch(t, db, deleted); errs[0] != nil || m.runs > 2 {
		t.Errorf("%d runs: %v", m.runs, errs[0])
	}
	m.check(t, db)
}

func TestAnOperationThatOnlyReadsKeepsItsMemory(t *testing.T) {
	db := open(t, store.Options{})
	commits := store.CountCommits(db)
	undone := false
	update(t, db, func(tx *store.Tx) error { tx.OnUndo(func() { undone = true }); return nil })
	if undone || commits.Load() != 0 {
		t.Errorf("undone %v, %d commits", undone, commits.Load())
	}
	defer func() {
		if recover() == nil {
			t.Error("OnUndo in a View")
		}
	}()
	_ = db.View(func(tx *store.Tx) error { tx.OnUndo(func() {}); return nil })
}
