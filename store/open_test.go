package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"longwire/store"
)

func TestMain(m *testing.M) {
	switch os.Getenv("STORE_TEST_CHILD") {
	case "lock":
		lockChild()
	case "crash":
		crashChild()
	default:
		os.Exit(m.Run())
	}
}

// child starts this test binary in another role.
func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD="+role, "STORE_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// lockChild opens the store, says so, and waits until its input ends.
func lockChild() {
	db, err := store.Open(os.Getenv("STORE_TEST_PATH"), store.Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	_, _ = os.Stdin.Read(make([]byte, 1))
	_ = db.Close()
}

func TestLockedByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	cmd := child(t, "lock", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 100)
	if n, _ := out.Read(said); string(said[:n]) != "open\n" {
		t.Fatalf("child: %s", said)
	}
	for _, o := range []store.Options{{LockWait: time.Millisecond}, {LockWait: time.Millisecond, ReadOnly: true}} {
		_, err = store.Open(path, o)
		if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "another") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path, store.Options{})
}

func TestOpenWaitsForTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	first, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { time.Sleep(50 * time.Millisecond); closed <- first.Close() }()
	openAt(t, path, store.Options{LockWait: 10 * time.Second})
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// Several processes that start at once on a new folder must agree on one file.
func TestCreatingAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	done := make(chan error)
	for i := range 4 {
		go func() {
			db, err := store.Open(path, store.Options{LockWait: 10 * time.Second})
			if err == nil {
				err = errors.Join(db.Update(putAccount(fmt.Sprint(i))), db.Close())
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	view(t, openAt(t, path, store.Options{}), func(tx *store.Tx) error {
		if n := count(tx); n != 4 {
			t.Errorf("%d accounts", n)
		}
		return nil
	})
}

func TestSharedForReading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := openAndClose(path); err != nil {
		t.Fatal(err)
	}
	a, b := openAt(t, path, store.Options{ReadOnly: true}), openAt(t, path, store.Options{ReadOnly: true})
	for _, db := range []*store.DB{a, b} {
		view(t, db, func(tx *store.Tx) error {
			if _, err := tx.Secret("x", 8); !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
			return nil
		})
		if err := db.Update(putAccount("a")); !errors.Is(err, store.ErrReadOnly) {
			t.Error(err)
		}
		if err := db.Probe(); !errors.Is(err, store.ErrReadOnly) {
			t.Error(err)
		}
	}
}

func openAndClose(path string) error {
	db, err := store.Open(path, store.Options{LockWait: time.Millisecond})
	if err != nil {
		return err
	}
	return db.Close()
}

// asNobody runs f on a thread whose file accesses are those of a user without rights.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() == 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if _, err := unix.SetfsuidRetUid(65534); err != nil {
			t.Skip(err)
		}
		defer func() { _, _ = unix.SetfsuidRetUid(0) }()
	}
	f()
}

// reachable is a temporary folder that everybody may enter.
func reachable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReadOnlyFolder(t *testing.T) {
	dir := reachable(t)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "store.db")
	asNobody(t, func() {
		if err := openAndClose(path); !errors.Is(err, store.ErrReadOnly) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "writable") {
			t.Error(err)
		}
	})
}

func TestReadOnlyFile(t *testing.T) {
	dir := reachable(t)
	path := filepath.Join(dir, "store.db")
	if err := openAndClose(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		if err := openAndClose(path); !errors.Is(err, store.ErrReadOnly) || !strings.Contains(err.Error(), path) {
			t.Error(err)
		}
		db, err := store.Open(path, store.Options{ReadOnly: true})
		if err != nil {
			t.Error(err)
			return
		}
		_ = db.Close()
	})
}

