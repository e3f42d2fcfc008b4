package modem_test

import (
	"bytes"
	"context"
	"math/bits"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

func kinds(events []modem.Event) (s string) {
	for _, e := range events {
		s += map[modem.EventKind]string{modem.CarrierOn: "(", modem.Data: "d", modem.CarrierOff: ")"}[e.Kind]
	}
	return s
}

// errorsIn counts the bits in which b is not pattern.
func errorsIn(b []byte) (n int) {
	for i, v := range pattern(len(b)) {
		n += bits.OnesCount8(v ^ b[i])
	}
	return n
}

func TestHalfDuplexIsDeafWhileSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := modem.NewChannel(modem.ChannelConfig{Seed: 1})
		w := find(t, 300, dts.ShortInterleaver)
		a, b := c.Station("a"), c.Station("b")
		ha := listen(a)
		hb := listen(b)
		go b.Send(context.Background(), pattern(300), w) // on the air from 0.5 to 9.5 s
		time.Sleep(5 * time.Second)
		if err := a.Send(t.Context(), pattern(20), w); err != nil { // from 5.5 to 7.3
			t.Error(err)
		}
		time.Sleep(time.Minute)
		got := ha()
		// a reads until it keys, and later hears that b still sends.
		n := len(data(got))
		if k := kinds(got); k != "(dddddd)()" || n != 6*180/8 || errorsIn(data(got)) != 0 {
			t.Errorf("%s, %d bytes, %d wrong", k, n, errorsIn(data(got)))
		}
		if k := kinds(hb()); k != "" {
			t.Errorf("b heard %s", k)
		}
	})
}

// A collision takes the blocks it touches, and no others.
func TestCollisionTakesBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := modem.NewChannel(modem.ChannelConfig{Seed: 1, KeyUp: time.Millisecond})
		w := find(t, 300, dts.ShortInterleaver)
		a, b, h := c.Station("a"), c.Station("b"), c.Station("h")
		if err := c.SetAudible("a", "b", false); err != nil { // hidden from each other
			t.Fatal(err)
		}
		_ = c.SetAudible("b", "a", false)
		ha, hb, hh := listen(a), listen(b), listen(h)
		go a.Send(context.Background(), pattern(450), w) // 21 blocks
		time.Sleep(6*time.Second + 100*time.Millisecond)
		_ = b.Send(t.Context(), nil, w) // preamble and one block: 1.2 s over blocks 9, 10 and 11 of a
		time.Sleep(time.Minute)
		if ka, kb := kinds(ha()), kinds(hb()); ka+kb != "" {
			t.Errorf("the hidden hear %s and %s", ka, kb)
		}
		got := hh()
		if k := kinds(got); k != "(dddddddddddddddddddd)" {
			t.Errorf("%s", k)
		}
		all := data(got)
		at := func(block int) int { return block * 180 / 8 } // bytes
		first, last := -1, -1
		for i, v := range pattern(len(all)) {
			if v != all[i] {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		if first < at(9)-1 || first > at(9)+2 || last < at(12)-3 || last > at(12) {
			t.Errorf("bytes %d to %d are damaged", first, last)
		}
		if s := c.Stats(); s.Collisions != 1 || s.Stations[2].Lost != 3 || s.Stations[2].Blocks != 21 {
			t.Errorf("%+v", s)
		}
	})
}

