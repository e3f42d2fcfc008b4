package sis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

// ServerConfig is what a Server lets clients do. Zero fields mean the default.
type ServerConfig struct {
	MTU           int           // 2048; of a broadcast-only node 4096 at most
	BroadcastOnly bool          // no ARQ; see SetBroadcastOnly
	MaxTTL        time.Duration // in the place of 0; 15 days

	SAPs    []uint8 // that can be bound; all
	MaxRank uint8   // of any client; 14, so that nobody can manage the node
	Clients int     // at once; 16. S5066 F.16: at least 5

	BindWait   time.Duration // for a client to bind; 30 s
	Idle       time.Duration // of silence, then a client is asked for a sign of life; 120 s, and not less
	Queue      int           // requests of a client that the node holds before its flow is turned off; 32
	QueueBytes int           // the same in bytes of U_PDUs; 64 KiB
	Rate       float64       // primitives per second, then a client is read more slowly; 1000
	Expedited  int           // requests of a client in a minute, then it is unbound; 16
	Invalid    int           // primitives of a client that are, then it is unbound; 5
	Head       int           // bytes of a U_PDU that answers quote; all

	Codec Codec // of what clients say
	Log   *slog.Logger
}

func (c ServerConfig) orDefault() ServerConfig {
	number := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	span := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	number(&c.MTU, MTU)
	c.MTU = min(c.MTU, BroadcastMTU)
	number(&c.Clients, 16)
	number(&c.Queue, 32)
	number(&c.QueueBytes, 64<<10)
	number(&c.Expedited, 16)
	number(&c.Invalid, 5)
	span(&c.MaxTTL, MaxTTL.Duration())
	c.MaxTTL = min(c.MaxTTL, MaxTTL.Duration())
	span(&c.BindWait, 30*time.Second)
	span(&c.Idle, KeepAliveEvery)
	c.Idle = max(c.Idle, KeepAliveEvery)
	if c.MaxRank == 0 {
		c.MaxRank = 14
	}
	if c.Rate <= 0 {
		c.Rate = 1000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// unboundCarriers is how many more carriers than Clients there can be, so that whoever comes too late hears why.
const unboundCarriers = 4

// A Server lets clients bind to a node. mu guards its fields; conn.mu is taken under it. A Handler is called under neither,
// but under the Port's calls, before which nothing is held.
type Server struct {
	c ServerConfig
	h Handler

	mu        sync.Mutex
	ports     [16]*Port
	carriers  int
	broadcast bool
	status    SubnetAvailability
}

// NewServer returns the server of a node. Serve and Carry let clients in.
func NewServer(c ServerConfig, h Handler) *Server {
	c = c.orDefault()
	return &Server{c: c, h: h, broadcast: c.BroadcastOnly, status: SubnetAvailability{Status: NodeOn}}
}

// Serve takes clients from a listener until ctx is done, which closes it and cuts them off. Nothing is left when it returns; the error
// is the listener's.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel()
	for {
		conn, err := l.Accept()
		var system net.Error
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case err != nil && errors.As(err, &system) && !errors.Is(err, net.ErrClosed):
			// Out of files, perhaps; that passes.
			s.c.Log.Warn("accepting", "err", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		case err != nil:
			return fmt.Errorf("sis: accepting on %v: %w", l.Addr(), err)
		case !s.enter():
			s.c.Log.Warn("too many clients", "client", conn.RemoteAddr())
			conn.Close()
		default:
			tasks.Go(func() {
				defer s.leave()
				s.carry(ctx, Carrier{ReadWriteCloser: conn, Name: conn.RemoteAddr().String()})
			})
		}
	}
}

// A Carrier is the way to one client.
type Carrier struct {
	io.ReadWriteCloser
	Name string
	// Noisy is for a serial line. It outlives clients: one that is unbound may bind again, and one that came and went silently is
	// replaced when it unbinds and binds.
	Noisy bool
}

// Carry serves one carrier until it fails, is closed, or ctx is done. It closes it.
func (s *Server) Carry(ctx context.Context, carrier Carrier) error {
	if !s.enter() {
		carrier.Close()
		return fmt.Errorf("sis: carrying %s: too many clients", carrier.Name)
	}
	defer s.leave()
	return s.carry(ctx, carrier)
}

func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.carriers >= s.c.Clients+unboundCarriers {
		return false
	}
	s.carriers++
	return true
}

