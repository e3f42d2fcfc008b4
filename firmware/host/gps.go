package host

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"longwire/board"
)

// GPSTime reads a GPS receiver until ctx is done or the port ends, and tells the time now and then: first when several sentences agree,
// later once in a while. It closes the port.
func GPSTime(ctx context.Context, port io.ReadCloser, tell func(time.Time)) error {
	defer port.Close()
	stop := context.AfterFunc(ctx, func() { port.Close() })
	defer stop()
	var r Receiver
	g := agreement{}
	lines := bufio.NewScanner(port)
	lines.Buffer(make([]byte, 0, 1024), 4096)
	for lines.Scan() {
		at, ok, err := r.Line(lines.Text())
		if err != nil || !ok { // a line that was torn
			continue
		}
		if g.sure(at, time.Now()) {
			tell(at)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("host: GPS receiver: %w", err)
	}
	return fmt.Errorf("host: GPS receiver: %w", io.ErrUnexpectedEOF)
}

const (
	agreeing  = 5                // sentences in a row
	agreeWith = 3 * time.Second  // of how they differ from the monotonic clock
	gpsPeriod = 10 * time.Minute // of telling
)

// agreement is whether times that were heard go on as ours does. A receiver that just woke up may jump.
type agreement struct {
	heard, here time.Time // the last, and when it was heard
	run         int
	told        time.Time
}

func (g *agreement) sure(at, now time.Time) bool {
	if g.run > 0 && at.Sub(g.heard)-now.Sub(g.here) < agreeWith && now.Sub(g.here)-at.Sub(g.heard) < agreeWith {
		g.run++
	} else {
		g.run = 1
	}
	g.heard, g.here = at, now
	if g.run < agreeing || !g.told.IsZero() && now.Sub(g.told) < gpsPeriod {
		return false
	}
	g.told = now
	return true
}

// gpsPause is the time before a receiver that was not there is tried again.
const gpsPause = 30 * time.Second

// GPSPort is the serial port of the receiver on this board, "" if there is none.
func (c *Config) GPSPort(p board.Profile) string {
	if c.Clock.GPS == "auto" {
		return p.GPS
	}
	return c.Clock.GPS
}

// FollowGPS takes the time from a GPS receiver until ctx is done. A receiver that is not there is looked for again and again; log is told
// once when that begins, and of each change of the clock.
func (k *Timekeeper) FollowGPS(ctx context.Context, port string, baud int, log *slog.Logger) error {
	told := ""
	for ctx.Err() == nil {
		p, err := board.Open(board.PortConfig{Name: port, Baud: baud})
		if err == nil {
			err = GPSTime(ctx, p, func(at time.Time) {
				told = ""
				changed, err := k.SetTime(GPS, at)
				switch {
				case err != nil:
					log.Warn("the GPS receiver's time was not taken", "port", port, "err", err)
				case changed:
					log.Info("clock set by GPS", "port", port, "time", at)
				}
			})
		}
		if err != nil && err.Error() != told {
			told = err.Error()
			log.Warn("no GPS receiver", "port", port, "err", err)
		}
		select {
		case <-time.After(gpsPause):
		case <-ctx.Done():
		}
	}
	return nil
}
