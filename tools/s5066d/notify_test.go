package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/links/modem"
)

func TestSystemdIsTold(t *testing.T) {
	dir := t.TempDir()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", socket.LocalAddr().String())
	t.Setenv("WATCHDOG_USEC", "100000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	air := modem.NewChannel(modem.ChannelConfig{Seed: 1})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- air.ServeEther(ctx, l) }()
	defer func() { stop(); <-served }()
	running, halt := context.WithCancel(ctx)
	defer halt()
	ended := make(chan int, 1)
	go func() {
		var out, said strings.Builder
		ended <- run(running, []string{"run", "--config", write(t, dir, 1, "127.0.0.1:0", l.Addr().String())}, &out, &said)
	}()
	want := []string{"READY=1\nSTATUS=node 1.1.0.1", "WATCHDOG=1", "STOPPING=1"}
	b := make([]byte, 1000)
	_ = socket.SetReadDeadline(time.Now().Add(20 * time.Second))
	for len(want) > 0 {
		n, err := socket.Read(b)
		if err != nil {
			t.Fatalf("waiting for %q: %v", want[0], err)
		}
		if string(b[:n]) == want[0] {
			if want = want[1:]; len(want) == 1 {
				halt()
			}
		}
	}
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d", code)
	}
}
