package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"longwire/links/modem"
)

// channelFlags are those of 's5066d channel'.
type channelFlags struct {
	listen     string
	scale      float64
	seed       uint64
	turnaround time.Duration
	errorRate  float64
	good, bad  time.Duration
	badErrors  float64
	fadeEvery  time.Duration
	fadeLength time.Duration
	hide       hidden
}

// hidden are pairs of stations that do not hear each other.
type hidden [][2]string

// String is for the flag package.
func (h *hidden) String() string { return "" }

// Set reads "A,B".
func (h *hidden) Set(s string) error {
	a, b, ok := strings.Cut(s, ",")
	if !ok || a == "" || b == "" {
		return errors.New("write two stations, as in A,B")
	}
	*h = append(*h, [2]string{a, b})
	return nil
}

func channelOptions(fs *flag.FlagSet, c *call) {
	f := &c.channel
	fs.StringVar(&f.listen, "listen", "127.0.0.1:7066", "where servers join: host:port, or the `path` of a unix socket")
	fs.StringVar(&c.control, "control", "", "a `socket` for 's5066d status --control'")
	fs.Float64Var(&f.scale, "scale", 1, "radio time runs so many times as fast, 1 to 1000")
	fs.Uint64Var(&f.seed, "seed", 0, "of all that is random; 0 draws one")
	fs.DurationVar(&f.turnaround, "turnaround", 2*time.Second, "from the end of one signal to the next, in radio time")
	fs.Float64Var(&f.errorRate, "errors", 0, "rate of bit errors while a path is good")
	fs.DurationVar(&f.good, "good", 0, "mean time a path is good; with --bad")
	fs.DurationVar(&f.bad, "bad", 0, "mean time it is bad; 0: never")
	fs.Float64Var(&f.badErrors, "bad-errors", 0.05, "rate of bit errors then")
	fs.DurationVar(&f.fadeEvery, "fade-every", 0, "mean time between fades; 0: never")
	fs.DurationVar(&f.fadeLength, "fade", 2*time.Second, "mean length of a fade")
	fs.Var(&f.hide, "hide", "two `stations` that do not hear each other, as in A,B; may be given again")
}

func (f *channelFlags) check() error {
	rate := func(x float64) bool { return x >= 0 && x <= 0.5 }
	switch {
	case !(f.scale >= 1 && f.scale <= 1000):
		return fmt.Errorf("%w: --scale %v is not within 1 to 1000", errMisuse, f.scale)
	case !rate(f.errorRate) || !rate(f.badErrors):
		return fmt.Errorf("%w: a rate of bit errors is not within 0 to 0.5", errMisuse)
	case f.turnaround < 0 || f.good < 0 || f.bad < 0 || f.fadeEvery < 0 || f.fadeLength < 0:
		return fmt.Errorf("%w: a time is negative", errMisuse)
	case f.bad > 0 && f.good == 0:
		return fmt.Errorf("%w: --bad needs --good", errMisuse)
	}
	return nil
}

// serveChannel is 's5066d channel'.
func serveChannel(c *call) error {
	f := &c.channel
	if err := f.check(); err != nil {
		return err
	}
	cfg := modem.ChannelConfig{Clock: modem.Clock{Epoch: time.Now(), Scale: f.scale}, Seed: f.seed, Turnaround: f.turnaround,
		Burst: modem.Burst{Good: f.good, Bad: f.bad, GoodErrors: f.errorRate, BadErrors: f.badErrors},
		Fade:  modem.Fade{Every: f.fadeEvery, Length: f.fadeLength}}
	if f.turnaround == 0 {
		cfg.Turnaround = -1
	}
	ch := modem.NewChannel(cfg)
	for _, pair := range f.hide {
		if err := errors.Join(ch.SetAudible(pair[0], pair[1], false), ch.SetAudible(pair[1], pair[0], false)); err != nil {
			return err
		}
	}
	network := "tcp"
	if strings.ContainsRune(f.listen, '/') {
		network = "unix"
	}
	l, err := net.Listen(network, f.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("another program listens at %s already; stop it, or choose another --listen", f.listen)
	}
	if err != nil {
		return fmt.Errorf("%w; write --listen host:port, or the path of a unix socket", err)
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel()
	if c.control != "" {
		asked, err := listenControl(c.control)
		if err != nil {
			l.Close()
			return err
		}
		tasks.Go(func() {
			control(ctx, asked, c.control, func(q string) (string, any, error) {
				if q != "status" {
					return "", nil, fmt.Errorf("a channel does not understand %q", q)
				}
				return "channel", ch.Stats(), nil
			})
		})
	}
	fmt.Fprintf(c.err, "s5066d: channel at %s, seed %d, time runs %g times as fast\n", l.Addr(), ch.Stats().Seed, f.scale)
	err = ch.ServeEther(ctx, l)
	if err != nil {
		return err
	}
	return showChannel(c.out, ch.Stats())
}
