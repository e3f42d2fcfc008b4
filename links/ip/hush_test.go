//go:build linux

package ip

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"longwire/links"
)

func TestHushStopsProbes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := newLink(Config{}.orDefault(), nil, nil, nil).session(conn)
	defer s.Close(nil)
	for _, on := range []bool{true, false} {
		var h links.Husher = s
		h.Hush(on)
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) {
			if v, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE); err != nil || (v == 0) != on {
				t.Errorf("hushed %v: SO_KEEPALIVE %d, %v", on, v, err)
			}
		})
	}
}
