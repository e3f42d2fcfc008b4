package device

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"longwire/board"
	"longwire/firmware/provision"
)

// loop does one thing after another: the services and the trial that was cut, then sticks, requests, and looks at the health in between.
func (d *daemon) loop(ctx context.Context) error {
	if err := d.resume(ctx); err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	d.look(ctx)
	d.showHealth()
	tick := time.NewTicker(d.o.Poll)
	defer tick.Stop()
	for {
		d.alive()
		var err error
		select {
		case <-ctx.Done():
			return nil
		case by := <-d.resets:
			return d.forget(ctx, by)
		case e := <-d.sticks:
			err = d.job(ctx, func(ctx context.Context) error { return d.stick(ctx, e) })
		case r := <-d.requests:
			err = d.job(ctx, func(ctx context.Context) error { return d.answer(ctx, r) })
		case <-tick.C:
			if d.last != "" || time.Since(d.looked) >= 10*d.o.Poll {
				d.look(ctx)
			}
			d.showHealth()
		}
		if err != nil {
			return err
		}
	}
}

// job runs f so that a reset can interrupt it.
func (d *daemon) job(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.mu.Lock()
	d.cancel = cancel
	d.mu.Unlock()
	err := f(ctx)
	d.mu.Lock()
	d.cancel = nil
	d.mu.Unlock()
	d.looked = time.Time{}
	if errors.Is(err, context.Canceled) {
		return nil // a trial goes on at the next start
	}
	return err
}

// resume starts the services and ends the trial in which the power was cut.
func (d *daemon) resume(ctx context.Context) error {
	return d.job(ctx, func(ctx context.Context) error {
		trial := d.kit.Trial()
		wrong := d.activate(ctx, trial != nil || d.undone)
		for _, w := range wrong {
			d.log.Error("at the start", "wrong", w)
		}
		if trial != nil {
			d.say("the trial of settings number %d begins anew, start %d of %d", d.kit.Meta().Number, trial.Boots, provision.MaxBoots)
			r := &provision.Report{Software: d.software()}
			kept, err := d.conclude(ctx, wrong, r)
			if err != nil {
				return err
			}
			d.file(r)
			d.show(board.Applied, board.Refused, kept, "")
		}
		return d.trySystem(ctx)
	})
}

// look asks for the health when nothing else goes on, and tells when it has changed.
func (d *daemon) look(ctx context.Context) {
	d.looked = time.Now()
	h := d.health(ctx, true)
	if ctx.Err() != nil {
		return
	}
	d.setHealth(h)
	text := strings.Join(h.Wrong, "; ")
	if text == d.last {
		return
	}
	d.last = text
	switch {
	case text != "":
		d.say("needs attention: %s", text)
	case d.kit.Virgin():
		d.say("waiting for a stick with this kit's bundle")
	default:
		d.say("all is well")
	}
	d.o.Notify.Status(text)
}

// state is how the kit is, in words.
func (d *daemon) state(ctx context.Context) string {
	h := d.health(ctx, true)
	if ctx.Err() == nil {
		d.setHealth(h)
	}
	text := "all is well"
	switch {
	case len(h.Wrong) > 0:
		text = "needs attention: " + strings.Join(h.Wrong, "; ")
	case d.kit.Virgin():
		text = "it has no settings yet"
	case h.LinkUp:
		text += ", and a link to a peer is up"
	}
	if d.system != nil && d.system.Status().Told != "" {
		text += "; " + d.system.Status().Told
	}
	return text
}

// showHealth lets the lamp tell how the kit is, once it has told of a stick.
func (d *daemon) showHealth() {
	h := d.getHealth()
	switch {
	case time.Now().Before(d.shown) && (d.shownOf == "" || d.present(d.shownOf)):
	case len(h.Wrong) > 0 || d.kit.Virgin():
		d.lamp.Show(board.Attention)
	case h.LinkUp:
		d.lamp.Show(board.LinkUp)
	default:
		d.lamp.Show(board.Working)
	}
}

// show lets the lamp tell for a while what became of a stick, while that is plugged in.
func (d *daemon) show(good, bad board.Signal, ok bool, device string) {
	d.shownOf = device
	if ok {
		d.shown = time.Now().Add(d.o.Shown)
		d.lamp.Show(good)
		return
	}
	d.shown = time.Now().Add(6 * d.o.Shown) // who made a mistake comes back later to look
	d.lamp.Show(bad)
}

