package device

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// dog is a Watchdog that counts.
type dog struct{ fed, closed atomic.Int32 }

var _ Watchdog = (*dog)(nil)

func (w *dog) Timeout() time.Duration { return watchdogTime }
func (w *dog) Feed() error            { w.fed.Add(1); return nil }
func (w *dog) Close() error           { w.closed.Add(1); return nil }

func TestTheMachinesWatchdogStarvesWithTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &dog{}
		d := &daemon{log: slog.New(slog.DiscardHandler), o: Options{Watchdog: func(time.Duration) (Watchdog, error) { return w, nil }}, beat: time.Now()}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.guard(ctx) }()
		time.Sleep(stuckAfter)
		if n := w.fed.Load(); n < int32(stuckAfter/watchdogTime) {
			t.Errorf("fed %d times while the loop was alive", n)
		}
		before := w.fed.Load() + 1 // one may be on its way
		time.Sleep(2 * watchdogTime)
		if n := w.fed.Load(); n > before {
			t.Errorf("fed %d times while it was not", n-before)
		}
		d.alive()
		time.Sleep(watchdogTime)
		if w.fed.Load() <= before {
			t.Error("not fed any more")
		}
		stop()
		if err := <-done; err != nil || w.closed.Load() != 1 {
			t.Errorf("%v, closed %d times", err, w.closed.Load())
		}
	})
}
