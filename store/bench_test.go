package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longwire/store"
)

var stanza300 = make([]byte, 300)

func BenchmarkUpdate(b *testing.B) {
	db := open(b, store.Options{})
	b.ReportAllocs()
	for b.Loop() {
		update(b, db, func(tx *store.Tx) error { return tx.PutCustody("headquarters.net", store.Custody{Mark: 1}) })
	}
}

// BenchmarkGroupCommitSlowFlash has eight senders that each wait for their commit, on a flash that takes 20 ms.
func BenchmarkGroupCommitSlowFlash(b *testing.B) {
	for _, senders := range []int{8, 64} {
		b.Run(fmt.Sprint(senders), func(b *testing.B) {
			db := open(b, store.Options{SlowSync: 20 * time.Millisecond})
			var n atomic.Int64
			var wg sync.WaitGroup
			began := time.Now()
			for range senders {
				wg.Go(func() {
					for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
						update(b, db, func(tx *store.Tx) error {
							_, err := tx.SpoolPut("a@field.net", store.SpoolEntry{Stanza: stanza300}, true)
							return err
						})
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "ops/s")
		})
	}
}

// inTx measures many rounds in few commits: the cost of the methods, not of the flash.
func inTx(b *testing.B, db *store.DB, op func(tx *store.Tx) error) {
	b.Helper()
	b.ReportAllocs()
	const each = 100
	for i := 0; i < b.N; i += each {
		update(b, db, func(tx *store.Tx) error {
			for range min(each, b.N-i) {
				if err := op(tx); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func BenchmarkSpoolPutDelete(b *testing.B) {
	db := open(b, store.Options{})
	inTx(b, db, func(tx *store.Tx) error {
		id, err := tx.SpoolPut("a@field.net", store.SpoolEntry{Stanza: stanza300}, false)
		if err != nil {
			return err
		}
		return tx.SpoolDelete("a@field.net", id)
	})
}

// BenchmarkQueue puts, numbers and confirms one entry beside those that wait.
func BenchmarkQueue(b *testing.B) {
	for _, waiting := range []int{0, 10_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			db := open(b, store.Options{})
			q := db.Queue("headquarters.net")
			fill(b, db, q, waiting)
			lim := store.QueueLimits{Entries: 20_000, Bytes: 1 << 30}
			seq := uint32(0)
			b.ResetTimer()
			inTx(b, db, func(tx *store.Tx) error {
				e := entry("x", store.ClassRoutine, "a@field.net/r", "b@headquarters.net")
				e.Stanza = stanza300
				e.Expires = day.Add(24 * time.Hour)
				id, _, err := q.Put(tx, e, lim)
				if err != nil {
					return err
				}
				seq++
				if err := q.Number(tx, "s", seq, []uint64{id}); err != nil {
					return err
				}
				_, err = q.Confirm(tx, "s", seq)
				return err
			})
		})
	}
}

// BenchmarkQueueOverflow puts into a full queue: each of the first entries drops a chat state, the others are refused.
func BenchmarkQueueOverflow(b *testing.B) {
	db := open(b, store.Options{})
	q := db.Queue("headquarters.net")
	fill(b, db, q, 10_000)
	b.ResetTimer()
	inTx(b, db, func(tx *store.Tx) error {
		_, _, err := q.Put(tx, entry("x", store.ClassReceipt, "a", "b"), store.QueueLimits{})
		if errors.Is(err, store.ErrQuota) {
			return nil
		}
		return err
	})
}

func BenchmarkQueueNext(b *testing.B) {
	for _, waiting := range []int{10, 10_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			db := open(b, store.Options{})
			q := db.Queue("headquarters.net")
			fill(b, db, q, waiting)
			b.ReportAllocs()
			for b.Loop() {
				if es := next(b, q, 8, 1<<20); len(es) != 8 {
					b.Fatal(len(es))
				}
			}
		})
	}
}

// fill puts n entries of all classes between few pairs.
func fill(b testing.TB, db *store.DB, q *store.Queue, n int) {
	classes := []store.Class{store.ClassState, store.ClassRoutine, store.ClassPresence, store.ClassReceipt}
	for i := 0; i < n; i += 500 {
		update(b, db, func(tx *store.Tx) error {
			for j := i; j < min(i+500, n); j++ {
				e := entry(fmt.Sprint(j), classes[j%len(classes)], fmt.Sprint("from", j%17), fmt.Sprint("to", j%5))
				e.Stanza = stanza300
				e.Expires = day.Add(time.Duration(j) * time.Second)
				if _, _, err := q.Put(tx, e, store.QueueLimits{}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func BenchmarkViewRosterItem(b *testing.B) {
	db := open(b, store.Options{})
	update(b, db, func(tx *store.Tx) error {
		for i := range 200 {
			if _, err := tx.PutRosterItem("a@field.net", store.RosterItem{Contact: fmt.Sprintf("c%d@field.net", i), Groups: []string{"g"}, To: true}); err != nil {
				return err
			}
		}
		return nil
	})
	b.ReportAllocs()
	for b.Loop() {
		view(b, db, func(tx *store.Tx) error {
			_, err := tx.RosterItem("a@field.net", "c77@field.net")
			return err
		})
	}
}

func BenchmarkViewAccountExists(b *testing.B) {
	db := open(b, store.Options{})
	update(b, db, func(tx *store.Tx) error { return tx.PutAccount(store.Account{JID: "a@field.net"}) })
	b.ReportAllocs()
	for b.Loop() {
		view(b, db, func(tx *store.Tx) error {
			_, err := tx.AccountExists("b@field.net")
			return err
		})
	}
}

// archiveOf makes an archive of n messages that two and two say.
func archiveOf(b *testing.B, n int) (db *store.DB, ids []uint64) {
	b.Helper()
	db = open(b, store.Options{})
	for len(ids) < n {
		update(b, db, func(tx *store.Tx) error {
			var all []store.ArchiveEntry
			for range min(1000, n-len(ids)) {
				e := archived(db, len(ids))
				all, ids = append(all, e), append(ids, e.ID)
			}
			_, err := tx.ArchivePutAll(ops, all, store.ArchiveLimits{})
			return err
		})
	}
	return db, ids
}

func archived(db *store.DB, i int) store.ArchiveEntry {
	return store.ArchiveEntry{ID: db.ArchiveID(), With: fmt.Sprintf("user%d@field.net/x", i%50), StanzaID: "id", Stanza: stanza300}
}

// BenchmarkArchivePut is one message into an archive of 100,000, in a batch of a thousand, without and with one that has to go.
func BenchmarkArchivePut(b *testing.B) {
	for _, c := range []struct {
		name string
		lim  store.ArchiveLimits
	}{{"append", store.ArchiveLimits{}}, {"append and prune", store.ArchiveLimits{Entries: 100_000}}} {
		b.Run(c.name, func(b *testing.B) {
			db, ids := archiveOf(b, 100_000)
			n := len(ids)
			b.ReportAllocs()
			b.ResetTimer()
			for left := b.N; left > 0; left -= 1000 {
				update(b, db, func(tx *store.Tx) error {
					for range min(left, 1000) {
						n++
						if err := tx.ArchivePut(ops, archived(db, n), c.lim); err != nil {
							return err
						}
					}
					return nil
				})
			}
		})
	}
}

// BenchmarkArchivePage is a page of 50 out of 100,000.
func BenchmarkArchivePage(b *testing.B) {
	db, ids := archiveOf(b, 100_000)
	for _, c := range []struct {
		name          string
		with          string
		after, before uint64
		backward      bool
	}{
		{"first", "", 0, 0, false}, {"middle", "", ids[50_000], 0, false}, {"last", "", 0, 0, true},
		{"with, first", "user7@field.net", 0, 0, false}, {"with, middle", "user7@field.net", ids[50_000], 0, false}, {"with, last", "user7@field.net", 0, 0, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				fn := func(store.ArchiveEntry) (bool, error) { n++; return n < 50, nil }
				view(b, db, func(tx *store.Tx) error {
					if c.with != "" {
						return tx.ArchiveScanWith(ops, c.with, c.after, c.before, c.backward, fn)
					}
					return tx.ArchiveScan(ops, c.after, c.before, c.backward, fn)
				})
				if n != 50 {
					b.Fatal(n)
				}
			}
		})
	}
}

// BenchmarkQueueNextPlain is eight out of a queue of messages that nobody called urgent.
func BenchmarkQueueNextPlain(b *testing.B) {
	for _, waiting := range []int{10, 10_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			db := open(b, store.Options{})
			q := db.Queue("headquarters.net")
			for i := 0; i < waiting; i += 500 {
				update(b, db, func(tx *store.Tx) error {
					for j := i; j < min(i+500, waiting); j++ {
						e := entry(fmt.Sprint(j), store.ClassRoutine, fmt.Sprint("from", j%17), fmt.Sprint("to", j%5))
						e.Stanza = stanza300
						if _, _, err := q.Put(tx, e, store.QueueLimits{}); err != nil {
							return err
						}
					}
					return nil
				})
			}
			b.ReportAllocs()
			for b.Loop() {
				if es := next(b, q, 8, 1<<20); len(es) != 8 {
					b.Fatal(len(es))
				}
			}
		})
	}
}
