package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A clock tells when the warm-up ends and when the measured time ends.
type clock struct {
	warm, end   time.Time
	begin, stop func() // called once each, at those times

	measuring, over bool
}

// tick moves it on.
func (c *clock) tick(now time.Time) {
	if !c.measuring && !c.over && now.After(c.warm) {
		c.measuring = true
		c.begin()
	}
	if c.measuring && now.After(c.end) {
		c.measuring, c.over = false, true
		c.stop()
	}
}

// A load is what the servers are made to carry. Those who move the bytes call one of its methods at a time.
type load interface {
	all() []*player
	start()                     // the first messages go into their players' out
	take(*player, []byte) error // what came for a player; the answers go into its out
	done(now time.Time) bool    // moves the clock on; true when the time is over and everything has arrived
}

// playConns plays on any connections, TLS too, with one goroutine each.
func playConns(ctx context.Context, l load) error {
	var mu sync.Mutex // guards the load
	moved := time.Now()
	l.start()
	var wg sync.WaitGroup
	failed := make(chan error, len(l.all()))
	over := false
	serve := func(p *player) error {
		var buf [16 << 10]byte
		for {
			if len(p.out) > 0 {
				if _, err := p.conn.Write(p.out); err != nil {
					return fmt.Errorf("bench: write: %w", err)
				}
				p.out = p.out[:0]
			}
			n, err := p.conn.Read(buf[:])
			mu.Lock()
			if err == nil {
				moved = time.Now()
				err = l.take(p, buf[:n])
			} else if over {
				mu.Unlock()
				return nil
			}
			mu.Unlock()
			if err != nil {
				return fmt.Errorf("bench: read: %w", err)
			}
		}
	}
	for _, p := range l.all() {
		p.conn.SetReadDeadline(time.Time{})
		wg.Go(func() {
			if err := serve(p); err != nil {
				failed <- err
			}
		})
	}
	defer func() {
		for _, p := range l.all() {
			p.conn.SetReadDeadline(time.Unix(1, 0))
		}
		wg.Wait()
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case <-time.After(5 * time.Millisecond):
		}
		now := time.Now()
		mu.Lock()
		over = l.done(now)
		still := now.Sub(moved)
		mu.Unlock()
		if over {
			return nil
		}
		if still > stall {
			return fmt.Errorf("bench: nothing moved for %v: a message is lost", stall)
		}
	}
}
