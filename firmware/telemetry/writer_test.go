package telemetry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

func parse(t testing.TB, text string) *stanza.Stanza {
	t.Helper()
	s, err := stream.ParseStanza([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func line1(i int) Record {
	return Record{At: time.Unix(int64(i), 0), Kind: Stanza, Peer: "hq", Link: "HF", Dir: Out, Type: "chat", User: fmt.Sprintf("user%d@field.net", i%50), Raw: 300 + i%100, Wire: 80}
}

// A flood neither grows the record beyond its size nor the memory, and what is left can be read.
func TestFloodStaysWithinItsSize(t *testing.T) {
	const most = 300 << 10
	dir := filepath.Join(t.TempDir(), "field.net")
	w := NewWriter(Options{Folder: dir, Max: most})
	now := time.Unix(1e9, 0)
	s := parse(t, "<message from='a@field.net/phone' to='b@hq.net' type='chat' id='x1'><body>hello</body></message>")
	for round := range 12 {
		for i := range 500 {
			w.Put(fmt.Sprintf("192.0.2.%d", i%100), line1(i))
			w.PutOutline(fmt.Sprintf("192.0.2.%d", i%100), Record{At: now, Peer: "hq", Dir: Out, Type: "chat", Raw: 90}, s)
		}
		w.Flush(now.Add(time.Duration(round) * time.Minute))
		if size := sizeOf(t, dir); size > most {
			t.Fatalf("%d bytes after round %d", size, round)
		}
	}
	kinds, size := checkFolder(t, dir)
	dirs, _ := os.ReadDir(dir)
	if size < most/2 || kinds[Stanza] < 100 || kinds[Shape] < 100 || len(dirs) > maxFolders+4 {
		t.Errorf("%d bytes, %v, %d folders", size, kinds, len(dirs))
	}
	n := 0
	if skipped, err := Read(dir, func(l Line) error {
		if l.Kind == Shape && l.Skeleton == "" {
			return errors.New("an outline without a skeleton")
		}
		n++
		return nil
	}); err != nil || skipped > 0 || n < 200 {
		t.Errorf("%d read, %d skipped, %v", n, skipped, err)
	}
	// Between two writes.
	for i := range 100_000 {
		w.Put("192.0.2.1", line1(i))
	}
	w.mu.Lock()
	if w.size > maxMemory {
		t.Errorf("%d bytes in memory", w.size)
	}
	w.mu.Unlock()
	st := w.State()
	if st.Dropped == 0 {
		t.Error("nothing was dropped")
	}
	w.Flush(now.Add(time.Hour))
	if kinds, _ := checkFolder(t, dir); kinds[Lost] == 0 {
		t.Error("what was dropped is not told")
	}
}

// While the disk is full lines wait, and then are missing; when it is not any more, all goes on.
func TestFullDiskIsToldAndHealed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "field.net")
	w := NewWriter(Options{Folder: dir, Max: 1 << 20})
	now := time.Unix(1e9, 0)
	w.Put("192.0.2.1", line1(1))
	w.Flush(now)
	w.disk.write = func(name string, b []byte) error {
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		defer file.Close()
		file.Write(b[:len(b)/2])
		return syscall.ENOSPC
	}
	for i := range 5000 {
		w.Put("192.0.2.1", line1(i))
	}
	w.Flush(now.Add(time.Minute))
	if st := w.State(); !strings.Contains(st.Fault, "no space") || st.Dropped == 0 {
		t.Fatalf("%+v", st)
	}
	checkFolder(t, dir)
	w.disk.write = appendTo
	w.Flush(now.Add(time.Minute + time.Second)) // too early
	if st := w.State(); st.Fault == "" {
		t.Error("it is tried at once again")
	}
	w.Flush(now.Add(3 * time.Minute))
	kinds, _ := checkFolder(t, dir)
	if st := w.State(); st.Fault != "" || kinds[Lost] != 1 || kinds[Stanza] < 500 {
		t.Errorf("%+v %v", st, kinds)
	}
}

// When the disk is nearly full the record makes room.
func TestNearlyFullDiskTakesTheOldest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "field.net")
	w := NewWriter(Options{Folder: dir, Max: 64 << 10})
	now := time.Unix(1e9, 0)
	for i := range 200 {
		w.Put("192.0.2.1", line1(i))
	}
	w.Flush(now)
	_, before := checkFolder(t, dir)
	w.disk.free = func(string) (int64, error) { return 1000, nil }
	w.Put("192.0.2.1", line1(1))
	w.Flush(now.Add(time.Minute))
	if _, after := checkFolder(t, dir); after >= before || w.State().Fault == "" {
		t.Errorf("%d bytes, %d before, %+v", after, before, w.State())
	}
}

