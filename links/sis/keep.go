package sis

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	backoffMin = 5 * time.Second
	backoffMax = 300 * time.Second
	steady     = time.Minute
)

// A Keeper keeps a SAP bound. Its zero durations are 5, 300 and 60 s.
type Keeper struct {
	Binding Binding
	// Serve is called with each Client, and has it until it returns: at the latest when Recv says *Unbound, or ctx is done. The Keeper
	// closes the Client after it.
	Serve func(ctx context.Context, c *Client) error
	// Notice, if it is set, is called with the reason whenever there is no bind, and with the time until the next try.
	Notice func(why error, next time.Duration)

	BackoffMin, BackoffMax time.Duration
	Steady                 time.Duration // a bind that lasted so long makes the next back-off short again
}

// Run binds, serves, and does so again after each loss; it waits twice as long after each failure. It returns nil when ctx is done,
// and a *BindError when no further try can succeed.
func (k *Keeper) Run(ctx context.Context) error {
	least, most, long := k.BackoffMin, k.BackoffMax, k.Steady
	if least <= 0 {
		least = backoffMin
	}
	if most <= 0 {
		most = backoffMax
	}
	if long <= 0 {
		long = steady
	}
	log := k.Binding.orDefault().Log
	for wait := least; ; wait = min(2*wait, max(most, least)) {
		lasted, err := k.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var refused *BindError
		if errors.As(err, &refused) && refused.Permanent() {
			return err
		}
		if lasted >= long {
			wait = least
		}
		log.Warn("not bound", "err", err, "next", wait)
		if k.Notice != nil {
			k.Notice(err, wait)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// once is one bind.
func (k *Keeper) once(ctx context.Context) (lasted time.Duration, err error) {
	c, err := Bind(ctx, k.Binding)
	if err != nil {
		return 0, err
	}
	since := time.Now()
	c.b.Log.Info("bound", "mtu", c.MTU())
	err = k.Serve(ctx, c)
	c.Close()
	if err == nil {
		err = errServed
	}
	return time.Since(since), fmt.Errorf("sis: bind lost: %w", err)
}

var errServed = errors.New("its user is done with it")
