package node

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"longwire/firmware/telemetry"
	"longwire/links"
)

// metricsAgain is how long after a failure the endpoint is opened again: monitoring is not worth the refusal of a configuration.
const metricsAgain = 30 * time.Second

// serveMetrics answers a monitoring system at an address until ctx is done.
func (r *record) serveMetrics(ctx context.Context, addr string) {
	for ctx.Err() == nil {
		err := r.metrics(ctx, addr)
		if ctx.Err() != nil {
			return
		}
		r.log.Warn("figures for monitoring cannot be read", "address", addr, "err", err)
		select {
		case <-time.After(metricsAgain):
		case <-ctx.Done():
		}
	}
}

func (r *record) metrics(ctx context.Context, addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		f := r.figures(time.Now())
		_, _ = f.WriteTo(w) // whoever asked has gone
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 8 << 10}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	return s.Serve(&few{Listener: ln, places: make(chan struct{}, 8)})
}

// few is a listener with room for some connections at a time; the others wait in the kernel.
type few struct {
	net.Listener
	places chan struct{}
}

func (l *few) Accept() (net.Conn, error) {
	l.places <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &oneOf{c, sync.OnceFunc(func() { <-l.places })}, nil
}

type oneOf struct {
	net.Conn
	leave func()
}

func (c *oneOf) Close() error {
	c.leave()
	return c.Conn.Close()
}

// figures are those of now.
func (r *record) figures(now time.Time) telemetry.Figures {
	f := telemetry.Figures{Sums: r.ledger.Sums(), Budgets: r.ledger.Standings(now)}
	if w := r.writing(); w != nil {
		f.Record = w.State()
	}
	r.mu.Lock()
	cfg := r.cfg
	r.mu.Unlock()
	for i := range cfg.Peers {
		st := r.db.Queue(cfg.Peers[i].Name).Stats()
		q := telemetry.QueueFigure{Peer: cfg.Peers[i].Name, Entries: st.Entries, Sent: st.Sent, Bytes: st.Bytes}
		if !st.Oldest.IsZero() {
			q.Oldest = max(0, now.Sub(st.Oldest))
		}
		f.Queues = append(f.Queues, q)
	}
	if r.states != nil {
		f.Links = r.states()
	}
	return f
}

// linkFigures tells which links are up.
func (n *Node) linkFigures() (all []telemetry.LinkFigure) {
	for _, s := range n.linkStates() {
		all = append(all, telemetry.LinkFigure{Link: s.Link, Peer: s.Peer, Up: s.State == string(links.Up)})
	}
	return all
}
