// Package vsock is sockets between a virtual machine and its host: addresses, errors that say what is missing, and nothing else. The
// library behind it is mdlayher/vsock.
package vsock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/mdlayher/vsock"
)

// The context ids that are not given to machines.
const (
	Local = vsock.Local       // this machine, by a loopback
	Host  = vsock.Host        // the host of this machine
	Any   = uint32(1<<32 - 1) // only for Listen: all that there are
)

// ParseAddress reads CID:port, as "2:5066". The words local and host stand for 1 and 2; nothing, for Any.
func ParseAddress(address string) (cid, port uint32, err error) {
	c, p, ok := strings.Cut(address, ":")
	if !ok {
		return 0, 0, fmt.Errorf("vsock: address %q is not CID:port, as 2:5066", address)
	}
	switch c {
	case "":
		cid = Any
	case "local":
		cid = Local
	case "host":
		cid = Host
	default:
		n, err := strconv.ParseUint(c, 10, 32)
		if err != nil || uint32(n) == Any || n == vsock.Hypervisor {
			return 0, 0, fmt.Errorf("vsock: address %q: %q is no context id: local (1), host (2), or that of a guest, from 3", address, c)
		}
		cid = uint32(n)
	}
	n, err := strconv.ParseUint(p, 10, 32)
	if err != nil || n == 0 || n == 1<<32-1 {
		return 0, 0, fmt.Errorf("vsock: address %q: %q is no port", address, p)
	}
	return cid, uint32(n), nil
}

// Dial connects to an address. The kernel gives up after two seconds.
func Dial(ctx context.Context, address string) (net.Conn, error) {
	cid, port, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	if cid == Any {
		return nil, fmt.Errorf("vsock: address %q names no machine to connect to", address)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("vsock: connecting to %s: %w", address, context.Cause(ctx))
	}
	type result struct {
		conn *vsock.Conn
		err  error
	}
	done := make(chan result)
	// The library has no way to break a Dial off; it is not left alone for long.
	go func() {
		conn, err := vsock.Dial(cid, port, nil)
		select {
		case done <- result{conn, err}:
		case <-ctx.Done(): // nobody takes it any more
			if err == nil {
				conn.Close()
			}
		}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, explain("connecting to", address, r.err)
		}
		return r.conn, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("vsock: connecting to %s: %w", address, context.Cause(ctx))
	}
}

// Listen takes connections at an address whose CID is this machine's own, or Any.
func Listen(address string) (net.Listener, error) {
	cid, port, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	l, err := vsock.ListenContextID(cid, port, nil)
	if err != nil {
		return nil, explain("listening at", address, err)
	}
	return l, nil
}

// explain says what helps.
func explain(what, address string, err error) error {
	why := ""
	switch {
	case errors.Is(err, syscall.EAFNOSUPPORT):
		why = "this kernel has no vsock; load module vsock"
	case errors.Is(err, syscall.ENODEV):
		why = "no way to that machine; load module vhost_vsock on the host, vmw_vsock_virtio_transport in a guest, vsock_loopback for CID 1"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		why = "this machine has no such CID; for 1 load module vsock_loopback"
	case errors.Is(err, syscall.EADDRINUSE):
		why = "another program listens there"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNREFUSED):
		why = "nobody listens there"
	case errors.Is(err, syscall.ETIMEDOUT):
		why = "no answer; does that machine run, with a vsock device of this CID?"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		why = "not allowed; ports below 1024 are for root"
	default:
		return fmt.Errorf("vsock: %s %s: %w", what, address, err)
	}
	return fmt.Errorf("vsock: %s %s: %w: %s", what, address, err, why)
}
