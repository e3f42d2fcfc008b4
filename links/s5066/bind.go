package s5066

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"longwire/links"
	"longwire/links/meter"
	"longwire/links/pair"
	"longwire/links/sis"
)

// Who owns what, and the way of a U_PDU:
//
//	mapping.run (one goroutine or more for each peer)                 inbox -> mapping.run
//	     | port.submit: turn (first come, first served), ready            ^
//	     v                                                                | heard, fate, changed: never wait
//	sis.Client.Unidata --> SIS server --> radio ...  SIS server --> sis.Client.Recv --> bind.serve (the reader)
//	                                                                      by source address, by ticket
//
//	bind.run    keeps the SAP bound: a sis.Keeper, whose Serve is the reader.
//	bind.turn   is held by the peer that is about to send. It is waited for while the server takes nothing, so what is sent then is composed then.
//	bind.telling is held while the state changes and the mappings are told, so that all hear of it in order.
//	bind.mu     guards fields; nothing waits under it. Order: telling, then mu; the mappings' own locks inside of both.
type bind struct {
	c     Config
	dial  func(context.Context) (io.ReadWriteCloser, error)
	log   *slog.Logger
	ports []*port       // not changed after the start
	turn  chan struct{} // room for one

	telling sync.Mutex

	mu      sync.Mutex            // guards what follows
	at      map[sis.Address]*port // by the address of the peer; a kit's is learned when it introduces itself
	client  *sis.Client
	drop    context.CancelFunc // ends the client's bind
	state   bindState
	flowOff bool
	node    sis.NodeStatus
	reason  sis.AvailabilityReason
	since   time.Time
	until   time.Time // of the next try
	fault   string
	change  chan struct{} // closed and made anew with each change
	tickets map[sis.Ticket]*port
	early   map[sis.Ticket]fate // came before the request was registered
	handing bool                // a request is being handed over
	unheard time.Time           // until then the server may send of ours what it confirms to nobody
	strays  Strays
	other   sis.Address // our node's own, as U_PDUs to us have it, when that is not Config.LocalAddress
	told    bool        // in the log
}

// Strays are U_PDUs that were no peer's.
type Strays struct {
	Unknown  uint64 // from an address that no peer has
	WrongSAP uint64 // from another SAP than ours
	Pairing  uint64 // of pairing, for an invitation that is not known here
}

func newBind(c Config, dial func(context.Context) (io.ReadWriteCloser, error), log *slog.Logger) *bind {
	return &bind{c: c, dial: dial, log: log, at: map[sis.Address]*port{}, turn: make(chan struct{}, 1), since: time.Now(),
		node: sis.NodeOn, state: bindState{emcon: c.EMCON}, change: make(chan struct{}), tickets: map[sis.Ticket]*port{}, early: map[sis.Ticket]fate{}}
}

// refused is how long a bind is not tried again that the server will never accept, by what it says. It may be set up otherwise meanwhile,
// and nobody may be there to restart us.
const refused = 10 * time.Minute

// run keeps the SAP bound, and its mappings running, until ctx is done.
func (b *bind) run(ctx context.Context) {
	var tasks sync.WaitGroup
	// The mappings outlive the bind: what the server has given out by then is delivered, as far as the peer knows.
	carry, end := context.WithCancel(context.WithoutCancel(ctx))
	for _, p := range b.ports {
		tasks.Go(func() {
			if err := p.m.run(carry); err != nil && carry.Err() == nil {
				p.log.Error("mapping ended", "err", err)
			}
		})
		if p.pair != nil {
			tasks.Go(func() { p.pair.run(carry) })
		}
	}
	binding := sis.Binding{Name: b.c.Server.Address, Dial: b.dial, SAP: b.c.SAP, Rank: b.c.Rank, Noisy: b.c.Server.Network == "serial", Log: b.log}
	if binding.Noisy {
		binding.Probe = 5 * time.Minute // nothing else tells that the other end of a line is gone
	}
	for _, p := range b.ports {
		// What was delivered to us and not stored when we end is to come again; see links/subnet. With custody marks the peer sees to that.
		binding.Vanish = binding.Vanish || p.c.Mapping == RCOP
	}
	keeper := sis.Keeper{Binding: binding, Serve: b.serve, Notice: b.notice}
	// With a simulated radio, outages of minutes are over in a second.
	x := b.c.TimeScale
	keeper.BackoffMin, keeper.BackoffMax, keeper.Steady = scaled(bindMin, x), scaled(bindMax, x), scaled(time.Minute, x)
	for ctx.Err() == nil {
		if err := keeper.Run(ctx); err != nil {
			b.notice(err, refused)
			b.log.Error("SIS server will not bind us", "err", err)
			pause(ctx, refused)
		}
	}
	end()
	tasks.Wait()
}

