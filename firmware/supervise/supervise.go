// Package supervise keeps a program's tasks running: it starts them in order, restarts what fails, tells systemd, and
// stops all in two stages.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A Task is one thing that runs as long as the program does.
type Task struct {
	Name string

	// Run blocks until ctx is done, and has no goroutine left when it returns. It calls ready once, when the task does its
	// work (a listener listens). Its ctx ends when the task is to stop starting new work; Now(ctx) gives the context that ends when
	// it must stop at once, for what takes a bounded while, such as saying goodbye.
	//
	// Returning nil before ctx is done means that there is nothing left to do. An error means another try after a pause, unless
	// the task has never been ready and is Vital.
	Run func(ctx context.Context, ready func()) error

	// Stage orders the stop: all tasks of the lowest stage end before those of the next are asked to.
	Stage int

	// Vital: the program is of no use without it. If it fails before it was ever ready, Run of the Group ends with its error.
	Vital bool
}

// Options of a Group; zero values are the defaults.
type Options struct {
	Log        *slog.Logger
	BackoffMin time.Duration // pause before the first restart, doubled at each failure; 1 s
	BackoffMax time.Duration // 60 s
	Calm       time.Duration // a task that ran this long starts with BackoffMin again; 60 s
	Grace      time.Duration // from "stop starting" to "stop now", for each stage; 5 s
	Patience   time.Duration // from "stop now" to leaving a task behind; 2 s
}

// Group is a set of tasks. Tasks come and go while it runs. Its mutex guards the map and the list.
type Group struct {
	opt Options

	mu     sync.Mutex
	tasks  map[string]*running
	order  []*running // as they were added
	closed bool       // stopping: nothing is added any more
}

// running is a Task with what belongs to its goroutine.
type running struct {
	Task
	ready   chan struct{} // closed when it was ready for the first time
	readied sync.Once
	done    chan struct{} // closed when its goroutine has ended
	stop    context.CancelFunc
	stopNow context.CancelFunc
}

// New makes an empty Group.
func New(o Options) *Group {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.BackoffMin = or(o.BackoffMin, time.Second)
	o.BackoffMax = or(o.BackoffMax, 60*time.Second)
	o.Calm = or(o.Calm, 60*time.Second)
	o.Grace = or(o.Grace, 5*time.Second)
	o.Patience = or(o.Patience, 2*time.Second)
	return &Group{opt: o, tasks: make(map[string]*running)}
}

func or(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

type nowKey struct{}

// Now is the context that ends when the task of ctx must stop at once. Outside of a task it is ctx itself.
func Now(ctx context.Context) context.Context {
	if now, ok := ctx.Value(nowKey{}).(context.Context); ok {
		return now
	}
	return ctx
}

// Add starts a task and waits until it is ready, has ended or failed for the first time, or ctx is done. It returns
// the error of a vital task that failed before it was ready, and forgets it then; others are tried again in the background.
func (g *Group) Add(ctx context.Context, t Task) error {
	now, stopNow := context.WithCancel(context.Background())
	soft, stop := context.WithCancel(context.WithValue(now, nowKey{}, now))
	r := &running{Task: t, ready: make(chan struct{}), done: make(chan struct{}), stop: stop, stopNow: stopNow}
	if err := g.enter(r); err != nil {
		stopNow()
		return err
	}

	first := make(chan error, 1)
	go g.keep(soft, r, first)
	select {
	case <-r.ready:
		return nil
	case err := <-first:
		if err != nil && t.Vital {
			g.forget(r)
			return err
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *Group) enter(r *running) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return fmt.Errorf("supervise: starting %s: stopping already", r.Name)
	}
	if g.tasks[r.Name] != nil {
		return fmt.Errorf("supervise: starting %s: there is one already", r.Name)
	}
	g.tasks[r.Name] = r
	g.order = append(g.order, r)
	return nil
}

// keep runs a task again and again until it is done. first gets the outcome of the first run.
func (g *Group) keep(ctx context.Context, r *running, first chan<- error) {
	defer close(r.done)
	defer r.stopNow()
	pause := g.opt.BackoffMin
	for try := 0; ; try++ {
		began := time.Now()
		err := r.Run(ctx, func() { r.readied.Do(func() { close(r.ready) }) })
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%s: %w", r.Name, err)
		}
		if try == 0 {
			first <- err
		}
		switch {
		case ctx.Err() != nil:
			if err != nil && !errors.Is(err, context.Canceled) {
				g.opt.Log.Warn("task ended badly", "task", r.Name, "err", err)
			}
			return
		case err == nil:
			g.forget(r)
			return
		case r.Vital && try == 0 && !r.isReady():
			return // Add returns the error
		}
		if time.Since(began) >= g.opt.Calm {
			pause = g.opt.BackoffMin
		}
		// A little jitter keeps tasks that failed together from coming back together.
		wait := time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64()))
		g.opt.Log.Error("task failed", "task", r.Name, "err", err, "again_in", wait.Round(time.Millisecond))
		pause = min(2*pause, g.opt.BackoffMax)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (r *running) isReady() bool {
	select {
	case <-r.ready:
		return true
	default:
		return false
	}
}

