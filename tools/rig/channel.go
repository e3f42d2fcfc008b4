package rig

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"longwire/links/modem"
)

// A Channel is the simulated HF channel that SISServers join. It lives in the tool's own process, so that the tool sees each signal
// and can take the air away (SetDown).
type Channel struct {
	*modem.Channel // after Open
	Config         modem.ChannelConfig
	IP             string
	Port           int // a free one if 0 or taken

	stop  context.CancelFunc
	ended chan error

	mu      sync.Mutex // guards what follows
	signals []modem.Signal
	busy    bool // a signal is heard
}

// Listener is the name of the tool's own station, which only listens.
const Listener = "listener"

// Address is where stations join.
func (c *Channel) Address() string { return net.JoinHostPort(c.IP, strconv.Itoa(c.Port)) }

// Open makes the channel and lets stations join.
func (c *Channel) Open() error {
	if err := Ports(c.IP, &c.Port); err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Address())
	if err != nil {
		return fmt.Errorf("rig: channel: %w", err)
	}
	cfg, observe := c.Config, c.Config.Observe
	cfg.Observe = func(s modem.Signal) {
		c.mu.Lock()
		c.signals = append(c.signals, s)
		c.mu.Unlock()
		if observe != nil {
			observe(s)
		}
	}
	c.Channel = modem.NewChannel(cfg)
	ctx, stop := context.WithCancel(context.Background())
	c.stop, c.ended = stop, make(chan error, 1)
	go func() { c.ended <- c.ServeEther(ctx, l) }()
	go c.listen(ctx, c.Station(Listener))
	return nil
}

// listen notes whether somebody sends.
func (c *Channel) listen(ctx context.Context, m modem.Modem) {
	defer m.Close()
	for {
		e, err := m.Recv(ctx)
		if err != nil {
			return
		}
		if e.Kind != modem.Data {
			c.mu.Lock()
			c.busy = e.Kind == modem.CarrierOn
			c.mu.Unlock()
		}
	}
}

// Busy tells whether a signal is heard.
func (c *Channel) Busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busy
}

// Signals are those that are over, in the order in which they ended.
func (c *Channel) Signals() []modem.Signal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]modem.Signal(nil), c.signals...)
}

// Radio is how much radio time that much time on the wall is.
func (c *Channel) Radio(d time.Duration) time.Duration {
	if s := c.Config.Scale; s > 0 {
		return time.Duration(float64(d) * s)
	}
	return d
}

// Close ends the channel. Stations that are still there are cut off.
func (c *Channel) Close() error {
	if c.stop == nil {
		return nil
	}
	c.stop()
	return <-c.ended
}