// reset asks for a reset, from any goroutine.
func (d *daemon) reset(by string) {
	select {
	case d.resets <- by:
	default:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cancel != nil {
		d.cancel()
	}
}

// forget resets the kit: decided at one instant, then carried out here or at the next start.
func (d *daemon) forget(ctx context.Context, by string) error {
	d.say("reset: %s; the kit forgets everything and starts anew", by)
	d.lamp.Show(board.Starting)
	if err := provision.Reset(d.o.Data); err != nil {
		return err
	}
	for _, u := range units {
		if err := d.o.Services.Stop(ctx, u.unit); err != nil {
			d.log.Error("a service does not stop; what it has goes at the next start", "unit", u.unit, "err", err)
		}
	}
	if err := provision.FinishReset(d.o.Data); err != nil {
		d.log.Error("the reset goes on at the next start", "err", err)
	}
	return errors.Join(ErrReboot, d.o.Reboot(ctx))
}

// replug is how long a stick must have been out to count as plugged in anew, by a person. One with a loose contact comes back sooner,
// and must not begin a trial again and again.
const replug = time.Second

// plugged is told of sticks, by one goroutine.
func (d *daemon) plugged(e board.StickEvent) {
	d.mu.Lock()
	if e.Present {
		d.here[e.Device] = true
		e.Coldplug = e.Coldplug || time.Since(d.pulled) < replug
	} else {
		delete(d.here, e.Device)
		d.pulled = time.Now()
	}
	d.mu.Unlock()
	if !e.Present {
		return
	}
	select {
	case d.sticks <- e:
	default:
		d.log.Error("too many sticks at a time; this one has to be plugged in again", "device", e.Device)
	}
}

func (d *daemon) present(device string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.here[device]
}

// stick deals with one that was plugged in.
func (d *daemon) stick(ctx context.Context, e board.StickEvent) error {
	if !d.present(e.Device) {
		return nil // gone already
	}
	d.shown = time.Time{} // of an earlier stick, that may have had the same name
	d.lamp.Show(board.ReadingStick)
	d.say("stick: reading %s", e.Device)
	r := &provision.Report{Stick: "USB stick " + e.Device, Software: d.software()}
	s, err := d.mount(e)
	if err != nil {
		r.Refused = &provision.Refusal{Problem: trim(err), Remedy: "format the stick as FAT32 and put the bundle on it again"}
		d.file(r)
		d.say("stick: refused: %v", trim(err))
		d.show(board.Applied, board.Refused, false, e.Device)
		return nil
	}
	if kind := s.Filesystem(); kind != "" {
		r.Stick += ", " + kind
	}
	outcome, err := d.handle(ctx, s, !e.Coldplug, r)
	if err == nil {
		r.State = d.state(ctx)
		if err := s.WriteReport(d.kit.ReportName(), d.file(r)); err != nil {
			d.log.Warn("the report is not on the stick", "err", err)
			d.say("stick: the report could not be written to it: %v", trim(err))
		}
	}
	if err := s.Unmount(); err != nil {
		d.log.Warn("the stick does not come loose", "err", err)
	}
	if err != nil {
		return err
	}
	d.tell(r)
	switch outcome {
	case done:
		d.show(board.Applied, board.Refused, true, e.Device)
	case refused:
		d.show(board.Applied, board.Refused, false, e.Device)
	}
	return d.restart(ctx)
}

func (d *daemon) mount(e board.StickEvent) (*board.Stick, error) {
	if e.Problem != "" {
		return nil, errors.New(e.Problem)
	}
	return d.o.Mount(e.Device, d.mountFolder())
}

// outcome is what became of a stick.
type outcome uint8

const (
	nothing outcome = iota
	done
	refused
)

// handle does what lies on a stick, and says so in r. An error means that it was interrupted.
func (d *daemon) handle(ctx context.Context, src provision.Source, anew bool, r *provision.Report) (outcome, error) {
	f := d.kit.Look(src, anew)
	r.Describe(f)
	result := nothing
	switch {
	case f.Problem != nil:
		r.Refused = f.Problem
		return refused, nil
	case f.Plan != nil:
		kept, err := d.apply(ctx, f, r)
		if err != nil || !kept {
			return refused, err
		}
		result = done
	case f.Already:
		r.Done = fmt.Sprintf("%s is in force already; there was nothing to do.", f.File)
		r.Next = "Pull the stick out."
		result = done
	}
	if len(f.Systems) > 0 {
		return d.stage(ctx, src, f.Systems, anew, result, r)
	}
	if result == nothing {
		r.Done = "Nothing for this kit was found on the stick."
		r.Next = "Put its bundle into the top folder of the stick; the name ends with " + provision.ConfigEnding + "."
		if d.kit.Virgin() {
			r.Next = "Send this file, or its line \"public key\", to headquarters; plug the stick in again when the kit's bundle is on it."
		}
	}
	return result, nil
}

// tell is the report's gist for the console.
func (d *daemon) tell(r *provision.Report) {
	switch {
	case r.Refused != nil:
		d.say("stick: refused: %v", r.Refused)
	case r.Done != "":
		d.say("stick: %s", strings.Join(append([]string{r.Done}, r.Why...), " "))
	}
}
