package sis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Times of S5066 A, S_KEEP_ALIVE: who is asked answers within 10 s or not at all; nobody asks more often than every 120 s.
const (
	KeepAliveAnswer = 10 * time.Second
	KeepAliveEvery  = 120 * time.Second
)

const (
	mostEvents     = 4096    // that a user has not received,
	mostEventBytes = 1 << 20 // and the data in them: 15 minutes at 9600 bit/s
	mostControl    = 16      // primitives without data that are not written yet
	closeWait      = 2 * time.Second
)

// A Binding says what to bind, and where. Zero fields mean the default.
type Binding struct {
	Name string // of the node, for errors and logs
	// Dial opens a carrier: TCP, a serial line, a vsock. Closing that has to unblock its Read and Write.
	Dial func(context.Context) (io.ReadWriteCloser, error)

	SAP, Rank   uint8
	ServiceType ServiceType // Arq()

	Codec Codec // of what the node says
	Noisy bool  // the carrier is a serial line: it loses and invents bytes, and does not tell the node when it is closed

	Window   int           // requests without an answer, to each destination; 8
	BindWait time.Duration // for the answer to a bind; 10 s
	Grace    time.Duration // past a request's time to live, for its answer; 30 s
	Probe    time.Duration // of silence, then the node is asked for a sign of life; 0: never, and 120 s at least

	// Vanish makes Close end the carrier without S_UNBIND_REQUEST, which has the same effect (S5066 F.16), but does not claim that all that
	// was delivered is taken. A serial line (Noisy) does not tell that it is closed, so it always says goodbye.
	Vanish bool

	Log *slog.Logger
}

func (b Binding) orDefault() Binding {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	if b.ServiceType == (ServiceType{}) {
		b.ServiceType = Arq()
	}
	if b.Window <= 0 {
		b.Window = 8
	}
	if b.Probe > 0 {
		b.Probe = max(b.Probe, KeepAliveEvery)
	}
	if b.Log == nil {
		b.Log = slog.New(slog.DiscardHandler)
	}
	b.Log = b.Log.With("server", b.Name, "sap", b.SAP)
	set(&b.BindWait, 10*time.Second)
	set(&b.Grace, 30*time.Second)
	return b
}

// A Client holds a SAP at a node. Any number of goroutines may call its methods; events go to whoever calls Recv.
//
//	Unidata --- window, flow on? ---> held (1) --------+
//	Send ---------------------------> control (16) ----+--> writer --> carrier
//	                            +---> keep-alive owed -+
//	Recv <--- events (4096, 1 MiB) <--- reader <------------------------ carrier
//
// Two goroutines belong to it, until Close has returned: the reader never waits for anything but the carrier, because a client may not
// keep its node waiting, and only the writer writes. Events that nobody receives end the Client with ErrOverrun when there is no room
// for them: the loss of a bind is seen, that of a confirmation would not be.
//
// mu guards all that is below it.
type Client struct {
	b       Binding
	carrier io.ReadWriteCloser
	wake    chan struct{} // to the writer: something changed
	ready   chan struct{} // to Recv: there are events
	bound   chan struct{} // closed when the node accepts
	done    chan struct{} // closed at the end
	tasks   sync.WaitGroup

	mu         sync.Mutex
	change     chan struct{} // closed and made anew when a wait may be over
	mtu        int
	isBound    bool
	flowOff    bool
	silent     bool // the user wants nothing sent
	status     NodeStatus
	control    [][]byte
	owed       time.Time // when the node asked for a sign of life, or zero
	heard      time.Time // when it last said anything
	probed     time.Time // when we last asked for a sign,
	probing    bool      // and there was no answer
	last       Ticket
	held       *request   // the next to be written
	out        []*request // sent and to be confirmed, the oldest first
	inflight   map[destination]int
	events     []Event
	eventBytes int
	closing    bool
	why        *Unbound
	stats      Stats
}

// Stats counts what should not be.
type Stats struct {
	Noise     uint64 // bytes that were no primitive
	Faulty    uint64 // primitives that did not decode, or that a node does not send
	Unmatched uint64 // answers to no request
	LateSigns uint64 // keep-alives that could not be answered in time
}

