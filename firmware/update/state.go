package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"longwire/images/slots"
	"longwire/store"
)

// stateVersion is of the file's format. As with the store's records, a key that is not known is ignored, and the version
// rises only when an older program could no longer read the file rightly: after a fall-back it is the older one that reads.
const stateVersion = 1

// maxState bounds the file.
const maxState = 64 << 10

// maxFailed bounds the failures that are remembered; the oldest are forgotten.
const maxFailed = 8

// phase is how far an update has come.
type phase string

const (
	idle    phase = ""
	writing phase = "writing" // the other slot is half written, or not touched yet
	written phase = "written" // it is whole, and was or is about to be put first in the boot order
	trial   phase = "trial"   // it has been started
)

// System is one system, as its bundle says.
type System struct {
	Version string `json:"version"`
	Counter uint64 `json:"counter"`
	Digest  string `json:"digest"` // hex, of the bundle
}

// Failure is a system that was tried and given up.
type Failure struct {
	System
	Slot slots.Slot `json:"slot"`
	Why  string     `json:"why"`
	// Forgiven: a person wants it to be tried again.
	Forgiven bool `json:"forgiven,omitempty"`
}

// attempt is the update under way.
type attempt struct {
	System
	Slot slots.Slot `json:"slot"`
	From slots.Slot `json:"from"`            // the slot that ran when it was written
	Was  string     `json:"was,omitempty"`   // the version that ran
	Keep uint64     `json:"keep"`            // highest format of the store that the system before it reads
	Runs int        `json:"runs,omitempty"`  // how often it came as far as to say so
	Why  string     `json:"wrong,omitempty"` // why it was given up
}

// state is what the file holds.
type state struct {
	Format  int                   `json:"format"`
	Phase   phase                 `json:"phase,omitempty"`
	Counter uint64                `json:"counter,omitempty"` // highest of a system that was kept
	Slots   map[slots.Slot]System `json:"slots,omitempty"`   // what was put into them and kept
	Next    *attempt              `json:"next,omitempty"`    // set in every phase but idle
	Failed  []Failure             `json:"failed,omitempty"`
	Told    string                `json:"told,omitempty"`
	// Returned: a system that was given up has found itself running, and gave way to the other one once.
	Returned bool `json:"returned,omitempty"`
}

func (s state) clone() state {
	s.Slots = maps.Clone(s.Slots)
	s.Failed = slices.Clone(s.Failed)
	if s.Next != nil {
		n := *s.Next
		s.Next = &n
	}
	return s
}

// keeper keeps the file's content; save replaces it whole or not at all.
type keeper interface {
	load() ([]byte, error) // fs.ErrNotExist: there is none yet
	save([]byte) error
}

// load reads the state. What cannot be understood is lost, and a fresh state is returned.
func load(k keeper) (s state, lost, err error) {
	b, err := k.load()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return state{Format: stateVersion}, nil, nil
	case err != nil:
		return s, nil, fmt.Errorf("update: read what is known of updates: %w", err)
	}
	if s, err = parse(b); err != nil {
		return state{Format: stateVersion}, err, nil
	}
	return s, nil, nil
}

func parse(b []byte) (s state, err error) {
	bad := func(format string, args ...any) (state, error) {
		return state{}, fmt.Errorf("update: state file: "+format, args...)
	}
	if len(b) > maxState {
		return bad("it has %d bytes; at most %d are read", len(b), maxState)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return bad("%w", err)
	}
	switch n := s.Next; {
	case s.Format < 1:
		return bad("it names no format")
	case s.Format > stateVersion:
		return bad("it has format %d, this program reads up to %d", s.Format, stateVersion)
	case s.Phase != idle && s.Phase != writing && s.Phase != written && s.Phase != trial:
		return bad("unknown phase %.40q", s.Phase)
	case (s.Phase == idle) != (n == nil):
		return bad("its phase is %q, and there is no update for it, or one too many", s.Phase)
	case n != nil && (n.Slot != slots.A && n.Slot != slots.B || n.From != n.Slot.Other()):
		return bad("the slots of the update are %.10q and %.10q", n.Slot, n.From)
	}
	return s, nil
}

func save(k keeper, s state) error {
	s.Format = stateVersion
	b, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = k.save(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("update: save what is known of updates: %w", err)
	}
	return nil
}

// file is the keeper of a kit. It can be read by all: the node looks at it, and it holds no secret.
type file string

func (f file) load() ([]byte, error) {
	r, err := os.Open(string(f))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxState+1))
}

func (f file) save(b []byte) error {
	fresh := string(f) + ".new"
	w, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	if err = errors.Join(err, w.Chmod(0o644), w.Sync(), w.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, string(f)); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(string(f)))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Keep tells the node which format its store may have at most, as long as an older system may have to read it again; 0: any.
// path is the Updater's file. An error means that nothing is known: then the store must stay as it is.
func Keep(path string) (uint64, error) {
	b, err := file(path).load()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("update: %w", err)
	}
	s, err := parse(b)
	if err != nil || s.Next == nil {
		return 0, err
	}
	return s.Next.Keep, nil
}

// Variable is the environment variable by which the node, and commands that stand in for it, find the Updater's file.
const Variable = "LONGWIRE_UPDATE"

// KeepFormat is Keep for the file that the environment names; without one, on a machine that has no slots, any format will
// do. With an error it is the lowest, so that nothing is migrated.
func KeepFormat() (uint64, error) {
	path := os.Getenv(Variable)
	if path == "" {
		return 0, nil
	}
	keep, err := Keep(path)
	if err != nil {
		return store.Oldest, err
	}
	return keep, nil
}
