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
}

// tick moves the game on.
func (c *clock) tick(g *game, now time.Time) {
	if !g.measuring && !g.over && now.After(c.warm) {
		g.measuring = true
		c.begin()
	}
	if g.measuring && now.After(c.end) {
		g.measuring, g.over = false, true
		c.stop()
	}
}

// playConns plays on any connections, TLS too, with one goroutine each.
func (g *game) playConns(ctx context.Context, balls int, c clock) error {
	g.begin()
	var wg sync.WaitGroup
	failed := make(chan error, len(g.players))
	for i, p := range g.players {
		p.conn.SetReadDeadline(time.Time{})
		wg.Go(func() {
			if err := g.serve(p, balls*(1-i%2)); err != nil {
				failed <- err
			}
		})
	}
	defer func() {
		for _, p := range g.players {
			p.conn.SetReadDeadline(time.Unix(1, 0))
		}
		wg.Wait()
	}()
	seen, news := -1, time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case <-time.After(5 * time.Millisecond):
		}
		now := time.Now()
		g.mu.Lock()
		c.tick(g, now)
		done, delivered := g.over && g.airEmpty(), g.delivered
		g.mu.Unlock()
		if done {
			return nil
		}
		if delivered != seen {
			seen, news = delivered, now
		} else if now.Sub(news) > stall+time.Until(c.end) {
			return fmt.Errorf("bench: nothing moved for %v: a message is lost", stall)
		}
	}
}

// serve throws the first balls and then answers what comes, until the read deadline.
func (g *game) serve(p *player, balls int) error {
	var buf [16 << 10]byte
	g.mu.Lock()
	g.throw(p, balls)
	g.mu.Unlock()
	for {
		if len(p.out) > 0 {
			if _, err := p.conn.Write(p.out); err != nil {
				return fmt.Errorf("bench: write: %w", err)
			}
			p.out = p.out[:0]
		}
		n, err := p.conn.Read(buf[:])
		if err != nil {
			g.mu.Lock()
			over := g.over && g.airEmpty()
			g.mu.Unlock()
			if over {
				return nil
			}
			return fmt.Errorf("bench: read: %w", err)
		}
		g.mu.Lock()
		err = g.take(p, buf[:n])
		g.mu.Unlock()
		if err != nil {
			return err
		}
	}
}
