package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"longwire/board"
)

// synchronized is touched by systemd-timesyncd whenever a server told it the time.
const synchronized = "/run/systemd/timesync/synchronized"

// maxKept bounds the file with the time that was kept.
const maxKept = 64

// NewTimekeeper is this machine's clock. file is where the last known time is kept, rtc the device of the clock's chip ("": none), and build
// is when this system was made: no date before it is believed.
func NewTimekeeper(file, rtc string, build time.Time) *Timekeeper {
	return &Timekeeper{build: build, sys: system{
		now: time.Now,
		set: func(at time.Time) error {
			tv := unix.NsecToTimeval(at.UnixNano())
			return unix.Settimeofday(&tv)
		},
		rtc: func(at time.Time) error {
			if rtc == "" {
				return nil
			}
			return board.SetRTC(rtc, at)
		},
		chip: func() time.Time {
			if rtc == "" {
				return time.Time{}
			}
			at, _ := board.ReadRTC(rtc) // one that cannot be read, or has lost its time, says nothing
			return at
		},
		load:  func() Memory { return loadTime(file) },
		store: func(m Memory) error { return storeTime(file, m) },
		ntp: func() (time.Time, bool) {
			info, err := os.Stat(synchronized)
			if err != nil {
				return time.Time{}, false
			}
			return info.ModTime(), true
		},
	}}
}

// loadTime reads what was kept: two times of RFC 3339. Zero if there is nothing, or if the file is damaged.
func loadTime(file string) Memory {
	info, err := os.Stat(file)
	if err != nil || info.Size() > maxKept {
		return Memory{}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return Memory{}
	}
	last, known, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	var m Memory
	if m.Last, err = time.Parse(time.RFC3339, last); err != nil {
		return Memory{}
	}
	if m.Known, err = time.Parse(time.RFC3339, known); err != nil {
		m.Known = time.Time{}
	}
	return m
}

func storeTime(file string, m Memory) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return replace(file, m.Last.UTC().Format(time.RFC3339)+" "+m.Known.UTC().Format(time.RFC3339)+"\n", 0o644)
}

// keepEvery is how often the time is written to flash: a kit that loses power and has no chip is at most so much behind.
const keepEvery = 10 * time.Minute

// Run keeps the time until ctx is done, and once more then.
func (k *Timekeeper) Run(ctx context.Context) error {
	t := time.NewTicker(keepEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := k.Keep(); err != nil {
				return err
			}
		case <-ctx.Done():
			return k.Keep()
		}
	}
}
