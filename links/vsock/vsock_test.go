package vsock_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"longwire/links/vsock"
)

func TestAddresses(t *testing.T) {
	for s, want := range map[string][2]uint32{
		"2:5066":          {2, 5066},
		"host:5066":       {vsock.Host, 5066},
		"local:1024":      {vsock.Local, 1024},
		":5066":           {vsock.Any, 5066},
		"3:4294967294":    {3, 4294967294},
		"4294967294:5066": {4294967294, 5066},
	} {
		if cid, port, err := vsock.ParseAddress(s); err != nil || cid != want[0] || port != want[1] {
			t.Errorf("%s: %d %d %v", s, cid, port, err)
		}
	}
	for _, s := range []string{"", "5066", "2:", "2:0", "2:x", "guest:5066", "0:5066", "-1:5066", "4294967295:1", "3:4294967295", "3:4294967296", "1.2.3.4:5066", "2:5066:1"} {
		if cid, port, err := vsock.ParseAddress(s); err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("%q: %d %d %v", s, cid, port, err)
		}
	}
}

func TestAddressesThatCannotBe(t *testing.T) {
	if _, err := vsock.Dial(t.Context(), ":5066"); err == nil {
		t.Error("connected to any machine")
	}
	if _, err := vsock.Listen("x"); err == nil {
		t.Error("listens at x")
	}
	// No machine has two.
	if _, err := vsock.Listen("4294967294:5066"); err == nil || !strings.Contains(err.Error(), "load module") {
		t.Errorf("%v", err)
	}
}

func TestLoopback(t *testing.T) {
	l, err := vsock.Listen("local:50660")
	if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.Copy(conn, conn)
		conn.Close()
	}()
	conn, err := vsock.Dial(t.Context(), "local:50660")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, "there and back"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 14)
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "there and back" {
		t.Errorf("%q %v", b, err)
	}
	if _, err := vsock.Dial(t.Context(), "local:50661"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("nobody listens, and %v", err)
	}
}

func TestDialObeysContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if conn, err := vsock.Dial(ctx, "local:50662"); err == nil {
		conn.Close()
		t.Error("connected")
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("after %v", d)
	}
}
