package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"longwire/links/dts"
	"longwire/links/subnet"
)

// linkTypeSTANAG5066 is LINKTYPE_STANAG_5066_D_PDU of the pcap registry: a packet is a D_PDU from its synchronisation sequence on.
const linkTypeSTANAG5066 = 237

const (
	traceQueue    = 1024            // D_PDUs that wait for the disk, 1 MiB; what comes when it is full is left out
	tracePatience = 5 * time.Second // with the disk when the server stops
)

// A tracer writes D_PDUs to pcap files of bounded size. Failures are logged once, and end the trace, never the server.
//
//	node, under its lock - write - queue - run - put - file
//
// Only run and set wait for the disk.
type tracer struct {
	log      *slog.Logger
	queue    chan subnet.Frame
	stop     chan struct{} // closed by close
	ended    chan struct{} // closed by run
	patience time.Duration
	on       atomic.Bool   // there is a file
	dropped  atomic.Uint64 // since that was last logged

	mu   sync.Mutex // guards what follows; held while the disk works
	cfg  Trace
	file *os.File
	size int64
	buf  []byte
}

// newTracer makes a tracer without a file. It runs until it is closed.
func newTracer(log *slog.Logger) *tracer {
	t := &tracer{log: log, queue: make(chan subnet.Frame, traceQueue), stop: make(chan struct{}), ended: make(chan struct{}), patience: tracePatience}
	go t.run()
	return t
}

// write is a subnet.Config's Trace. It never waits.
func (t *tracer) write(f subnet.Frame) {
	if !t.on.Load() {
		return
	}
	f.Raw = bytes.Clone(f.Raw)
	select {
	case t.queue <- f:
	default:
		if t.dropped.Add(1) == 1 {
			t.log.Warn("the disk of the trace is too slow; the trace will have a gap")
		}
	}
}

// run writes what waits, until the tracer is closed, and then the rest.
func (t *tracer) run() {
	defer close(t.ended)
	for {
		select {
		case f := <-t.queue:
			t.put(f)
		case <-t.stop:
			for len(t.queue) > 0 {
				t.put(<-t.queue)
			}
			t.closeFile()
			t.tellDropped()
			return
		}
		if len(t.queue) == 0 {
			t.tellDropped()
		}
	}
}

func (t *tracer) tellDropped() {
	if n := t.dropped.Swap(0); n > 0 {
		t.log.Warn("the trace has a gap", "dpdus", n)
	}
}

// close writes what waits, once nobody writes any more, and ends the tracer. A disk that hangs does not keep it.
func (t *tracer) close() {
	close(t.stop)
	timer := time.NewTimer(t.patience)
	defer timer.Stop()
	select {
	case <-t.ended:
	case <-timer.C:
		t.log.Warn("trace not complete: the disk hangs", "dpdus", len(t.queue)+int(t.dropped.Load()))
	}
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

func (t *tracer) closeFile() {
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
	t.on.Store(false)
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
	t.on.Store(true)
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

// put writes one to the file, if there is one.
func (t *tracer) put(f subnet.Frame) {
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