// Back-offs of a sis.Keeper. Choice: short ones. The server is near, and while we are not bound it takes what peers send and confirms it to their
// servers, with nobody to give it to.
const (
	bindMin = 5 * time.Second
	bindMax = 40 * time.Second
)

func scaled(d time.Duration, x float64) time.Duration { return time.Duration(float64(d) / x) }

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// update changes what mu guards, and tells the mappings when that changes their state.
func (b *bind) update(change func()) {
	b.telling.Lock()
	defer b.telling.Unlock()
	b.mu.Lock()
	before := b.state
	change()
	b.state.held = b.flowOff || b.node == sis.NodeOff || b.node == sis.ReceiveOnly // S5066 A, S_SUBNET_AVAILABILITY; Choice, as in sis
	s := b.state
	if s != before {
		close(b.change)
		b.change = make(chan struct{})
	}
	b.mu.Unlock()
	if s == before {
		return
	}
	for _, p := range b.ports {
		p.m.changed(s)
	}
}

// notice is told that there is no bind.
func (b *bind) notice(why error, next time.Duration) {
	b.update(func() { b.fault, b.until, b.since = words(why), time.Now().Add(next), time.Now() })
}

// serve is the reader of one bind: it never waits for a mapping.
func (b *bind) serve(ctx context.Context, c *sis.Client) error {
	ctx, drop := context.WithCancel(ctx)
	defer drop()
	b.update(func() {
		b.client, b.drop = c, drop
		b.flowOff, b.node, b.reason = false, sis.NodeOn, 0
		b.state.bound, b.state.mtu = true, c.MTU()
		b.fault, b.since = "", time.Now()
		c.Silence(b.state.emcon)
	})
	began := time.Now()
	for _, p := range b.ports {
		p.meter.Add(func(c *meter.Counts) { c.Contacts++ })
		p.event(links.Event{Kind: links.EventUp, Remote: p.remoteText()})
	}
	for {
		e, err := c.Recv(ctx)
		if err != nil {
			c.Close()
			for e, err := c.Recv(context.WithoutCancel(ctx)); err == nil; e, err = c.Recv(context.WithoutCancel(ctx)) {
				b.event(e) // it came before the end
			}
			b.down()
			why := words(err)
			for _, p := range b.ports {
				p.meter.Ended(why, time.Since(began))
				p.event(links.Event{Kind: links.EventDown, Remote: p.remoteText(), Reason: why})
			}
			return err
		}
		b.event(e)
	}
}

// down is the end of a bind: what was under way has an unknown fate. S5066 A, S_UNBIND_INDICATION.
func (b *bind) down() {
	b.mu.Lock()
	left := b.tickets
	b.tickets, b.early = map[sis.Ticket]*port{}, map[sis.Ticket]fate{}
	b.client, b.drop, b.unheard = nil, nil, time.Time{}
	b.mu.Unlock()
	for t, p := range left {
		p.fate(t, fate{kind: lost})
	}
	b.update(func() { b.state.bound, b.state.mtu, b.since = false, 0, time.Now() })
}

func (b *bind) event(e sis.Event) {
	switch e := e.(type) {
	case sis.UnidataIndication:
		b.indication(e)
	case sis.Confirmed:
		b.fate(e.Ticket, fate{kind: confirmed})
	case sis.Rejected:
		b.fate(e.Ticket, fate{kind: rejected, reason: e.Answer.Reason})
	case sis.Unanswered:
		b.fate(e.Ticket, fate{kind: unanswered})
	case sis.DataFlowOff:
		b.update(func() { b.flowOff = true })
	case sis.DataFlowOn:
		b.update(func() { b.flowOff = false })
	case sis.SubnetAvailability:
		b.log.Info("SIS server tells what it can do", "status", e.Status, "reason", e.Reason)
		b.update(func() { b.node, b.reason = e.Status, e.Reason })
	}
}

// indication brings a U_PDU to its peer's mapping. XEP-0365 §4: the address is all that tells who sends.
func (b *bind) indication(u sis.UnidataIndication) {
	b.addressed(u.Destination)
	ours := u.SourceSAP == b.c.SAP && u.DestinationSAP == b.c.SAP
	if ours && pair.Is(u.UPDU) {
		b.pairing(u)
		return
	}
	b.mu.Lock()
	p := b.at[u.Source]
	b.mu.Unlock()
	if p != nil && ours {
		p.heard(u)
		return
	}
	b.mu.Lock()
	if p == nil {
		b.strays.Unknown++
	} else {
		b.strays.WrongSAP++
	}
	b.mu.Unlock()
	b.log.Debug("U_PDU of no peer dropped", "from", u.Source, "sap", u.SourceSAP, "size", len(u.UPDU))
}

