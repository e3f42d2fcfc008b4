package dts

import (
	"fmt"
	"slices"
	"time"
)

// State is what a Station does with one peer (S5066 C.6.1).
type State uint8

// The states; each is either unconnected or connected.
const (
	Idle State = iota
	InData
	InExpedited
	InManagement
)

// String names it.
func (s State) String() string {
	return [...]string{"IDLE", "DATA", "EXPEDITED-DATA", "MANAGEMENT"}[s&3]
}

// A peer is all we know of another node.
type peer struct {
	addr      Address
	connected bool
	called    bool // connected by the peer, which has sent no data yet: ours wait
	state     State
	timing    *Timing // nil: that of the station
	eow       EOW     // to ride on the next D_PDU

	tx   sender
	rx   receiver
	xtx  expSender
	xrx  expReceiver
	sync resync
	mgmt management

	misses   int       // rounds running that told us nothing
	probe    bool      // the last round did: send little, until something comes back
	segment  int       // present segment size
	sent     int       // frames in our last transmission,
	round    uint32    // and the number of that
	answered bool      // an acknowledgement came since
	alert    alert     // for what we had to say to it
	served   time.Time // when we last sent to it
	last     time.Time // when ARQ last said anything, either way
}

// peer finds or makes the peer with address a.
func (s *Station) peer(a Address) (*peer, error) {
	if a == 0 || !a.valid() || a.Group() || a == s.cfg.Address {
		return nil, ErrPeer
	}
	if p := s.known(a); p != nil {
		return p, nil
	}
	if len(s.peers) >= s.cfg.MaxPeers {
		i := slices.IndexFunc(s.peers, s.forgettable)
		if i < 0 {
			return nil, ErrPeers
		}
		s.peers = slices.Delete(s.peers, i, i+1)
	}
	p := &peer{addr: a, segment: s.firstSegment()}
	p.tx.limit = s.cfg.Window
	p.rx.limit = s.cfg.MaxCPDU
	p.rx.deliver = func(cpdu []byte) { s.emit(Delivery{From: a, To: s.cfg.Address, Service: ServiceARQ, CPDU: cpdu}) }
	p.xrx.deliver = func(cpdu []byte) { s.emit(Delivery{From: a, To: s.cfg.Address, Service: ServiceExpedited, CPDU: cpdu}) }
	p.rx.reset()
	s.peers = append(s.peers, p)
	return p, nil
}

// known finds the peer with address a, or nil.
func (s *Station) known(a Address) *peer {
	for _, p := range s.peers {
		if p.addr == a {
			return p
		}
	}
	return nil
}

func (s *Station) forgettable(p *peer) bool {
	asked := slices.ContainsFunc(s.casts.list, func(c *cast) bool { return c.to == p.addr })
	return !asked && p != s.replyTo && p != s.await.peer && p != s.out.expect && !p.connected && !p.tx.busy() && !p.xtx.busy() && !p.mgmt.busy() && p.timing == nil
}

// Connect makes a peer connected, with all windows at their start. called tells that the peer asked for it: then our data wait for its
// first, as only those show that it knows.
func (s *Station) Connect(now time.Time, a Address, called bool) error {
	p, err := s.peer(a)
	if err != nil {
		return err
	}
	s.restart(p)
	p.connected, p.called = true, called
	s.settle(p)
	return nil
}

// Proceed lets our data go to a peer that called us although it sent none itself.
func (s *Station) Proceed(a Address) {
	if p := s.known(a); p != nil {
		p.called = false
	}
}

// Disconnect makes a peer unconnected. What was not confirmed stays queued, and is sent from its first byte after the next Connect.
func (s *Station) Disconnect(now time.Time, a Address) {
	if p := s.known(a); p != nil {
		s.restart(p)
		p.connected, p.called = false, false
		s.settle(p)
		s.release(p)
	}
}

// restart puts all that belongs to a connection back to its start.
func (s *Station) restart(p *peer) {
	p.tx.rewind()
	p.rx.reset()
	if m := p.xtx.current; m != nil {
		p.xtx.queue = append([]*message{m}, p.xtx.queue...)
	}
	p.xtx = expSender{queue: p.xtx.queue}
	p.xrx.reset()
	p.sync, p.mgmt = resync{}, management{}
	p.misses, p.probe, p.sent, p.last = 0, false, 0, time.Time{}
}

// Abandon makes a peer unconnected and fails all that is queued for it by ARQ.
func (s *Station) Abandon(now time.Time, a Address, why error) {
	p := s.known(a)
	if p == nil {
		return
	}
	var all []*message
	p.each(func(m *message) { all = append(all, m) })
	p.tx.reset()
	p.tx.queue, p.xtx.queue, p.xtx.current = nil, nil, nil
	for _, m := range all {
		s.fail(p, m, why)
	}
	s.Disconnect(now, a)
}

// lose is what follows when a peer does not answer any more.
func (s *Station) lose(now time.Time, p *peer) {
	s.Abandon(now, p.addr, ErrLost)
	s.emit(Lost{p.addr})
}

// settle leaves a state when nothing of it remains.
//
// S5066 C.6.1: MANAGEMENT goes before EXPEDITED-DATA, and that before DATA.
func (s *Station) settle(p *peer) {
	p.mgmt.tidy()
	switch {
	case p.mgmt.busy():
		p.state = InManagement
	case p.connected && (p.xtx.busy() || p.xrx.owed || p.xrx.partial()):
		p.state = InExpedited
	case p.connected && (p.tx.busy() || p.rx.owed || p.sync.want != resyncNone):
		p.state = InData
	default:
		p.state = Idle
	}
}

// owes tells whether the peer waits for something from us besides data.
func (s *Station) owes(p *peer) bool {
	return p.connected && (p.rx.owed || p.xrx.owed || p.sync.owed || p.sync.want != resyncNone) || p.mgmt.owed || p.mgmt.want ||
		s.warns(p.addr) || s.casts.answer(p.addr)
}

// hasData tells whether there are C_PDUs or parts of them to send to the peer.
func (p *peer) hasData() bool {
	return p.connected && !p.called && !p.mgmt.busy() && (p.tx.busy() || p.xtx.busy())
}

// urgency is that of the first thing to send: what is owed, expedited data, then data by priority.
func (s *Station) urgency(p *peer) int {
	switch {
	case s.owes(p):
		return 100
	case !p.hasData():
		return -1
	case p.xtx.busy():
		return 99
	}
	return int(p.tx.priority())
}

// timingOf is the modem's timing towards p, which may be nil.
func (s *Station) timingOf(p *peer) *Timing {
	if p == nil || p.timing == nil {
		return &s.cfg.Timing
	}
	return p.timing
}

// SetTiming tells that the modem changed, for one peer, or with the zero Address for all that have none of their own. The zero Timing
// takes a peer's own away. What is on the air at this moment is not touched.
func (s *Station) SetTiming(a Address, t Timing) error {
	if p := s.known(a); t == (Timing{}) && a != 0 {
		if p != nil {
			p.timing = nil
		}
		return nil
	}
	if t.Rate <= 0 {
		return fmt.Errorf("dts: rate of %d bit/s", t.Rate)
	}
	if a == 0 {
		s.cfg.Timing = t
		return nil
	}
	p, err := s.peer(a)
	if err != nil {
		return err
	}
	p.timing = &t
	return nil
}
