package modem_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

// serve puts a channel on a socket.
func serve(t *testing.T, c *modem.Channel, network string) string {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "ether")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.ServeEther(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, address, name string) modem.Modem {
	t.Helper()
	m, err := modem.DialEther(t.Context(), address, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// until receives up to and with the next event of a kind.
func until(t *testing.T, m modem.Modem, kind modem.EventKind) (events []modem.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		e, err := m.Recv(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if events = append(events, e); e.Kind == kind {
			return events
		}
	}
}

func TestEtherJoinsProcesses(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			c := modem.NewChannel(modem.ChannelConfig{Clock: modem.Clock{Scale: 200}, Seed: 1})
			address := serve(t, c, network)
			a, b := dial(t, address, "a"), dial(t, address, "b")
			if d := a.Clock().Now().Sub(c.Clock().Now()).Abs(); a.Clock().Scale != 200 || d > 5*time.Second {
				t.Errorf("clocks are %v apart", d)
			}
			w := find(t, 1200, dts.ShortInterleaver)
			for i, way := range [][2]modem.Modem{{a, b}, {b, a}, {a, b}} {
				msg := pattern(500 + i)
				sent := a.Clock().Now()
				if err := way[0].Send(t.Context(), msg, w); err != nil {
					t.Fatal(err)
				}
				took := a.Clock().Now().Sub(sent)
				events := until(t, way[1], modem.CarrierOff)
				if !bytes.Equal(data(events), msg) {
					t.Errorf("%d bytes became %d", len(msg), len(data(events)))
				}
				if took < w.Air(8*len(msg)) || events[1].Waveform != w || events[1].Start.Sub(sent) < w.Preamble {
					t.Errorf("took %v; %+v", took, events[1])
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond) // 6 s on the air
			defer cancel()
			if err := a.Send(ctx, pattern(10000), w); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if n := len(data(until(t, b, modem.CarrierOff))); n > 3000 {
				t.Errorf("%d bytes of a signal that was broken off", n)
			}
			if err := a.Send(t.Context(), pattern(10), w); err != nil {
				t.Error(err)
			}
			if s := c.Stats(); s.Transmissions != 5 || s.Collisions != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestEtherNameIsOneStations(t *testing.T) {
	c := modem.NewChannel(modem.ChannelConfig{Seed: 1})
	address := serve(t, c, "tcp")
	a := dial(t, address, "a")
	if _, err := modem.DialEther(t.Context(), address, "a"); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("%v", err)
	}
	a.Close()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		m, err := modem.DialEther(t.Context(), address, "a")
		if err == nil {
			m.Close()
			return
		}
		if time.Since(start) > 10*time.Second {
			t.Fatal(err)
		}
	}
}

// A process that dies is a transmitter without power.
func TestEtherCutEndsTheSignal(t *testing.T) {
	c := modem.NewChannel(modem.ChannelConfig{Clock: modem.Clock{Scale: 100}, Seed: 1})
	address := serve(t, c, "unix")
	a, b := dial(t, address, "a"), dial(t, address, "b")
	w := find(t, 300, dts.ShortInterleaver)
	done := make(chan error)
	go func() { done <- a.Send(context.Background(), pattern(4000), w) }() // 107 s
	until(t, b, modem.Data)
	a.Close()
	if err := <-done; !errors.Is(err, modem.ErrClosed) {
		t.Error(err)
	}
	until(t, b, modem.CarrierOff)
	if s := c.Stats(); s.Keyed > time.Minute {
		t.Errorf("keyed %v", s.Keyed)
	}
}

func TestEtherClosesWithBothEnds(t *testing.T) {
	c := modem.NewChannel(modem.ChannelConfig{Seed: 1})
	ctx, cancel := context.WithCancel(t.Context())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- c.ServeEther(ctx, l) }()
	m := dial(t, l.Addr().String(), "a")
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := m.Recv(t.Context()); err == nil || errors.Is(err, modem.ErrClosed) {
		t.Errorf("%v", err)
	}
	if err := m.Send(t.Context(), pattern(10), find(t, 300, dts.ShortInterleaver)); err == nil {
		t.Error("sent on a lost connection")
	}
}

func TestEtherBadInput(t *testing.T) {
	hello := "\x00\x00\x00\x0bLWEther\x01\x01" // without its size byte's text
	good := "\x00\x00\x00\x0b\x01LWEther\x01\x01x"
	for name, input := range map[string]string{
		"other protocol":    "GET / HTTP/1.1\r\n\r\n",
		"nothing":           "",
		"no kind":           "\x00\x00\x00\x00",
		"too large":         "\x7f\xff\xff\xff\x01",
		"cut short":         good[:9],
		"wrong magic":       hello,
		"name of no byte":   "\x00\x00\x00\x0a\x01LWEther\x01\x00",
		"second hello":      good + good,
		"unknown kind":      good + "\x00\x00\x00\x01\x63",
		"send without bits": good + "\x00\x00\x00\x05\x04\x00\x00\x00\x01",
		"events from it":    good + "\x00\x00\x00\x02\x07\x01",
	} {
		t.Run(name, func(t *testing.T) {
			c := modem.NewChannel(modem.ChannelConfig{Seed: 1})
			address := serve(t, c, "tcp")
			other := dial(t, address, "other")
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, input); err != nil {
				t.Fatal(err)
			}
			_ = conn.(*net.TCPConn).CloseWrite()
			_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) || err != nil && strings.Contains(err.Error(), "timeout") {
				t.Errorf("it was not cut off: %v", err)
			}
			// The others go on.
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := other.Send(ctx, nil, find(t, 9600, dts.ShortInterleaver)); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}

func TestEtherOtherVersion(t *testing.T) {
	address := serve(t, modem.NewChannel(modem.ChannelConfig{Seed: 1}), "tcp")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "\x00\x00\x00\x09\x01LWEther\x03")
	b, err := io.ReadAll(conn)
	if err != nil || !bytes.Contains(b, []byte("version 3 is not spoken here")) {
		t.Errorf("%q %v", b, err)
	}
}
