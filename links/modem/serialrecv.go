package modem

import (
	"context"
	"fmt"
	"time"
)

// read takes bytes off the line until it ends.
func (s *Serial) read() {
	defer close(s.ended)
	b := make([]byte, 1024)
	for {
		n, err := s.cfg.Line.Read(b)
		// A half-duplex modem hears nothing while it sends: what comes is an echo.
		if n > 0 && !s.sending.Load() {
			select {
			case s.in <- burst{time.Now(), append([]byte(nil), b[:n]...)}:
			case <-s.done:
			}
		}
		if err != nil {
			s.why = fmt.Errorf("modem: reading the line: %w", err)
			select {
			case <-s.done:
				s.why = ErrClosed
			default:
			}
			return
		}
	}
}

// Recv waits for what the modem hears next.
func (s *Serial) Recv(ctx context.Context) (Event, error) {
	for len(s.ready) == 0 {
		var alarm <-chan time.Time
		var timer *time.Timer
		switch {
		case s.cfg.DCD != nil:
			timer = time.NewTimer(poll)
			alarm = timer.C
		case s.on:
			timer = time.NewTimer(time.Until(s.last.Add(s.cfg.Silence)))
			alarm = timer.C
		}
		var err error
		select {
		case b := <-s.in:
			s.heard(b)
		case <-alarm:
			select { // bytes that came in time go first
			case b := <-s.in:
				s.heard(b)
			default:
				err = s.look(time.Now())
			}
		case <-s.keyed:
			s.over(time.Now())
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-s.ended:
			select {
			case b := <-s.in:
				s.heard(b)
			default:
				err = s.why
			}
		}
		if timer != nil {
			timer.Stop()
		}
		if err != nil {
			return Event{}, err
		}
	}
	e := s.ready[0]
	s.ready = s.ready[1:]
	return e, nil
}

// look finds out whether the carrier is still there, or is there anew.
func (s *Serial) look(now time.Time) error {
	if s.cfg.DCD != nil && !s.sending.Load() {
		up, err := s.cfg.DCD()
		if err != nil {
			return fmt.Errorf("modem: reading DCD: %w", err)
		}
		if up {
			s.last = now
			s.begin(now)
		}
	}
	if s.on && now.Sub(s.last) >= s.cfg.Silence {
		s.over(now)
	}
	return nil
}

func (s *Serial) begin(at time.Time) {
	if !s.on {
		s.on, s.count, s.start = true, 0, time.Time{}
		s.ready = append(s.ready, Event{Kind: CarrierOn, At: at, Waveform: s.cfg.Waveform})
	}
}

// heard makes events of bytes.
func (s *Serial) heard(b burst) {
	w := s.cfg.Waveform
	if s.on && b.at.Sub(s.last) >= s.cfg.Silence {
		s.over(s.last.Add(s.cfg.Silence))
	}
	s.begin(b.at)
	if s.start.IsZero() {
		s.start = b.at.Add(-s.cfg.Latency - bitTime(10*len(b.b), s.cfg.Baud))
	}
	s.ready = append(s.ready, Event{Kind: Data, At: b.at, Start: s.start.Add(bitTime(s.count, w.Rate)), Waveform: w, Bits: b.b})
	s.count += 8 * len(b.b)
	s.last = b.at
}

func (s *Serial) over(at time.Time) {
	if s.on {
		s.on = false
		s.ready = append(s.ready, Event{Kind: CarrierOff, At: at})
	}
}
