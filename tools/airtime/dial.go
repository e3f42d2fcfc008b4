package main

import (
	"context"
	"io"
	"net"
)

// dialer reaches a SIS server by TCP.
func dialer(address string) func(context.Context) (io.ReadWriteCloser, error) {
	return func(ctx context.Context) (io.ReadWriteCloser, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	}
}
