package supervise

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Notify tells systemd how the program is (sd_notify(3)). The zero value speaks to $NOTIFY_SOCKET, and to nobody
// when there is none.
type Notify struct {
	Send func(state string) error // for tests; nil: systemd
	Log  *slog.Logger             // gets failures to send; nil: nobody
}

func (n *Notify) send(states ...string) {
	send := n.Send
	if send == nil {
		send = func(s string) error { _, err := daemon.SdNotify(false, s); return err }
	}
	if err := send(strings.Join(states, "\n")); err != nil && n.Log != nil {
		n.Log.Warn("cannot tell systemd", "err", err)
	}
}

// Ready says that the start, or a reload, is over.
func (n *Notify) Ready(status string) { n.send(daemon.SdNotifyReady, "STATUS="+oneLine(status)) }

// Reloading says that a reload begins; Ready must follow, whatever comes of it. systemd's Type=notify-reload wants to
// know when it began, by the monotonic clock.
func (n *Notify) Reloading() {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		n.send(daemon.SdNotifyReloading)
		return
	}
	n.send(daemon.SdNotifyReloading, fmt.Sprintf("MONOTONIC_USEC=%d", time.Duration(ts.Nano()).Microseconds()))
}

// Stopping says that the program ends.
func (n *Notify) Stopping() { n.send(daemon.SdNotifyStopping) }

// Status is a line for 'systemctl status'.
func (n *Notify) Status(text string) { n.send("STATUS=" + oneLine(text)) }

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

// Watchdog pets systemd's watchdog, twice in each of its periods, whenever healthy returns nil, until ctx is done. It
// returns at once when there is no watchdog.
func (n *Notify) Watchdog(ctx context.Context, healthy func() error) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil && n.Log != nil {
		n.Log.Warn("watchdog not understood", "err", err)
	}
	if err == nil && every > 0 {
		n.pet(ctx, every/2, healthy)
	}
}

func (n *Notify) pet(ctx context.Context, every time.Duration, healthy func() error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := healthy(); err == nil {
			n.send(daemon.SdNotifyWatchdog)
		} else if n.Log != nil {
			n.Log.Error("not healthy; the watchdog is not told", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Inherited returns the listeners that systemd opened for this program (socket activation), by the name that their
// .socket units give them. Call it once, at the start.
func Inherited() (map[string][]net.Listener, error) {
	l, err := activation.ListenersWithNames()
	if err != nil {
		return nil, fmt.Errorf("supervise: taking over sockets: %w", err)
	}
	return l, nil
}
