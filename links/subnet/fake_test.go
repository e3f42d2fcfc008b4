package subnet_test

import (
	"context"
	"sync"
	"time"

	"longwire/links/modem"
)

// ether is the least channel there can be, in a synctest bubble.
type ether struct {
	mu       sync.Mutex
	stations []*fake
	on       int
	spoilt   bool
	lastEnd  time.Time
	turn     time.Duration
}

type fake struct {
	e    *ether
	rx   chan modem.Event
	busy bool
}

func (e *ether) station() *fake {
	f := &fake{e: e, rx: make(chan modem.Event, 1000)}
	e.stations = append(e.stations, f)
	return f
}

func (f *fake) Clock() modem.Clock { return modem.Clock{} }
func (f *fake) Close() error       { return nil }
func (f *fake) Recv(ctx context.Context) (modem.Event, error) {
	select {
	case e := <-f.rx:
		return e, nil
	case <-ctx.Done():
		return modem.Event{}, ctx.Err()
	}
}

func (f *fake) Send(ctx context.Context, bits []byte, w modem.Waveform) error {
	e := f.e
	sleep := func(d time.Duration) bool {
		select {
		case <-time.After(d):
			return true
		case <-ctx.Done():
			return false
		}
	}
	e.mu.Lock()
	f.busy = true
	wait := 500 * time.Millisecond
	if x := time.Until(e.lastEnd.Add(e.turn)); x > wait {
		wait = x
	}
	e.mu.Unlock()
	if !sleep(wait) {
		e.mu.Lock()
		defer e.mu.Unlock()
		f.busy = false
		return ctx.Err()
	}
	var hear []*fake
	e.mu.Lock()
	if e.on++; e.on > 1 {
		e.spoilt = true
	}
	for _, o := range e.stations {
		if o != f && !o.busy {
			hear = append(hear, o)
			o.rx <- modem.Event{Kind: modem.CarrierOn, At: time.Now(), Waveform: w}
		}
	}
	e.mu.Unlock()
	start := time.Now().Add(w.Preamble)
	done := sleep(w.Air(8 * len(bits)))
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range hear {
		if done && !e.spoilt {
			o.rx <- modem.Event{Kind: modem.Data, At: time.Now(), Start: start, Waveform: w, Bits: bits}
		}
		o.rx <- modem.Event{Kind: modem.CarrierOff, At: time.Now(), Waveform: w}
	}
	if e.on--; e.on == 0 {
		e.spoilt = false
	}
	e.lastEnd = time.Now()
	f.busy = false
	return ctx.Err()
}
