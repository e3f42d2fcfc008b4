package device

import (
	"context"
	"time"

	"longwire/board"
)

// Watchdog starts the machine anew when nobody feeds it; board.Watchdog does.
type Watchdog interface {
	Timeout() time.Duration
	Feed() error
	Close() error
}

var _ Watchdog = (*board.Watchdog)(nil)

// watchdogTime is after how long the machine is started anew, as RuntimeWatchdogSec= is where systemd has the watchdog.
const watchdogTime = time.Minute

// guard feeds the machine's own watchdog as long as the loop is alive, until ctx is done.
func (d *daemon) guard(ctx context.Context) error {
	w, err := d.o.Watchdog(watchdogTime)
	if err != nil {
		return err
	}
	defer w.Close()
	tick := time.NewTicker(max(w.Timeout()/3, time.Millisecond))
	defer tick.Stop()
	for {
		if err := d.beating(); err != nil {
			d.log.Error("the machine's watchdog is not fed", "err", err)
		} else if err := w.Feed(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