func (s *Server) leave() {
	s.mu.Lock()
	s.carriers--
	s.mu.Unlock()
}

// Deliver gives a U_PDU that arrived to the client of its destination SAP. ErrNotBound: there is none.
func (s *Server) Deliver(p UnidataIndication) error {
	port := s.Port(p.DestinationSAP)
	if port == nil {
		return ErrNotBound
	}
	return port.Send(p)
}

// Port returns who has a SAP, or nil.
func (s *Server) Port(sap uint8) *Port {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(sap) >= len(s.ports) {
		return nil
	}
	return s.ports[sap]
}

// Ports returns all that are bound, by SAP.
func (s *Server) Ports() (list []*Port) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.ports {
		if p != nil {
			list = append(list, p)
		}
	}
	return list
}

// Announce tells all clients what the node can do, and those that bind later, unless it is simply on.
func (s *Server) Announce(a SubnetAvailability) {
	s.mu.Lock()
	s.status = a
	s.mu.Unlock()
	for _, p := range s.Ports() {
		_ = p.Send(a) // who is gone need not know
	}
}

// SetBroadcastOnly begins or ends a broadcast session. Clients bound for ARQ are unbound when it begins, which is told to the Handler: not to be called
// from there.
func (s *Server) SetBroadcastOnly(on bool) {
	s.mu.Lock()
	s.broadcast = on
	s.mu.Unlock()
	for _, p := range s.Ports() {
		if on && p.ServiceType.TransmissionMode == ARQ {
			p.c.unbind(p, UnbindNoARQ)
		}
	}
}

func (s *Server) isBroadcast() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broadcast
}

// bind gives a SAP to a client, or says why not. It queues the answer, so that nothing can come before it.
func (s *Server) bind(c *conn, b BindRequest) {
	p := &Port{SAP: b.SAP, Rank: b.Rank, ServiceType: b.ServiceType, Client: c.carrier.Name, Since: time.Now(), c: c, bound: true}
	p.calls.Lock()
	defer p.calls.Unlock()
	s.mu.Lock()
	old, why, ok := s.admitLocked(b)
	if ok {
		s.ports[b.SAP] = p
		c.mu.Lock()
		c.port = p
		c.invalid.fill()
		c.expedited.fill()
		c.putLocked(BindAccepted{SAP: b.SAP, MTU: uint16(s.c.MTU)})
		if s.status.Status != NodeOn {
			c.putLocked(s.status)
		}
		c.mu.Unlock()
	}
	s.mu.Unlock()
	if !ok {
		c.send(BindRejected{why})
		s.c.Log.Warn("bind rejected", "client", c.carrier.Name, "sap", b.SAP, "rank", b.Rank, "reason", why)
		return
	}
	if old != nil {
		old.c.unbind(old, UnbindPreempted)
	}
	s.c.Log.Info("bound", "client", c.carrier.Name, "sap", b.SAP, "rank", b.Rank)
	s.h.Bound(p)
}

// admitLocked judges a bind. old is who has to go for it.
func (s *Server) admitLocked(b BindRequest) (old *Port, why BindReason, ok bool) {
	bound := 0
	for _, p := range s.ports {
		if p != nil {
			bound++
		}
	}
	old = s.ports[b.SAP]
	switch {
	case b.ServiceType.TransmissionMode == DefaultMode, b.ServiceType.fault() != "", b.Rank > s.c.MaxRank:
		return nil, BindUnspecified, false // Choice: no assigned reason fits
	case len(s.c.SAPs) > 0 && !slices.Contains(s.c.SAPs, b.SAP):
		return nil, BindInvalidSAP, false
	case s.broadcast && b.ServiceType.TransmissionMode == ARQ:
		return nil, BindNoARQ, false
	case old != nil && b.Rank <= old.Rank:
		return nil, BindSAPTaken, false
	case old == nil && bound >= s.c.Clients:
		return nil, BindNoResources, false
	}
	return old, 0, true
}
