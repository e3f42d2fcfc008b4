package modem

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/dts"
)

// A station of another process says when it sent by its own clock. What overlapped is decided by that, and not by when the
// message came; but not far back.
func TestStampsDecide(t *testing.T) {
	for _, c := range []struct {
		late  time.Duration // real time from the stamp to the message
		start time.Duration // radio time between the message and the signal
	}{
		{0, 500 * time.Millisecond},
		{time.Millisecond, 400 * time.Millisecond},
		{10 * time.Millisecond, -500 * time.Millisecond},
		{time.Hour, -9500 * time.Millisecond}, // 100 ms at most
		{-time.Hour, 500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			var seen Signal
			ch := NewChannel(ChannelConfig{Clock: Clock{Scale: 100}, Seed: 1, Observe: func(s Signal) { seen = s }})
			w, err := Find(300, dts.ShortInterleaver)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			a := ch.Station("a").(*radio)
			came := ch.cfg.Now()
			if err := a.send(t.Context(), came.Add(-c.late*100), make([]byte, 100), w, func(time.Time) {}); err != nil {
				t.Fatal(err)
			}
			if d := seen.Start.Sub(came); d != c.start {
				t.Errorf("%v late: on the air after %v, want %v", c.late, d, c.start)
			}
			// A clock that is behind must not let it overlap itself.
			end := seen.End
			if err := a.send(t.Context(), end.Add(-time.Second), nil, w, func(time.Time) {}); err != nil {
				t.Fatal(err)
			}
			if seen.Start.Before(end) {
				t.Errorf("the next begins %v before its end", end.Sub(seen.Start))
			}
		})
	}
}

// Two stations that send in the same moment collide, although the message of one comes when the other is on the air, and
// even when it comes after somebody looked.
func TestLateMessageCollides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := NewChannel(ChannelConfig{Clock: Clock{Scale: 100}, Seed: 1})
		w, err := Find(300, dts.ShortInterleaver)
		if err != nil {
			t.Fatal(err)
		}
		a, b, h := ch.Station("a").(*radio), ch.Station("b").(*radio), ch.Station("h")
		got := 0
		go func() {
			for {
				e, err := h.Recv(context.Background())
				if err != nil {
					return
				}
				got += len(e.Bits)
			}
		}()
		now := ch.cfg.Now()
		go a.send(context.Background(), time.Time{}, make([]byte, 100), w, func(time.Time) {})
		time.Sleep(9 * time.Millisecond) // 0.9 s: key-up is over, and the preamble on the air
		_ = b.send(t.Context(), now, make([]byte, 100), w, func(time.Time) {})
		time.Sleep(time.Second)
		h.Close()
		if s := ch.Stats(); s.Collisions != 1 || got != 0 {
			t.Errorf("%d bytes; %+v", got, s)
		}
	})
}

func TestSharedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := Clock{Epoch: time.Now(), Scale: 100}
		time.Sleep(time.Minute)
		asked := time.Now()
		time.Sleep(3 * time.Millisecond)
		p := packet{scale: 100, epoch: far.Epoch.UnixNano(), at: far.Now().Sub(far.Epoch)}
		time.Sleep(time.Millisecond)
		answered := time.Now()
		if d := sharedClock(&p, asked, answered).Now().Sub(far.Now()).Abs(); d > time.Microsecond {
			t.Errorf("on one machine %v apart", d)
		}
		p.epoch += int64(time.Hour) // a machine with another time
		c := sharedClock(&p, asked, answered)
		if d := c.Now().Sub(c.Epoch) - far.Now().Sub(far.Epoch); d.Abs() > 100*time.Millisecond+time.Microsecond {
			t.Errorf("on two machines %v apart", d)
		}
	})
}

func TestNames(t *testing.T) {
	c := NewChannel(ChannelConfig{MaxStations: 2})
	for _, name := range []string{"", string(make([]byte, 65)), "a\nb", "\xff"} {
		if _, err := c.Join(name); err == nil {
			t.Errorf("%q joined", name)
		}
	}
	for _, name := range []string{"a", "b"} {
		m, err := c.Join(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Join(name); err == nil {
			t.Error("two of one name")
		}
		m.Close()
	}
	if _, err := c.Join("c"); err == nil {
		t.Error("too many")
	}
	if _, err := c.Join("a"); err != nil {
		t.Errorf("coming back: %v", err)
	}
	if c.Stats().Seed == 0 {
		t.Error("the seed is not told")
	}
}
