package board

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Watchdog resets the machine when nobody feeds it. Under systemd it belongs to PID 1; this is for a kit without.
type Watchdog struct {
	f       *os.File
	timeout time.Duration
}

// OpenWatchdog starts a watchdog; the kernel takes the nearest timeout that it can.
func OpenWatchdog(device string, timeout time.Duration) (*Watchdog, error) {
	f, err := os.OpenFile(device, os.O_WRONLY, 0)
	if err != nil {
		if errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("board: watchdog: %w: another has it; under systemd that is systemd itself", err)
		}
		return nil, fmt.Errorf("board: watchdog: %w", err)
	}
	w := &Watchdog{f: f, timeout: timeout}
	err = control(w.f, func(fd int) error {
		// Linux Documentation/watchdog/watchdog-api: seconds; a driver that cannot change says EOPNOTSUPP, and tells what it has.
		seconds := max(1, int(timeout/time.Second))
		if err := unix.IoctlSetPointerInt(fd, unix.WDIOC_SETTIMEOUT, seconds); err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
			return err
		}
		seconds, err := unix.IoctlGetInt(fd, unix.WDIOC_GETTIMEOUT)
		w.timeout = time.Duration(seconds) * time.Second
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("board: watchdog %s: %w", device, err), w.Close())
	}
	return w, nil
}

// Timeout is after how long without Feed the machine is reset.
func (w *Watchdog) Timeout() time.Duration { return w.timeout }

// Feed says that all is well.
func (w *Watchdog) Feed() error {
	if err := control(w.f, unix.IoctlWatchdogKeepalive); err != nil {
		return fmt.Errorf("board: watchdog: %w", err)
	}
	return nil
}

// Close stops the watchdog, where the driver allows that.
func (w *Watchdog) Close() error {
	_, err := w.f.WriteString("V") // the "magic close"
	return errors.Join(err, w.f.Close())
}
