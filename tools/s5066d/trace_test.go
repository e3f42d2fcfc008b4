package main

import (
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
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
		tr.write(subnet.Frame{At: at, Raw: make([]byte, 1008)}) // 1 KiB each with its head
	}
	if err := tr.set(c); err != nil { // the same again changes nothing
		t.Fatal(err)
	}
	tr.close()
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
	tr.close()
	if st, err := os.Stat(c.File + ".1"); err != nil || st.Size() < 1000 {
		t.Errorf("the old trace: %v, %v", st, err)
	}
	// A disk that fails ends the trace, not the server.
	if err := tr.set(Trace{File: "/dev/full", MaxMiB: 1}); err == nil {
		t.Error("wrote to a full disk")
	}
	tr.write(subnet.Frame{At: at, Raw: make([]byte, 10)})
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
	defer tr.close()
	if _, err := os.Stat(c.File); err != nil {
		t.Error(err)
	}
}
