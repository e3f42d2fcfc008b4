package ip

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"longwire/links"
)

// link is one configured link; it makes Sessions for the pump.
type link struct {
	c        Config
	log      *slog.Logger
	accepted chan *Session
	writers  *sync.Pool
	agreed   *Agreement

	mu    sync.Mutex // guards what follows
	addrs []netip.Addr
	asked time.Time
}

var _ links.Link = (*link)(nil)

func newLink(c Config, writers *sync.Pool, log *slog.Logger, tell func(CodecStatus)) *link {
	return &link{c: c, writers: writers, log: log, accepted: make(chan *Session), agreed: NewAgreement(c.Methods, tell)}
}

func (l *link) String() string { return l.c.remote() }

func (l *link) session(conn net.Conn) *Session {
	tune(conn, l.c.AckTimeout)
	return NewSession(conn, Options{Compress: l.c.Compress, Dense: l.c.ZeroRTT, MaxStanza: l.c.MaxStanza, Timeout: l.c.AckTimeout, Log: l.log,
		Writers: l.writers, Agreement: l.agreed})
}

// Open dials. Nothing is sent but the handshake of TLS, if that is configured: what follows goes out with the first stanza.
func (l *link) Open(ctx context.Context) (links.Session, error) {
	d := net.Dialer{KeepAlive: -1} // tune sets it
	if l.c.LocalAddr != "" {
		a, err := netip.ParseAddr(l.c.LocalAddr)
		if err != nil {
			return nil, fmt.Errorf("links/ip: dialling from %s: %w", l.c.LocalAddr, err)
		}
		d.LocalAddr = &net.TCPAddr{IP: a.AsSlice(), Zone: a.Zone()}
	}
	conn, err := d.DialContext(ctx, "tcp", l.c.remote())
	if err != nil {
		return nil, fmt.Errorf("links/ip: dialling %s: %w", l.c.remote(), err)
	}
	if l.c.TLS == nil {
		return l.session(conn), nil
	}
	c := l.c.TLS.Clone()
	if c.ServerName == "" {
		c.ServerName = l.c.RemoteAddr
	}
	t := tls.Client(conn, c)
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("links/ip: TLS with %s: %w", l.c.remote(), err)
	}
	return l.session(t), nil
}

// Accept waits for a connection that the listener found to be this link's.
func (l *link) Accept(ctx context.Context) (links.Session, error) {
	select {
	case s := <-l.accepted:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// from tells whether a connection from there may be this link's. XEP-0361 §4.4: source address and port.
func (l *link) from(ctx context.Context, a netip.AddrPort) bool {
	if l.c.SourcePort != 0 && int(a.Port()) != l.c.SourcePort {
		return false
	}
	if l.c.SourceAny {
		return true
	}
	for _, k := range l.addresses(ctx) {
		if k == a.Addr().Unmap().WithZone("") {
			return true
		}
	}
	return false
}

// addresses are those of the remote host. A name is looked up once a minute at most; when that fails the old ones hold.
func (l *link) addresses(ctx context.Context) []netip.Addr {
	if a, err := netip.ParseAddr(l.c.RemoteAddr); err == nil {
		return []netip.Addr{a.Unmap().WithZone("")}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.asked) < time.Minute {
		return l.addrs
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", l.c.RemoteAddr)
	l.asked = time.Now()
	if err != nil {
		l.log.Warn("address of the peer not found", "host", l.c.RemoteAddr, "err", err)
		return l.addrs
	}
	l.addrs = l.addrs[:0]
	for _, a := range found {
		l.addrs = append(l.addrs, a.Unmap().WithZone(""))
	}
	return l.addrs
}
