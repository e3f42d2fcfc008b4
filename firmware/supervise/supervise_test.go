package supervise_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/firmware/supervise"
)

var errBoom = errors.New("boom")

// diary records what tasks do, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(s string) { d.mu.Lock(); d.lines = append(d.lines, s); d.mu.Unlock() }
func (d *diary) text() string  { d.mu.Lock(); defer d.mu.Unlock(); return strings.Join(d.lines, ", ") }

// steady is a task that is ready at once and ends when asked.
func (d *diary) steady(name string, stage int) supervise.Task {
	return supervise.Task{Name: name, Stage: stage, Run: func(ctx context.Context, ready func()) error {
		d.note(name + " starts")
		ready()
		<-ctx.Done()
		d.note(name + " ends")
		return nil
	}}
}

func TestTasksStartInOrderAndStopByStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := supervise.New(supervise.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() {
			over <- g.Run(ctx, func() { d.note("started") }, d.steady("store", 3), d.steady("pump", 2), d.steady("listener", 1))
		}()
		synctest.Wait()
		cancel()
		if err := <-over; err != nil {
			t.Fatal(err)
		}
		want := "store starts, pump starts, listener starts, started, listener ends, pump ends, store ends"
		if d.text() != want {
			t.Errorf("got  %s\nwant %s", d.text(), want)
		}
	})
}

func TestStartWaitsForReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := supervise.New(supervise.Options{})
		began := time.Now()
		err := g.Add(t.Context(), supervise.Task{Name: "slow", Run: func(ctx context.Context, ready func()) error {
			time.Sleep(3 * time.Second)
			ready()
			<-ctx.Done()
			return nil
		}})
		if err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("ready after %v: %v", time.Since(began), err)
		}
		g.Stop()
	})
}

func TestFailedTaskComesBackWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		g := supervise.New(supervise.Options{BackoffMin: time.Second, BackoffMax: 4 * time.Second, Calm: time.Minute})
		err := g.Add(t.Context(), supervise.Task{Name: "flaky", Run: func(ctx context.Context, ready func()) error {
			starts = append(starts, time.Now())
			if len(starts) == 5 { // once calm, the pauses are short again
				time.Sleep(2 * time.Minute)
			}
			return errBoom
		}})
		if err != nil {
			t.Fatalf("a task that is not vital must not fail the start: %v", err)
		}
		time.Sleep(3 * time.Minute)
		g.Stop()
		nominal := []time.Duration{1, 2, 4, 4, 121}
		for i, n := range nominal {
			pause, want := starts[i+1].Sub(starts[i]), n*time.Second
			slack := min(want, 4*time.Second) / 5
			if pause < want-slack || pause > want+slack {
				t.Errorf("pause %d is %v, want about %v", i+1, pause, want)
			}
		}
	})
}

func TestVitalTaskThatCannotStartEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := supervise.New(supervise.Options{})
		err := g.Run(t.Context(), nil, d.steady("store", 1),
			supervise.Task{Name: "listener", Vital: true, Run: func(context.Context, func()) error { return errBoom }})
		if !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
		if d.text() != "store starts, store ends" {
			t.Error(d.text())
		}
	})
}

func TestVitalTaskThatFailsLaterIsRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		g := supervise.New(supervise.Options{})
		err := g.Add(t.Context(), supervise.Task{Name: "listener", Vital: true, Run: func(ctx context.Context, ready func()) error {
			runs++
			if runs == 2 { // may well fail while it comes back, too
				return errBoom
			}
			ready()
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Second):
				return errBoom
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		g.Stop()
		if runs < 4 {
			t.Errorf("ran %d times", runs)
		}
	})
}

func TestStopNowFollowsStopStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := supervise.New(supervise.Options{Grace: 5 * time.Second, Patience: 2 * time.Second})
		polite := supervise.Task{Name: "polite", Run: func(ctx context.Context, ready func()) error {
			ready()
			<-ctx.Done()
			d.note("polite says goodbye")
			<-supervise.Now(ctx).Done()
			d.note("polite leaves")
			return nil
		}}
		release := make(chan struct{})
		stuck := supervise.Task{Name: "stuck", Run: func(ctx context.Context, ready func()) error {
			ready()
			<-release
			return nil
		}}
		for _, task := range []supervise.Task{polite, stuck} {
			if err := g.Add(t.Context(), task); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		left := g.Stop()
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("stopping took %v, want grace and patience: 7s", took)
		}
		if !slices.Equal(left, []string{"stuck"}) {
			t.Errorf("left behind: %v", left)
		}
		if d.text() != "polite says goodbye, polite leaves" {
			t.Error(d.text())
		}
		close(release)
	})
}

func TestTasksComeAndGoWhileOthersRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := supervise.New(supervise.Options{})
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		ok(g.Add(t.Context(), d.steady("a", 0)))
		ok(g.Add(t.Context(), d.steady("b", 0)))
		if err := g.Add(t.Context(), d.steady("a", 0)); err == nil {
			t.Error("a second task of one name was accepted")
		}
		g.Remove("a")
		g.Remove("never was")
		ok(g.Add(t.Context(), d.steady("a", 0)))
		if !g.Has("a") || g.Has("c") {
			t.Error("Has is wrong")
		}
		g.Stop()
		if err := g.Add(t.Context(), d.steady("c", 0)); err == nil {
			t.Error("a task was accepted after the stop")
		}
		if !strings.HasPrefix(d.text(), "a starts, b starts, a ends, a starts") {
			t.Error(d.text())
		}
	})
}

func TestTaskThatIsDoneIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := supervise.New(supervise.Options{})
		if err := g.Add(t.Context(), supervise.Task{Name: "once", Run: func(context.Context, func()) error { return nil }}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if g.Has("once") {
			t.Error("it is still there")
		}
	})
}