func TestMissingFile(t *testing.T) {
	if _, err := store.Open(filepath.Join(t.TempDir(), "store.db"), store.Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := openAndClose(filepath.Join(t.TempDir(), "no", "store.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// A power cut in the middle of the first start may leave an empty file, or half of a new one beside the place.
func TestHalfMadeFileIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	for _, name := range []string{path, path + ".new"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path+".new", bytes.Repeat([]byte("half"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := openAndClose(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// sample is a store with some of everything, closed, as bytes.
func sample(t testing.TB) []byte {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(path, store.Options{MaxBytes: 1 << 20}) // for a small reserve
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		update(t, db, func(tx *store.Tx) error { return someOfEverything(db, tx, i) })
	}
	fill(t, db, db.Queue("field.net"), 300)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// useAll opens the file and touches everything in it. It returns the errors; a panic is the test's failure.
func useAll(path string) error {
	db, err := store.Open(path, store.Options{LockWait: time.Millisecond})
	if err != nil {
		return err
	}
	errs := []error{readAll(db)}
	errs = append(errs, db.Update(func(tx *store.Tx) error { return someOfEverything(db, tx, 4) }))
	for _, peer := range []string{"field.net", "headquarters.net"} {
		q := db.Queue(peer)
		es, err := q.List()
		errs = append(errs, err, db.Update(func(tx *store.Tx) error {
			for _, e := range es {
				if _, err := q.Done(tx, e.ID); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	errs = append(errs, db.Update(func(tx *store.Tx) error { return tx.DeleteAccount("user0@field.net") }))
	return errors.Join(append(errs, db.Health().Err, db.Close())...)
}

func readAll(db *store.DB) error {
	return db.View(func(tx *store.Tx) error {
		var errs []error
		errs = append(errs, tx.Accounts(func(a store.Account) error {
			errs = append(errs, tx.Roster(a.JID, func(store.RosterItem) error { return nil }),
				tx.Spool(a.JID, 0, func(store.SpoolEntry) error { return nil }),
				tx.Blobs(a.JID, store.BlobVCard, func(string, []byte) error { return nil }))
			_, _, _, err := tx.RosterSince(a.JID, 1)
			return err
		}))
		for _, id := range []string{"sm0", "sm1", "sm2"} {
			_, err := tx.SM(id)
			errs = append(errs, err)
			_, err = tx.Custody(id)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

func someOfEverything(db *store.DB, tx *store.Tx, i int) error {
	jid, sm := fmt.Sprintf("user%d@field.net", i), fmt.Sprintf("sm%d", i)
	q := db.Queue("headquarters.net")
	_, secretErr := tx.Secret("salt", 16)
	err := errors.Join(secretErr, tx.PutAccount(store.Account{JID: jid, Created: day}),
		tx.PutBlob(jid, store.BlobVCard, "", bytes.Repeat([]byte("v"), 9000)),
		tx.PutSM(store.SMSession{ID: sm, Account: jid, H: 7, Changed: day}),
		tx.PutCustody(sm, store.Custody{OutID: "x", Changed: day}))
	for j := range 5 {
		_, err1 := tx.PutRosterItem(jid, store.RosterItem{Contact: fmt.Sprint("c", j), Name: "N"})
		id, err2 := tx.SpoolPut(jid, store.SpoolEntry{Stanza: stanza300, Received: day}, false)
		eid, _, err3 := q.Put(tx, entry("e", store.ClassRoutine, jid, "x"), store.QueueLimits{})
		err = errors.Join(err, err1, err2, err3, tx.SMAssign(sm, uint32(j), id))
		if j%2 == 0 {
			err = errors.Join(err, q.Number(tx, "s", uint32(eid), []uint64{eid}))
		}
	}
	_, err4 := tx.DeleteRosterItem(jid, "c2")
	return errors.Join(err, err4, tx.ArchivePut(jid, line(db), store.ArchiveLimits{}),
		tx.PutRoom(room("ops"+jid)), tx.PutRoomMember("ops"+jid, store.RoomMember{JID: jid, Affiliation: "owner"}))
}

// Whatever flash does to the file: an error, or what is left, but no panic and no change at Open.
func TestDamagedFile(t *testing.T) {
	whole := sample(t)
	path := filepath.Join(t.TempDir(), "store.db")
	try := func(name string, data []byte, mustFail bool) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		err := openAndClose(path)
		if mustFail && !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: opened: %v", name, err)
		}
		if err != nil {
			if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "backup") {
				t.Errorf("%s: error without advice: %v", name, err)
			}
			if now, _ := os.ReadFile(path); !bytes.Equal(now, data) {
				t.Errorf("%s: the damaged file was changed", name)
			}
			return
		}
		_ = useAll(path)
	}
	for _, n := range []int{1, 15, 100, 4095, 4096, 8191, 8192, 12288, 20000, len(whole) / 2} {
		try(fmt.Sprint("cut to ", n), whole[:n], true)
	}
	try("no store", []byte(strings.Repeat("hello", 10000)), true)
	try("zeros", make([]byte, 64<<10), true)
	zeroed := bytes.Clone(whole)
	clear(zeroed[8192:])
	try("zeros behind the meta pages", zeroed, true)
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range rounds {
		data := bytes.Clone(whole)
		for range 1 + rnd.IntN(4) {
			at := rnd.IntN(len(data))
			if rnd.IntN(2) == 0 {
				at = at&^4095 + rnd.IntN(200) // headers are where it hurts
			}
			data[at] ^= byte(1 + rnd.IntN(255))
		}
		try(fmt.Sprint("flips ", i), data, false)
	}
	for at := range 128 {
		data := bytes.Clone(whole)
		data[at] ^= 0x55
		data[4096+at] ^= 0x55
		try(fmt.Sprint("both meta pages at ", at), data, false)
	}
}

// FuzzFile changes bytes of a good file: three bytes of the input are a place and a value.
func FuzzFile(f *testing.F) {
	whole := sample(f)
	f.Add([]byte{})
	f.Add([]byte{0x00, 0x14, 0xff, 0x10, 0x14, 0xff}) // both meta pages
	f.Add([]byte{0x20, 0x08, 0x01, 0x30, 0x0a, 0xff})
	f.Fuzz(func(t *testing.T, patch []byte) {
		data := bytes.Clone(whole)
		for ; len(patch) >= 3; patch = patch[3:] {
			data[(int(patch[0])<<8+int(patch[1]))%len(data)] = patch[2]
		}
		path := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = useAll(path)
	})
}

// One valid meta page is enough: bbolt writes them in turns.
func TestOneDamagedMetaPageIsSurvived(t *testing.T) {
	whole := sample(t)
	path := filepath.Join(t.TempDir(), "store.db")
	for _, at := range []int{20, 4096 + 20} {
		data := bytes.Clone(whole)
		data[at] ^= 0xff
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		db := openAt(t, path, store.Options{})
		if err := readAll(db); err != nil {
			t.Logf("meta page at %d: %v", at&^4095, err) // the last commit may be missing
		}
		_ = db.Close()
	}
}

// A file cut short while it is open ends the operations that need the lost part, not the process.
func TestFileCutWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, sample(t), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := os.Truncate(path, 8192); err != nil {
		t.Fatal(err)
	}
	if err := readAll(db); !errors.Is(err, store.ErrCorrupt) {
		t.Error(err)
	}
	if err := db.Update(func(tx *store.Tx) error { return someOfEverything(db, tx, 9) }); !errors.Is(err, store.ErrCorrupt) {
		t.Error(err)
	}
	if !errors.Is(db.Health().Err, store.ErrCorrupt) {
		t.Error(db.Health().Err)
	}
}

func TestSizeTellsFreeBytes(t *testing.T) {
	db := open(t, store.Options{})
	file, free := db.Size()
	update(t, db, func(tx *store.Tx) error { return tx.PutBlob("a", store.BlobVCard, "", make([]byte, 400<<10)) })
	file2, free2 := db.Size()
	update(t, db, func(tx *store.Tx) error { return tx.PutBlob("a", store.BlobVCard, "", nil) })
	file3, free3 := db.Size()
	if file <= 0 || free < 0 || file2-free2 < file-free+400<<10 || file3 != file2 || free3 < free2+400<<10 || free3 >= file3 {
		t.Error(file, free, file2, free2, file3, free3)
	}
}
