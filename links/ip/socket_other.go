//go:build !linux

package ip

import (
	"net"
	"time"
)

func tcpOf(c net.Conn) *net.TCPConn {
	t, _ := c.(*net.TCPConn)
	return t
}

func tune(c net.Conn, _ time.Duration) {
	if t := tcpOf(c); t != nil {
		t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive / 4, Count: 4})
	}
}

func pending(net.Conn) (int, bool) { return 0, false }
