package ip

import (
	"crypto/tls"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// tcpOf finds the TCP connection below TLS.
func tcpOf(c net.Conn) *net.TCPConn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	t, _ := c.(*net.TCPConn)
	return t
}

// tune sets what a bad path needs: a probe of an idle connection each 300 s, and an end to one whose data nobody confirms.
func tune(c net.Conn, timeout time.Duration) {
	t := tcpOf(c)
	if t == nil {
		return
	}
	t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive / 4, Count: 4})
	raw, err := t.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		// RFC 5482.
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(timeout.Milliseconds()))
	})
}

// pending is what lies in the send buffer: not sent, or not confirmed by the peer's TCP.
func pending(c net.Conn) (n int, known bool) {
	t := tcpOf(c)
	if t == nil {
		return 0, false
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return 0, false
	}
	raw.Control(func(fd uintptr) {
		if v, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			n, known = v, true
		}
	})
	return n, known
}
