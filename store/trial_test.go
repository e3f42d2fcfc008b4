package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// plant makes this program one of the next release until the test ends, or until back is called: it has a second format,
// in which accounts are records of version 2 under other keys, and a bucket more.
func plant(t *testing.T, second format) (back func()) {
	t.Helper()
	old := formats
	formats = append(append([]format{}, old...), second)
	back = func() { formats = old }
	t.Cleanup(back)
	return back
}

// turned is the planted step: no program of format 1 finds or reads an account afterwards.
func turned(btx *bbolt.Tx) error {
	b := btx.Bucket([]byte(bucketNames[bucketAccounts]))
	var keys, values [][]byte
	err := b.ForEach(func(k, v []byte) error {
		rec, err := decode[accountRecord](v)
		rec.V = 2
		keys, values = append(keys, bytes.Clone(k)), append(values, encode(rec))
		return err
	})
	for i, k := range keys {
		err = errors.Join(err, b.Delete(k), b.Put(append([]byte("2/"), k...), values[i]))
	}
	_, err2 := btx.CreateBucket([]byte("planted"))
	return errors.Join(err, err2)
}

var secondFormat = format{migrate: turned, records: 2, buckets: bucketsV1, works: true}

// life is what a node does with its store in a day; day tells the days apart.
func life(db *DB, day string) error {
	q := db.Queue("headquarters.net")
	return db.Update(func(tx *Tx) error {
		a := goldenAccount
		a.JID, a.Declared = day+"@field.net", ByConfig
		_, err1 := tx.PutRosterItem(a.JID, goldenItem)
		_, err2 := tx.SpoolPut(a.JID, SpoolEntry{Stanza: []byte("<message/>"), Received: goldenTime}, true)
		e := goldenEntry
		e.Coalesce, e.StanzaID = false, day
		id, _, err3 := q.Put(tx, e, QueueLimits{})
		c := goldenCustody
		c.OutID = day
		_, err4 := tx.Secret(day, 8)
		return errors.Join(err1, err2, err3, err4, tx.PutAccount(a), tx.PutBlob(a.JID, BlobVCard, "", []byte(day)), q.Number(tx, day, 1, []uint64{id}),
			tx.PutSM(SMSession{ID: day, Account: a.JID, H: 3, Changed: goldenTime}), tx.PutCustody(day, c), tx.PutLinkSwitch(day, LinkSwitch{EMCON: true}))
	})
}

// lived checks that all of a day can be read.
func lived(t *testing.T, db *DB, day string) {
	t.Helper()
	err := db.View(func(tx *Tx) error {
		jid := day + "@field.net"
		a, err1 := tx.Account(jid)
		it, err2 := tx.RosterItem(jid, goldenItem.Contact)
		n, _ := tx.SpoolCount(jid)
		card, err3 := tx.Blob(jid, BlobVCard, "")
		sm, err4 := tx.SM(day)
		c, err5 := tx.Custody(day)
		_, err6 := tx.Secret(day, 8)
		sw, err7 := tx.LinkSwitch(day)
		if a.Declared != ByConfig || len(a.Credentials) != 2 || it.Name != goldenItem.Name || n != 1 || string(card) != day || sm.H != 3 || c.OutID != day || !sw.EMCON {
			t.Errorf("%s: %+v %+v %d %s %+v %+v %+v", day, a, it, n, card, sm, c, sw)
		}
		return errors.Join(err1, err2, err3, err4, err5, err6, err7)
	})
	if err != nil {
		t.Errorf("%s: %v", day, err)
	}
	all, err := db.Queue("headquarters.net").Unconfirmed(day)
	if err != nil || len(all) != 1 || all[0].StanzaID != day {
		t.Errorf("%s: queue: %+v, %v", day, all, err)
	}
}

