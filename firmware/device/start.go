package device

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"longwire/board"
	"longwire/firmware/provision"
	"longwire/images/bundle"
)

const maxAnchors = 64 << 10 // bytes of a file with keys

// anchors reads the keys that came with the image.
func anchors(dir string) (keys []bundle.Key, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.pub"))
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	for _, name := range files {
		if st, err := os.Stat(name); err != nil || st.Size() > maxAnchors {
			return nil, errors.Join(fmt.Errorf("device: %s is no file of keys", name), err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("device: %w", err)
		}
		list, err := bundle.ParseKeys(text)
		if err != nil {
			return nil, fmt.Errorf("device: %s: %w", name, err)
		}
		keys = append(keys, list...)
	}
	return keys, nil
}

// start brings the kit up to where it waits for what comes: what was cut is finished before any service starts.
func (d *daemon) start(ctx context.Context) error {
	if err := makeRun(d.o.Run); err != nil {
		return err
	}
	if why, err := os.ReadFile(d.rebootMark()); err == nil {
		d.reboot = string(why) // and has not happened
		return d.restart(ctx)
	}
	d.close()
	keys, err := anchors(d.o.Trust)
	if err != nil {
		return err
	}
	d.kit, err = provision.Open(provision.Options{
		Data: d.o.Data, Board: d.o.Board.Name, Anchors: keys, S5066D: d.o.S5066D, Scratch: d.o.Scratch, Log: d.log, Group: d.o.Group,
	})
	if err != nil {
		return d.broken(ctx, err)
	}
	d.say("this is %s (%s), software %s, board %s%s", d.kit.Name(), d.kit.ID(), d.o.Version, d.o.Board.Name, d.inSlot())
	if d.kit.Virgin() {
		d.say("public key %s", d.kit.PublicKey())
	}
	for _, service := range []string{"longwire", "s5066d"} {
		uid, gid := d.o.Owner(service)
		if err := d.kit.MakeFolder(service, uid, gid); err != nil {
			return err
		}
	}
	if d.o.Clock != nil {
		if err := d.o.Clock.Start(); err != nil {
			d.log.Error("the clock", "err", err)
		}
	}
	d.countStart()
	return d.openSystem(ctx)
}

// close closes the firewall. While it does not close, a mark keeps the services from being started: also by systemd, which does that at a
// start of the machine without being asked.
func (d *daemon) close() {
	d.hostTried = time.Now()
	was := d.shut
	var err error
	if d.shut = d.o.Host.Shut(); d.shut == nil {
		if err = os.Remove(d.openMark()); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	} else {
		err = os.WriteFile(d.openMark(), nil, 0o644)
	}
	if err != nil {
		d.log.Error("whether the firewall is closed cannot be noted", "err", err)
	}
	if d.shut != nil && was == nil {
		d.log.Error("the firewall does not close; no service is started", "err", d.shut)
	}
}

// openMark is named by the units of the services.
func (d *daemon) openMark() string { return d.o.Run + ".open" }

// countStart counts a start of the machine in a trial, and undoes one that has had its starts. A flash that takes nothing more must not
// keep the kit from going on as it is.
func (d *daemon) countStart() {
	over, err := d.kit.Boot()
	if err != nil {
		d.log.Error("a start in a trial is not counted", "err", err)
	}
	if !over {
		return
	}
	m := d.kit.Meta()
	r := &provision.Report{Software: d.software(), Why: []string{fmt.Sprintf("the kit was started %d times without the settings having proved themselves", provision.MaxBoots)}}
	d.say("settings number %d are undone: they have not proved themselves in %d starts", m.Number, provision.MaxBoots)
	if err := d.kit.Undo(r.Why); err != nil {
		d.log.Error("the trial cannot be undone", "err", err)
		return
	}
	d.undone = true
	r.Done = fmt.Sprintf("UNDONE: settings number %d were tried and did not work; the kit has gone back to what it had before.", m.Number)
	d.file(r)
}

// brokenFor is for how many times the grace of a trial a kit whose data cannot be read waits for a reset.
const brokenFor = 3

// broken waits for a reset, but not for ever. A data partition may only have been slow to come, and is mounted when the daemon starts anew; if that has
// not helped, the machine does. It may be the system on trial that cannot read the data, and each start brings it nearer to its end: nothing here
// gives the slot its attempts back, as without the data nobody knows whether it is on trial.
func (d *daemon) broken(ctx context.Context, why error) error {
	d.log.Error("the kit's data cannot be used", "err", why)
	d.say("the kit's data cannot be used: %v; hold the button to reset it", why)
	d.lamp.Show(board.Attention)
	d.o.Notify.Ready("the kit's data cannot be used")
	go d.o.Notify.Watchdog(ctx, func() error { return nil })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(brokenFor * d.o.Grace):
		return d.startAnew(ctx, why)
	case by := <-d.resets:
		d.say("reset: %s", by)
		if err := provision.Reset(d.o.Data); err != nil {
			// There may be no file system at all.
			d.log.Error("the kit's data cannot even be removed; their partition is made anew", "err", err)
			if err := d.o.Format(ctx); err != nil {
				return err
			}
		}
		return errors.Join(ErrReboot, d.o.Reboot(ctx))
	}
}

// startAnew starts the daemon anew, and the machine when that has been done already; the mark is in memory.
func (d *daemon) startAnew(ctx context.Context, why error) error {
	mark := d.o.Run + ".broken"
	if _, err := os.Stat(mark); err != nil {
		return errors.Join(fmt.Errorf("device: starting anew, in case that it helps: %w", why), os.WriteFile(mark, nil, 0o600))
	}
	d.toReboot("the kit's data cannot be used, and perhaps the system of the other slot can")
	return d.restart(ctx)
}

func (d *daemon) inSlot() string {
	if d.o.Slot == "" {
		return ""
	}
	return ", slot " + d.o.Slot
}

func (d *daemon) software() string { return d.o.Version + d.inSlot() + ", board " + d.o.Board.Name }

// file keeps a report in the kit.
func (d *daemon) file(r *provision.Report) string {
	text := d.kit.Text(r)
	if err := d.kit.File(text); err != nil && !errors.Is(err, fs.ErrExist) {
		d.log.Error("the report is not kept", "err", err)
	}
	return text
}
