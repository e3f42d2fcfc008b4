package dts

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A Station is the data transfer sublayer of one node on one half-duplex channel.
//
// It is told what happens by Receive, Invalid, Carrier, Sent and Tick, each with the time, and asked afterwards: Transmit gives the
// next transmission when it is this node's turn, Next the events, and Deadline the time by which to call Tick and Transmit again.
// A Station is used by one goroutine.
type Station struct {
	cfg    Config
	rand   *rand.Rand
	peers  []*peer
	casts  casts
	gather gather
	events []Event
	heard  []Heard
	lastID ID
	queued int       // bytes of C_PDUs that wait or are under way
	expiry time.Time // not later than the next time to live that ends; zero: none

	channel  channel
	replyTo  *peer     // the present or last reception obliges us to answer it
	floor    *peer     // it has answered us, and nobody spoke since: we may go on
	chain    int       // transmissions running for which we did not compete
	since    time.Time // when somebody last did
	await    await
	warnings []warning
	muted    bool
	alert    alert // for what others had to say
	out      builder
}

// A warning waits to be sent.
type warning struct {
	to Address
	Warning
}

// New makes a Station.
func New(cfg Config) (*Station, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Station{cfg: cfg, rand: rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.Address)))}
	s.gather.limit = cfg.MaxGather
	s.channel.spread = 1
	return s, nil
}

// A Request asks for a C_PDU to be sent.
type Request struct {
	To        Address
	Service   Service
	Priority  uint8 // 0 to 15, 15 first
	Unordered bool  // may be delivered before earlier C_PDUs
	Repeats   int   // non-ARQ: copies beyond the first, at most 15
	Expires   time.Time
	CPDU      []byte // the Station's from now on
	// Only with ServiceExpeditedNonARQ, and for single peers:
	Reply  bool // the peer answers by the same service: the channel is left to it, and NoReply comes if it does not
	Answer bool // this is such an answer
}

// S_PDUs ask for at most so many (S5066 A.2: four bits).
const maxRepeats = 15

// Send queues a C_PDU. ARQ C_PDUs wait until their peer is connected.
func (s *Station) Send(now time.Time, r Request) (ID, error) {
	most := s.cfg.MaxCPDU
	if r.Service != ServiceARQ {
		most = 65535 // S5066 C.3.10: the size has 16 bits
	}
	switch {
	case len(r.CPDU) > most, r.Service == ServiceExpedited && len(r.CPDU) > maxWindow*MaxSegment:
		return 0, fmt.Errorf("dts: send %d bytes to %s: %w", len(r.CPDU), r.To, ErrTooLong)
	case s.queued+len(r.CPDU) > s.cfg.MaxQueue && !r.Reply && !r.Answer:
		return 0, fmt.Errorf("dts: send %d bytes to %s: %w", len(r.CPDU), r.To, ErrFull)
	case r.To == 0 || !r.To.valid() || r.To == s.cfg.Address:
		return 0, fmt.Errorf("dts: send to %s: %w", r.To, ErrPeer)
	}
	id := s.lastID + 1
	if r.Service == ServiceNonARQ || r.Service == ServiceExpeditedNonARQ {
		c := &cast{id: id, to: r.To, expedited: r.Service == ServiceExpeditedNonARQ, data: r.CPDU, priority: r.Priority, inOrder: !r.Unordered,
			expires: r.Expires, copies: 1 + min(max(0, r.Repeats), maxRepeats)}
		if c.expedited && !r.To.Group() && (r.Reply || r.Answer) {
			p, err := s.peer(r.To)
			if err != nil {
				return 0, fmt.Errorf("dts: send to %s: %w", r.To, err)
			}
			c.reply, c.answer = r.Reply, r.Answer
			if c.answer && s.channel.talker == p.addr {
				s.replyTo = p
			}
		}
		s.casts.push(c)
	} else {
		p, err := s.peer(r.To)
		if err != nil {
			return 0, fmt.Errorf("dts: send to %s: %w", r.To, err)
		}
		p.alert.raise(now, r.Priority)
		m := &message{id: id, data: r.CPDU, priority: r.Priority, ordered: !r.Unordered, expires: r.Expires}
		if r.Service == ServiceExpedited {
			p.xtx.queue = append(p.xtx.queue, m)
		} else {
			p.tx.push(m)
		}
	}
	s.lastID = id
	s.queued += len(r.CPDU)
	s.expiry = earlier(s.expiry, r.Expires)
	return id, nil
}

// Next gives the next event; ok is false when there is none.
func (s *Station) Next() (e Event, ok bool) {
	if len(s.events) == 0 {
		s.events = nil
		return nil, false
	}
	e, s.events = s.events[0], s.events[1:]
	return e, true
}

func (s *Station) emit(e Event) { s.events = append(s.events, e) }

// fail ends a C_PDU that was not confirmed.
func (s *Station) fail(p *peer, m *message, why error) {
	m.done = true
	s.queued -= len(m.data)
	s.emit(Failed{m.id, p.addr, why})
}

// confirm ends a C_PDU that was.
func (s *Station) confirm(p *peer, m *message) {
	m.done = true
	s.queued -= len(m.data)
	s.emit(Confirmed{m.id, p.addr})
}

// end takes a non-ARQ C_PDU out of the queue.
func (s *Station) end(c *cast) {
	s.casts.remove(c)
	s.queued -= len(c.data)
}

// Cancel gives up a C_PDU. What is on the air already may arrive all the same. It tells whether there was one.
func (s *Station) Cancel(now time.Time, id ID) bool {
	return s.remove(func(m *message) bool { return m.id == id }, func(c *cast) bool { return c.id == id }, ErrCancelled) > 0
}

