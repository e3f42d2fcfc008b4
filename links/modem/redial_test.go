package modem_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

// unreliable is what a Redial dials: the station A of air, when that is not nil.
type unreliable struct {
	mu     sync.Mutex // guards all
	air    *modem.Channel
	now    modem.Modem
	dialed []time.Time
	told   []error
}

var errDown = errors.New("nobody there")

func (u *unreliable) dial(context.Context) (modem.Modem, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.dialed = append(u.dialed, time.Now())
	if u.air == nil {
		return nil, errDown
	}
	var err error
	u.now, err = u.air.Join("A")
	return u.now, err
}

func (u *unreliable) tell(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.told = append(u.told, err)
}

// set changes what is dialed, and takes what was told and when it was dialed so far.
func (u *unreliable) set(air *modem.Channel) (told []error, dialed []time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	told, dialed, u.told, u.dialed, u.air = u.told, u.dialed, nil, nil, air
	return told, dialed
}

func (u *unreliable) redial(t *testing.T) *modem.Redial {
	t.Helper()
	m, err := modem.Persist(t.Context(), u.dial, u.tell)
	if err != nil {
		t.Fatal(err)
	}
	r := modem.NewRedial(m, u.dial, u.tell)
	t.Cleanup(func() { r.Close() })
	return r
}

func TestLostModemIsDialedUntilItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := modem.NewChannel(modem.ChannelConfig{Seed: 1})
		w, _ := modem.Find(300, dts.ShortInterleaver)
		b := air.Station("B")
		u := &unreliable{air: air}
		r := u.redial(t)
		go func() { _ = b.Send(t.Context(), make([]byte, 2000), w) }()
		if e, err := r.Recv(t.Context()); err != nil || e.Kind != modem.CarrierOn {
			t.Fatalf("heard %+v, %v", e, err)
		}
		lost := time.Now()
		u.set(nil)
		u.now.Close()
		e, err := r.Recv(t.Context())
		for err == nil && e.Kind == modem.Data {
			e, err = r.Recv(t.Context())
		}
		if err != nil || e.Kind != modem.CarrierOff {
			t.Fatalf("when lost: %+v, %v", e, err)
		}
		if told, _ := u.set(nil); len(told) != 1 || told[0] == nil {
			t.Fatalf("told %v", told)
		}
		if err := r.Send(t.Context(), []byte{1}, w); !errors.Is(err, modem.ErrLost) {
			t.Errorf("sent: %v", err)
		}
		heard := make(chan modem.Event, 1)
		go func() {
			e, _ := r.Recv(t.Context())
			heard <- e
		}()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		var waits []time.Duration
		told, dialed := u.set(air)
		for _, at := range dialed {
			waits = append(waits, at.Sub(lost))
		}
		s := time.Second
		if want := []time.Duration{1 * s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 62 * s, 92 * s}; !slices.Equal(waits, want) {
			t.Errorf("dialed after %v, want %v", waits, want)
		}
		if len(told) != 8 || slices.Contains(told, nil) {
			t.Errorf("told %v", told)
		}
		time.Sleep(30 * s)
		if told, _ := u.set(air); !slices.Equal(told, []error{nil}) {
			t.Errorf("told %v when it is back", told)
		}
		go func() { _ = b.Send(t.Context(), []byte{1}, w) }()
		if e := <-heard; e.Kind != modem.CarrierOn {
			t.Errorf("heard %+v", e)
		}
		if err := r.Send(t.Context(), []byte{1}, w); err != nil {
			t.Errorf("sending when it is back: %v", err)
		}
	})
}

// A channel that begins anew has another beginning of time. Ours goes on.
func TestRadioTimeGoesOnOverARedial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast := func(scale float64) *modem.Channel {
			return modem.NewChannel(modem.ChannelConfig{Seed: 1, Clock: modem.Clock{Epoch: time.Now(), Scale: scale}})
		}
		w, _ := modem.Find(300, dts.ShortInterleaver)
		u := &unreliable{air: fast(10)}
		r := u.redial(t)
		time.Sleep(time.Hour)
		u.set(fast(20))
		u.now.Close()
		go func() {
			time.Sleep(10 * time.Second)
			air := fast(10)
			if told, _ := u.set(air); len(told) != 5 || slices.Contains(told, nil) {
				t.Errorf("took a channel of another speed: %v", told)
			}
			time.Sleep(time.Minute)
			_ = air.Station("B").Send(t.Context(), make([]byte, 100), w)
		}()
		for {
			e, err := r.Recv(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if now := r.Clock().Now(); now.Sub(e.At).Abs() > time.Millisecond || e.Kind == modem.Data && now.Sub(e.Start).Abs() > 10*time.Second {
				t.Errorf("%v at %v, began %v; now is %v", e.Kind, e.At, e.Start, now)
			}
			if e.Kind == modem.CarrierOff {
				return
			}
		}
	})
}

func TestClosedWhileItIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &unreliable{air: modem.NewChannel(modem.ChannelConfig{Seed: 1})}
		r := u.redial(t)
		u.set(nil)
		u.now.Close()
		done := make(chan error, 1)
		go func() {
			_, err := r.Recv(t.Context())
			done <- err
		}()
		time.Sleep(time.Minute)
		r.Close()
		if err := <-done; !errors.Is(err, modem.ErrClosed) {
			t.Errorf("got %v", err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if _, err := modem.Persist(ctx, u.dial, u.tell); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("persisted: %v", err)
		}
	})
}
