package modem

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/dts"
)

// When nothing is on the air, nothing is going to happen, and Recv has no timer.
func TestIdleHasNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewChannel(ChannelConfig{Seed: 1, Fade: Fade{Every: time.Second, Length: time.Second}})
		w, err := Find(300, dts.ShortInterleaver)
		if err != nil {
			t.Fatal(err)
		}
		a, b := c.Station("a"), c.Station("b")
		woken := 0
		go func() {
			for {
				if _, err := b.Recv(context.Background()); err != nil {
					return
				}
				woken++
			}
		}()
		if err := a.Send(t.Context(), make([]byte, 100), w); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		c.mu.Lock()
		next, some := c.stations["b"].nextLocked()
		c.mu.Unlock()
		if some || woken == 0 {
			t.Errorf("after %d events something happens at %v", woken, next)
		}
		// A year later the fades, which nobody watched, are worked out at once.
		time.Sleep(365 * 24 * time.Hour)
		if err := a.Send(t.Context(), make([]byte, 100), w); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		b.Close()
	})
}

func TestScaledClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Clock{Epoch: time.Now(), Scale: 200}
		later := c.Now().Add(10 * time.Minute)
		time.Sleep(c.Until(later))
		if now := c.Now(); now.Before(later) || now.Sub(later) > time.Microsecond {
			t.Errorf("woke %v from then", now.Sub(later))
		}
		if took := time.Since(c.Epoch).Round(time.Millisecond); took != 3*time.Second {
			t.Errorf("ten minutes took %v", took)
		}
		if d := (Clock{}).Real(time.Second); d != time.Second {
			t.Errorf("%v", d)
		}
	})
}
