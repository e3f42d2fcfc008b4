package board

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StickEvent is a USB stick that came or went.
type StickEvent struct {
	Device   string // what to mount, as /dev/sda1
	Present  bool
	Coldplug bool   // it was there when the watching began, or came so soon after it that it may have been there when the machine was turned on
	Problem  string // why it cannot be used, in words; Device is the whole stick then
}

const (
	settle   = 500 * time.Millisecond // after the last event of a disk, before it is looked at
	nodeWait = 5 * time.Second        // for the device's node in /dev
	// early is how long a stick that is there at power on may take to be found: the drivers may be loaded after us, and usb-storage waits
	// a second by itself.
	early = 30 * time.Second
)

// Sticks tells of USB sticks until ctx is done: first of those that are there, then of what the kernel says. Only disks of USB count. It
// calls tell from one goroutine; a slow tell delays later events and loses none.
func Sticks(ctx context.Context, p Profile, tell func(StickEvent)) error {
	feed, err := OpenFeed()
	if err != nil {
		return err
	}
	return SticksFrom(ctx, p, feed, tell)
}

// SticksFrom is Sticks with events from a feed, which it closes.
func SticksFrom(ctx context.Context, p Profile, feed Feed, tell func(StickEvent)) error {
	w := &stickWatch{profile: p, tell: tell, due: make(map[string]time.Time), known: make(map[string]stick)}
	names := make(chan string)
	ended := make(chan error, 1)
	inner, cancel := context.WithCancel(ctx)
	go func() { ended <- readDisks(inner, feed, names) }()
	defer func() { cancel(); feed.Close(); <-ended }()
	began := time.Now()
	for _, disk := range w.disks() {
		w.look(disk, true)
	}
	for {
		select {
		case name := <-names:
			if name != "" {
				w.due[name] = time.Now().Add(settle)
				break
			}
			for _, disk := range w.all() { // what happened is not known
				w.due[disk] = time.Now().Add(settle)
			}
		case <-w.next():
			w.settled(time.Since(began) < early)
		case err := <-ended:
			ended <- err
			if ctx.Err() != nil {
				return nil
			}
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// readDisks passes the names of disks that something happened to; "" is any.
func readDisks(ctx context.Context, feed Feed, names chan<- string) error {
	for {
		e, missed, err := recv(feed)
		name := ""
		switch {
		case err != nil:
			return err
		case missed:
		case e.Subsystem != "block":
			continue
		case e.Devtype == "partition":
			name = filepath.Base(filepath.Dir(e.Devpath))
		default:
			name = filepath.Base(e.Devpath)
		}
		select {
		case names <- name:
		case <-ctx.Done():
			return nil
		}
	}
}

// stick is one that was told.
type stick struct {
	event StickEvent
	seq   string // the kernel's number of this disk or of the medium in it
}

// stickWatch is the state of Sticks; one goroutine has it.
type stickWatch struct {
	profile Profile
	tell    func(StickEvent)
	due     map[string]time.Time // disks to look at, and when
	known   map[string]stick     // by disk
}

// next fires when the first disk is due.
func (w *stickWatch) next() <-chan time.Time {
	var first time.Time
	for _, t := range w.due {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	if first.IsZero() {
		return nil
	}
	return time.After(time.Until(first))
}

func (w *stickWatch) settled(cold bool) {
	var now []string
	for disk, t := range w.due {
		if !t.After(time.Now()) {
			now = append(now, disk)
		}
	}
	slices.Sort(now)
	for _, disk := range now {
		delete(w.due, disk)
		w.look(disk, cold)
	}
}

// disks are those of the machine, and all those with the ones that were told.
func (w *stickWatch) disks() []string {
	var names []string
	found, _ := os.ReadDir(w.profile.path("/sys/block"))
	for _, f := range found {
		names = append(names, f.Name())
	}
	return names
}

func (w *stickWatch) all() []string {
	names := w.disks()
	for disk := range w.known {
		if !slices.Contains(names, disk) {
			names = append(names, disk)
		}
	}
	return names
}

// look compares a disk with what was told about it.
func (w *stickWatch) look(disk string, cold bool) {
	seq, there := w.profile.usbDisk(disk)
	old, told := w.known[disk]
	if told && there && old.seq == seq {
		return
	}
	if told {
		delete(w.known, disk)
		gone := old.event
		gone.Present, gone.Coldplug = false, false
		w.tell(gone)
	}
	if !there {
		return
	}
	e := w.profile.usable(disk)
	e.Present, e.Coldplug = true, cold
	w.known[disk] = stick{e, seq}
	w.tell(e)
}

var usbBus = regexp.MustCompile(`/usb[0-9]+/`)

// usbDisk tells whether a disk of that name is there, is of USB, and has a medium; seq changes with the disk or its medium.
func (p Profile) usbDisk(disk string) (seq string, there bool) {
	folder := p.path(filepath.Join("/sys/block", disk))
	real, err := filepath.EvalSymlinks(folder)
	if err != nil || !usbBus.MatchString(real) {
		return "", false
	}
	size := strings.TrimSpace(readSmall(filepath.Join(folder, "size")))
	if size == "" || size == "0" {
		return "", false // a card reader without a card
	}
	// diskseq is there since Linux 5.15.
	return real + " " + size + " " + strings.TrimSpace(readSmall(filepath.Join(folder, "diskseq"))), true
}

// usable finds what can be mounted: the first partition with a file system that we read, else the whole disk.
func (p Profile) usable(disk string) StickEvent {
	parts := p.partitions(disk)
	others := ""
	for _, name := range append(parts, disk) {
		device := p.path(filepath.Join("/dev", name))
		if err := waitFor(device); err != nil {
			others = err.Error()
			continue
		}
		kind, err := probe(device)
		switch {
		case err != nil:
			others = err.Error()
		case kind == VFAT || kind == Ext4:
			return StickEvent{Device: device}
		case kind != "":
			others = "it holds " + kind
		}
	}
	if others == "" {
		others = "it holds no file system that is known"
	}
	return StickEvent{Device: p.path(filepath.Join("/dev", disk)), Problem: others + "; format the stick as FAT32"}
}

// partitions are those of a disk, by number.
func (p Profile) partitions(disk string) []string {
	type part struct {
		name   string
		number int
	}
	var parts []part
	folder := p.path(filepath.Join("/sys/block", disk))
	found, _ := os.ReadDir(folder)
	for _, f := range found {
		if n, err := strconv.Atoi(strings.TrimSpace(readSmall(filepath.Join(folder, f.Name(), "partition")))); err == nil {
			parts = append(parts, part{f.Name(), n})
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return a.number - b.number })
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// waitFor waits for a device's node.
func waitFor(device string) error {
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		_, err := os.Stat(device)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if time.Since(start) > nodeWait {
			return fmt.Errorf("board: %s did not appear", device)
		}
	}
}
