package store_test

import (
	"fmt"
	"testing"
	"time"

	"longwire/store"
)

// A transaction that has emptied whole pages of the queue must still find what is left of it.
func TestConfirmAfterOthersWereDeletedInTheSameCommit(t *testing.T) {
	db := openAt(t, t.TempDir()+"/x.db", store.Options{})
	const n = 600
	put := func(peer, session string) {
		q := db.Queue(peer)
		if err := db.Update(func(tx *store.Tx) error {
			ids := make([]uint64, n)
			for i := range ids {
				var err error
				if ids[i], _, err = q.Put(tx, store.Entry{Class: store.ClassRoutine, StanzaID: fmt.Sprint(i), Queued: time.Now(), Stanza: make([]byte, 100)}, store.QueueLimits{}); err != nil {
					return err
				}
			}
			return q.Number(tx, session, 1, ids)
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, peer := range []string{"a", "b", "c"} {
		put(peer, "s")
	}
	for h := uint32(1); h <= n; h += 7 {
		for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
			if err := db.Update(func(tx *store.Tx) error {
				for _, peer := range order {
					if _, err := db.Queue(peer).Confirm(tx, "s", min(h+300, n)); err != nil {
						return err
					}
					if _, err := db.Queue(peer).Confirm(tx, "s", n); err != nil {
						return err
					}
					if _, err := db.Queue("c").Confirm(tx, "s", h); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatalf("confirming up to %d: %v", h, err)
			}
		}
		for _, peer := range []string{"a", "b"} {
			if st := db.Queue(peer).Stats(); st.Entries != 0 {
				t.Fatalf("%d entries of %s left", st.Entries, peer)
			}
			put(peer, "s")
		}
	}
	left, err := db.Queue("c").Unconfirmed("s")
	if err != nil || len(left) != n-int((n-1)/7*7+1) {
		t.Errorf("%d left, %v", len(left), err)
	}
}
