package main

import (
	"io"
	"net"
	"syscall"
	"testing"
)

// Who stops s5066d before it has its modem is not told what is wrong with the modem.
func TestStoppedWhileItStarts(t *testing.T) {
	slow, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	cmd, said := process(t, "run", "--config", write(t, t.TempDir(), 1, freePort(t), slow.Addr().String()))
	conn, err := slow.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil { // it says hello, and waits for the answer
		t.Fatal(err)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil || said.Len() > 0 {
		t.Errorf("%v, said %q", err, said)
	}
}
