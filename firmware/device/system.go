package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"longwire/board"
	"longwire/firmware/provision"
	"longwire/firmware/update"
	"longwire/images/bundle"
)

// System brings the machine from one system to the next and back; update.Updater does.
type System interface {
	AtBoot() (told string, again bool, err error)
	Trial() bool
	Watch(ctx context.Context, health func(context.Context) []string) error
	Stage(ctx context.Context, f *bundle.SystemFile, progress func(update.Progress)) error
	Forget() error
	Status() update.Status
}

var _ System = (*update.Updater)(nil)

// maxSystem bounds the file of a system bundle: the largest image, should it not become smaller, and what stands before it.
const maxSystem = bundle.MaxImage + 1<<20

// openSystem finds out what became of an update, before any service starts.
func (d *daemon) openSystem(ctx context.Context) error {
	if d.o.OpenSystem == nil {
		return nil
	}
	u, err := d.o.OpenSystem(update.Options{
		Path: filepath.Join(d.kit.Root(), provision.UpdateFile), Version: d.o.Version, Log: d.log,
		Kit: func() bundle.Target {
			m := d.kit.Meta()
			return bundle.Target{KitID: d.kit.ID(), Name: m.Name, Fleet: m.Fleet, Board: d.o.Board.Name}
		},
		// 0: what this program would make, which is what it has made of any older one by now.
		StoreFormat: func(context.Context) (uint64, error) { return 0, nil },
		Reboot: func(why string) error {
			d.toReboot(why)
			return nil
		},
	})
	if err != nil {
		d.log.Error("this machine cannot be updated", "err", err)
		d.say("this machine cannot be updated: %v", trim(err))
		return nil
	}
	d.system = u
	d.say("slot %s, order %s", u.Status().Slot, u.Status().Boot)
	told, again, err := u.AtBoot()
	if err != nil {
		d.log.Error("what became of the last update is not known", "err", err)
	}
	if told != "" {
		d.say("system: %s", told)
		d.file(&provision.Report{Software: d.software(), State: told})
	}
	if again {
		return d.restart(ctx)
	}
	return nil
}

