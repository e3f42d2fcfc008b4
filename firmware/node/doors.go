package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"longwire/firmware/config"
	"longwire/firmware/supervise"
	"longwire/xmpp/c2s"
)

// door is a place where clients come in.
type door struct {
	mode c2s.Mode
	addr string // as configured
}

// openDoor is one that listens.
type openDoor struct{ ln net.Listener }

func (d door) String() string {
	return map[c2s.Mode]string{c2s.StartTLS: "clients", c2s.DirectTLS: "clients with direct TLS", c2s.Trusted: "clients in plaintext"}[d.mode] + " " + d.addr
}

// wanted are the doors of a configuration.
func wanted(cfg *config.Config) (ds []door) {
	for mode, addrs := range [][]string{c2s.StartTLS: cfg.Clients.Listen, c2s.DirectTLS: cfg.Clients.DirectTLS, c2s.Trusted: cfg.Clients.Plaintext} {
		for _, a := range addrs {
			ds = append(ds, door{c2s.Mode(mode), a})
		}
	}
	return ds
}

func (d door) listen() (net.Listener, error) {
	ln, err := net.Listen("tcp", d.addr)
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("node: listening for %s: another program, perhaps another longwire, uses that port; stop it or choose another port: %w", d, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("node: listening for %s: not permitted; ports below 1024 need root or the capability net_bind_service: %w", d, err)
	}
	return nil, fmt.Errorf("node: listening for %s: %w", d, err)
}

// serve is the task of one door. A reload removes the task, which closes the listener; streams that came in go on.
func (n *Node) serve(d door, ln net.Listener) supervise.Task {
	return supervise.Task{Name: d.String(), Run: func(ctx context.Context, ready func()) error {
		ready()
		return n.clients.Serve(ctx, ln, d.mode)
	}}
}

// inherited are the doors that systemd opened. They stand in for those of the configuration with the same port.
func (n *Node) inherited() map[door]net.Listener {
	out := make(map[door]net.Listener)
	for name, lns := range n.o.Inherited {
		mode, ok := map[string]c2s.Mode{"clients": c2s.StartTLS, "direct-tls": c2s.DirectTLS}[name]
		if !ok {
			n.log.Warn("socket of systemd ignored: its FileDescriptorName must be clients or direct-tls", "name", name)
			continue
		}
		for _, ln := range lns {
			out[n.standsFor(mode, ln)] = ln
		}
	}
	return out
}

func (n *Node) standsFor(mode c2s.Mode, ln net.Listener) door {
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	for _, d := range wanted(n.Config()) {
		if _, p, _ := net.SplitHostPort(d.addr); p == port && d.mode == mode {
			return d
		}
	}
	return door{mode, ln.Addr().String()}
}

func (n *Node) closeDoors() {
	for _, o := range n.doors {
		o.ln.Close()
	}
}

// streams ends the clients' streams when the node stops, after the doors are closed and before links and store are.
func (n *Node) streams(ctx context.Context, ready func()) error {
	ready()
	<-ctx.Done()
	// XEP-0045 §17.3: who is in a room is told before the streams end.
	if err := n.rooms.Shutdown(); err != nil {
		n.log.Warn("rooms could not take leave", "err", err)
	}
	n.clients.Shutdown(supervise.Now(ctx))
	return nil
}
