package modem

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How long to wait, of ordinary time, until a modem that is lost is dialed: twice as long each time it was in vain.
const (
	firstWait = time.Second
	mostWait  = 30 * time.Second
)

// ErrLost is what a Redial that has no modem at this moment says to Send.
var ErrLost = errors.New("modem: lost, and not back yet")

// Persist dials until it works or ctx is done. tell hears of each failure.
func Persist(ctx context.Context, dial func(context.Context) (Modem, error), tell func(error)) (Modem, error) {
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		m, err := dial(ctx)
		if err == nil {
			return m, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		tell(err)
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A Redial is a Modem that may be lost, and is dialed until it is back. Meanwhile Recv waits, and Send says ErrLost. A signal that comes
// in when the modem is lost ends there. The Clock stays that of the first modem.
type Redial struct {
	dial  func(context.Context) (Modem, error)
	tell  func(error)
	clock Clock
	life  context.Context // done by Close
	close context.CancelCauseFunc

	// Recv's.
	carrier bool
	shift   time.Duration // from the modem's radio time to ours

	mu    sync.Mutex // guards modem
	modem Modem      // nil: lost
}

var _ Modem = (*Redial)(nil)

// NewRedial makes a Redial of a modem, which is its own from then on. Recv calls tell: with the cause when the modem is lost and when it was
// dialed in vain, with nil when it is back.
func NewRedial(m Modem, dial func(context.Context) (Modem, error), tell func(error)) *Redial {
	r := &Redial{dial: dial, tell: tell, clock: m.Clock(), modem: m}
	r.life, r.close = context.WithCancelCause(context.Background())
	return r
}

// Clock is that of the first modem.
func (r *Redial) Clock() Clock { return r.clock }

// Close closes the modem, and dials no more.
func (r *Redial) Close() error {
	r.close(ErrClosed)
	if m := r.swap(nil); m != nil {
		return m.Close()
	}
	return nil
}

func (r *Redial) swap(m Modem) (old Modem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, r.modem = r.modem, m
	return old
}

func (r *Redial) current() Modem {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.modem
}

// Send is that of the modem.
func (r *Redial) Send(ctx context.Context, bits []byte, w Waveform) error {
	if r.life.Err() != nil {
		return ErrClosed
	}
	m := r.current()
	if m == nil {
		return ErrLost
	}
	return m.Send(ctx, bits, w)
}

// Recv is that of the modem. It is Recv that notices when the modem is lost, and dials.
func (r *Redial) Recv(ctx context.Context) (Event, error) {
	for {
		if r.life.Err() != nil {
			return Event{}, ErrClosed
		}
		m := r.current()
		if m == nil {
			if err := r.again(ctx); err != nil {
				return Event{}, err
			}
			continue
		}
		e, err := m.Recv(ctx)
		switch {
		case err == nil:
			e.At = e.At.Add(r.shift)
			if !e.Start.IsZero() {
				e.Start = e.Start.Add(r.shift)
			}
			r.carrier = e.Kind == CarrierOn || r.carrier && e.Kind != CarrierOff
			return e, nil
		case ctx.Err() != nil:
			return Event{}, context.Cause(ctx)
		case r.life.Err() != nil:
			return Event{}, ErrClosed
		}
		if r.swap(nil) == m {
			_ = m.Close() // it has failed already
		}
		r.tell(err)
		if r.carrier {
			r.carrier = false
			return Event{Kind: CarrierOff, At: r.clock.Now()}, nil
		}
	}
}

// again dials until there is a modem.
func (r *Redial) again(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.life, func() { cancel(ErrClosed) })()
	// One that comes and goes must not keep us dialing.
	if err := pause(ctx, firstWait); err != nil {
		return err
	}
	m, err := Persist(ctx, r.fitting, r.tell)
	if err != nil {
		return err
	}
	r.mu.Lock()
	closed := r.life.Err() != nil // Close comes before or after the lock
	if !closed {
		r.modem = m
	}
	r.mu.Unlock()
	if closed {
		_ = m.Close()
		return ErrClosed
	}
	r.tell(nil)
	return nil
}

// fitting dials, and makes sure that radio time can go on.
//
// Choice: a simulated channel that was started anew begins its radio time anew, but ours must not go back. At another speed it is of no use.
func (r *Redial) fitting(ctx context.Context) (Modem, error) {
	m, err := r.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := m.Clock()
	switch {
	case c.ordinary() && r.clock.ordinary():
		r.shift = 0
	case c.Scale != r.clock.Scale:
		_ = m.Close()
		return nil, fmt.Errorf("modem: its time runs %v times as fast, and ran %v times before", c.Scale, r.clock.Scale)
	default:
		r.shift = r.clock.Now().Sub(c.Now())
	}
	return m, nil
}
