// Package update brings a kit from one system to the next and back: it puts a system bundle into the slot that does not
// run, lets it be started on trial, and keeps it only once it is healthy.
//
//	Stage   judged, payload verified whole → slot out of the boot order → written, synced, read back → first in the order
//	start   the boot loader takes one of three attempts away, before it loads the kernel
//	AtBoot  which slot runs: the new one, on trial; or the old one again, and then why is told
//	Watch   healthy for a while → attempts given back, and kept; not healthy in time → behind the old one, and started anew
//
// Every step is one write of one sector or one renamed file, in an order in which each may be the last before a power cut:
// what is started is always a system that was written whole. What is not cannot even be mounted.
package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"longwire/images/bundle"
	"longwire/images/slots"
)

// Device is a slot's partition.
type Device interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Sync() error // what was written is on the medium when it returns
	Drop() error // what is read from now on comes from the medium, not from memory
}

// Options of an Updater. All but the last three are needed.
type Options struct {
	Path    string // the file that it keeps, in a folder that outlives updates
	Version string // of the system that runs, as it says itself; one that came by a bundle is called as there
	Cmdline string // the kernel's command line, which names the slot that runs
	Env     slots.Disk
	Slot    func(slots.Slot) (Device, error)
	// Kit is who the kit is, as far as it knows.
	Kit func() bundle.Target
	// StoreFormat is the format that the node's store has now, 0 if there is no store yet. When it cannot be found out, it is
	// taken to be the highest that this program writes.
	StoreFormat func(context.Context) (uint64, error)
	// Reboot starts the machine anew, in the slot that is next; it returns at once, and why is for people.
	Reboot func(why string) error

	Grace  time.Duration // from the start of the trial to being healthy; default 5 minutes
	Settle time.Duration // how long it must stay healthy; default 30 seconds
	Log    *slog.Logger
}

// look is how often health is asked for during a trial.
const look = 3 * time.Second

// chunk is what is written and read at a time; it bounds the memory that an update takes, beside the decompressor's 8 MiB.
const chunk = 1 << 20

// An Updater is the one of its kit. Its methods may be called concurrently; only one Stage runs at a time.
type Updater struct {
	o     Options
	file  keeper
	chunk int64

	stage sync.Mutex // held by Stage

	mu      sync.Mutex // guards what follows
	env     *slots.Env
	running slots.Slot
	state   state
	now     Progress
}

// Progress is how far an update is.
type Progress struct {
	Step  string `json:"step,omitempty"` // "checking", "writing", "reading back"
	Done  int64  `json:"done,omitempty"` // bytes
	Total int64  `json:"total,omitempty"`
}

// Open reads what is known. It fails on a machine that was not started by a kit's boot loader.
func Open(o Options) (*Updater, error) { return open(o, file(o.Path)) }

func open(o Options, k keeper) (*Updater, error) {
	if o.Grace == 0 {
		o.Grace = 5 * time.Minute
	}
	if o.Settle == 0 {
		o.Settle = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	running, err := slots.Running(o.Cmdline)
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	env, err := slots.Open(o.Env)
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	u := &Updater{o: o, file: k, chunk: chunk, env: env, running: running}
	var lost error
	if u.state, lost, err = load(k); err != nil {
		return nil, err
	}
	if lost != nil {
		// Choice: a kit whose notes are lost is still to be updated; it begins new ones.
		o.Log.Error("what is known of earlier updates cannot be read and is given up", "err", lost)
	}
	return u, nil
}

// Status is the updates of a kit at a glance.
type Status struct {
	Slot    string    `json:"slot"`           // that runs
	Version string    `json:"version"`        // that runs
	Boot    string    `json:"boot"`           // what the boot loader will do, in words
	Trial   bool      `json:"trial"`          // the running system is not kept yet
	Next    string    `json:"next,omitempty"` // version that is being written, or waits for the next start
	Now     *Progress `json:"now,omitempty"`
	Told    string    `json:"told,omitempty"` // what became of the last update, in words
	Counter uint64    `json:"counter"`        // a system bundle must have a higher one
	Failed  []Failure `json:"failed,omitempty"`
}

// Status tells how things are.
func (u *Updater) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := Status{Slot: string(u.running), Version: u.version(), Boot: u.env.State().String(), Trial: u.onTrial(),
		Told: u.state.Told, Counter: u.state.Counter, Failed: append([]Failure(nil), u.state.Failed...)}
	if n := u.state.Next; n != nil && !s.Trial {
		s.Next = n.Version
	}
	if u.now.Step != "" {
		now := u.now
		s.Now = &now
	}
	return s
}

// Forget lets systems that failed be tried again: a person has plugged the stick in anew.
func (u *Updater) Forget() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !slices.ContainsFunc(u.state.Failed, func(f Failure) bool { return !f.Forgiven }) {
		return nil
	}
	return u.change(func(s *state) {
		for i := range s.Failed {
			s.Failed[i].Forgiven = true
		}
	})
}

// onTrial tells whether the running system is on trial; mu is held.
func (u *Updater) onTrial() bool {
	return u.state.Phase == trial && u.state.Next.Slot == u.running
}

// version is what the running system is called: as its bundle did, or as it says itself; mu is held.
func (u *Updater) version() string {
	if u.state.Next != nil && u.state.Next.Slot == u.running {
		return u.state.Next.Version
	}
	if s, ok := u.state.Slots[u.running]; ok {
		return s.Version
	}
	if u.gaveUp(u.running) {
		return u.state.Failed[len(u.state.Failed)-1].Version
	}
	return u.o.Version
}

// change saves a changed state; mu is held. What cannot be saved has not happened.
func (u *Updater) change(f func(*state)) error {
	next := u.state.clone()
	f(&next)
	if err := save(u.file, next); err != nil {
		return err
	}
	u.state = next
	return nil
}

// Refusal is why a system bundle is not taken, in plain words.
type Refusal struct{ Problem, Remedy string }

func (r *Refusal) Error() string { return r.Problem + "; " + r.Remedy }

// ErrRunning says that the very system runs already, which is no fault.
var ErrRunning = errors.New("update: this system runs already")
