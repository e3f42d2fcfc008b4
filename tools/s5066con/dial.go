package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"longwire/links/sis"
	"longwire/links/vsock"
	"longwire/tools/s5066con/settings"
)

// A dialer opens carriers to one server.
type dialer struct {
	dial  func(context.Context) (io.ReadWriteCloser, error)
	noisy bool // a serial line
}

// dial is the way to a server. What is wrong with its address is said before anything is opened.
func dial(v settings.Server) (dialer, error) {
	switch v.Network {
	case "", "tcp":
		address := v.Address
		if _, _, err := net.SplitHostPort(address); err != nil {
			address = net.JoinHostPort(strings.Trim(address, "[]"), strconv.Itoa(sis.DefaultPort))
		}
		return dialer{dial: func(ctx context.Context) (io.ReadWriteCloser, error) {
			d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4}}
			return orNil(d.DialContext(ctx, "tcp", address))
		}}, nil
	case "vsock":
		address := v.Address
		if !strings.Contains(address, ":") {
			address += ":" + strconv.Itoa(sis.DefaultPort)
		}
		if _, _, err := vsock.ParseAddress(address); err != nil {
			return dialer{}, err
		}
		return dialer{dial: func(ctx context.Context) (io.ReadWriteCloser, error) { return orNil(vsock.Dial(ctx, address)) }}, nil
	case "serial":
		name, speed, given := strings.Cut(v.Address, "@")
		baud := 9600
		if given {
			var err error
			if baud, err = strconv.Atoi(speed); err != nil || baud < 1 {
				return dialer{}, fmt.Errorf("s5066con: %q is no serial line like /dev/ttyUSB0@9600", v.Address)
			}
		}
		return dialer{dial: func(context.Context) (io.ReadWriteCloser, error) { return openSerial(name, baud) }, noisy: true}, nil
	}
	return dialer{}, fmt.Errorf("s5066con: there is no network %q; there are tcp, serial and vsock", v.Network)
}

// orNil keeps a nil pointer from becoming a carrier.
func orNil[C io.ReadWriteCloser](c C, err error) (io.ReadWriteCloser, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}
