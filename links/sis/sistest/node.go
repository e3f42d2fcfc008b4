package sistest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"slices"
	"sync"
	"time"

	"longwire/links/sis"
)

// A Node is one station: a sis.Server and the Handler behind it.
type Node struct {
	Address sis.Address

	air    *Air
	config sis.ServerConfig

	// guarded by air.mu
	server  *sis.Server
	ctx     context.Context // of this life
	stop    context.CancelFunc
	tasks   *sync.WaitGroup
	queue   []*sis.Request
	sending bool
	reject  []sis.RejectReason
	forget  int
	sent    int
	hard    *hardLink
}

var _ sis.Handler = (*Node)(nil)

// Node adds a node, which is on.
func (a *Air) Node(address sis.Address, c sis.ServerConfig) *Node {
	n := &Node{Address: address, air: a, config: c}
	a.mu.Lock()
	a.nodes[address] = n
	a.mu.Unlock()
	n.Start()
	return n
}

// Start switches the node on.
func (n *Node) Start() {
	n.air.mu.Lock()
	defer n.air.mu.Unlock()
	if n.server != nil {
		return
	}
	n.server = sis.NewServer(n.config, n)
	n.ctx, n.stop = context.WithCancel(context.Background())
	n.tasks = new(sync.WaitGroup)
}

// Stop switches it off: clients are cut off, and what was queued is gone. What is on the air arrives, but nobody hears of that.
func (n *Node) Stop() {
	n.air.mu.Lock()
	if n.server == nil {
		n.air.mu.Unlock()
		return
	}
	stop, tasks := n.stop, n.tasks
	n.server, n.queue, n.sending, n.hard = nil, nil, false, nil
	n.air.mu.Unlock()
	stop()
	tasks.Wait()
}

// Restart is Stop and Start.
func (n *Node) Restart() {
	n.Stop()
	n.Start()
}

// Server is the node's server in this life, nil while it is off.
func (n *Node) Server() *sis.Server {
	n.air.mu.Lock()
	defer n.air.mu.Unlock()
	return n.server
}

// Dial is for sis.Binding: a carrier in memory.
func (n *Node) Dial(context.Context) (io.ReadWriteCloser, error) {
	near, far := net.Pipe()
	if !n.Carry(sis.Carrier{ReadWriteCloser: far, Name: "pipe"}) {
		return nil, errors.New("sistest: node is off")
	}
	return near, nil
}

// Carry serves a carrier while the node is on.
func (n *Node) Carry(c sis.Carrier) bool {
	n.air.mu.Lock()
	defer n.air.mu.Unlock()
	if n.server == nil {
		return false
	}
	server, ctx := n.server, n.ctx
	n.tasks.Go(func() { _ = server.Carry(ctx, c) })
	return true
}

// RejectNext has the next requests rejected, one for each reason.
func (n *Node) RejectNext(reasons ...sis.RejectReason) {
	n.air.mu.Lock()
	defer n.air.mu.Unlock()
	n.reject = append(n.reject, reasons...)
}

// ForgetNext has the next requests forgotten: they are not sent, and never answered.
func (n *Node) ForgetNext(count int) {
	n.air.mu.Lock()
	defer n.air.mu.Unlock()
	n.forget += count
}

// Sent is the number of transmissions.
func (n *Node) Sent() int {
	n.air.mu.Lock()
	defer n.air.mu.Unlock()
	return n.sent
}

// Bound does nothing.
func (n *Node) Bound(*sis.Port) {}

// Unidata queues r behind all that is as urgent.
func (n *Node) Unidata(r *sis.Request) {
	a := n.air
	a.mu.Lock()
	defer a.mu.Unlock()
	if n.forget > 0 {
		n.forget--
		return
	}
	if len(n.reject) > 0 {
		why := n.reject[0]
		n.reject = n.reject[1:]
		a.atLocked(0, func() { r.Reject(why) })
		return
	}
	i := slices.IndexFunc(n.queue, func(q *sis.Request) bool { return urgency(q) < urgency(r) })
	if i < 0 {
		i = len(n.queue)
	}
	n.queue = slices.Insert(n.queue, i, r)
	n.sendLocked()
}

