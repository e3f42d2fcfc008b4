package device

import (
	"context"
	"fmt"
	"strings"
	"time"

	"longwire/board"
	"longwire/firmware/provision"
)

// activate makes the machine and its services those of the generation in force; what has not changed goes on undisturbed. anew: what
// runs now may be of another generation.
func (d *daemon) activate(ctx context.Context, anew bool) (wrong []string) {
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if d.shut != nil {
		if d.close(); d.shut != nil {
			return []string{fmt.Sprintf("the firewall does not close: %v", trim(d.shut))}
		}
	}
	d.applyHost(ctx)
	for _, u := range units {
		digest := d.digest(u)
		before, known := d.running[u.unit]
		var err error
		switch {
		case digest == "" && known && before == "":
		case digest == "":
			err = d.o.Services.Stop(ctx, u.unit)
		case known && before == digest:
			err = d.o.Services.Start(ctx, u.unit) // in case that it had given up
		case before != "" && u.unit == NodeUnit && d.reloaded(ctx):
		case before != "" || anew:
			err = d.o.Services.Restart(ctx, u.unit)
		default:
			err = d.o.Services.Start(ctx, u.unit)
		}
		if err != nil {
			fail("%s could not be started: %v", u.title, trim(err))
			continue
		}
		d.running[u.unit] = digest
	}
	return wrong
}

// applyHost makes the machine what the settings say. What fails is part of the health until it works, but what has failed before a trial
// is no fault of the trial's.
func (d *daemon) applyHost(ctx context.Context) {
	s := d.settings()
	d.hostFault, d.hostTried = "", time.Now()
	if err := d.o.Host.Apply(ctx, s); err != nil {
		d.hostFault = trim(err)
		d.log.Error("the machine's settings could not be applied", "err", err)
	}
	if d.kit.Trial() == nil {
		d.hostKnown = d.hostFault
	}
	d.followGPS(s.Kit)
	d.fromPeers = s.Kit.Clock.Peers
}

// reloaded lets the node take its new settings without a restart, if it can.
func (d *daemon) reloaded(ctx context.Context) bool {
	cfg, err := d.kit.NodeConfig()
	if err != nil {
		return false
	}
	if err := d.o.Reload(ctx, cfg.Control); err != nil {
		d.log.Info("the node does not take its settings while it runs; it is started anew", "err", err)
		return false
	}
	return true
}

// digest is that of all that a service reads; "": the service is not to run.
func (d *daemon) digest(u unit) string {
	files := d.kit.Meta().Files
	if files[u.document] == "" {
		return ""
	}
	if u.unit == NodeUnit {
		return strings.Join([]string{files[u.document], files[provision.CertFile], files[provision.PrivFile], files[provision.PhrasesFile]}, " ")
	}
	return files[u.document]
}

// apply puts a plan in force, watches it, and keeps or undoes it. It tells whether it was kept.
func (d *daemon) apply(ctx context.Context, f *provision.Findings, r *provision.Report) (kept bool, err error) {
	if err := d.kit.Apply(f.Plan); err != nil {
		r.Refused = &provision.Refusal{Problem: fmt.Sprintf("the settings could not be written to the kit's flash: %v", err), Remedy: "try once more; if it happens again, the flash may be worn out"}
		return false, nil
	}
	d.say("stick: %s is applied, on trial", f.File)
	d.lamp.Show(board.Starting)
	wrong := d.activate(ctx, true)
	return d.conclude(ctx, wrong, r)
}

// conclude watches the trial that goes on, and ends it. An error means that it was interrupted, and goes on at the next start.
func (d *daemon) conclude(ctx context.Context, wrong []string, r *provision.Report) (kept bool, err error) {
	if len(wrong) == 0 {
		if wrong, err = d.watch(ctx); err != nil {
			return false, err
		}
	}
	m := d.kit.Meta()
	if len(wrong) > 0 {
		d.undo(ctx, wrong, r)
		return false, nil
	}
	if err := d.kit.Keep(); err != nil {
		d.log.Error("the trial went well, and that cannot be written down", "err", err)
		r.Done = fmt.Sprintf("Settings number %d work and are in use. That could not be written to the kit's flash, so they are tried anew at the next start.", m.Number)
		r.Why, r.Next = []string{trim(err)}, "If it happens again, the flash is full or worn out."
		return false, nil
	}
	d.say("settings number %d are kept; this kit is %q", m.Number, m.Name)
	r.Done = fmt.Sprintf("Settings number %d are applied, were tried and are kept. This kit is %q now.", m.Number, m.Name)
	r.Next = "Pull the stick out."
	return true, nil
}

// undo returns to what was before the trial.
func (d *daemon) undo(ctx context.Context, wrong []string, r *provision.Report) {
	m := d.kit.Meta()
	d.say("settings number %d did not work, and are undone: %s", m.Number, strings.Join(wrong, "; "))
	r.Why = wrong
	if err := d.kit.Undo(wrong); err != nil {
		d.log.Error("the trial cannot be undone", "err", err)
		r.Done = fmt.Sprintf("Settings number %d were tried and did not work. Going back failed as well: %v", m.Number, err)
		r.Next = "Turn the kit off and on again."
		return
	}
	r.Done = fmt.Sprintf("UNDONE: settings number %d were tried and did not work; the kit has gone back to what it had before.", m.Number)
	r.Next = "Correct what is told above, and bring a new bundle; or repair what it needs, pull the stick out, and plug it in again."
	for _, w := range d.activate(ctx, true) {
		d.log.Error("after the undo", "wrong", w)
		r.Why = append(r.Why, "after going back: "+w)
	}
}

// watch waits until all is healthy and has stayed so, for as long as the grace lasts. The times are of the monotonic clock: during a trial the
// kit may learn what time it is.
func (d *daemon) watch(ctx context.Context) (wrong []string, err error) {
	began := time.Now()
	var good time.Time
	tick := time.NewTicker(d.o.Poll)
	defer tick.Stop()
	for {
		over := time.Since(began) >= d.o.Grace
		h := d.health(ctx, over)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		d.alive()
		d.setHealth(h)
		switch now := time.Now(); {
		case len(h.Wrong) > 0 && over:
			return h.Wrong, nil
		case len(h.Wrong) > 0:
			good = time.Time{}
		case good.IsZero():
			good = now
		}
		if !good.IsZero() && time.Since(good) >= d.o.Steady {
			return nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}