func (g *Group) forget(r *running) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tasks[r.Name] == r {
		delete(g.tasks, r.Name)
	}
	g.order = slices.DeleteFunc(g.order, func(o *running) bool { return o == r })
}

// Run adds the tasks in their order, calls started when all are, waits until ctx is done, and stops the Group. It
// returns early with the error of a vital task that could not start.
func (g *Group) Run(ctx context.Context, started func(), tasks ...Task) error {
	defer g.Stop()
	for _, t := range tasks {
		if err := g.Add(ctx, t); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	if started != nil {
		started()
	}
	<-ctx.Done()
	return nil
}

// Has tells whether a task of that name is there: running, or waiting for its next try.
func (g *Group) Has(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tasks[name] != nil
}

// Remove stops one task in the two stages and waits for it. An unknown name is no error: it may have ended by itself.
func (g *Group) Remove(name string) {
	g.mu.Lock()
	r := g.tasks[name]
	g.mu.Unlock()
	if r != nil {
		g.end([]*running{r})
		g.forget(r)
	}
}

// Stop ends all tasks, the lowest Stage first and within a stage all at once, and takes no more. It is bounded by
// Grace and Patience for each stage, and returns the names of tasks that had to be left behind.
func (g *Group) Stop() (left []string) {
	g.mu.Lock()
	g.closed = true
	stages := map[int][]*running{}
	for _, r := range g.order {
		stages[r.Stage] = append(stages[r.Stage], r)
	}
	g.mu.Unlock()
	for _, stage := range slices.Sorted(maps.Keys(stages)) {
		left = append(left, g.end(stages[stage])...)
	}
	return left
}

// end asks tasks to stop starting, then to stop now, then gives up on them.
func (g *Group) end(tasks []*running) (left []string) {
	for _, r := range tasks {
		r.stop()
	}
	grace := time.NewTimer(g.opt.Grace)
	defer grace.Stop()
	tasks = waitFor(tasks, grace.C)
	for _, r := range tasks {
		g.opt.Log.Warn("task told to stop at once", "task", r.Name)
		r.stopNow()
	}
	patience := time.NewTimer(g.opt.Patience)
	defer patience.Stop()
	for _, r := range waitFor(tasks, patience.C) {
		g.opt.Log.Error("task does not stop; left behind", "task", r.Name)
		left = append(left, r.Name)
	}
	return left
}

// waitFor returns the tasks that have not ended when the time is over.
func waitFor(tasks []*running, over <-chan time.Time) []*running {
	for i, r := range tasks {
		select {
		case <-r.done:
		case <-over:
			var late []*running
			for _, r := range tasks[i:] {
				select {
				case <-r.done:
				default:
					late = append(late, r)
				}
			}
			return late
		}
	}
	return nil
}
