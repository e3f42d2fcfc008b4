package modem_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

func find(t testing.TB, rate int, il dts.Interleaver) modem.Waveform {
	t.Helper()
	w, err := modem.Find(rate, il)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// listen gathers what a modem hears until it is closed.
func listen(m modem.Modem) (events func() []modem.Event) {
	var got []modem.Event
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			e, err := m.Recv(context.Background())
			if err != nil {
				return
			}
			got = append(got, e)
		}
	}()
	return func() []modem.Event {
		m.Close()
		<-done
		return got
	}
}

func data(events []modem.Event) (b []byte) {
	for _, e := range events {
		b = append(b, e.Bits...)
	}
	return b
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func TestSignalAsTheFormulaSays(t *testing.T) {
	for _, rate := range []int{75, 150, 300, 600, 1200, 2400, 3200, 4800, 6400, 8000, 9600} {
		for _, il := range []dts.Interleaver{dts.ShortInterleaver, dts.LongInterleaver} {
			w := find(t, rate, il)
			t.Run(w.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { onTime(t, w) })
			})
		}
	}
}

func onTime(t *testing.T, w modem.Waveform) {
	c := modem.NewChannel(modem.ChannelConfig{Seed: 1})
	a, b := c.Station("a"), c.Station("b")
	events := listen(b)
	msg := pattern(222)
	keyed := time.Now()
	if err := a.Send(t.Context(), msg, w); err != nil {
		t.Fatal(err)
	}
	// Spec: preamble, and as many whole blocks as data and end of message need.
	bits := w.Rate * int(w.Block) / int(time.Second)
	blocks := (8*len(msg) + 32 + bits - 1) / bits
	start := keyed.Add(500 * time.Millisecond)
	end := start.Add(w.Preamble + time.Duration(blocks)*w.Block)
	if took := time.Since(start); took != end.Sub(start) {
		t.Errorf("on the air for %v, want %v", took, end.Sub(start))
	}
	time.Sleep(time.Minute)
	heard := events()
	if !bytes.Equal(data(heard), msg) {
		t.Errorf("% X\nbecame % X", msg, data(heard))
	}
	if e := heard[0]; e.Kind != modem.CarrierOn || e.Waveform != w || !e.At.Equal(start.Add(200*time.Millisecond)) {
		t.Errorf("first %+v", e)
	}
	if e := heard[len(heard)-1]; e.Kind != modem.CarrierOff || !e.At.Equal(end.Add(w.Delay)) {
		t.Errorf("last %+v, want off at %v", e, end.Add(w.Delay))
	}
	first := 0
	for i, e := range heard[1 : len(heard)-1] {
		late := e.At.Sub(start) - w.Preamble - w.Delay
		if e.Kind != modem.Data || e.Waveform != w || late != w.Block*time.Duration(i+1) {
			t.Errorf("%d: %v came after %v of data", i, e.Kind, late)
		}
		want := start.Add(w.Preamble + time.Duration(first)*time.Second/time.Duration(w.Rate))
		if d := e.Start.Sub(want); d < -time.Millisecond || d > time.Millisecond {
			t.Errorf("%d: began at %v, want %v", i, e.Start, want)
		}
		first += 8 * len(e.Bits)
	}
	s := c.Stats()
	if s.Transmissions != 1 || s.Keyed != end.Sub(start) || s.Bits != 8*222 || s.Collisions != 0 {
		t.Errorf("%+v", s)
	}
}

func TestTwoAtOnceHearNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := modem.NewChannel(modem.ChannelConfig{Seed: 1})
		w := find(t, 300, dts.ShortInterleaver)
		a, b, third := c.Station("a"), c.Station("b"), c.Station("third")
		ha, hb, h3 := listen(a), listen(b), listen(third)
		go a.Send(context.Background(), pattern(100), w)
		time.Sleep(300 * time.Millisecond)
		if err := b.Send(t.Context(), pattern(100), w); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		for name, events := range map[string][]modem.Event{"a": ha(), "b": hb()} {
			if len(events) > 2 || len(data(events)) > 0 {
				t.Errorf("%s heard %v", name, events)
			}
		}
		// The third knows that somebody spoke.
		if e := h3(); len(e) != 2 || e[0].Kind != modem.CarrierOn || e[1].Kind != modem.CarrierOff {
			t.Errorf("third heard %v", e)
		}
		if s := c.Stats(); s.Collisions != 1 || s.Stations[0].Collisions != 1 || s.Stations[1].Collisions != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := modem.NewChannel(modem.ChannelConfig{Seed: 1})
		w := find(t, 300, dts.ShortInterleaver)
		a, b := c.Station("a"), c.Station("b")
		events := listen(b)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		if err := a.Send(ctx, pattern(1000), w); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Fatal(err, time.Since(start))
		}
		time.Sleep(time.Minute)
		// 5 s less key-up and preamble are 6.5 blocks of 180 bits.
		got := events()
		if n := len(data(got)); n != 6*180/8 || !bytes.Equal(data(got), pattern(1000)[:n]) {
			t.Errorf("%d bytes", n)
		}
		if off := got[len(got)-1]; off.Kind != modem.CarrierOff || off.At.Sub(start) > 6*time.Second {
			t.Errorf("%+v", off)
		}
		if s := c.Stats(); s.Keyed != 4500*time.Millisecond {
			t.Errorf("keyed %v", s.Keyed)
		}
	})
}
