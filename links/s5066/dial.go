package s5066

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"longwire/links/sis"
)

// A Dialer opens the carrier to a SIS server. Closing that has to unblock its Read and Write.
type Dialer func(context.Context, Server) (io.ReadWriteCloser, error)

// dialTCP finds a server that is gone without a word within minutes, as the SIS has no keep-alive of its own that a server must answer.
func dialTCP(ctx context.Context, s Server) (io.ReadWriteCloser, error) {
	d := net.Dialer{Timeout: 30 * time.Second, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 20 * time.Second, Count: 3}}
	conn, err := d.DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err // names the address
	}
	return conn, nil
}

// words tells people why there is no bind.
func words(err error) string {
	var refused *sis.BindError
	var unbound *sis.Unbound
	var dns *net.DNSError
	var framing *sis.FramingError
	switch {
	case errors.As(err, &refused) && refused.Reason == sis.BindSAPTaken:
		return "the SIS server refuses: another of its clients has this SAP"
	case errors.As(err, &framing):
		return "what answers there is no SIS server"
	case errors.As(err, &refused):
		return "the SIS server refuses: " + refused.Reason.String()
	case errors.As(err, &unbound) && unbound.Reason != 0:
		return "the SIS server ended the bind: " + unbound.Reason.String()
	case errors.Is(err, context.Canceled):
		return "bind given up here"
	case errors.Is(err, sis.ErrSilent):
		return "the SIS server does not answer"
	case errors.Is(err, sis.ErrOverrun):
		return "this node was too slow for its SIS server"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "no SIS server listens there"
	case errors.As(err, &dns):
		return "the name " + dns.Name + " is not known"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "the SIS server cannot be reached"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection to the SIS server lost"
	case err == nil:
		return ""
	}
	return strings.TrimPrefix(err.Error(), "s5066: ")
}