func TestTurnaround(t *testing.T) {
	for _, turn := range []time.Duration{-1, 200 * time.Millisecond, 2 * time.Second, 8 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var seen []modem.Signal
			c := modem.NewChannel(modem.ChannelConfig{Seed: 1, Turnaround: turn, Observe: func(s modem.Signal) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, s)
			}})
			w := find(t, 600, dts.ShortInterleaver)
			a, b := c.Station("a"), c.Station("b")
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					e, err := b.Recv(context.Background())
					if err != nil || e.Kind == modem.CarrierOff {
						break
					}
				}
				if err := b.Send(context.Background(), pattern(16), w); err != nil {
					t.Error(err)
				}
			}()
			if err := a.Send(t.Context(), pattern(100), w); err != nil {
				t.Fatal(err)
			}
			<-done
			mu.Lock()
			defer mu.Unlock()
			want := max(0, turn)
			if least := w.Delay + min(max(0, turn)/4, 500*time.Millisecond); want < least {
				want = least // it cannot answer what it has not decoded
			}
			if gap := seen[1].Start.Sub(seen[0].End); gap != want {
				t.Errorf("turnaround %v: %v", turn, gap)
			}
		})
	}
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := modem.NewChannel(modem.ChannelConfig{Seed: 1})
		w := find(t, 300, dts.ShortInterleaver)
		a, b := c.Station("a"), c.Station("b")
		heard := listen(b)
		send := func(n int) {
			if err := a.Send(t.Context(), pattern(n), w); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Second)
		}
		time.AfterFunc(4*time.Second, func() { c.SetDown(true) })
		send(300) // cut off in the middle
		send(300) // into nothing
		time.AfterFunc(4*time.Second, func() { c.SetDown(false) })
		send(300) // its beginning is missing
		send(40)
		got := heard()
		if k := kinds(got); k != "(dddd)(dd)" { // 320 bits and the end of message are two blocks of 180
			t.Errorf("%s", k)
		}
		if n := len(data(got)); n != 4*180/8+40 {
			t.Errorf("%d bytes", n)
		}
	})
}

func TestBitsBeginAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := modem.NewChannel(modem.ChannelConfig{Seed: 1, Shift: true})
		w := find(t, 75, dts.ShortInterleaver)
		a, b := c.Station("a"), c.Station("b")
		heard := listen(b)
		want := dts.PDU{Type: dts.DataOnly, AddrSize: 7, From: 1<<24 | 1, To: 1<<24 | 2, Segment: []byte("in the middle of a byte")}
		msg, err := want.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		var starts []time.Time
		for range 20 {
			starts = append(starts, c.Clock().Now().Add(500*time.Millisecond+w.Preamble))
			if err := a.Send(t.Context(), msg, w); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		var scan dts.Scanner
		found, odd := 0, 0
		var first time.Time
		for _, e := range heard() {
			switch e.Kind {
			case modem.CarrierOn:
				first = time.Time{}
			case modem.Data:
				if first.IsZero() {
					first = e.Start
				}
				scan.Write(e.Bits)
			case modem.CarrierOff:
				scan.End()
			}
			for f, ok := scan.Next(); ok; f, ok = scan.Next() {
				if !bytes.Equal(f.PDU.Segment, want.Segment) || f.PDU.Damaged {
					t.Errorf("%q", f.PDU.Segment)
				}
				at := first.Add(time.Duration(f.Bit) * time.Second / 75)
				if d := at.Sub(starts[found]).Abs(); d > time.Microsecond {
					t.Errorf("%d: found %v from where it began", found, d)
				}
				if f.Bit%8 != 0 {
					odd++
				}
				found++
			}
		}
		if found != 20 || odd < 10 {
			t.Errorf("%d found, %d of them not at a byte", found, odd)
		}
	})
}

// play is an hour of three stations on a bad channel.
func play(t *testing.T, seed uint64) (events [][]modem.Event, seen modem.Stats) {
	synctest.Test(t, func(t *testing.T) {
		epoch := time.Now()
		c := modem.NewChannel(modem.ChannelConfig{Seed: seed, Shift: true, Blank: 0.5,
			Burst: modem.Burst{Good: 20 * time.Second, Bad: 2 * time.Second, GoodErrors: 1e-5, BadErrors: 0.01},
			Fade:  modem.Fade{Every: 30 * time.Second, Length: 2 * time.Second}})
		w := find(t, 600, dts.ShortInterleaver)
		var tasks sync.WaitGroup
		var stop []func() []modem.Event
		for i, name := range []string{"a", "b", "c"} {
			m := c.Station(name)
			stop = append(stop, listen(m))
			tasks.Go(func() {
				for n := range 40 {
					time.Sleep(time.Duration(40+13*i+n%3) * time.Second)
					if err := m.Send(context.Background(), pattern(400), w); err != nil {
						t.Error(err)
					}
				}
			})
		}
		tasks.Wait()
		time.Sleep(time.Minute)
		for _, f := range stop {
			got := f()
			for i := range got {
				got[i].At = time.Unix(0, int64(got[i].At.Sub(epoch)))
				if !got[i].Start.IsZero() {
					got[i].Start = time.Unix(0, int64(got[i].Start.Sub(epoch)))
				}
			}
			events = append(events, got)
		}
		seen = c.Stats()
	})
	return events, seen
}

