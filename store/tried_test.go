package store

import (
	"path/filepath"
	"testing"
	"time"
)

// What a link had and gave back may be with the peer; who is told that it expired must not be told that it was not sent.
func TestWhatWaitsAgainIsKnownAsTried(t *testing.T) {
	db, err := Open(filepath.Join(t.TempDir(), "store.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	q := db.Queue("hq")
	var ids [2]uint64
	if err := db.Update(func(tx *Tx) error {
		for i := range ids {
			e := Entry{Kind: KindChat, From: "a@field.net/x", To: "b@hq.net", Queued: time.Now(), Stanza: []byte("<message/>")}
			if ids[i], _, err = q.Put(tx, e, QueueLimits{}); err != nil {
				return err
			}
		}
		if err := q.Number(tx, "s", 1, ids[:1]); err != nil {
			return err
		}
		return q.Requeue(tx, "s")
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *Tx) error {
		gone, err := q.Done(tx, ids[:]...)
		if err == nil && (len(gone) != 2 || !gone[0].Tried || gone[1].Tried) {
			t.Errorf("%+v", gone)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