// addressed compares the address to which a U_PDU came with what the operator says is ours. Peers know us by the server's.
func (b *bind) addressed(to sis.Address) {
	if to = to.Canonical(); to.Size() == 0 || to.Group() || b.c.LocalAddress.Size() == 0 {
		return
	}
	b.mu.Lock()
	b.other = 0
	if to != b.c.LocalAddress {
		b.other = to
	}
	news := b.other != 0 && !b.told
	b.told = b.told || news
	b.mu.Unlock()
	if news {
		b.log.Warn("local_5066_address is not the address of the SIS server; data is taken all the same", "server", to, "local_5066_address", b.c.LocalAddress)
	}
}

// fate brings the end of a request to its mapping.
func (b *bind) fate(t sis.Ticket, f fate) {
	if t == 0 {
		return // an answer to no request
	}
	b.mu.Lock()
	p, ok := b.tickets[t]
	if ok {
		delete(b.tickets, t)
	} else {
		b.early[t] = f // at most the one request that is being handed over
	}
	b.mu.Unlock()
	if ok {
		p.fate(t, f)
	}
}

// errNotSent means that the bind ended before the server had the request.
var errNotSent = errors.New("s5066: bind ended before the U_PDU was handed over")

func (b *bind) submit(ctx context.Context, p *port, compose func(mtu int) *upload) error {
	if p.pair == nil {
		return b.handOver(ctx, p, func(mtu int) (*upload, error) { return compose(mtu), nil })
	}
	for {
		if err := p.pair.wait(ctx); err != nil {
			return err
		}
		err := b.handOver(ctx, p, func(mtu int) (*upload, error) { return p.pair.dress(mtu, compose, false) })
		if !errors.Is(err, errClosed) {
			return err
		}
	}
}

// handOver gives the server what compose makes when it is our turn and the server takes something.
func (b *bind) handOver(ctx context.Context, p *port, compose func(mtu int) (*upload, error)) error {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-b.turn }()
	c, mtu, err := b.ready(ctx)
	if err != nil {
		return err
	}
	u, err := compose(mtu)
	if u == nil || err != nil {
		return err
	}
	to := u.to
	if to.Size() == 0 {
		to = p.remote()
	}
	confirmed := u.mode.TransmissionMode == sis.ARQ && u.mode.Confirmation != sis.NoConfirmation
	b.hand(c, true, 0)
	defer b.hand(c, false, 0)
	t, err := c.Unidata(ctx, sis.UnidataRequest{Priority: u.priority, DestinationSAP: b.c.SAP, Destination: to,
		DeliveryMode: u.mode, TTL: sis.TTLOf(u.ttl), UPDU: u.updu})
	var unbound *sis.Unbound
	if errors.As(err, &unbound) {
		return errNotSent
	}
	if err != nil {
		return err
	}
	u.sent(t, time.Now())
	if confirmed {
		b.register(c, t, p)
	} else {
		b.hand(c, true, sis.TTLOf(u.ttl).Duration())
	}
	return nil
}

// hand notes for setEMCON that a request is being handed over to c, and how long the server may keep it without a word.
func (b *bind) hand(c *sis.Client, on bool, ttl time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handing = on
	if until := time.Now().Add(ttl); ttl > 0 && b.client == c && until.After(b.unheard) {
		b.unheard = until
	}
}

// register makes the fate of t go to p.
func (b *bind) register(c *sis.Client, t sis.Ticket, p *port) {
	b.mu.Lock()
	f, known := b.early[t]
	switch {
	case b.client != c:
		f, known = fate{kind: lost}, true
	case known:
		delete(b.early, t)
	default:
		b.tickets[t] = p
	}
	b.mu.Unlock()
	if known {
		p.fate(t, f)
	}
}

// ready waits until the server takes something.
func (b *bind) ready(ctx context.Context) (*sis.Client, int, error) {
	for {
		b.mu.Lock()
		s, c, change := b.state, b.client, b.change
		b.mu.Unlock()
		if s.ready() && c != nil {
			return c, s.mtu, nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		}
	}
}

// setEMCON stops sending, or lets it go on. What the server has of ours is taken back, by giving up the bind: S5066 A, S_UNBIND_REQUEST.
func (b *bind) setEMCON(on bool) {
	b.update(func() {
		if on == b.state.emcon {
			return
		}
		b.state.emcon = on
		if b.client == nil {
			return
		}
		b.client.Silence(on)
		if on && (len(b.tickets) > 0 || b.handing || time.Now().Before(b.unheard)) {
			b.drop()
		}
	})
}
