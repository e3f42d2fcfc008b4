package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"longwire/tools/rig"
)

// Radio times of the play.
const (
	typingLeast = 8 * time.Second
	typingMost  = 14 * time.Second
	lastMark    = 100 * time.Second // ack_delay, and its transmission
)

// An airShow is a play over HF under way.
type airShow struct {
	*show
	s      *airStage
	book   *ledger
	placed map[*line]bool // lines that have a bill
}

// A balance is what the play came to.
type balance struct {
	result
	*ledger
	radio, wall time.Duration
}

// play has the script spoken and prints each line when what it cost is known.
func (s *airStage) play(ctx context.Context, p *page) (balance, error) {
	sh, end, err := s.raise(ctx)
	defer end()
	if err != nil {
		return balance{}, err
	}
	a := &airShow{show: sh, s: s, book: &ledger{air: s.net.Air}, placed: map[*line]bool{}}
	rng := rand.New(rand.NewPCG(s.seed, 0))
	for i, c := range script {
		if c.wait {
			err = a.until(ctx, p, func() bool { return a.delivered() >= i })
		}
		typing := typingLeast + time.Duration(rng.Int64N(int64(typingMost-typingLeast)))
		if err == nil {
			err = a.pause(ctx, p, typing)
		}
		if err == nil {
			err = sh.say(ctx, i, c)
		}
		if err != nil {
			return balance{}, err
		}
	}
	if err := a.until(ctx, p, func() bool { return a.delivered() >= len(script) }); err != nil {
		return balance{}, err
	}
	took := a.radio(sh.now())
	// The last mark has nothing to ride on. A line that comes twice would come by then.
	quiet := make(chan error, 1)
	go func() { quiet <- s.net.Quiet(ctx, lastMark) }()
	err = a.until(ctx, p, func() bool { return len(quiet) > 0 })
	a.print(p, true)
	b := balance{result: result{lines: sh.lines, strange: sh.strange, took: sh.now()}, ledger: a.book, radio: took, wall: sh.now()}
	return b, errors.Join(err, <-quiet)
}

// radio is a time since the start in radio time.
func (a *airShow) radio(d time.Duration) time.Duration { return d * time.Duration(a.s.scale) }

func (a *airShow) delivered() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.lines {
		if l.arrivals > 0 {
			n++
		}
	}
	return n
}

func (a *airShow) pause(ctx context.Context, p *page, d time.Duration) error {
	end := time.Now().Add(a.s.net.Real(d))
	return a.until(ctx, p, func() bool { return !time.Now().Before(end) })
}

// until prints what there is to print until done.
func (a *airShow) until(ctx context.Context, p *page, done func() bool) error {
	for {
		a.print(p, false)
		if done() {
			return nil
		}
		if !pause(ctx, 5*time.Millisecond) {
			return fmt.Errorf("only %d of %d lines arrived: %w", a.delivered(), len(script), ctx.Err())
		}
	}
}

// print shows what is known by now: all of it, at the end.
func (a *airShow) print(p *page, all bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	busy := a.book.air.Busy() // before the look at what is over
	a.book.update()
	epoch := a.book.air.Clock().Epoch
	since := func(t time.Time) time.Duration { return t.Sub(epoch) - a.radio(a.start.Sub(epoch)) }
	for _, t := range a.book.links {
		p.airEvent(since(t.Start), strings.ToLower(fmt.Sprint("link: ", t.Links[0])), t)
	}
	for _, t := range a.book.marks {
		p.airEvent(since(t.Start), "mark, which takes what was confirmed from the far queue", t)
	}
	a.book.links, a.book.marks = nil, nil
	for _, l := range a.lines {
		if l.arrivals == 0 || a.placed[l] {
			continue
		}
		at := epoch.Add(a.radio(a.start.Add(l.delivered).Sub(epoch)))
		if busy && a.book.until.Before(at) {
			continue // the signal that brought it is not over
		}
		if b := a.book.carrier(rig.Station(l.who), at); b != nil {
			b.lines, a.placed[l] = append(b.lines, l), true
		}
	}
	for _, b := range a.book.bills {
		if !b.printed && len(b.lines) > 0 && (b.acknowledged || all) {
			b.printed = true
			for i, l := range b.lines {
				p.airLine(a, b, l, i)
			}
		}
	}
}
