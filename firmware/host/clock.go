package host

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Source is where a time comes from. A greater one is better.
type Source uint8

// Sources of time, by rank.
const (
	Unknown Source = iota
	Kept           // the last time that was known, or the build's
	RTC            // the clock's chip
	Peer           // a paired node
	NTP            // a time server
	GPS
)

func (s Source) String() string {
	return [...]string{"unknown", "kept", "clock's chip", "peer", "time server", "GPS"}[s]
}

// trusted sources may set the clock back, below a time that was kept: a wrong time must not be for ever.
func (s Source) trusted() bool { return s >= NTP }

// slack is how far the clock may be off before a source changes it: what such a time is good for.
func (s Source) slack() time.Duration {
	if s == Peer { // a transmission over HF takes some seconds, and its turn some more
		return 5 * time.Second
	}
	return 500 * time.Millisecond
}

const (
	// standing is how long a better source counts after it last spoke. A quartz goes wrong by some seconds in that time, about as much
	// as a time from a peer is off.
	standing = 7 * 24 * time.Hour
	// horizon is how far in the future of the build a date is believed.
	horizon = 30 * 365 * 24 * time.Hour
)

// ErrDate is wrapped when a date cannot be right.
var ErrDate = errors.New("this date cannot be right")

// Timekeeper is the machine's clock with memory. It may be used by several goroutines.
type Timekeeper struct {
	build time.Time
	sys   system

	mu     sync.Mutex // guards the rest
	source Source     // that set the clock, or found it right
	spoke  time.Time  // when, by the clock as it was set then
	kept   Memory
}

// Memory is what is kept of the time while the power is off.
type Memory struct {
	Last  time.Time // what the clock said last
	Known time.Time // the same while it went by a peer or better: a chip may have been wrong all the time
}

// system is what a Timekeeper sets; tests have another.
type system struct {
	now   func() time.Time
	set   func(time.Time) error // the kernel's clock
	rtc   func(time.Time) error // the clock's chip
	chip  func() time.Time      // the same read; zero: there is none
	load  func() Memory         // what was kept; zero: nothing
	store func(Memory) error
	ntp   func() (at time.Time, ok bool) // when a time server last set the clock
}

// SetTime says what time it is, by a source. It is not believed when the date cannot be right, and does nothing while a better source
// counts.
func (k *Timekeeper) SetTime(source Source, at time.Time) (changed bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hear()
	return k.setLocked(source, at)
}

func (k *Timekeeper) setLocked(source Source, at time.Time) (changed bool, err error) {
	now := k.sys.now()
	switch {
	case at.Before(k.build):
		return false, fmt.Errorf("host: time from %v: %s: %w: this system was built on %s", source, stamp(at), ErrDate, stamp(k.build))
	case at.After(k.build.Add(horizon)):
		return false, fmt.Errorf("host: time from %v: %s: %w: it is too far away", source, stamp(at), ErrDate)
	case at.Before(k.floor(source)):
		return false, fmt.Errorf("host: time from %v: %s: %w: it was %s already", source, stamp(at), ErrDate, stamp(k.floor(source)))
	case source < k.source && now.Sub(k.spoke) < standing:
		return false, nil
	}
	if off := at.Sub(now).Abs(); off > source.slack() {
		if err := k.sys.set(at); err != nil {
			return false, fmt.Errorf("host: setting the clock to %s: %w", stamp(at), err)
		}
		changed = true
	} else {
		at = now
	}
	first := source != k.source
	k.source, k.spoke = source, at
	k.remember(at)
	if changed || first && source > RTC {
		// A chip that is missing or broken is no reason to have the wrong time as well.
		_ = k.sys.rtc(at)
	}
	return changed, k.keepLocked()
}

// floor is before which a source is not believed.
func (k *Timekeeper) floor(source Source) time.Time {
	switch {
	case source.trusted():
		return time.Time{}
	case source == Peer:
		return k.kept.Known
	}
	return k.kept.Last
}

// remember notes what time it is.
func (k *Timekeeper) remember(at time.Time) {
	k.kept.Last = at
	if k.source >= Peer {
		k.kept.Known = at
	}
}

// hear takes notice of a time server, which sets the clock by itself.
func (k *Timekeeper) hear() {
	if at, ok := k.sys.ntp(); ok && k.source <= NTP && !at.Before(k.build) {
		k.source, k.spoke = NTP, at
	}
}

// Start makes the clock right as far as is known: what the kernel took from the clock's chip, if that can be, else what the chip says (its
// driver may have come after the kernel looked), else the last time that was kept, else the build's.
func (k *Timekeeper) Start() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = k.sys.load()
	if last := k.kept.Last; last.Before(k.build) || last.After(k.build.Add(horizon)) {
		k.kept.Last = k.build
	}
	if k.kept.Known.After(k.kept.Last) { // of a file that is damaged
		k.kept.Known = time.Time{}
	}
	now := k.sys.now()
	if !now.Before(k.kept.Last) && now.Before(k.build.Add(horizon)) {
		k.source, k.spoke = RTC, now
		return nil
	}
	k.source = Unknown
	if at := k.sys.chip(); !at.Before(k.kept.Last) {
		if _, err := k.setLocked(RTC, at); !errors.Is(err, ErrDate) {
			return err
		}
	}
	_, err := k.setLocked(Kept, k.kept.Last)
	return err
}

// Keep writes down what time it is, for the next start.
func (k *Timekeeper) Keep() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hear()
	if now := k.sys.now(); now.After(k.kept.Last) || k.source.trusted() {
		k.remember(now)
	}
	return k.keepLocked()
}

func (k *Timekeeper) keepLocked() error {
	if err := k.sys.store(k.kept); err != nil {
		return fmt.Errorf("host: keeping the time: %w", err)
	}
	return nil
}

// Source tells what the clock goes by.
func (k *Timekeeper) Source() Source {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hear()
	return k.source
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
