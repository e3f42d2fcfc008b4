package ip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A door is one listening socket, shared by the links that listen there. It finds out whose a connection is: by where it comes
// from, and with TLS by its certificate. XEP-0361 §4.4.
type door struct {
	addr    string
	ln      net.Listener
	log     *slog.Logger
	refused atomic.Uint64

	mu    sync.Mutex // guards links
	links []*link
}

// maxKnocking bounds the connections that are not known to be a peer's yet.
const maxKnocking = 64

// takeOverTime is how long a connection waits for its link to take it.
const takeOverTime = 10 * time.Second

func openDoor(addr string, log *slog.Logger) (*door, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("links/ip: listening on %s: %w", addr, err)
	}
	return &door{addr: addr, ln: ln, log: log}, nil
}

func (d *door) set(links []*link) {
	d.mu.Lock()
	d.links = links
	d.mu.Unlock()
}

// run accepts until the listener is closed.
func (d *door) run(ctx context.Context) {
	var knocking sync.WaitGroup
	defer knocking.Wait()
	room := make(chan struct{}, maxKnocking)
	for {
		conn, err := d.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, most likely
			d.log.Warn("link listener does not accept", "addr", d.addr, "err", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		knocking.Go(func() {
			defer func() { <-room }()
			d.admit(ctx, conn)
		})
	}
}

// admit brings a connection to its link, or closes it without a word.
func (d *door) admit(ctx context.Context, conn net.Conn) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	l, conn, err := d.owner(ctx, conn)
	if err != nil {
		conn.Close()
		// A stranger must not fill the log.
		if n := d.refused.Add(1); bits.OnesCount64(n) == 1 {
			d.log.Warn("connection refused", "addr", d.addr, "remote", conn.RemoteAddr(), "err", err, "so far", n)
		}
		return
	}
	wait := time.NewTimer(takeOverTime)
	defer wait.Stop()
	select {
	case l.accepted <- l.session(conn):
	case <-wait.C:
		conn.Close()
	case <-ctx.Done():
		conn.Close()
	}
}

var errStranger = errors.New("no peer has this address")

// owner finds the link. conn is the connection to go on with, below TLS or not.
func (d *door) owner(ctx context.Context, conn net.Conn) (*link, net.Conn, error) {
	remote, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return nil, conn, errStranger
	}
	d.mu.Lock()
	all := d.links
	d.mu.Unlock()
	var may []*link
	for _, l := range all {
		if l.from(ctx, remote.AddrPort()) {
			may = append(may, l)
		}
	}
	switch {
	case len(may) == 0:
		return nil, conn, errStranger
	case may[0].c.TLS == nil:
		return may[0], conn, nil
	}
	var whose *link
	c := may[0].c.TLS.Clone()
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyPeerCertificate = nil
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		var faults []error
		for _, l := range may {
			err := verify(l.c.TLS, cs)
			if err == nil {
				whose = l
				return nil
			}
			faults = append(faults, err)
		}
		return errors.Join(faults...)
	}
	t := tls.Server(conn, c)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, conn, fmt.Errorf("TLS: %w", err)
	}
	return whose, t, nil
}

// verify asks a link's TLS configuration about a certificate.
func verify(c *tls.Config, cs tls.ConnectionState) error {
	if c.VerifyPeerCertificate == nil && c.VerifyConnection == nil {
		return errors.New("links/ip: the link has no way to know the peer's certificate")
	}
	if c.VerifyPeerCertificate != nil {
		var raw [][]byte
		for _, x := range cs.PeerCertificates {
			raw = append(raw, x.Raw)
		}
		if err := c.VerifyPeerCertificate(raw, nil); err != nil {
			return err
		}
	}
	if c.VerifyConnection != nil {
		return c.VerifyConnection(cs)
	}
	return nil
}
