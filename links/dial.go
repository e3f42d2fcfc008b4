package links

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"longwire/links/meter"
)

func (p *Pump) accept(ctx context.Context) {
	for ctx.Err() == nil {
		s, err := p.link.Accept(ctx)
		if err != nil {
			if ctx.Err() == nil {
				p.log.Warn("link does not accept", "err", err)
				pause(ctx, time.Second)
			}
			continue
		}
		p.begin(s, false)
	}
}

// dial keeps a contact, or opens one when there is something to carry. Delays: BackoffMin, doubled up to BackoffMax, a fifth up or down; from
// the start again after a contact of a minute.
func (p *Pump) dial(ctx context.Context) {
	const stable = time.Minute
	delay := p.c.BackoffMin
	for p.wanted(ctx) {
		p.set(Dialling, nil)
		s, err := p.reach(ctx)
		var k *contact
		if err == nil {
			k = p.begin(s, true)
		}
		if k != nil {
			<-k.over
			p.waitGone(k)
			err = k.cause()
			if time.Since(k.since) >= stable || errors.Is(err, errIdle) {
				delay = p.c.BackoffMin
			}
			if errors.Is(err, errIdle) {
				continue
			}
		}
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errQuiet) {
			p.set(Waiting, err)
			continue
		}
		wait := delay
		var remote *RemoteError
		if errors.As(err, &remote) && remote.Condition == "conflict" {
			wait = p.c.BackoffMax // the peer has another contact with us
		}
		wait = jitter(wait)
		p.backOff(err, time.Now().Add(wait))
		if k == nil {
			p.env.Meter.Add(func(c *meter.Counts) { c.Refused++ })
			p.log.Info("link cannot be opened", "to", p.link, "err", err, "retry", wait.Round(time.Second/10))
		}
		delay = min(2*delay, p.c.BackoffMax)
		pause(ctx, wait)
	}
}

// reach opens a contact, and gives up when nothing may be sent any more: a dialler says a lot by itself.
func (p *Pump) reach(ctx context.Context) (Session, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for changed := p.env.Way.Changed(); !p.env.Way.Silent(); changed = p.env.Way.Changed() {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	s, err := p.link.Open(ctx)
	if err != nil && p.env.Way.Silent() {
		err = errQuiet
	}
	return s, err
}

// jitter keeps many nodes from dialling in step after a common outage.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// wanted waits until a contact should be opened; false when ctx is done.
func (p *Pump) wanted(ctx context.Context) bool {
	for ctx.Err() == nil {
		p.mu.Lock()
		change := p.change
		alive := len(p.contacts) > 0
		p.mu.Unlock()
		switch {
		case alive, p.env.Way.Silent():
		case p.c.IdleClose == 0, p.env.Way.Wanted(), p.queue.Stats().Entries > 0 && !p.env.Way.May().None():
			return true
		default:
			p.set(Waiting, nil)
		}
		select {
		case <-change:
		case <-ctx.Done():
		}
	}
	return false
}

func (p *Pump) waitGone(k *contact) {
	for {
		p.mu.Lock()
		change, there := p.change, slices.Contains(p.contacts, k)
		p.mu.Unlock()
		if !there {
			return
		}
		<-change
	}
}