// Replied tells that what came from its peer is the answer to a C_PDU sent with Reply: there will be no NoReply. If it was not sent
// yet, it never will be.
func (s *Station) Replied(now time.Time, id ID) {
	s.await.casts = slices.DeleteFunc(s.await.casts, func(x ID) bool { return x == id })
	s.out.asked = slices.DeleteFunc(s.out.asked, func(x ID) bool { return x == id })
	s.Cancel(now, id)
}

// Flush gives up all C_PDUs for a peer or a group, and tells how many there were.
func (s *Station) Flush(now time.Time, a Address) int {
	p := s.known(a)
	mine := map[*message]bool{}
	if p != nil {
		p.each(func(m *message) { mine[m] = true })
	}
	return s.remove(func(m *message) bool { return mine[m] }, func(c *cast) bool { return c.to == a }, ErrCancelled)
}

// each visits all C_PDUs under way or waiting by ARQ.
func (p *peer) each(visit func(m *message)) {
	p.tx.each(visit)
	p.xtx.each(visit)
}

// remove gives up all C_PDUs picked.
func (s *Station) remove(arq func(*message) bool, non func(*cast) bool, why error) (n int) {
	for _, p := range s.peers {
		p.each(func(m *message) {
			if arq(m) {
				p.tx.drop(m)
				p.xtx.drop(m)
				s.fail(p, m, why)
				n++
			}
		})
	}
	for _, c := range slices.Clone(s.casts.list) {
		if non(c) {
			s.end(c)
			s.emit(Failed{c.id, c.to, why})
			n++
		}
	}
	return n
}

// expire gives up what is too old.
func (s *Station) expire(now time.Time) {
	if s.expiry.IsZero() || now.Before(s.expiry) {
		return
	}
	old := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	s.remove(func(m *message) bool { return old(m.expires) }, func(c *cast) bool { return old(c.expires) }, ErrExpired)
	s.expiry = time.Time{}
	for _, p := range s.peers {
		p.each(func(m *message) { s.expiry = earlier(s.expiry, m.expires) })
	}
	for _, c := range s.casts.list {
		s.expiry = earlier(s.expiry, c.expires)
	}
}

// Tick lets time pass.
func (s *Station) Tick(now time.Time) {
	s.expire(now)
	s.conclude(now, false)
	s.expireAwait(now)
	s.collect(now)
}

// collect delivers non-ARQ C_PDUs.
func (s *Station) collect(now time.Time) {
	for _, d := range s.gather.ready(now) {
		s.emit(d)
	}
}

// Deadline is when Tick and Transmit are to be called again if nothing else happens; zero is never.
func (s *Station) Deadline() time.Time {
	t := earlier(s.expiry, s.gather.deadline())
	if s.channel.sending || s.channel.carrier {
		return t
	}
	if s.channel.open {
		return earlier(t, s.channel.until.Add(s.cfg.Guard))
	}
	if s.await.peer != nil && (s.muted || !s.interrupts()) {
		return earlier(t, s.await.until)
	}
	if plan, ok := s.choose(); ok && !s.muted {
		t = earlier(t, s.start(plan))
	}
	return t
}

// Mute stops all transmissions until it is taken back; answers owed wait. A transmission on the air is for the caller to break off.
func (s *Station) Mute(now time.Time, on bool) {
	s.Tick(now)
	s.muted = on
	if on {
		// Nobody answers to silence: what goes unanswered meanwhile says nothing about the peer. But who asked must ask again.
		for _, id := range s.await.casts {
			s.emit(NoReply{id, s.await.peer.addr})
		}
		s.await = await{}
		for _, p := range s.peers {
			p.mgmt.owed = p.mgmt.owed || p.mgmt.step == drcMoved
		}
	}
}

// Status is the present state of a peer.
type Status struct {
	State     State
	Connected bool
	Queued    int // ARQ C_PDUs neither confirmed nor failed
	InFlight  int // frame numbers the transmit window spans
	Segment   int // present segment size
	Misses    int // rounds running without an answer
}

// Status tells how things stand with a peer.
func (s *Station) Status(a Address) Status {
	p := s.known(a)
	if p == nil {
		return Status{}
	}
	st := Status{State: p.state, Connected: p.connected, InFlight: p.tx.inFlight(), Segment: p.segment, Misses: p.misses}
	p.each(func(*message) { st.Queued++ })
	return st
}

// Pending tells whether ARQ C_PDUs for a peer are neither confirmed nor failed.
func (s *Station) Pending(a Address) bool {
	p := s.known(a)
	return p != nil && (p.tx.busy() || p.xtx.busy())
}

// Busy tells whether ARQ or management with a peer has something to do, in either direction.
func (s *Station) Busy(a Address) bool {
	p := s.known(a)
	return p != nil && (p.state != Idle || p.tx.busy() || p.xtx.busy())
}

// Owes tells whether an acknowledgement is due to a peer that is connected.
func (s *Station) Owes(a Address) bool {
	p := s.known(a)
	return p != nil && p.connected && (p.rx.owed || p.xrx.owed)
}

// LastData is when data or acknowledgements of ARQ last went to or came from a peer; zero if none did since it was connected.
func (s *Station) LastData(a Address) time.Time {
	if p := s.known(a); p != nil {
		return p.last
	}
	return time.Time{}
}

// Answer is how long a peer may take to answer from the end of a transmission to it.
func (s *Station) Answer(a Address) time.Duration { return s.timingOf(s.known(a)).Answer() }

// Queued is how many bytes of C_PDUs wait or are under way; Send fails beyond Config.MaxQueue.
func (s *Station) Queued() int { return s.queued }
