package sis_test

import (
	"io"
	"net"
	"testing"

	"longwire/links/sis/sistest"
)

// Serial ports and vsock, which package sis does not know, have the same Suite in tools/carriers.

func TestSuiteOverAPipe(t *testing.T) {
	sistest.Suite(t, false, func(*testing.T) (client, node io.ReadWriteCloser) { return net.Pipe() })
}

func TestSuiteOverANoisyPipe(t *testing.T) {
	noise := 0
	t.Cleanup(func() {
		if noise == 0 && !t.Failed() {
			t.Error("there was no noise")
		}
	})
	sistest.Suite(t, true, func(t *testing.T) (client, node io.ReadWriteCloser) {
		client, near := net.Pipe()
		node, far := net.Pipe()
		c := sistest.NewCable(near, far, 1)
		t.Cleanup(func() {
			near.Close()
			far.Close()
			noise += c.Wait()
		})
		return client, node
	})
}

func TestSuiteOverTCP(t *testing.T) {
	sistest.Suite(t, false, func(t *testing.T) (client, node io.ReadWriteCloser) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		client, err = net.Dial("tcp", l.Addr().String())
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
