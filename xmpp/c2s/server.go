package c2s

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"longwire/store"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
)

// Server accepts clients. Serve may run for any number of listeners at once.
type Server struct {
	host     *local.Host
	router   *router.Router
	presence local.Presence
	log      *slog.Logger
	secret   []byte // feeds the fake salts of unknown users
	cfg      atomic.Pointer[Config]
	throttle throttle

	mu       sync.Mutex // guards what follows
	conns    map[*conn]struct{}
	byAddr   map[string]int
	sessions map[string]*Session // resumable ones, by stream management id
	purged   time.Time           // when old sessions were last thrown out of the store
	closing  bool
	done     sync.WaitGroup // one for each conn
}

// New makes a Server. The store must be writable for the first call ever: it keeps a secret there.
func New(h *local.Host, r *router.Router, p local.Presence, log *slog.Logger, cfg Config) (*Server, error) {
	srv := &Server{host: h, router: r, presence: p, log: log,
		conns: make(map[*conn]struct{}), byAddr: make(map[string]int), sessions: make(map[string]*Session)}
	srv.Configure(cfg)
	serveSession(h)
	get := func(tx *store.Tx) (err error) {
		srv.secret, err = tx.Secret("sasl", 32)
		return err
	}
	err := h.DB().View(get)
	if errors.Is(err, store.ErrNotFound) {
		err = h.DB().Update(get)
	}
	return srv, err
}

// Configure changes settings; streams that are open keep running.
func (srv *Server) Configure(cfg Config) {
	srv.cfg.Store(cfg.withDefaults())
	srv.throttle.setMax(srv.config().FailuresPerMinute)
}

func (srv *Server) config() *Config { return srv.cfg.Load() }

// Serve accepts on ln until ctx is done or ln is closed; it closes ln. Connections go on until Shutdown.
func (srv *Server) Serve(ctx context.Context, ln net.Listener, mode Mode) error {
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	for {
		nc, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			srv.log.Warn("accept failed", "listener", ln.Addr().String(), "err", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(100 * time.Millisecond): // out of file descriptors heals by waiting
			}
			continue
		}
		srv.start(nc, mode)
	}
}

// start runs a connection unless its address has too many.
func (srv *Server) start(nc net.Conn, mode Mode) {
	host := hostOf(nc.RemoteAddr().String())
	c := newConn(srv, nc, mode, host)
	srv.mu.Lock()
	if srv.closing || srv.byAddr[host] >= srv.config().StreamsPerAddress {
		srv.mu.Unlock()
		srv.log.Warn("connection refused: too many from one address", "addr", host)
		nc.Close()
		return
	}
	srv.conns[c] = struct{}{}
	srv.byAddr[host]++
	srv.done.Add(1)
	srv.mu.Unlock()
	go c.serve()
}

// hostOf is the address that limits go by: without the port, and of IPv6 the network, which one stranger has all of.
func hostOf(addr string) string {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return addr
	}
	ip := ap.Addr().Unmap()
	if ip.Is4() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return ip.String()
	}
	net, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return net.String()
}

func (srv *Server) over(c *conn) {
	srv.mu.Lock()
	delete(srv.conns, c)
	if srv.byAddr[c.host]--; srv.byAddr[c.host] <= 0 {
		delete(srv.byAddr, c.host)
	}
	srv.mu.Unlock()
	srv.done.Done()
}

// Shutdown tells every client that the node goes down and waits, until ctx is done, for their streams to end.
// RFC 6120 §4.9.3.23. What was accepted from them is in the store or submitted to it.
func (srv *Server) Shutdown(ctx context.Context) {
	srv.mu.Lock()
	srv.closing = true
	conns := make([]*conn, 0, len(srv.conns))
	for c := range srv.conns {
		conns = append(conns, c)
	}
	srv.mu.Unlock()
	lastWords(ctx, conns)
	for _, c := range conns {
		go c.kick("system-shutdown", "")
	}
	ended := make(chan struct{})
	go func() { srv.done.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	srv.mu.Lock()
	left := make([]*Session, 0, len(srv.sessions))
	for _, s := range srv.sessions {
		left = append(left, s)
	}
	srv.mu.Unlock()
	for _, s := range left {
		s.finish()
	}
}

// Streams counts connections.
func (srv *Server) Streams() int {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return len(srv.conns)
}

// remember makes a session known by its name. The caller has s.mu.
func (srv *Server) remember(s *Session) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.sessions[s.sm.id] = s
}

// forget is called for a session that is over.
func (srv *Server) forget(s *Session) {
	s.mu.Lock()
	m := s.sm
	s.mu.Unlock()
	if m == nil {
		return
	}
	srv.mu.Lock()
	defer srv.mu.Unlock()
	delete(srv.sessions, m.id)
}

func (srv *Server) managed(id string) *Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.sessions[id]
}
