package main

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"errors"

	"longwire/links/dts"
	"longwire/links/subnet"
)

// linkTypeSTANAG5066 is LINKTYPE_STANAG_5066_D_PDU of the pcap registry: a packet is a D_PDU from its synchronisation sequence on.
const linkTypeSTANAG5066 = 237

// A tracer writes D_PDUs to pcap files of bounded size. Failures are logged once, and end the trace, never the server.
type tracer struct {
	log *slog.Logger

	mu   sync.Mutex
	cfg  Trace
	file *os.File
	size int64
	buf  []byte
}

// set begins, ends or moves the trace.
func (t *tracer) set(c Trace) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c == t.cfg && (t.file != nil || c.File == "") { // else it is tried again
		return nil
	}
	t.closeLocked()
	t.cfg = c
	if c.File == "" {
		return nil
	}
	return t.openLocked()
}

func (t *tracer) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closeLocked()
}

func (t *tracer) closeLocked() {
	if t.file == nil {
		return
	}
	if err := t.file.Close(); err != nil {
		t.log.Warn("trace not complete", "err", err)
	}
	t.file = nil
}

// openLocked begins a new file; one that is there moves on.
func (t *tracer) openLocked() error {
	if st, err := os.Stat(t.cfg.File); err == nil && st.Size() > 0 {
		if err := t.shiftLocked(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(t.cfg.File), 0o750); err != nil {
		return fmt.Errorf("s5066d: making the folder of the trace: %w", err)
	}
	f, err := os.OpenFile(t.cfg.File, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return fmt.Errorf("s5066d: opening the trace: %w", err)
	}
	le := binary.LittleEndian
	head := le.AppendUint32(nil, 0xa1b2c3d4)
	head = le.AppendUint32(head, 2|4<<16) // version 2.4
	head = append(head, make([]byte, 8)...)
	head = le.AppendUint32(head, dts.MaxPDU)
	head = le.AppendUint32(head, linkTypeSTANAG5066)
	if _, err := f.Write(head); err != nil {
		f.Close()
		return fmt.Errorf("s5066d: writing the trace: %w", err)
	}
	t.file, t.size = f, int64(len(head))
	return nil
}

// shiftLocked renames FILE.1 to FILE.2 and so on.
func (t *tracer) shiftLocked() error {
	name := func(i int) string {
		if i == 0 {
			return t.cfg.File
		}
		return fmt.Sprintf("%s.%d", t.cfg.File, i)
	}
	if err := os.Remove(name(t.cfg.Keep)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("s5066d: making room for the trace: %w", err)
	}
	for i := t.cfg.Keep - 1; i >= 0; i-- {
		if err := os.Rename(name(i), name(i+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("s5066d: making room for the trace: %w", err)
		}
	}
	return nil
}

// write is a subnet.Config's Trace.
func (t *tracer) write(f subnet.Frame) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		return
	}
	if t.size+int64(len(f.Raw))+16 > int64(t.cfg.MaxMiB)<<20 {
		t.closeLocked()
		if err := t.openLocked(); err != nil {
			t.log.Error("trace ends", "err", err)
			return
		}
	}
	le := binary.LittleEndian
	b := le.AppendUint32(t.buf[:0], uint32(f.At.Unix()))
	b = le.AppendUint32(b, uint32(f.At.Nanosecond()/1000))
	b = le.AppendUint32(b, uint32(len(f.Raw)))
	b = le.AppendUint32(b, uint32(len(f.Raw)))
	b = append(b, f.Raw...)
	t.buf = b
	if n, err := t.file.Write(b); err != nil {
		t.log.Error("trace ends", "err", err)
		t.closeLocked()
	} else {
		t.size += int64(n)
	}
}
