package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"longwire/board"
	"longwire/tools/rig/guest"
)

// powerCuts is how often the power is cut while settings are applied.
const powerCuts = 100

// writingTime is about how long a kit reads, judges and writes a bundle on a busy machine: most of the steps that a cut may fall between.
const writingTime = 3 * time.Second

// A cut is one power cut.
type cut struct {
	i       int
	near    bool          // while the bundle is read and written, which is soon over; else at any time until it is kept
	at      time.Duration // after the stick was plugged in, or the kit has begun to read it
	again   bool          // the power comes back
	leftIn  bool          // and then the stick is there
	found   int           // the generation on the disk
	settled int           // the generation in which the kit was green in the end
}

// drillPower cuts the power at random while generation 2 takes the place of generation 1. Then the disk must hold all of one generation and the whole
// queue, and the kit must come back green in one of them.
func drillPower(ctx context.Context, o options, w *workshop, r *record) error {
	b, err := newBase(ctx, w, r)
	if err != nil {
		return err
	}
	defer b.close()
	span, err := b.applyTime(ctx, w, r)
	if err != nil {
		return err
	}
	r.note("from the plug to the end of the trial: %.1f s; the power is cut within that", span.Seconds())
	var olds, news, again int
	var mu sync.Mutex
	err = inParallel(ctx, o.from, o.cuts(powerCuts), o.jobs, func(ctx context.Context, i int) error {
		rng := rand.New(rand.NewPCG(o.seed, uint64(i)))
		c := cut{i: i, near: i%2 == 1, at: time.Duration(rng.Int64N(int64(span) * 11 / 10)), leftIn: rng.IntN(2) == 0}
		if c.near {
			c.at = time.Duration(rng.Int64N(int64(writingTime)))
		}
		k, err := b.start(ctx, filepath.Join(w.dir, fmt.Sprint("cut", i)))
		if err != nil {
			return err
		}
		defer k.remove()
		where := fmt.Sprintf("power cut %d, %.2f s after %s", i, c.at.Seconds(), map[bool]string{false: "the plug", true: "the stick is read"}[c.near])
		c.again = i%o.boots == 0
		switch {
		case !c.again:
			where += ", looked at"
		case c.leftIn:
			where += ", stick left in"
		}
		r.do(where, func() error { return b.cut(ctx, k, &c) })
		mu.Lock()
		defer mu.Unlock()
		switch c.found {
		case 1:
			olds++
		case 2:
			news++
		}
		if c.again {
			again++
		}
		return nil
	})
	r.figure("power cuts that left the old / the new settings", "%d / %d; started again after %d of them", olds, news, again)
	return err
}

// applyTime is how long generation 2 takes from the plug until it is kept.
func (b *base) applyTime(ctx context.Context, w *workshop, r *record) (span time.Duration, err error) {
	k, err := b.start(ctx, filepath.Join(w.dir, "whole"))
	if err != nil {
		return 0, err
	}
	defer k.remove()
	ok := r.all(
		step{"without a cut generation 2 takes the place of generation 1", func() error {
			stick, err := b.s.stick(filepath.Join(k.m.Dir, "second.img"), 2)
			if err != nil {
				return err
			}
			k.at = k.Console.Here()
			begin := time.Now()
			if err := k.Plug(ctx, stick); err != nil {
				return err
			}
			verdict, _, err := k.lamp(ctx, stickTime+trialTime, board.Applied, board.Refused)
			span = time.Since(begin)
			if err == nil && verdict != board.Applied {
				err = errors.New("it was refused:\n" + k.Console.Tail(10))
			}
			return err
		}},
		step{"alice has the new password, and her lines still wait", func() error {
			if err := mayEnter(ctx, k, 2); err != nil {
				return err
			}
			k.off()
			l, err := b.s.lookAt(k, 1, 2)
			if err == nil && l.generation != 2 {
				err = fmt.Errorf("generation %d is on the disk", l.generation)
			}
			return errors.Join(err, l.whole())
		}},
	)
	if !ok {
		return 0, errors.New("there is nothing to cut")
	}
	return span, nil
}

// cut does one, and judges.
func (b *base) cut(ctx context.Context, k *kit, c *cut) error {
	stick, err := b.s.stick(filepath.Join(k.m.Dir, "second.img"), 2)
	if err != nil {
		return err
	}
	k.at = k.Console.Here()
	if err := k.Plug(ctx, stick); err != nil {
		return err
	}
	if c.near {
		if _, err := k.sees(ctx, stickTime, "kit: stick: reading"); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(c.at):
	}
	k.off()
	l, err := b.s.lookAt(k, 1, 2)
	if err != nil {
		return err
	}
	c.found = l.generation
	if err := l.whole(); err != nil || !c.again {
		return err
	}
	if err := k.on(ctx); err != nil {
		return err
	}
	if c.leftIn {
		if err := k.Plug(ctx, stick); err != nil {
			return err
		}
	}
	if err := k.comesBack(ctx, c); err != nil {
		return err
	}
	if err := mayEnter(ctx, k, c.settled); err != nil {
		return err
	}
	k.off()
	if l, err = b.s.lookAt(k, c.settled); err != nil {
		return err
	}
	return l.whole()
}

// comesBack waits until the kit is done with what the cut has left, and says which generation is then in force.
func (k *kit) comesBack(ctx context.Context, c *cut) error {
	c.settled = c.found
	if c.leftIn {
		// It applies the stick, or finds that this was done; or the trial goes on, and then there was nothing to do.
		c.settled = 2
		if _, err := k.sees(ctx, bootTime+stickTime+trialTime, "kit: settings number 2 are kept", "is in force already", "kit: stick: Settings number 2"); err != nil {
			return err
		}
	}
	return k.settled(ctx, bootTime+trialTime)
}

// remove switches the kit off and forgets its disk.
func (k *kit) remove() {
	k.off()
	guest.Remove(k.m)
}

// inParallel does the jobs with the numbers from first to last, so many at a time, and stops at the first that cannot be done.
func inParallel(ctx context.Context, first, last, jobs int, job func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	go func() {
		defer close(next)
		for i := first; i <= last; i++ {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	var workers sync.WaitGroup
	for range jobs {
		workers.Go(func() {
			for i := range next {
				if err := job(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}