// Bind opens a carrier and binds. ctx ends the attempt, not the Client; Close must be called.
//
// The error is a *BindError when the node refuses.
func Bind(ctx context.Context, b Binding) (*Client, error) {
	b = b.orDefault()
	hello, err := Strict.Append(nil, BindRequest{SAP: b.SAP, Rank: b.Rank, ServiceType: b.ServiceType})
	if err != nil {
		return nil, err
	}
	if b.Noisy {
		// Choice: the node at the other end of the line may still take us for bound. If it does not, this is invalid, once.
		bye, _ := Strict.Append(nil, UnbindRequest{})
		hello = append(bye, hello...)
	}
	carrier, err := b.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("sis: reaching node %s: %w", b.Name, err)
	}
	c := &Client{b: b, carrier: carrier, wake: make(chan struct{}, 1), ready: make(chan struct{}, 1),
		bound: make(chan struct{}), done: make(chan struct{}), change: make(chan struct{}), status: NodeOn,
		control: [][]byte{hello}, heard: time.Now(), inflight: map[destination]int{}}
	c.tasks.Go(c.read)
	c.tasks.Go(c.write)
	late := time.NewTimer(b.BindWait)
	defer late.Stop()
	select {
	case <-c.bound:
		return c, nil
	case <-c.done:
	case <-late.C:
		c.end(ErrSilent)
	case <-ctx.Done():
		c.end(context.Cause(ctx))
	}
	c.tasks.Wait()
	return nil, fmt.Errorf("sis: binding SAP %d at node %s: %w", b.SAP, b.Name, c.why)
}

// Close unbinds and closes the carrier. It returns when nothing of the Client is left, after 2 s at most.
func (c *Client) Close() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	if c.b.Vanish && !c.b.Noisy {
		c.end(ErrClosed)
	}
	c.poke()
	late := time.AfterFunc(closeWait, func() { c.end(ErrClosed) })
	defer late.Stop()
	c.tasks.Wait()
}

// end is called with the reason of the end. The first one counts.
func (c *Client) end(err error) {
	c.mu.Lock()
	if c.why != nil {
		c.mu.Unlock()
		return
	}
	why, ok := err.(*Unbound)
	if !ok {
		why = &Unbound{Err: err}
	}
	c.why = why
	for _, r := range c.out {
		c.why.Outstanding = append(c.why.Outstanding, r.ticket)
	}
	if c.held != nil {
		c.why.Outstanding = append(c.why.Outstanding, c.held.ticket)
	}
	close(c.done)
	c.changedLocked()
	c.mu.Unlock()
	if err := c.carrier.Close(); err != nil {
		c.b.Log.Debug("closing the carrier", "err", err)
	}
}

// changedLocked wakes whoever waits for the window, or for room.
func (c *Client) changedLocked() {
	close(c.change)
	c.change = make(chan struct{})
}

// poke has the writer look again.
func (c *Client) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// MTU is the largest U_PDU that the node takes.
func (c *Client) MTU() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mtu
}

// Silence holds requests back, or lets them go again. What was written to the node is not touched.
func (c *Client) Silence(on bool) {
	c.mu.Lock()
	c.silent = on
	c.changedLocked()
	c.mu.Unlock()
	c.poke()
}

// Held tells whether requests wait: flow is off, the node cannot transmit, or Silence is on.
func (c *Client) Held() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.flowingLocked()
}

// Stats returns the counts.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// flowingLocked: Choice: S_SUBNET_AVAILABILITY with a node that is off or only receives stops requests like S_DATA_FLOW_OFF.
func (c *Client) flowingLocked() bool {
	return c.isBound && !c.flowOff && !c.silent && c.status != NodeOff && c.status != ReceiveOnly
}

// Recv waits for the next event. After the last one the error is an *Unbound.
func (c *Client) Recv(ctx context.Context) (Event, error) {
	for {
		c.mu.Lock()
		if len(c.events) > 0 {
			e := c.events[0]
			c.events[0] = nil
			c.events = c.events[1:]
			c.eventBytes -= weight(e)
			if len(c.events) > 0 {
				c.signal()
			}
			c.mu.Unlock()
			return e, nil
		}
		why := c.why
		c.mu.Unlock()
		if why != nil {
			return nil, why
		}
		select {
		case <-c.ready:
		case <-c.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (c *Client) signal() {
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

func weight(e Event) int {
	switch e := e.(type) {
	case UnidataIndication:
		return len(e.UPDU) + 4*(len(e.Errored)+len(e.Missing))
	case ManagementMsgIndication:
		return len(e.MsgBody)
	}
	return 0
}

// await waits until ok, which is called under mu, says so.
func (c *Client) await(ctx context.Context, ok func() bool) error {
	for {
		c.mu.Lock()
		if c.why != nil {
			defer c.mu.Unlock()
			return c.why
		}
		if ok() {
			c.mu.Unlock()
			return nil
		}
		change := c.change
		c.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

var errNotForClients = errors.New("a client does not send this so")
