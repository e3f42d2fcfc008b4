package update

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/images/slots"
)

// AtBoot finds out what became of an update. It is called once, before the node starts; told is what people should hear of
// it, "" if there is nothing new. A system that is not on trial gets its attempts back: it has come this far. With again the
// machine is being started anew, and the caller has nothing more to do.
func (u *Updater) AtBoot() (told string, again bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	first, next := u.env.State().Order[0], u.state.Next
	switch {
	case next != nil && u.state.Phase != writing && next.Slot == u.running && next.Runs >= maxRuns:
		return "", true, u.surrender(fmt.Sprintf("it began %d times and was never healthy", next.Runs))
	case next != nil && u.state.Phase != writing && next.Slot == u.running:
		told = fmt.Sprintf("version %s is on trial", u.version())
		begin := func(s *state) { s.Phase = trial; s.Next.Runs++ }
		if err = u.change(begin); err != nil { // it is on trial all the same
			state := u.state.clone()
			begin(&state)
			u.state = state
		}
		return told, false, err
	case u.state.Phase == trial, u.state.Phase == written && first == next.Slot:
		told, err = u.fellBack()
	case next != nil:
		// The power failed while it was written, or just before it was put first.
		told = fmt.Sprintf("the update to version %s was cut short; version %s still runs; plug the stick in again", next.Version, u.version())
		err = u.change(func(s *state) { s.Phase, s.Next, s.Told = idle, nil, told })
	case u.gaveUp(u.running):
		return u.lastResort()
	case first != u.running && !u.gaveUp(first):
		told = fmt.Sprintf("the system in slot %s%s does not start any more; version %s in slot %s runs instead",
			first, u.versionIn(first), u.version(), u.running)
		err = u.change(func(s *state) { s.Told = told })
	}
	if err == nil && u.state.Returned {
		err = u.change(func(s *state) { s.Returned = false })
	}
	if err != nil {
		// What cannot be noted must not cost the attempts of the system that runs.
		return "", false, errors.Join(err, u.back())
	}
	return told, false, u.back()
}

// back makes the running system first in the order, with all its attempts. One that was given up comes behind it, with none:
// it is whole, and better than nothing if the boot loader finds nothing else.
func (u *Updater) back() error {
	env, other := u.env.State().MarkGood(u.running), u.running.Other()
	if u.gaveUp(other) && env.Order[1] == other {
		env.Left[other] = 0
	}
	if err := u.env.Set(env); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	return nil
}

// lastResort: a system that was given up runs, since the other one has used up its attempts. It may have done so by nothing
// worse than a power that failed several times in a row: it gets them once more. If it does not start at all, a sick system
// that takes a new one from a stick is better than none.
func (u *Updater) lastResort() (told string, again bool, err error) {
	if u.state.Returned {
		told = fmt.Sprintf("version %s runs although it was given up: the system in slot %s does not start any more", u.version(), u.running.Other())
		if u.state.Told == told {
			told = "" // at an earlier start
		} else if err := u.change(func(s *state) { s.Told = told }); err != nil {
			return "", false, err
		}
		return told, false, u.back()
	}
	if err := u.change(func(s *state) { s.Returned = true }); err != nil {
		return "", false, err
	}
	if err := u.env.Set(u.env.State().Try(u.running).Try(u.running.Other())); err != nil {
		return "", false, fmt.Errorf("update: %w", err)
	}
	return "", true, u.o.Reboot(fmt.Sprintf("version %s was given up; the system in slot %s is tried once more", u.version(), u.running.Other()))
}

// gaveUp tells whether a slot holds the system that failed last.
func (u *Updater) gaveUp(slot slots.Slot) bool {
	n := len(u.state.Failed)
	_, kept := u.state.Slots[slot]
	return n > 0 && u.state.Failed[n-1].Slot == slot && !kept
}

// versionIn is " (version 1.2)" of a slot, as far as it is known.
func (u *Updater) versionIn(slot slots.Slot) string {
	if s, ok := u.state.Slots[slot]; ok {
		return " (version " + s.Version + ")"
	}
	return ""
}

