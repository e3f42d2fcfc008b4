package main

import (
	"context"
	"fmt"
	"time"

	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

// footprint is what a server holds in memory.
type footprint struct {
	idle, full int64
	clients    int
	logins     float64 // per second
}

func (f footprint) perClient() float64 { return float64(f.full-f.idle) / float64(max(f.clients, 1)) }

// measureMemory starts the server anew, lets clients log in and be still, and looks at its resident memory before and after.
func measureMemory(ctx context.Context, s rig.Server, accounts []rig.User, mode wire.Mode, rest time.Duration) (footprint, error) {
	f := footprint{clients: len(accounts)}
	if err := s.Start(ctx); err != nil {
		return f, err
	}
	defer s.Stop()
	if err := pause(ctx, min(rest, 3*time.Second)); err != nil {
		return f, err
	}
	var err error
	if f.idle, err = rig.RSS(s.PID()); err != nil {
		return f, err
	}
	begin := time.Now()
	conns, err := logIn(ctx, s, accounts, mode, false)
	if err != nil {
		return f, err
	}
	defer hangUp(conns)
	f.logins = float64(len(conns)) / time.Since(begin).Seconds()
	if err := pause(ctx, rest); err != nil {
		return f, err
	}
	f.full, err = rig.RSS(s.PID())
	return f, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("bench: %w", ctx.Err())
	case <-time.After(d):
		return nil
	}
}
