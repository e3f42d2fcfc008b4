package device

import (
	"context"

	"longwire/firmware/host"
)

// gps is the task that follows a receiver, if there is one.
type gps struct {
	run  func(name string, f func(context.Context) error)
	stop context.CancelFunc // of the one that runs
	port string
	baud int
}

// followGPS takes the time from the receiver that the settings name, and from no other any more.
func (d *daemon) followGPS(c *host.Config) {
	port, baud := c.GPSPort(d.o.Board), c.Clock.GPSBaud
	if d.o.Clock == nil || d.gps.run == nil || d.gps.port == port && d.gps.baud == baud {
		return
	}
	if d.gps.stop != nil {
		d.gps.stop()
		d.gps.stop = nil
	}
	if d.gps.port, d.gps.baud = port, baud; port == "" {
		return
	}
	until, stop := context.WithCancel(context.Background())
	d.gps.stop = stop
	d.gps.run("GPS receiver", func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(until, cancel)()
		return d.o.Clock.FollowGPS(ctx, port, baud, d.log)
	})
}