func TestFolderThatCannotBeMadeHarmsNobody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := NewWriter(Options{Folder: filepath.Join(file, "field.net"), Max: 1 << 20})
	w.Put("192.0.2.1", line1(1))
	w.Flush(time.Unix(1e9, 0))
	if w.State().Fault == "" {
		t.Error("no fault")
	}
}

// What was cut off by a crash is mended, and the next file is another.
func TestUnfinishedLineIsCutOff(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "field.net")
	w := NewWriter(Options{Folder: dir, Max: 1 << 20})
	w.Put("192.0.2.1", line1(1))
	w.Flush(time.Unix(1e9, 0))
	name := filepath.Join(dir, "192.0.2.1", "000001.jsonl")
	if err := appendTo(name, []byte(`{"v":1,"t":"20`)); err != nil {
		t.Fatal(err)
	}
	w = NewWriter(Options{Folder: dir, Max: 1 << 20})
	w.Put("192.0.2.1", line1(2))
	w.Flush(time.Unix(1e9, 0))
	if kinds, _ := checkFolder(t, dir); kinds[Stanza] != 2 {
		t.Errorf("%v", kinds)
	}
	if _, err := os.Stat(filepath.Join(dir, "192.0.2.1", "000002.jsonl")); err != nil {
		t.Error(err)
	}
}

func TestWritesAreSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		writes := 0
		w := NewWriter(Options{Folder: filepath.Join(t.TempDir(), "field.net"), Max: 1 << 20})
		w.Put("192.0.2.1", line1(1))
		w.Flush(time.Now())
		w.disk.write = func(name string, b []byte) error { writes++; return appendTo(name, b) }
		done := make(chan error)
		ctx, stop := contextOf(t)
		go func() { done <- w.Run(ctx) }()
		for i := range 600 {
			w.Put("192.0.2.1", line1(i))
			time.Sleep(100 * time.Millisecond)
		}
		stop()
		if err := <-done; err != nil || writes > 15 || w.State().Written != 601 {
			t.Errorf("%d writes in a minute, %v, %+v", writes, err, w.State())
		}
	})
}

func TestNamesOfFolders(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:DB8::1": "2001-db8--1", "1.2.3.4": "1.2.3.4", "": "unknown", "..": "-.", "../../etc": "-.-..-etc",
		".hidden": "-hidden", "a b\x00c\n": "a-b-c-", "häme": "h--me", strings.Repeat("x", 300): strings.Repeat("x", 64),
	} {
		if got := Name(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func parseAny(text string) (*stanza.Stanza, error) { return stream.ParseStanza([]byte(text)) }

func sizeOf(t testing.TB, dir string) (size int64) {
	t.Helper()
	if err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			size += info.Size()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return size
}

// Who talks to whom is nothing for everybody on the machine to read, wherever the folder is.
func TestRecordIsNotForOthersToRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "field.net")
	w := NewWriter(Options{Folder: dir, Max: 1 << 20})
	now := time.Now()
	w.Put("192.0.2.1", Record{At: now, Kind: Contact, Peer: "hq", State: "up"})
	w.Flush(now)
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if seen++; info.Mode().Perm()&0o007 != 0 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || seen < 5 {
		t.Errorf("%v, %d files and folders", err, seen)
	}
}
