package modem

import (
	"context"
	"fmt"
	"time"
)

// maxReady is how many events wait for a Recv that does not come. Beyond it all are dropped, as by a modem that nobody reads.
const maxReady = 4096

// A station is a place on a Channel, guarded by its mutex. user is who has its Modem, nil when nobody does.
type station struct {
	c    *Channel
	name string
	wake chan struct{} // something changed for Recv

	user       *radio
	sent       uint64 // signals
	signal     *signal
	busy       time.Time // deaf until
	heard      time.Time // the end of the last signal heard
	receptions []*reception
	sensed     int // receptions that make the carrier
	told       bool
	ready      []Event
	stats      StationStats
}

// A radio is the Modem of a station, until it is closed.
type radio struct {
	s    *station
	done chan struct{}
}

var _ Modem = (*radio)(nil)

func (s *station) openLocked() {
	s.user = &radio{s: s, done: make(chan struct{})}
	s.ready, s.receptions, s.sensed, s.told = nil, nil, 0, false
}

// poke has Recv look again.
func (s *station) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Clock is the Channel's.
func (r *radio) Clock() Clock { return r.s.c.cfg.Clock }

// Close takes the station off the channel.
func (r *radio) Close() error {
	s := r.s
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.user != r {
		return nil
	}
	if s.signal != nil {
		s.c.breakLocked(s.signal, s.c.cfg.Now())
	}
	s.user, s.ready, s.receptions = nil, nil, nil
	close(r.done)
	return nil
}

// Send puts a signal on the air and waits for its end.
func (r *radio) Send(ctx context.Context, bits []byte, w Waveform) error {
	return r.send(ctx, time.Time{}, bits, w, func(time.Time) {})
}

// send is Send by a station whose clock read stamp; zero is now. keyed is told when the signal begins.
func (r *radio) send(ctx context.Context, stamp time.Time, bits []byte, w Waveform, keyed func(start time.Time)) error {
	if err := w.check(); err != nil {
		return err
	}
	if len(bits) > maxRate*int(maxAir/time.Second)/8 || w.Air(8*len(bits)) > maxAir {
		return fmt.Errorf("modem: sending %d bytes as %s takes longer than %v", len(bits), w.Name, maxAir)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s, c := r.s, r.s.c
	c.mu.Lock()
	if s.user != r || s.signal != nil {
		defer c.mu.Unlock()
		if s.signal != nil && s.user == r {
			return fmt.Errorf("modem: station %s is sending already", s.name)
		}
		return ErrClosed
	}
	now := c.cfg.Now()
	late := time.Duration(float64(maxLate) * max(1, c.cfg.Scale))
	if stamp.IsZero() || stamp.After(now) {
		stamp = now
	} else if now.Sub(stamp) > late {
		stamp = now.Add(-late)
	}
	stamp = laterOf(stamp, s.busy) // clocks that are a little apart must not let it overlap itself
	g := c.keyLocked(s, stamp, bits, w)
	start, end := g.start, g.end
	c.mu.Unlock()

	keyed(start)
	err := r.wait(ctx, end)
	c.mu.Lock()
	if err != nil {
		c.breakLocked(g, c.cfg.Now())
	}
	if !g.broken {
		err = nil
	} else if err == nil {
		err = ErrClosed
	}
	seen := c.finishLocked(g)
	c.mu.Unlock()
	if c.cfg.Observe != nil {
		c.cfg.Observe(seen)
	}
	return err
}

// wait sleeps until t of radio time.
func (r *radio) wait(ctx context.Context, t time.Time) error {
	clock := r.s.c.cfg.Clock
	for d := clock.Until(t); d > 0; d = clock.Until(t) {
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-r.done:
			timer.Stop()
			return ErrClosed
		}
	}
	return nil
}

// Recv waits for what the station hears next.
func (r *radio) Recv(ctx context.Context) (Event, error) {
	s, c := r.s, r.s.c
	for {
		if ctx.Err() != nil {
			return Event{}, context.Cause(ctx)
		}
		c.mu.Lock()
		if s.user != r {
			c.mu.Unlock()
			return Event{}, ErrClosed
		}
		s.advanceLocked(c.cfg.Now())
		if len(s.ready) > 0 {
			e := s.ready[0]
			if s.ready = s.ready[1:]; len(s.ready) == 0 {
				s.ready = nil
			}
			if e.Kind != Data {
				s.told = e.Kind == CarrierOn
			}
			c.mu.Unlock()
			return e, nil
		}
		next, some := s.nextLocked()
		c.mu.Unlock()
		var alarm <-chan time.Time // nothing to come needs no timer
		var timer *time.Timer
		if some {
			timer = time.NewTimer(c.cfg.Until(next))
			alarm = timer.C
		}
		select {
		case <-alarm:
		case <-s.wake:
		case <-ctx.Done():
		case <-r.done:
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// push adds an event to those Recv gives.
func (s *station) push(e Event) {
	if len(s.ready) >= maxReady {
		s.stats.Overruns++
		s.ready = s.ready[:0]
		if s.told {
			s.ready = append(s.ready, Event{Kind: CarrierOff, At: e.At})
		}
		if s.sensed > 0 && e.Kind != CarrierOn {
			s.ready = append(s.ready, Event{Kind: CarrierOn, At: e.At})
		}
		if s.sensed == 0 && e.Kind == CarrierOff {
			return
		}
	}
	s.ready = append(s.ready, e)
}
