package store

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// urgentLife is a queue with everything in it that came with urgency, and what became of three entries.
func urgentLife(db *DB) error {
	q := db.Queue("headquarters.net")
	return db.Update(func(tx *Tx) error {
		var ids []uint64
		for _, id := range []string{"routine", "confirmed", "cancelled", "delivered"} {
			e := goldenUrgent
			e.Kind, e.Class, e.StanzaID, e.NotBefore = KindChat, ClassRoutine, id, time.Time{}
			n, _, err := q.Put(tx, e, QueueLimits{})
			if err != nil {
				return err
			}
			ids = append(ids, n)
		}
		flash := goldenUrgent
		flash.Kind, flash.NotBefore, flash.StanzaID = KindChat, time.Time{}, "flash"
		_, _, err1 := q.Put(tx, goldenHeld(), QueueLimits{})
		_, _, err2 := q.Put(tx, flash, QueueLimits{})
		err3 := q.Number(tx, "link1", 7, []uint64{ids[1], ids[3]})
		_, err4 := q.Confirm(tx, "link1", 8)
		_, err5 := q.DoneAs(tx, Because{State: FateCancelled, Why: "you cancelled it"}, ids[2])
		_, err6 := tx.FateDelivered(goldenUrgent.From, goldenUrgent.To, "delivered")
		return errors.Join(err1, err2, err3, err4, err5, err6)
	})
}

// goldenHeld is goldenUrgent of a room.
func goldenHeld() Entry {
	e := goldenUrgent
	e.From = "ops@rooms.field.net"
	return e
}

// A queue that the first version with urgency wrote is read by every later one.
func TestGoldenUrgency(t *testing.T) {
	golden, path := filepath.Join("testdata", "v1-urgency.db.gz"), filepath.Join(t.TempDir(), "store.db")
	if *writeGolden {
		db := must(Open(path, Options{MaxBytes: 256 << 10}))
		if err := errors.Join(urgentLife(db), db.Close(), packGolden(path, golden)); err != nil {
			t.Fatal(err)
		}
	}
	unpackGolden(t, golden, path)
	for _, o := range []Options{{ReadOnly: true}, {}} {
		db := must(Open(path, o))
		q := db.Queue("headquarters.net")
		want := []string{"flash:message:flash", "routine:message:routine"}
		for _, now := range []time.Time{goldenTime, goldenUrgent.NotBefore} {
			var got []string
			for _, e := range must(q.Pick(Pick{N: 9, Bytes: 999, Now: now})) {
				got = append(got, e.StanzaID+":"+e.Kind.String()+":"+e.Class.String())
			}
			same(t, "sending order", got, want)
			want = []string{"id3:groupchat:flash", want[0], want[1]} // the held one's turn
		}
		same(t, "due", must(q.Due(goldenTime)), goldenUrgent.NotBefore)
		held := goldenHeld()
		held.ID = 5
		same(t, "held", must(q.Pick(Pick{N: 1, Bytes: 999, Now: goldenUrgent.NotBefore}))[0], held)
		err := db.View(func(tx *Tx) error {
			var got []string
			all, err := tx.Fates("a@field.net", 0)
			for _, f := range all {
				got = append(got, f.StanzaID+":"+f.State.String())
			}
			same(t, "fates", got, []string{"cancelled:cancelled", "delivered:delivered", "confirmed:at peer", "routine:queued", "flash:queued"})
			due, err2 := tx.ReceiptsDue(9)
			if len(due) != 1 || due[0].StanzaID != "confirmed" {
				t.Errorf("due %+v", due)
			}
			return errors.Join(err, err2)
		})
		if !o.ReadOnly {
			err = errors.Join(err, urgentLife(db))
		}
		if err := errors.Join(err, db.Close()); err != nil {
			t.Error(err)
		}
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// An earlier version, which knew only kinds, may write into the file in between: what it put has the class of its kind, overtakes
// nothing, and leaves nothing behind when it is gone.
func TestEntriesOfAnEarlierVersion(t *testing.T) {
	db := must(Open(filepath.Join(t.TempDir(), "store.db"), Options{}))
	defer db.Close()
	q := db.Queue("p")
	err := db.Update(func(tx *Tx) error {
		for id, k := range []Kind{KindPresence, KindChat, KindIQ, KindGroupchat} {
			e := Entry{ID: uint64(id + 1), Kind: k, From: "a", To: []string{"x", "x", "y", "r"}[id], old: true, Stanza: []byte("<x/>")}
			err := errors.Join(tx.put(bucketQueue, bodyKey("p", e.ID), must(encMode.Marshal(withoutKind(e)))), tx.indexUnsent("p", e, []byte{}),
				tx.putQueue("p", queueRecord{head: v1, Last: e.ID, Entries: id + 1, Bytes: 4 * int64(e.ID)}, true))
			if err != nil {
				return err
			}
		}
		_, _, err := q.Put(tx, Entry{Class: ClassFlash, From: "a", To: "x", Stanza: []byte("<x/>")}, QueueLimits{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var ids []uint64
	for _, e := range must(q.Next(9, 999)) {
		got, ids = append(got, e.Kind.String()+":"+e.Class.String()), append(ids, e.ID)
	}
	same(t, "order", got, []string{"message:flash", "presence:presence", "message:routine", "groupchat:routine", "iq:iq"})
	err = db.Update(func(tx *Tx) error { // written again, they are still what they were
		_, err := q.Shift(tx, time.Hour, func(Entry) bool { return true })
		return err
	})
	same(t, "moving them", err, nil)
	same(t, "still", must(q.Next(9, 999))[2].Class, ClassRoutine)
	same(t, "of one class", len(must(q.Pick(Pick{N: 9, Bytes: 999, Classes: Classes(ClassIQ)}))), 1)
	same(t, "routine ones", len(must(q.Pick(Pick{N: 9, Bytes: 999, Classes: Classes(ClassRoutine)}))), 3) // with the presence
	err = db.Update(func(tx *Tx) error {
		err := q.Number(tx, "s", 1, ids)
		_, err2 := q.Confirm(tx, "s", 2)
		err3 := q.Requeue(tx, "s")
		_, err4 := q.Done(tx, ids...)
		return errors.Join(err, err2, err3, err4)
	})
	same(t, "taking them out", err, nil)
	err = db.View(func(tx *Tx) error {
		same(t, "keys left", Keys(tx)["queue"], 1)
		return nil
	})
	same(t, "reading", err, nil)
}
