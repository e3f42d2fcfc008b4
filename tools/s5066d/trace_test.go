package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"longwire/links/subnet"
)

func TestTraceStaysSmall(t *testing.T) {
	dir := t.TempDir()
	tr := &tracer{log: slog.New(slog.DiscardHandler)}
	c := Trace{File: filepath.Join(dir, "below", "air.pcap"), MaxMiB: 1, Keep: 2}
	if err := tr.set(c); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1e9, 123_456_000)
	for range 5 * 1024 {
		tr.put(subnet.Frame{At: at, Raw: make([]byte, 1008)}) // 1 KiB each with its head
	}
	if err := tr.set(c); err != nil { // the same again changes nothing
		t.Fatal(err)
	}
	tr.closeFile()
	files, _ := filepath.Glob(c.File + "*")
	if len(files) != 3 {
		t.Errorf("files %q, want 3", files)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		le := binary.LittleEndian
		switch {
		case len(b) > 1<<20:
			t.Errorf("%s has %d bytes", f, len(b))
		case le.Uint32(b) != 0xa1b2c3d4 || le.Uint32(b[20:]) != 237 || le.Uint32(b[24:]) != 1e9 || le.Uint32(b[28:]) != 123456 || le.Uint32(b[32:]) != 1008:
			t.Errorf("%s begins % x", f, b[:40])
		case (len(b)-24)%1024 != 0:
			t.Errorf("%s ends inside a packet", f)
		}
	}
	// What is there when the server starts is kept.
	if err := tr.set(Trace{}); err != nil {
		t.Fatal(err)
	}
	if err := tr.set(Trace{File: c.File, MaxMiB: 1, Keep: 1}); err != nil {
		t.Fatal(err)
	}
	tr.closeFile()
	if st, err := os.Stat(c.File + ".1"); err != nil || st.Size() < 1000 {
		t.Errorf("the old trace: %v, %v", st, err)
	}
	// A disk that fails ends the trace, not the server.
	if err := tr.set(Trace{File: "/dev/full", MaxMiB: 1}); err == nil {
		t.Error("wrote to a full disk")
	}
	tr.put(subnet.Frame{At: at, Raw: make([]byte, 10)})
}

// A trace that ended, or could not begin, begins when the config is read again.
func TestTraceBeginsAgain(t *testing.T) {
	tr := &tracer{log: slog.New(slog.DiscardHandler)}
	dir := filepath.Join(t.TempDir(), "below")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := Trace{File: filepath.Join(dir, "air.pcap"), MaxMiB: 1}
	if err := tr.set(c); err == nil {
		t.Fatal("a file in a file")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := tr.set(c); err != nil {
		t.Fatal(err)
	}
	defer tr.closeFile()
	if _, err := os.Stat(c.File); err != nil {
		t.Error(err)
	}
}

// pipe is a trace's disk that takes 64 KiB, and no more until somebody reads.
func pipe(t *testing.T) (path string, far *os.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "air.pcap")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	far, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return path, far
}

// While the disk hangs the node goes on. What waits is written when the disk is back, in order; what had no room is counted.
func TestDiskOfTheTraceHangs(t *testing.T) {
	path, far := pipe(t)
	var said strings.Builder
	tr := newTracer(slog.New(slog.NewTextHandler(&said, nil)))
	if err := tr.set(Trace{File: path, MaxMiB: 16}); err != nil {
		t.Fatal(err)
	}
	const count, size = 2 * traceQueue, 500
	raw := make([]byte, size)
	for i := range count { // this would never end if it waited
		binary.BigEndian.PutUint32(raw, uint32(i))
		tr.write(subnet.Frame{At: time.Unix(int64(i), 0), Raw: raw})
	}
	dropped := int(tr.dropped.Load())
	if dropped == 0 || dropped > count-traceQueue {
		t.Errorf("%d of %d left out", dropped, count)
	}
	came := make(chan int, 1)
	go func() {
		in, n, last := bufio.NewReader(far), 0, -1
		_, _ = in.Discard(24)
		for b := make([]byte, 16+size); n < count-dropped; n++ {
			if _, err := io.ReadFull(in, b); err != nil {
				break
			}
			i := int(binary.BigEndian.Uint32(b[16:]))
			if i <= last || int(binary.LittleEndian.Uint32(b)) != i {
				t.Errorf("number %d behind %d", i, last)
			}
			last = i
		}
		came <- n
	}()
	tr.close()
	if n := <-came; n != count-dropped {
		t.Errorf("%d came of %d", n, count-dropped)
	}
	if !strings.Contains(said.String(), "will have a gap") || !strings.Contains(said.String(), "dpdus=") {
		t.Errorf("said %s", said.String())
	}
}

// A disk that hangs for ever does not keep the server from stopping.
func TestStopsWhileTheDiskOfTheTraceHangs(t *testing.T) {
	path, far := pipe(t)
	var said strings.Builder
	tr := newTracer(slog.New(slog.NewTextHandler(&said, nil)))
	tr.patience = time.Millisecond
	if err := tr.set(Trace{File: path, MaxMiB: 16}); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		tr.write(subnet.Frame{Raw: make([]byte, 1000)})
	}
	tr.close()
	if !strings.Contains(said.String(), "trace not complete: the disk hangs") {
		t.Errorf("said %s", said.String())
	}
	go func() { _, _ = io.Copy(io.Discard, far) }() // or it would outlive the test
	<-tr.ended
}
