package carriers_test

import (
	"errors"
	"io"
	"syscall"
	"testing"

	"longwire/board"
	"longwire/board/boardtest"
	"longwire/links/sis/sistest"
	"longwire/links/vsock"
)

func port(t *testing.T, name string) *board.Port {
	t.Helper()
	p, err := board.Open(board.PortConfig{Name: name, Baud: 115200})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// One end is a program that holds the master, as an emulator does.
func TestSuiteOverASerialPort(t *testing.T) {
	sistest.Suite(t, true, func(t *testing.T) (client, node io.ReadWriteCloser) {
		master, slave := boardtest.Terminal(t)
		return port(t, slave), master
	})
}

// Two ports and a cable that adds noise.
func TestSuiteOverANoisySerialLine(t *testing.T) {
	noise := 0
	t.Cleanup(func() {
		if noise == 0 && !t.Failed() {
			t.Error("there was no noise")
		}
	})
	sistest.Suite(t, true, func(t *testing.T) (client, node io.ReadWriteCloser) {
		near, nearSlave := boardtest.Terminal(t)
		far, farSlave := boardtest.Terminal(t)
		client, node = port(t, nearSlave), port(t, farSlave)
		c := sistest.NewCable(near, far, 1)
		t.Cleanup(func() {
			near.Close()
			far.Close()
			noise += c.Wait()
		})
		return client, node
	})
}

func TestSuiteOverVsock(t *testing.T) {
	const address = "local:50665"
	l, err := vsock.Listen(address)
	if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Skipf("NOT TESTED, the suite over vsock: %v. 'modprobe vsock_loopback' makes it run here; else run this test in a guest whose kernel has CONFIG_VSOCKETS_LOOPBACK.", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sistest.Suite(t, false, func(t *testing.T) (client, node io.ReadWriteCloser) {
		client, err := vsock.Dial(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		node, err = l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return client, node
	})
}
