package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/board/boardtest"
	"longwire/links/sis"
)

// A channel may come later than its servers, and go and come again: clients stay bound, and hear of it.
func TestServersOutliveTheirChannel(t *testing.T) {
	dir, air := t.TempDir(), filepath.Join(t.TempDir(), "air")
	ports := []string{freePort(t), freePort(t)}
	var configs []string
	for i, p := range ports {
		configs = append(configs, write(t, dir, i+1, p, air))
		process(t, "run", "--config", configs[i])
	}
	until(t, "the servers wait", func() bool {
		for _, c := range configs {
			code, _, e := invoked(t, "status", "--config", c)
			if code != exitFailed || !strings.Contains(e, "waits for its modem") || !strings.Contains(e, "no such file") {
				return false
			}
		}
		return true
	})
	if code, _, e := invoked(t, "emcon", "on", "--config", configs[0]); code != exitOK {
		t.Errorf("EMCON while it waits: %d, %s", code, e)
	}
	control := filepath.Join(dir, "channel")
	channel := func() *exec.Cmd {
		t.Helper()
		_ = os.Remove(air) // a channel that was killed leaves its socket
		cmd, _ := process(t, "channel", "--listen", air, "--scale", "200", "--seed", "1", "--control", control)
		until(t, "the channel", func() bool { c, _, _ := invoked(t, "status", "--control", control); return c == exitOK })
		return cmd
	}
	ch := channel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	hears := func(c *sis.Client, want sis.SubnetAvailability) {
		t.Helper()
		if e, err := c.Recv(ctx); err != nil || e != want {
			t.Fatalf("heard %v, %v; want %v", e, err, want)
		}
	}
	clients := []*sis.Client{bind(t, ports[0], 0), bind(t, ports[1], 0)}
	hears(clients[0], sis.SubnetAvailability{Status: sis.ReceiveOnly, Reason: sis.AvailabilityEMCON})
	if code, _, e := invoked(t, "emcon", "off", "--config", configs[0]); code != exitOK {
		t.Errorf("EMCON: %d, %s", code, e)
	}
	hears(clients[0], sis.SubnetAvailability{Status: sis.NodeOn})
	talk := func() {
		t.Helper()
		errs := make(chan error, 2)
		for i, c := range clients {
			go func() { errs <- exchange(ctx, c, i+1, 2-i, 5) }()
		}
		for range clients {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
	}
	talk()
	for range 2 {
		_ = ch.Process.Kill()
		_ = ch.Wait()
		for _, c := range clients {
			hears(c, sis.SubnetAvailability{Status: sis.NodeOff})
		}
		if code, o, e := invoked(t, "status", "--config", configs[0]); code != exitOK || !strings.Contains(o, "off, its modem is lost") || !strings.Contains(o, "trying again") {
			t.Errorf("status: %d, %s%s", code, o, e)
		}
		ch = channel()
		for _, c := range clients {
			hears(c, sis.SubnetAvailability{Status: sis.NodeOn})
		}
		talk()
	}
}

// The plug of a modem at a serial line is pulled, and put in again.
func TestSerialModemIsPulledOut(t *testing.T) {
	dir := t.TempDir()
	line, port := filepath.Join(dir, "line"), freePort(t)
	master, slave := boardtest.Terminal(t)
	if err := os.Symlink(slave, line); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "c.toml")
	text := fmt.Sprintf("address = \"1.1.0.1\"\ncontrol = %q\n[clients]\nlisten = [%q]\n[modem]\ntype = \"serial\"\nport = %q\nptt = \"none\"\n", path+".control", port, line)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	process(t, "run", "--config", path)
	c := bind(t, port, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, want := range []sis.NodeStatus{sis.NodeOff, sis.NodeOn} {
		if want == sis.NodeOff {
			_ = os.Remove(line)
			_ = master.Close()
		} else {
			_, slave = boardtest.Terminal(t)
			if err := os.Symlink(slave, line); err != nil {
				t.Fatal(err)
			}
		}
		if e, err := c.Recv(ctx); err != nil || e != (sis.SubnetAvailability{Status: want}) {
			t.Fatalf("heard %v, %v; want %v", e, err, want)
		}
	}
}

func TestSystemdIsToldOfALostModem(t *testing.T) {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", socket.LocalAddr().String())
	s := &server{cfg: &Config{Address: "1.1.0.1"}, log: slog.New(slog.DiscardHandler)}
	for _, why := range []error{errors.New("gone\nfor now"), errors.New("gone\nfor now"), nil} {
		s.modemLost(why) // a repetition is told to nobody
	}
	b := make([]byte, 1000)
	_ = socket.SetReadDeadline(time.Now().Add(20 * time.Second))
	for _, want := range []string{"READY=1\nSTATUS=node 1.1.0.1 is off: gone; for now", "READY=1\nSTATUS=node 1.1.0.1"} {
		if n, err := socket.Read(b); err != nil || string(b[:n]) != want {
			t.Errorf("told %q, %v; want %q", b[:n], err, want)
		}
	}
}
