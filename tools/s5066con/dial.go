package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/settings"
)

// A dialer opens carriers to one server.
type dialer struct {
	dial  func(context.Context) (io.ReadWriteCloser, error)
	noisy bool // a serial line
}

// dial is the way to a server of any network that this build has.
func dial(v settings.Server) (dialer, error) {
	switch v.Network {
	case "", "tcp":
		address := v.Address
		if _, _, err := net.SplitHostPort(address); err != nil {
			address = net.JoinHostPort(address, strconv.Itoa(sis.DefaultPort))
		}
		return dialer{dial: func(ctx context.Context) (io.ReadWriteCloser, error) {
			d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4}}
			return d.DialContext(ctx, "tcp", address)
		}}, nil
	}
	return dialer{}, fmt.Errorf("s5066con: server %q is on network %q, which this build cannot reach; there is tcp", v.Name, v.Network)
}
