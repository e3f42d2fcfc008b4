package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"longwire/xmpp/stanza"
)

const (
	every     = 5 * time.Second // between writes: an eMMC wears by the write
	patience  = time.Minute     // after a write that failed
	maxMemory = 256 << 10       // bytes of lines that wait for it
	maxLine   = 4 << 10
)

// Options of a Writer.
type Options struct {
	Folder string // the node's
	Max    int64  // bytes of all files
	Log    *slog.Logger
}

// A Writer takes records at any time, from any number of goroutines, and never waits for the disk: what finds no room in memory is counted, and the
// record tells how many lines are missing.
type Writer struct {
	o Options

	mu      sync.Mutex        // guards what follows
	lines   map[string][]line // by peer's folder
	size    int
	lost    map[string]uint64 // by peer's folder
	dropped uint64            // in all
	written uint64            // lines
	fault   string

	disk  *folder                       // Run's own; nil: not opened
	known map[string]map[*skeleton]bool // Run's own: by peer's folder, those in the file that grows
	until time.Time

	outlines outliner
}

// A line waits to be written.
type line struct {
	b        []byte
	skeleton *skeleton // that it refers to; nil: to none
}

// NewWriter makes a Writer; Run writes.
func NewWriter(o Options) *Writer {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Writer{o: o, lines: make(map[string][]line), lost: make(map[string]uint64), known: make(map[string]map[*skeleton]bool)}
}

// Put notes a record for the peer's folder of that address.
func (w *Writer) Put(address string, r Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.put(w.folderLocked(address), r, nil)
}

// PutOutline notes the outline of a stanza that is to cross to a peer.
func (w *Writer) PutOutline(address string, r Record, s *stanza.Stanza) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sk := w.outlines.draw(&r, s)
	if sk == nil {
		return // too odd to be drawn
	}
	w.put(w.folderLocked(address), r, sk)
}

// folderLocked is the folder of an address. Strangers cannot make many.
func (w *Writer) folderLocked(address string) string {
	dir := Name(address)
	if _, ok := w.lines[dir]; !ok {
		if len(w.lines) >= maxFolders {
			dir = "others"
		}
		if w.lines[dir] == nil {
			w.lines[dir] = []line{}
		}
	}
	return dir
}

func (w *Writer) put(dir string, r Record, sk *skeleton) {
	b, err := encode(r)
	if err != nil || len(b) > maxLine || w.size+len(b) > maxMemory {
		w.lost[dir]++
		w.dropped++
		return
	}
	w.lines[dir] = append(w.lines[dir], line{b, sk})
	w.size += len(b)
}

// encode writes one line.
func encode(r Record) ([]byte, error) {
	r.V, r.At = Version, r.At.UTC().Truncate(time.Millisecond)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // skeletons are full of it
	err := e.Encode(r)
	return b.Bytes(), err
}

// State is what a Writer tells of itself.
type State struct {
	Written, Dropped uint64 // lines
	Fault            string // why nothing can be written; "": it can
}

// State is the present one.
func (w *Writer) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return State{w.written, w.dropped, w.fault}
}

// Run writes every few seconds until ctx is done, and then what is left.
func (w *Writer) Run(ctx context.Context) error {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			w.Flush(time.Now())
		case <-ctx.Done():
			w.until = time.Time{}
			w.Flush(time.Now())
			return nil
		}
	}
}

// Flush writes what waits. It is Run's, or a test's without Run.
func (w *Writer) Flush(now time.Time) {
	if now.Before(w.until) && w.until.Sub(now) <= patience { // else the clock was set
		return
	}
	err := w.flush(now)
	fault := ""
	if err != nil {
		fault = err.Error()
		w.until = now.Add(patience)
	}
	w.mu.Lock()
	was := w.fault
	w.fault = fault
	w.mu.Unlock()
	switch {
	case fault != "" && was == "":
		w.o.Log.Warn("telemetry cannot be written; messages are not concerned", "folder", w.o.Folder, "err", err)
	case fault == "" && was != "":
		w.o.Log.Info("telemetry is written again", "folder", w.o.Folder)
	}
}

func (w *Writer) flush(now time.Time) (err error) {
	if w.disk == nil {
		if w.disk, err = openFolder(w.o.Folder, w.o.Max); err != nil {
			w.disk = nil
			return err
		}
	}
	w.mu.Lock()
	dirs := make([]string, 0, len(w.lines))
	for dir, b := range w.lines {
		if len(b) > 0 || w.lost[dir] > 0 {
			dirs = append(dirs, dir)
		}
	}
	w.mu.Unlock()
	for _, dir := range dirs {
		if err := w.flushOne(dir, now); err != nil {
			return err
		}
	}
	return nil
}

// flushOne writes the lines of one peer's folder, a file's worth at a time.
func (w *Writer) flushOne(dir string, now time.Time) error {
	for {
		w.mu.Lock()
		lines, lost := w.lines[dir], w.lost[dir]
		w.mu.Unlock()
		if len(lines) == 0 && lost == 0 {
			return nil
		}
		if err := w.writeSome(dir, lines, lost, now); err != nil {
			return err
		}
	}
}

// writeSome writes as many of the lines as a file takes, and takes them off.
func (w *Writer) writeSome(dir string, lines []line, lost uint64, now time.Time) error {
	b, n, used := w.compose(dir, lines, lost, now)
	s, fresh, err := w.disk.grow(dir, len(b))
	if err != nil {
		return err
	}
	if fresh && w.known[dir] != nil {
		w.known[dir] = nil // a file is read without those before it
		b, n, used = w.compose(dir, lines, lost, now)
		if err := w.disk.shrink(int64(len(b))); err != nil {
			return err
		}
		s = w.disk.newest()
	}
	if err := w.disk.add(s, b); err != nil {
		w.known[dir] = nil
		return err
	}
	if w.known[dir] == nil {
		w.known[dir] = make(map[*skeleton]bool)
	}
	for sk := range used {
		w.known[dir][sk] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range lines[:n] {
		w.size -= len(l.b)
	}
	w.lines[dir] = append([]line{}, w.lines[dir][n:]...)
	w.lost[dir] -= lost
	w.written += uint64(n)
	return nil
}

// compose makes the bytes of the first lines, with what they refer to in front of them.
func (w *Writer) compose(dir string, lines []line, lost uint64, now time.Time) (b []byte, n int, used map[*skeleton]bool) {
	if lost > 0 {
		b, _ = encode(Record{At: now, Kind: Lost, Lines: lost})
	}
	used = make(map[*skeleton]bool)
	for _, l := range lines {
		if len(b)+len(l.b) > int(w.disk.part()) && n > 0 {
			break
		}
		if sk := l.skeleton; sk != nil && !used[sk] && !w.known[dir][sk] {
			used[sk] = true
			b = append(b, sk.line(now)...)
		}
		b = append(b, l.b...)
		n++
	}
	return b, n, used
}