func TestSameSeedSameRun(t *testing.T) {
	one, first := play(t, 7)
	for range 3 {
		again, second := play(t, 7)
		if !reflect.DeepEqual(one, again) || !reflect.DeepEqual(first, second) {
			t.Fatal("the same seed gave another run")
		}
	}
	if other, _ := play(t, 8); reflect.DeepEqual(one, other) {
		t.Error("another seed gave the same run")
	}
	if first.Transmissions != 120 || first.Collisions == 0 || first.Stations[0].Lost == 0 {
		t.Errorf("%+v", first)
	}
}

// What gets lost is what the models say.
func TestBurstAndFadeStatistics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := modem.NewChannel(modem.ChannelConfig{Seed: 3, Burst: modem.Burst{Good: 9 * time.Second, Bad: time.Second, BadErrors: 0.05},
			Fade: modem.Fade{Every: 57 * time.Second, Length: 3 * time.Second}})
		w := find(t, 2400, dts.ShortInterleaver)
		a, b := c.Station("a"), c.Station("b")
		var wrong, good, damaged, total int
		stop := make(chan struct{})
		offset := 0
		go func() {
			defer close(stop)
			for {
				e, err := b.Recv(context.Background())
				switch {
				case err != nil:
					return
				case e.Kind == modem.CarrierOn:
					offset = 0
				case e.Kind == modem.Data:
					n := 0
					for i, v := range e.Bits {
						k := offset + i
						n += bits.OnesCount8(v ^ byte(k*7+k>>8))
					}
					offset += len(e.Bits)
					total++
					switch {
					case n > 2*len(e.Bits): // noise: half of the bits are wrong
						damaged++
					default:
						wrong += n
						good += 8 * len(e.Bits)
					}
				}
			}
		}()
		for range 300 {
			if err := a.Send(t.Context(), pattern(30000), w); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		b.Close()
		<-stop
		// One tenth of the time is bad, and one bit of 20 there.
		if rate := float64(wrong) / float64(good); rate < 0.0045 || rate > 0.0055 {
			t.Errorf("bit error rate %.5f, want 0.005", rate)
		}
		// A twentieth of the time is faded; fades take some blocks they touch by their ends, beyond a quarter.
		if share := float64(damaged) / float64(total); share < 0.045 || share > 0.065 {
			t.Errorf("%.4f of the blocks are lost, want about 0.055", share)
		}
	})
}

func TestBlankBlocksAreNotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := modem.NewChannel(modem.ChannelConfig{Seed: 3, Blank: 1, Fade: modem.Fade{Every: 10 * time.Second, Length: 2 * time.Second}})
		w := find(t, 300, dts.ShortInterleaver)
		a, b := c.Station("a"), c.Station("b")
		heard := listen(b)
		for range 20 {
			if err := a.Send(t.Context(), pattern(2000), w); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
		}
		// What comes is right, and Start tells where it belongs.
		var first time.Time
		n := 0
		for _, e := range heard() {
			if e.Kind != modem.Data {
				first = time.Time{}
				continue
			}
			if first.IsZero() {
				first = e.Start
			}
			n += len(e.Bits)
		}
		s := c.Stats().Stations[1]
		if s.Lost == 0 || n >= 20*2000 || n < 20*1000 || uint64(8*n) != s.Heard {
			t.Errorf("%d bytes, %+v", n, s)
		}
	})
}

// A modem that nobody reads does not fill memory, and its carrier events stay in pairs.
func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := modem.NewChannel(modem.ChannelConfig{Seed: 1})
		w := find(t, 9600, dts.ShortInterleaver)
		a, b := c.Station("a"), c.Station("b")
		for range 700 {
			if err := a.Send(t.Context(), pattern(10000), w); err != nil {
				t.Fatal(err)
			}
		}
		if s := c.Stats().Stations[1]; s.Overruns == 0 {
			t.Errorf("%+v", s)
		}
		heard := listen(b)
		time.Sleep(time.Minute)
		on := false
		got := heard()
		for i, e := range got {
			if e.Kind == modem.Data && !on || e.Kind == modem.CarrierOn && on || e.Kind == modem.CarrierOff && !on {
				t.Fatalf("event %d of %d: %v", i, len(got), e.Kind)
			}
			on = e.Kind != modem.CarrierOff
		}
		if len(got) > 4100 || on {
			t.Errorf("%d events", len(got))
		}
	})
}
