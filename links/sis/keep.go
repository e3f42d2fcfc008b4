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
	handover   = 200 * time.Millisecond // from one bind of ours to the next
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
	fresh := true
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
		given := errors.Is(err, context.Canceled)
		if given || fresh && refused != nil && refused.Reason == BindSAPTaken {
			// Choice: no back-off when Serve gave the bind up itself, and once when the server may not yet have heard of the end of the last one.
			fresh = given
			brief := min(handover, least)
			log.Info("not bound", "err", err, "next", brief)
			if k.Notice != nil {
				k.Notice(err, brief)
			}
			if !sleep(ctx, brief) {
				return nil
			}
			wait = least / 2
			continue
		}
		fresh = false
		log.Warn("not bound", "err", err, "next", wait)
		if k.Notice != nil {
			k.Notice(err, wait)
		}
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// sleep is false when ctx was done first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
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