func urgency(r *sis.Request) int {
	if r.Expedited {
		return math.MaxInt
	}
	return int(r.Priority)
}

// sendLocked puts the next U_PDU on the air, one at a time.
func (n *Node) sendLocked() {
	if n.sending || len(n.queue) == 0 {
		return
	}
	a, r := n.air, n.queue[0]
	n.queue = n.queue[1:]
	n.sending = true
	n.sent++
	var airtime time.Duration
	if a.o.Rate > 0 {
		airtime = time.Duration(len(r.UPDU)) * 8 * time.Second / time.Duration(a.o.Rate)
	}
	if r.DeliveryMode.TransmissionMode != sis.ARQ {
		airtime *= time.Duration(1 + r.DeliveryMode.MinRetransmissions)
	}
	life := n.ctx
	a.atLocked(airtime, func() { n.transmitted(life, r) })
}

// transmitted is the end of a transmission.
func (n *Node) transmitted(life context.Context, r *sis.Request) {
	a := n.air
	a.mu.Lock()
	defer a.mu.Unlock()
	if life.Err() != nil {
		return
	}
	n.sending = false
	defer n.sendLocked()
	switch lost := a.rand.Float64() < a.o.Loss; {
	case !time.Now().Before(r.Deadline):
		a.atLocked(0, func() { r.Reject(sis.RejectExpired) })
	case r.DeliveryMode.TransmissionMode != sis.ARQ:
		a.atLocked(0, r.Confirm)
		for range r.DeliveryMode.MinRetransmissions {
			lost = lost && a.rand.Float64() < a.o.Loss
		}
		a.atLocked(a.o.Delay, func() { n.broadcast(r, lost) })
	case lost:
		n.queue = slices.Insert(n.queue, 0, r)
	case a.nodes[r.Destination] == nil, a.nodes[r.Destination] == n, a.cuts[[2]sis.Address{n.Address, r.Destination}]:
		a.atLocked(a.o.Patience, func() { r.Reject(sis.RejectNoResponse) })
	default:
		to := a.nodes[r.Destination]
		a.atLocked(a.o.Delay, func() { n.arrived(r, to) })
	}
}

// arrived is an ARQ U_PDU at its node.
func (n *Node) arrived(r *sis.Request, to *Node) {
	server := to.Server()
	if server == nil {
		n.air.at(n.air.patience(), func() { r.Reject(sis.RejectNoResponse) })
		return
	}
	err := server.Deliver(n.indication(r))
	n.air.at(n.air.delay(), func() {
		if err != nil && r.DeliveryMode.Confirmation == sis.ClientConfirmation {
			r.Reject(sis.RejectSAPNotBound)
			return
		}
		r.Confirm()
	})
}

// broadcast is a non-ARQ U_PDU at all nodes that it is for.
func (n *Node) broadcast(r *sis.Request, lost bool) {
	p := n.indication(r)
	if lost && p.TransmissionMode != sis.NonARQErrors {
		return
	}
	if half := len(p.UPDU) / 2; lost && half > 0 {
		clear(p.UPDU[:half])
		p.Missing = []sis.Block{{Offset: 0, Size: uint16(half)}}
	}
	a := n.air
	a.mu.Lock()
	var servers []*sis.Server
	for address, to := range a.nodes {
		if to != n && to.server != nil && !a.cuts[[2]sis.Address{n.Address, address}] && (r.Destination.Group() || address == r.Destination) {
			servers = append(servers, to.server)
		}
	}
	a.mu.Unlock()
	for _, s := range servers {
		_ = s.Deliver(p) // nobody bound there: nobody listens
	}
}

func (n *Node) indication(r *sis.Request) sis.UnidataIndication {
	return sis.UnidataIndication{Expedited: r.Expedited, Priority: r.Priority, DestinationSAP: r.DestinationSAP, Destination: r.Destination,
		TransmissionMode: r.DeliveryMode.TransmissionMode, SourceSAP: r.Port.SAP, Source: n.Address, UPDU: bytes.Clone(r.UPDU)}
}

func (a *Air) delay() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.o.Delay
}

func (a *Air) patience() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.o.Patience
}
