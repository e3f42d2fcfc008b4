package guest

import (
	"context"
	"fmt"
	"time"
)

// Save writes all that the guest has in its memory and devices to a file, and ends QEMU. A guest with that State and a copy of the disk then goes on as
// if nothing had happened; many may. No stick may be plugged in.
func (g *Guest) Save(ctx context.Context, file string) error {
	defer g.Kill()
	err := g.qmp.execute(ctx, "stop", nil, nil)
	if err == nil {
		// The format is QEMU's; without a limit it goes as fast as it can.
		err = g.qmp.execute(ctx, "migrate-set-parameters", map[string]any{"max-bandwidth": 1 << 40}, nil)
	}
	if err == nil {
		err = g.qmp.execute(ctx, "migrate", map[string]any{"uri": "exec:cat > '" + file + "'"}, nil)
	}
	if err != nil {
		return fmt.Errorf("guest: saving %s: %w", g.Name, err)
	}
	for {
		var st struct {
			Status string `json:"status"`
			Fault  string `json:"error-desc"`
		}
		if err := g.qmp.execute(ctx, "query-migrate", nil, &st); err != nil {
			return fmt.Errorf("guest: saving %s: %w", g.Name, err)
		}
		switch st.Status {
		case "completed":
			// Quit, unlike a kill, waits until the disk has everything.
			_ = g.qmp.execute(ctx, "quit", nil, nil) // its answer may be lost with QEMU
			select {
			case <-g.exited:
				return nil
			case <-ctx.Done():
				return fmt.Errorf("guest: saving %s: %w", g.Name, ctx.Err())
			}
		case "failed", "cancelled":
			return fmt.Errorf("guest: saving %s: %s", g.Name, st.Fault)
		}
		if err := nap(ctx); err != nil {
			return fmt.Errorf("guest: saving %s: %w", g.Name, err)
		}
	}
}

// resume waits until QEMU has read the state, and lets the guest go on.
func (g *Guest) resume(ctx context.Context) error {
	for {
		var st struct{ Status string }
		if err := g.qmp.execute(ctx, "query-status", nil, &st); err != nil {
			return fmt.Errorf("guest: resuming %s: %w", g.Name, err)
		}
		if st.Status == "running" {
			return nil
		}
		if st.Status != "inmigrate" {
			if err := g.qmp.execute(ctx, "cont", nil, nil); err != nil {
				return fmt.Errorf("guest: resuming %s: %w", g.Name, err)
			}
		}
		if err := nap(ctx); err != nil {
			return fmt.Errorf("guest: resuming %s: %w", g.Name, err)
		}
	}
}

func nap(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Millisecond):
		return nil
	}
}
