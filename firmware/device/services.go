package device

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// The services of a kit, as their units are named.
const (
	NodeUnit = "longwire.service"
	SISUnit  = "s5066d.service"
)

// Services starts and stops what runs on a kit. Start and Restart return when the wish is known, not when it is fulfilled;
// Stop returns when the service has ended. Called from one goroutine.
type Services interface {
	Start(ctx context.Context, unit string) error
	Restart(ctx context.Context, unit string) error
	Stop(ctx context.Context, unit string) error
	// Active tells how a service is: nil, or why it does not run.
	Active(ctx context.Context, unit string) error
}

// Systemd is the Services of a machine with systemd.
type Systemd struct{}

var _ Services = Systemd{}

const (
	askTime  = 20 * time.Second
	stopTime = 2 * time.Minute
)

// Start implements Services. It must not wait: at the machine's start the units are ordered behind this program.
func (Systemd) Start(ctx context.Context, unit string) error {
	return errors.Join(ignore(systemctl(ctx, askTime, "reset-failed", unit)), second(systemctl(ctx, askTime, "--no-block", "start", unit)))
}

// Restart implements Services.
func (Systemd) Restart(ctx context.Context, unit string) error {
	return errors.Join(ignore(systemctl(ctx, askTime, "reset-failed", unit)), second(systemctl(ctx, askTime, "--no-block", "restart", unit)))
}

// Stop implements Services.
func (Systemd) Stop(ctx context.Context, unit string) error {
	return second(systemctl(ctx, stopTime, "stop", unit))
}

// Active implements Services.
func (Systemd) Active(ctx context.Context, unit string) error {
	out, err := systemctl(ctx, askTime, "show", "--property=ActiveState,SubState,Result,StatusText", unit)
	if err != nil {
		return err
	}
	is := map[string]string{}
	for line := range strings.Lines(out) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			is[key] = value
		}
	}
	if state := is["ActiveState"]; state == "active" || state == "reloading" {
		return nil
	}
	text := fmt.Sprintf("it is %s (%s)", is["ActiveState"], is["SubState"])
	if r := is["Result"]; r != "" && r != "success" {
		text += ", the last try ended with " + r
	}
	return errors.New(text)
}

// ignore: a unit that has not failed has nothing to reset.
func ignore(string, error) error       { return nil }
func second(_ string, err error) error { return err }

func systemctl(ctx context.Context, most time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemctl", args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("device: systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// Format makes a data partition anew that is not mounted, since it cannot be. The unit is part of a kit's system.
func Format(ctx context.Context) error {
	return second(systemctl(ctx, stopTime, "start", "kit-format.service"))
}

// goingDown bounds the time from asking for a restart of the machine to being told to stop.
const goingDown = 5 * time.Minute

// Reboot starts the machine anew, and returns when this program is told to stop: whoever starts it again before must not find a machine that
// seems to have started.
func Reboot(ctx context.Context) error {
	if _, err := systemctl(ctx, askTime, "reboot"); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(goingDown):
		return errors.New("device: the machine does not start anew")
	}
}
