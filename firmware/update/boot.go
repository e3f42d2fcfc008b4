package update

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/images/slots"
)

// AtBoot finds out what became of an update. It is called once, before the node starts; told is what people should hear of
// it, "" if there is nothing new. A system that is not on trial gets its attempts back: it has come this far.
func (u *Updater) AtBoot() (told string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	first, next := u.env.State().Order[0], u.state.Next
	switch {
	case next != nil && u.state.Phase != writing && next.Slot == u.running:
		if err := u.change(func(s *state) { s.Phase = trial; s.Next.Runs++ }); err != nil {
			return "", err
		}
		return fmt.Sprintf("version %s is on trial", u.o.Version), nil
	case u.state.Phase == trial, u.state.Phase == written && first == next.Slot:
		return u.fellBack()
	case next != nil:
		// The power failed while it was written, or just before it was put first.
		told = fmt.Sprintf("the update to version %s was cut short; version %s still runs; plug the stick in again", next.Version, u.o.Version)
		err = u.change(func(s *state) { s.Phase, s.Next, s.Told = idle, nil, told })
	case first != u.running && u.gaveUp(first):
		// The power failed before it was taken out of the order.
		if err := u.env.Forbid(first); err != nil {
			return "", fmt.Errorf("update: %w", err)
		}
		return "", nil
	case first != u.running:
		told = fmt.Sprintf("the system in slot %s%s does not start any more; version %s in slot %s runs instead",
			first, u.versionIn(first), u.o.Version, u.running)
		err = u.change(func(s *state) { s.Told = told })
	}
	if err != nil {
		return "", err
	}
	if err := u.env.MarkGood(u.running); err != nil {
		return told, fmt.Errorf("update: %w", err)
	}
	return told, nil
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
	told = fmt.Sprintf("version %s did not get healthy: %s; version %s runs", next.Version, why, u.o.Version)
	err = u.change(func(s *state) {
		s.Phase, s.Next, s.Told = idle, nil, told
		s.Failed = append(s.Failed, Failure{next.System, next.Slot, why})
		s.Failed = s.Failed[max(0, len(s.Failed)-maxFailed):]
	})
	if err != nil {
		return "", err
	}
	if err := u.env.Forbid(next.Slot); err != nil {
		return told, fmt.Errorf("update: %w", err)
	}
	return told, nil
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
// want of attempts, and what the file says is then corrected by the next trial.
func (u *Updater) Good() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.env.MarkGood(u.running); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	if !u.onTrial() {
		return nil
	}
	u.o.Log.Info("the new system is healthy and is kept", "version", u.o.Version, "slot", string(u.running))
	return u.change(func(s *state) {
		kept := s.Next.System
		if s.Slots == nil {
			s.Slots = make(map[slots.Slot]System)
		}
		s.Slots[u.running] = kept
		s.Told = fmt.Sprintf("version %s runs and is healthy; it came after version %s", u.o.Version, cmp.Or(s.Next.Was, "unknown"))
		s.Counter = max(s.Counter, kept.Counter)
		s.Failed = slices.DeleteFunc(s.Failed, func(f Failure) bool { return f.Digest == kept.Digest })
		s.Phase, s.Next = idle, nil
	})
}

// maxWhy bounds the reason that is kept.
const maxWhy = 500

// giveUp notes why, takes the system out of the boot order, and starts the machine anew. When the environment cannot be
// written, the boot loader's counter does the same after the attempts that are left.
func (u *Updater) giveUp(wrong []string) error {
	why := strings.Join(wrong, "; ")
	if len(why) > maxWhy {
		why = strings.ToValidUTF8(why[:maxWhy], "") + "…"
	}
	u.mu.Lock()
	version := u.o.Version
	if err := u.change(func(s *state) { s.Next.Why = why }); err != nil {
		u.o.Log.Error("why the new system is given up could not be noted", "err", err)
	}
	if err := u.env.Forbid(u.running); err != nil {
		u.o.Log.Error("the boot order could not be changed; the old system starts when the attempts are used up", "err", err)
	}
	u.mu.Unlock()
	u.o.Log.Error("the new system does not get healthy and is given up", "version", version, "why", why)
	return u.o.Reboot(fmt.Sprintf("version %s did not get healthy: %s", version, why))
}
