package modem_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

// A box is a modem with a serial line, made of memory: it notes what comes and when.
type box struct {
	line net.Conn
	mu   sync.Mutex
	keys []string // what was switched, with the time
	got  []byte
	at   []time.Time // of each byte
	born time.Time
	cts  time.Duration // after RTS
	up   time.Time
}

func (b *box) Key(on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	word := "off"
	if b.up = (time.Time{}); on {
		word, b.up = "on", time.Now()
	}
	b.keys = append(b.keys, word+" "+time.Since(b.born).Round(time.Millisecond).String())
	return nil
}

// A handshake is a box with CTS.
type handshake struct{ *box }

func (h handshake) Clear() (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.up.IsZero() && time.Since(h.up) >= h.cts, nil
}

func (b *box) run() {
	buf := make([]byte, 4096)
	for {
		n, err := b.line.Read(buf)
		if err != nil {
			return
		}
		b.mu.Lock()
		for _, v := range buf[:n] {
			b.got = append(b.got, v)
			b.at = append(b.at, time.Now())
		}
		b.mu.Unlock()
	}
}

func newBox(t *testing.T) (*box, net.Conn) {
	near, far := net.Pipe()
	b := &box{line: far, born: time.Now(), cts: 600 * time.Millisecond}
	go b.run()
	t.Cleanup(func() { far.Close() })
	return b, near
}

func newSerial(t *testing.T, cfg modem.SerialConfig) *modem.Serial {
	t.Helper()
	s, err := modem.NewSerial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSerialSendsAtTheRateOfTheAir(t *testing.T) {
	for _, rate := range []int{75, 300, 2400, 4800} {
		synctest.Test(t, func(t *testing.T) {
			b, line := newBox(t)
			w := find(t, rate, dts.ShortInterleaver)
			s := newSerial(t, modem.SerialConfig{Line: line, Waveform: w, Keyer: handshake{b}})
			defer s.Close()
			msg := pattern(rate) // 8 s
			if err := s.Send(t.Context(), msg, w); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.got, msg) {
				t.Fatalf("%d bytes of %d", len(b.got), len(msg))
			}
			// CTS came after 0.6 s; from there on the air takes bytes at its rate.
			clear := b.born.Add(b.cts)
			for i, at := range b.at {
				due := clear.Add(time.Duration(8*i) * time.Second / time.Duration(rate))
				if ahead := due.Sub(at); ahead < 0 || ahead > time.Second {
					t.Fatalf("rate %d: byte %d came %v ahead of the air", rate, i, ahead)
				}
			}
			if over := time.Since(clear); over < w.Air(8*len(msg)) || over > w.Air(8*len(msg))+50*time.Millisecond {
				t.Errorf("rate %d: over after %v, not %v", rate, over, w.Air(8*len(msg)))
			}
			if len(b.keys) < 3 || b.keys[0] != "off 0s" || b.keys[1] != "on 0s" || !strings.HasPrefix(b.keys[2], "off ") {
				t.Errorf("keyed %v", b.keys)
			}
		})
	}
}

func TestSerialKeysTheRadioToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, line := newBox(t)
		w := find(t, 300, dts.ShortInterleaver)
		s := newSerial(t, modem.SerialConfig{Line: line, Waveform: w, Keyer: b, Radio: true})
		defer s.Close()
		if err := s.Send(t.Context(), pattern(100), w); err != nil {
			t.Fatal(err)
		}
		// 0.2 s of key-up, 0.6 of preamble, five blocks of 180 bits for 832.
		if got := strings.Join(b.keys, ", "); got != "off 0s, on 0s, off 3.8s" {
			t.Error(got)
		}
	})
}

func TestSerialAlwaysUnkeys(t *testing.T) {
	for name, play := range map[string]func(t *testing.T, s *modem.Serial, b *box, w modem.Waveform) error{
		"broken off": func(t *testing.T, s *modem.Serial, b *box, w modem.Waveform) error {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			return s.Send(ctx, pattern(1000), w)
		},
		"closed": func(t *testing.T, s *modem.Serial, b *box, w modem.Waveform) error {
			time.AfterFunc(3*time.Second, func() { s.Close() })
			return s.Send(t.Context(), pattern(1000), w)
		},
		"the line ends": func(t *testing.T, s *modem.Serial, b *box, w modem.Waveform) error {
			time.AfterFunc(3*time.Second, func() { b.line.Close() })
			return s.Send(t.Context(), pattern(1000), w)
		},
		"no CTS": func(t *testing.T, s *modem.Serial, b *box, w modem.Waveform) error {
			b.cts = time.Hour
			return s.Send(t.Context(), pattern(10), w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, line := newBox(t)
				w := find(t, 300, dts.ShortInterleaver)
				s := newSerial(t, modem.SerialConfig{Line: line, Waveform: w, Keyer: handshake{b}})
				defer s.Close()
				if err := play(t, s, b, w); err == nil {
					t.Error("no error")
				}
				if d := time.Since(b.born); d > 6*time.Second {
					t.Errorf("after %v", d)
				}
				if last := b.keys[len(b.keys)-1]; !strings.HasPrefix(last, "off") {
					t.Errorf("keyed %v", b.keys)
				}
			})
		})
	}
}

func TestSerialHearsSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, line := newBox(t)
		w := find(t, 1200, dts.ShortInterleaver)
		s := newSerial(t, modem.SerialConfig{Line: line, Waveform: w})
		events := listen(s)
		time.Sleep(time.Hour) // nothing
		first := time.Now()
		for i := range 4 { // blocks of 90 bytes leave the decoder every 0.6 s
			time.Sleep(600*time.Millisecond - time.Since(first)%(600*time.Millisecond))
			b.line.Write(pattern(90 * (i + 1))[90*i:])
		}
		last := time.Now()
		time.Sleep(10 * time.Second)
		b.line.Write([]byte("next"))
		time.Sleep(10 * time.Second)
		got := events()
		if want := append(pattern(360), "next"...); !bytes.Equal(data(got), want) {
			t.Errorf("%d bytes", len(data(got)))
		}
		var kinds []string
		for _, e := range got {
			kinds = append(kinds, e.Kind.String())
		}
		if k := strings.Join(kinds, ", "); k != "carrier on, data, data, data, data, carrier off, carrier on, data, carrier off" {
			t.Fatal(k)
		}
		for i, e := range got[1:5] {
			// A block's first bit was on the air a block and the decoder's delay before it came out, and the line takes its time.
			if late := e.At.Sub(e.Start) - w.Block - w.Delay; late < 0 || late > 200*time.Millisecond {
				t.Errorf("block %d: %v beyond the modem's delay", i, late)
			}
		}
		if off := got[5].At.Sub(last); off != 970*time.Millisecond {
			t.Errorf("silence of %v", off)
		}
	})
}

func TestSerialHearsNoEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, line := newBox(t)
		w := find(t, 300, dts.ShortInterleaver)
		s := newSerial(t, modem.SerialConfig{Line: line, Waveform: w, Keyer: b})
		events := listen(s)
		b.line.Write([]byte("heard"))
		time.Sleep(300 * time.Millisecond)
		time.AfterFunc(time.Second, func() { b.line.Write([]byte("echo")) })
		if err := s.Send(t.Context(), pattern(100), w); err != nil {
			t.Fatal(err)
		}
		got := events()
		if string(data(got)) != "heard" || len(got) != 3 || got[2].Kind != modem.CarrierOff || got[2].At.Sub(got[0].At) != 300*time.Millisecond {
			t.Errorf("%v", got)
		}
	})
}

func TestSerialRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, line := newBox(t)
		w := find(t, 300, dts.ShortInterleaver)
		s := newSerial(t, modem.SerialConfig{Line: line, Waveform: w})
		if err := s.Send(t.Context(), pattern(1), find(t, 600, dts.ShortInterleaver)); err == nil || !strings.Contains(err.Error(), "110A 300 short") {
			t.Error(err)
		}
		s.Close()
		if err := s.Send(t.Context(), pattern(1), w); !errors.Is(err, modem.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
		if _, err := s.Recv(t.Context()); !errors.Is(err, modem.ErrClosed) {
			t.Error(err)
		}
		if _, err := modem.NewSerial(modem.SerialConfig{Line: line, Waveform: find(t, 9600, dts.ShortInterleaver), Baud: 9600}); err == nil {
			t.Error("a line slower than the air")
		}
	})
}

func TestSerialWithCarrierDetect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, line := newBox(t)
		w := find(t, 1200, dts.LongInterleaver)
		var mu sync.Mutex
		up := false
		carrier := func(on bool) {
			mu.Lock()
			defer mu.Unlock()
			up = on
		}
		s := newSerial(t, modem.SerialConfig{Line: line, Waveform: w, DCD: func() (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			return up, nil
		}})
		events := listen(s)
		time.Sleep(time.Minute)
		began := time.Now()
		carrier(true) // after the preamble
		for range 2 {
			time.Sleep(w.Block)
			b.line.Write(pattern(720))
		}
		carrier(false)
		ended := time.Now()
		time.Sleep(time.Minute)
		got := events()
		if k := kinds(got); k != "(dd)" {
			t.Fatal(k)
		}
		if d := got[0].At.Sub(began); d > 100*time.Millisecond {
			t.Errorf("noticed after %v", d)
		}
		if d := got[3].At.Sub(ended); d < w.Delay || d > time.Second {
			t.Errorf("over after %v", d)
		}
	})
}