// day opens the store, checks the days before, lives one more, and closes it.
func day(t *testing.T, path string, o Options, format uint64, name string, before ...string) {
	t.Helper()
	db, err := Open(path, o)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, d := range before {
		lived(t, db, d)
	}
	if err := life(db, name); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	lived(t, db, name)
	if got := db.Format(); got != format {
		t.Errorf("%s: the file has format %d, want %d", name, got, format)
	}
	if err := errors.Join(db.Health().Err, db.Close()); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// A system is updated, falls back, and is updated again for good. Whoever has the store reads all that was written before.
func TestOlderProgramReadsTheStoreAfterATrial(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	day(t, path, Options{}, 1, "old")
	back := plant(t, secondFormat)
	day(t, path, Options{Keep: 1}, 1, "trial", "old")
	day(t, path, Options{Keep: 1}, 1, "trial2", "old", "trial")
	back()
	day(t, path, Options{}, 1, "fallen", "old", "trial", "trial2")

	back = plant(t, secondFormat)
	db := must(Open(path, Options{Keep: 1}))
	for _, d := range []string{"old", "trial", "trial2", "fallen"} {
		lived(t, db, d)
	}
	second := accountRecordOf(goldenAccount)
	second.V = 2
	put := func(tx *Tx) error { return tx.putRecord(bucketAccounts, []byte("2/new"), second) }
	if err := db.Update(put); err == nil || !strings.Contains(err.Error(), "a record of version 2 for accounts does not belong into this file: it may hold up to 1") {
		t.Errorf("a record that the older program cannot read: %v", err)
	}
	if err := db.Migrate(); err != nil || db.Format() != 2 { // it was marked good
		t.Fatalf("format %d, %v", db.Format(), err)
	}
	if err := db.Update(put); err != nil {
		t.Error(err)
	}
	if err := db.View(func(tx *Tx) error {
		for _, d := range []string{"old", "trial", "trial2", "fallen"} {
			if a, err := tx.Account("2/" + d + "@field.net"); err != nil || a.JID != d+"@field.net" {
				t.Errorf("%s: %+v, %v", d, a, err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(db.Migrate(), db.Close()); err != nil {
		t.Error(err)
	}
	// There is no way back, and no harm in being told to keep what is gone.
	day(t, path, Options{Keep: 1}, 2, "later")
	back()
	before := must(os.ReadFile(path))
	if _, err := Open(path, Options{}); !errors.Is(err, ErrNewer) || !bytes.Equal(before, must(os.ReadFile(path))) {
		t.Errorf("the old program: %v", err)
	}
}

func TestWithoutATrialTheStoreIsMigratedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	day(t, path, Options{}, 1, "old")
	plant(t, secondFormat)
	db := must(Open(path, Options{}))
	if db.Format() != 2 {
		t.Error(db.Format())
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// A kit that gets its first settings while a system is on trial makes its store then.
func TestAStoreMadeDuringATrialHasTheOlderFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	back := plant(t, secondFormat)
	day(t, path, Options{Keep: 1}, 1, "trial")
	back()
	day(t, path, Options{}, 1, "fallen", "trial")
}

func TestMigrationThatFailsLeavesTheStoreAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	day(t, path, Options{}, 1, "old")
	broken := secondFormat
	broken.migrate = func(btx *bbolt.Tx) error {
		return errors.Join(turned(btx), fmt.Errorf("no space left on device"))
	}
	back := plant(t, broken)
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "migrating from format 1 to 2") {
		t.Errorf("at opening: %v", err)
	}
	db := must(Open(path, Options{Keep: 1}))
	if err := db.Migrate(); !errors.Is(err, ErrFull) || db.Format() != 1 {
		t.Errorf("while open: %v", err)
	}
	if err := life(db, "on"); err != nil {
		t.Error("writing on:", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	back()
	day(t, path, Options{}, 1, "fallen", "old", "on")
}

func TestFormatThatCannotBeKeptIsToldOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	day(t, path, Options{}, 1, "old")
	plant(t, secondFormat)
	formats[1].works = false
	t.Cleanup(func() { formats[1].works = true })
	before := must(os.ReadFile(path))
	for _, o := range []Options{{Keep: 1}, {ReadOnly: true}} {
		_, err := Open(path, o)
		if err == nil || !strings.Contains(err.Error(), "the file has format 1, with which this program cannot work") || !bytes.Equal(before, must(os.ReadFile(path))) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	formats[1].works = true
	db := must(Open(path, Options{ReadOnly: true}))
	if err := db.Migrate(); !errors.Is(err, ErrReadOnly) {
		t.Error(err)
	}
	lived(t, db, "old")
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// forget makes this program one that does not know the buckets that came after format 1, until back is called.
func forget(t *testing.T) (back func()) {
	known := bucketNames
	for b := bucketsV1; b < bucketCount; b++ {
		bucketNames[b] = "unborn-" + known[b]
	}
	back = func() { bucketNames = known }
	t.Cleanup(back)
	return back
}

// Rooms and archives are in buckets that need no new format: a program from before them works with the file, and they are
// there when a newer one returns.
func TestProgramFromBeforeRoomsLeavesThemAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	back := forget(t)
	day(t, path, Options{}, 1, "old")
	back()

	for _, o := range []Options{{ReadOnly: true}, {Keep: 1}} { // nothing is there, and that is no error
		db := must(Open(path, o))
		if err := db.View(func(tx *Tx) error { return roomless(t, tx) }); err != nil {
			t.Error(err)
		}
		if got := must(os.ReadFile(path)); o.ReadOnly && bytes.Contains(got, []byte("archives")) {
			t.Error("opening for reading made buckets")
		}
		if err := errors.Join(db.Health().Err, db.Close()); err != nil {
			t.Error(err)
		}
	}
	day(t, path, Options{Keep: 1}, 1, "trial", "old")
	db := must(Open(path, Options{Keep: 1}))
	if err := errors.Join(db.Update(roomLife), db.View(func(tx *Tx) error { return roomLived(t, tx) }), db.Close()); err != nil {
		t.Fatal(err)
	}

	back = forget(t)
	day(t, path, Options{}, 1, "fallen", "old", "trial")
	back()
	db = must(Open(path, Options{}))
	if err := errors.Join(db.View(func(tx *Tx) error { return roomLived(t, tx) }), db.Close()); err != nil {
		t.Error(err)
	}
	day(t, path, Options{}, 1, "again", "old", "trial", "fallen")
}

func roomLife(tx *Tx) error {
	return errors.Join(tx.PutRoom(goldenRoom), tx.PutRoomMember(goldenRoom.JID, goldenMember),
		tx.ArchivePut(goldenRoom.JID, goldenArchived, ArchiveLimits{Entries: 5}))
}

func roomLived(t *testing.T, tx *Tx) error {
	r, err1 := tx.Room(goldenRoom.JID)
	members := 0
	err2 := tx.RoomMembers(goldenRoom.JID, func(m RoomMember) error { members++; return nil })
	e, err3 := tx.ArchiveGet(goldenRoom.JID, goldenArchived.ID)
	if !reflect.DeepEqual(r, goldenRoom) || members != 1 || !reflect.DeepEqual(e, goldenArchived) {
		t.Errorf("%+v\n%d members\n%+v", r, members, e)
	}
	if tx.db.ArchiveID() <= goldenArchived.ID {
		t.Error("an id is given twice")
	}
	return errors.Join(err1, err2, err3)
}

// roomless checks that a file without the buckets reads as empty.
func roomless(t *testing.T, tx *Tx) error {
	never := func(what string) { t.Errorf("there is a %s", what) }
	if _, err := tx.Room("x"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := tx.ArchiveGet("x", 1); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, ok := tx.ArchiveFind("x", [16]byte{1}); ok || tx.ArchiveOriginLast("x", "o") != 0 || tx.ArchiveStats("x") != (ArchiveStats{}) {
		t.Error("an archive of nothing")
	}
	all := func(ArchiveEntry) (bool, error) { never("entry"); return true, nil }
	return errors.Join(
		tx.Rooms(func(Room) error { never("room"); return nil }),
		tx.RoomMembers("x", func(RoomMember) error { never("member"); return nil }),
		tx.Archives(func(string) error { never("archive"); return nil }),
		tx.ArchiveScan("x", 0, 0, true, all), tx.ArchiveScanWith("x", "y", 0, 0, false, all), tx.ArchiveOrigin("x", "y", 0, all))
}

// A database with rooms and archives that an earlier program wrote is read by every later one.
func TestGoldenRooms(t *testing.T) {
	golden, path := filepath.Join("testdata", "v1-rooms.db.gz"), filepath.Join(t.TempDir(), "store.db")
	if *writeGolden {
		db := must(Open(path, Options{MaxBytes: 256 << 10}))
		if err := errors.Join(db.Update(roomLife), db.Close(), packGolden(path, golden)); err != nil {
			t.Fatal(err)
		}
	}
	unpackGolden(t, golden, path)
	for _, o := range []Options{{ReadOnly: true}, {}} {
		db := must(Open(path, o))
		err := db.View(func(tx *Tx) error {
			nick := 0
			err := tx.ArchiveScanFrom(goldenRoom.JID, goldenArchived.From, 0, 0, false, func(ArchiveEntry) (bool, error) { nick++; return true, nil })
			id, ok := tx.ArchiveFind(goldenRoom.JID, goldenArchived.Key)
			if nick != 1 || id != goldenArchived.ID || !ok || tx.ArchiveOriginLast(goldenRoom.JID, goldenArchived.Origin) != goldenArchived.Seq {
				t.Error("an entry is not found as it was")
			}
			return errors.Join(err, roomLived(t, tx))
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Error(err)
		}
	}
}