// trySystem sees the trial of a system through, if there is one.
func (d *daemon) trySystem(ctx context.Context) error {
	if d.system == nil || !d.system.Trial() {
		return nil
	}
	d.lamp.Show(board.Starting)
	d.say("system: version %s has to prove itself", d.o.Version)
	err := d.system.Watch(ctx, func(ctx context.Context) []string {
		d.alive()
		h := d.health(ctx, true)
		d.setHealth(h)
		return h.Wrong
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil: // the next start tries anew, and a daemon that ends would only take the machine with it
		d.log.Error("what became of a system's trial is not noted", "err", err)
		d.say("system: what became of the trial is not noted: %v", trim(err))
	case d.reboot == "":
		told := d.system.Status().Told
		d.say("system %s in slot %s is called good; %s", d.o.Version, d.o.Slot, told)
		d.file(&provision.Report{Software: d.software(), State: told})
	}
	return d.restart(ctx)
}

// toReboot decides that the machine starts anew, once there is nothing more to say. If this program ends before, and is started again, what
// became of an update could not be told from a machine that did start: so there is a mark, in memory, which a start of the machine wipes out.
func (d *daemon) toReboot(why string) {
	d.reboot = why
	if err := os.WriteFile(d.rebootMark(), []byte(why), 0o600); err != nil {
		d.log.Error("that the machine is to start anew cannot be noted", "err", err)
	}
}

func (d *daemon) rebootMark() string { return d.o.Run + ".reboot" }

// restart starts the machine anew, if that was decided.
func (d *daemon) restart(ctx context.Context) error {
	if d.reboot == "" {
		return nil
	}
	d.say("the machine starts anew: %s", d.reboot)
	d.lamp.Show(board.Starting)
	return errors.Join(ErrReboot, d.o.Reboot(ctx))
}

// candidate is a system bundle on a stick.
type candidate struct {
	name string
	file *bundle.SystemFile
	err  error
	end  func()
}

// stage puts the one system bundle for this kit, if there is one, into the slot that does not run. so is what became of the stick's
// settings. An error means that it was interrupted.
func (d *daemon) stage(ctx context.Context, src provision.Source, files []string, anew bool, so outcome, r *provision.Report) (outcome, error) {
	const most = 50
	if len(files) > most {
		d.refuse(r, &provision.Refusal{Problem: fmt.Sprintf("more than %d systems lie on the stick", most), Remedy: "leave the one that is meant on it"})
		return refused, nil
	}
	trust, err := d.kit.Trust()
	if err != nil {
		return so, err
	}
	var mine, bad []candidate
	for _, name := range files {
		c := d.examine(src, name, trust)
		defer c.end()
		line := ""
		switch {
		case c.file == nil:
			bad = append(bad, c)
			line = words(c.err).Problem
		case c.err != nil:
			line = "left alone: " + trim(c.err)
		default:
			mine = append(mine, c)
			line = fmt.Sprintf("system version %s, number %d, signed by %s", c.file.Version, c.file.Counter, c.file.Key.ID())
		}
		r.Found = append(r.Found, provision.Clean(name+": "+line, 600))
	}
	switch {
	case len(mine) == 0 && len(bad) == 0:
		return so, nil
	case len(mine) == 0:
		d.refuse(r, words(bad[0].err))
		return refused, nil
	case len(mine) > 1:
		d.refuse(r, &provision.Refusal{Problem: fmt.Sprintf("%d systems for this kit lie on the stick", len(mine)), Remedy: "leave the one that is meant on it"})
		return refused, nil
	case d.system == nil:
		d.refuse(r, &provision.Refusal{Problem: "this machine has no slots for systems", Remedy: "update it as it was installed"})
		return refused, nil
	}
	return d.stageOne(ctx, mine[0], anew, so, r)
}

// examine opens a system bundle and verifies its head. What is for others has an error and a file, what is wrong only an error.
func (d *daemon) examine(src provision.Source, name string, trust []bundle.Key) candidate {
	c := candidate{name: name, end: func() {}}
	f, err := src.Open(name, maxSystem)
	if err != nil {
		c.err = err
		return c
	}
	c.end = func() { f.Close() }
	st, err := f.Stat()
	if err == nil {
		c.file, err = bundle.OpenSystem(f, st.Size(), trust)
	}
	if err != nil {
		c.file, c.err = nil, err
		return c
	}
	c.err = d.kit.ForThis(c.file.Target)
	return c
}

func (d *daemon) stageOne(ctx context.Context, c candidate, anew bool, so outcome, r *provision.Report) (outcome, error) {
	if anew {
		if err := d.system.Forget(); err != nil {
			d.log.Error("systems that failed stay refused", "err", err)
		}
	}
	last := ""
	err := d.system.Stage(ctx, c.file, func(p update.Progress) {
		d.alive()
		if text := fmt.Sprintf("%s, %d %%", p.Step, 10*(10*p.Done/max(p.Total, 1))); text != last {
			last = text
			d.say("stick: %s: %s", c.name, text)
		}
	})
	switch {
	case ctx.Err() != nil:
		return so, ctx.Err()
	case errors.Is(err, update.ErrRunning):
		d.add(r, fmt.Sprintf("System version %s runs already; there was nothing to do.", c.file.Version), "Pull the stick out.")
		return done, nil
	case err != nil:
		d.refuse(r, words(err))
		return refused, nil
	}
	d.add(r, fmt.Sprintf("System version %s is written. The kit starts anew with it now, and goes back by itself if it does not work.", c.file.Version),
		"Leave the kit on until its lamp is green; the stick may be pulled out.")
	d.toReboot("to try system version " + c.file.Version)
	return done, nil
}

// add says one more thing that was done.
func (d *daemon) add(r *provision.Report, did, next string) {
	r.Done, r.Next = strings.TrimSpace(r.Done+" "+did), next
}

// refuse says that a system is not taken; what was done before stays said.
func (d *daemon) refuse(r *provision.Report, why *provision.Refusal) {
	if r.Done == "" {
		r.Refused = why
		return
	}
	r.Done += " The system on the stick was REFUSED, and nothing of it was used."
	r.Why, r.Next = []string{why.Problem}, why.Remedy
}

// words puts any error about a system bundle into them.
func words(err error) *provision.Refusal {
	if u, ok := errors.AsType[*update.Refusal](err); ok {
		return &provision.Refusal{Problem: u.Problem, Remedy: u.Remedy}
	}
	if b, ok := errors.AsType[*bundle.Error](err); ok {
		return &provision.Refusal{Problem: b.Problem, Remedy: b.Remedy}
	}
	return &provision.Refusal{Problem: trim(err), Remedy: "try once more, with another stick if it happens again"}
}
