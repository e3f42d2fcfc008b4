package s2s

import (
	"errors"
	"fmt"
	"time"

	"longwire/store"
)

// A node without a battery for its clock learns the time late, and a clock may be set by mistake. What waits has its times by the clock that was: if they stayed, it would
// be over at once, or never. So Run compares the clock with a count of time that nobody sets, and after a jump moves the times of all that waits by as much. While the node is down
// nothing counts; there only what is plainly of another clock is moved.
const (
	// jump is how far the clock must be set. Choice: less is within what lifetimes are good for, and clocks are set by
	// seconds every day.
	jump = time.Hour
	// apart is how far from now an entry must be found at a start to be taken for one of another clock, and put now. Choice: a message that
	// waited through a year's stop is rather sent late than lost to a clock that was wrong.
	apart = 365 * 24 * time.Hour
)

// A timing watches the clock. It is Run's own.
type timing struct {
	now   func() (wall time.Time, mono time.Duration)
	wall  time.Time // as of the last look
	mono  time.Duration
	began bool
	owed  bool          // the clock was set, and not all queues have followed
	by    time.Duration // by so much in all
}

// systemTime is the clock, and what has gone by since the start whatever it shows.
func systemTime() func() (time.Time, time.Duration) {
	start := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(start)
	}
}

// keepTime looks at the clock, and when it was set moves the times of what waits. When that fails, nothing may expire, and the next look tries again.
func (ps *Peers) keepTime() (now time.Time, err error) {
	k := &ps.timing
	wall, mono := k.now()
	if k.began {
		if by := wall.Sub(k.wall) - (mono - k.mono); by.Abs() >= jump {
			k.owed, k.by = true, k.by+by
		}
	} else if err := ps.begin(wall); err != nil {
		return wall, err
	}
	k.wall, k.mono, k.began = wall, mono, true
	if k.owed {
		if err := ps.follow(wall); err != nil {
			return wall, err
		}
	}
	for _, p := range ps.sorted() {
		p.mark = p.queue.Last()
	}
	return wall, nil
}

// follow moves what was put before the clock was set by as much, and what is remembered too: in one transaction, as a node that dies between two would find the
// rest by the clock that was, and let it expire or keep it for good.
func (ps *Peers) follow(now time.Time) error {
	by, moved := ps.timing.by, 0
	// What came since the last look may be of either clock; it is new by its own.
	before := func(at time.Time) bool { return now.Add(-by).Sub(at).Abs() < now.Sub(at).Abs() }
	all := ps.sorted()
	err := ps.DB.Update(func(tx *store.Tx) error {
		moved = 0
		for _, p := range all {
			n, err := p.queue.Shift(tx, by, func(e store.Entry) bool { return e.ID <= p.mark || before(e.Queued) })
			if err == nil {
				err = tx.ShiftRepeats(p.name, by, before)
			}
			if errors.Is(err, store.ErrCorrupt) { // it must not hold up the others
				ps.Log.Error("s2s: the clock was set, and not all that waits has followed", "peer", p.name, "err", err)
			} else if err != nil {
				return fmt.Errorf("peer %s: %w", p.name, err)
			}
			moved += n
		}
		return tx.ShiftFates(by, before)
	})
	if err != nil {
		return fmt.Errorf("s2s: after the clock was set: %w", err)
	}
	ps.timing.owed, ps.timing.by = false, 0
	ps.Log.Warn("s2s: the clock was set; what waits keeps its time", "by", by.Round(time.Second), "stanzas", moved)
	return nil
}

// begin takes what is of a clock that is far from this one for put now; what it has waited since the others is kept.
func (ps *Peers) begin(now time.Time) error {
	for _, p := range ps.sorted() {
		for _, far := range []func(time.Time) bool{
			func(at time.Time) bool { return at.Sub(now) > apart },
			func(at time.Time) bool { return now.Sub(at) > apart },
		} {
			newest, err := p.newest(far)
			if err != nil {
				return err
			}
			if newest.IsZero() {
				continue
			}
			n, err := p.shift(now.Sub(newest), func(e store.Entry) bool { return far(e.Queued) })
			if err != nil {
				return err
			}
			ps.Log.Warn("s2s: what waits was queued by another clock, and is taken as of now", "peer", p.name, "queued", newest, "stanzas", n)
		}
	}
	return nil
}

// newest is when the newest of the chosen entries was queued; zero: there is none.
func (p *Peer) newest(which func(time.Time) bool) (at time.Time, err error) {
	err = p.peers.DB.View(func(tx *store.Tx) error {
		return p.queue.Each(tx, func(e store.Entry) (bool, error) {
			if which(e.Queued) && e.Queued.After(at) {
				at = e.Queued
			}
			return true, nil
		})
	})
	if err != nil {
		return at, fmt.Errorf("s2s: peer %s: %w", p.name, err)
	}
	return at, nil
}

func (p *Peer) shift(by time.Duration, which func(store.Entry) bool) (moved int, err error) {
	err = p.peers.DB.Update(func(tx *store.Tx) (err error) {
		moved, err = p.queue.Shift(tx, by, which)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("s2s: peer %s: %w", p.name, err)
	}
	return moved, nil
}