// fellBack: the old system runs, and the new one had its chance. The note goes first, so that the same stick cannot begin
// anew whatever happens; mu is held.
func (u *Updater) fellBack() (told string, err error) {
	next := *u.state.Next
	why := next.Why
	switch {
	case why != "":
	case next.Runs == 0:
		why = "it did not start"
	default:
		why = "it stopped before it was healthy (a watchdog, a crash, or the power)"
	}
	told = fmt.Sprintf("version %s did not get healthy: %s; version %s runs", next.Version, why, u.version())
	err = u.change(func(s *state) {
		s.Phase, s.Next, s.Told = idle, nil, told
		s.Failed = append(s.Failed, Failure{System: next.System, Slot: next.Slot, Why: why})
		s.Failed = s.Failed[max(0, len(s.Failed)-maxFailed):]
	})
	return told, err
}

// Trial tells whether the running system is on trial.
func (u *Updater) Trial() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.onTrial()
}

// Watch sees a trial through: when the kit has been healthy for a while the system is kept, and when it does not get so in
// time, it is given up and the machine started anew. health tells what is wrong in words, a line each; nothing: healthy.
// It returns at once when nothing is on trial.
func (u *Updater) Watch(ctx context.Context, health func(context.Context) []string) error {
	if !u.Trial() {
		return nil
	}
	end := time.Now().Add(u.o.Grace)
	var since time.Time // healthy; zero: not
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		wrong := health(ctx)
		if ctx.Err() != nil {
			return nil
		}
		now := time.Now()
		switch {
		case len(wrong) > 0 && now.After(end):
			return u.giveUp(wrong)
		case len(wrong) > 0:
			since = time.Time{}
		case since.IsZero():
			since = now
		case now.Sub(since) >= u.o.Settle:
			return u.Good()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Good keeps the running system. The boot loader's environment goes first: a system that is kept must never be given up for
// want of attempts, and what the file says is then put right by the next trial.
func (u *Updater) Good() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.back(); err != nil {
		return err
	}
	if !u.onTrial() {
		return nil
	}
	u.o.Log.Info("the new system is healthy and is kept", "version", u.version(), "slot", string(u.running))
	return u.change(func(s *state) {
		kept := s.Next.System
		if s.Slots == nil {
			s.Slots = make(map[slots.Slot]System)
		}
		s.Slots[u.running] = kept
		s.Told = fmt.Sprintf("version %s runs and is healthy; it came after version %s", kept.Version, cmp.Or(s.Next.Was, "unknown"))
		s.Counter = max(s.Counter, kept.Counter)
		s.Failed = slices.DeleteFunc(s.Failed, func(f Failure) bool { return f.Digest == kept.Digest })
		s.Phase, s.Next = idle, nil
	})
}

// maxWhy bounds the reason that is kept.
const maxWhy = 500

// maxRuns bounds how often a system on trial may begin anew, with a start of the machine or without one: the time that it
// has is counted from there.
const maxRuns = 8

// giveUp ends a trial that did not come to health.
func (u *Updater) giveUp(wrong []string) error {
	why := strings.Join(wrong, "; ")
	if len(why) > maxWhy {
		why = strings.ToValidUTF8(why[:maxWhy], "") + "…"
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.surrender(why)
}

// surrender notes why, takes the system's attempts, and starts the machine anew. When the environment cannot be written, the
// boot loader's counter does the same after the attempts that are left; mu is held.
func (u *Updater) surrender(why string) error {
	if err := u.change(func(s *state) { s.Next.Why = why }); err != nil {
		u.o.Log.Error("why the new system is given up could not be noted", "err", err)
	}
	env := u.env.State().Try(u.running.Other())
	env.Left[u.running] = 0
	if err := u.env.Set(env); err != nil {
		u.o.Log.Error("the boot order could not be changed; the old system starts when the attempts are used up", "err", err)
	}
	u.o.Log.Error("the new system does not get healthy and is given up", "version", u.version(), "why", why)
	return u.o.Reboot(fmt.Sprintf("version %s did not get healthy: %s", u.version(), why))
}
