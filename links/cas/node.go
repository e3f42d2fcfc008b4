package cas

import (
	"fmt"
	"math"
	"slices"
	"time"

	"longwire/links/dts"
)

// Config is what a Node is made of. Zero fields mean the default.
type Config struct {
	DTS dts.Config

	Tries     int           // times a link request or break is sent; default 3
	First     time.Duration // a called node waits for the first data of its caller; default 130 s and the time of an answer
	Idle      time.Duration // a caller keeps a link so long after the last data; default 30 s, negative: not at all, or Never
	CalledMin time.Duration // a called node keeps a link at least so long when it needs room for others; default 60 s
	SoftMax   time.Duration // nobody keeps it longer when others wait for room; default 300 s
	MaxLinks  int           // nonexclusive links at the same time; default 8
	Broadcast bool          // no links at all
}

// Never is an Idle that keeps links for ever.
const Never time.Duration = math.MaxInt64

// Most relinks after a peer said that it knows of no link, with nothing confirmed in between.
const maxRelinks = 3

// An Event is what a Node has to tell: Delivery, Made, Broken or Refused of this package, or Confirmed, Sent, Failed, Warned, Resynced,
// Orderwire or RateChange of package dts.
type Event any

// Delivery is an S_PDU that came in. Offsets of blocks count from its first byte.
type Delivery struct {
	From, To         dts.Address
	Service          dts.Service
	SPDU             []byte
	Errored, Missing []dts.Block
}

// Good tells whether all of the S_PDU is there and as it was sent.
func (d *Delivery) Good() bool { return len(d.Errored)+len(d.Missing) == 0 }

// Made: a link is up.
type Made struct {
	Peer      dts.Address
	Exclusive bool
	Called    bool // the peer asked for it
}

// Broken: a link is down. What was not confirmed and not failed waits for the next one.
type Broken struct {
	Peer      dts.Address
	Exclusive bool
	Cause     Cause
	Reason    BreakReason // with ByUs and ByPeer
}

// Cause is who or what broke a link.
type Cause uint8

// The causes.
const (
	ByUs    Cause = iota // we told the peer, or tried to
	ByPeer               // it told us
	Lost                 // it does not answer any more
	Unknown              // it knows of no link, or asked for a new one
	NoFirst              // it called and sent nothing
)

// String says it in words.
func (c Cause) String() string {
	return [...]string{"by us", "by the peer", "connection lost", "unknown to the peer", "no data came"}[min(int(c), 4)]
}

// Refused: a link could not be made. Failed follows for what waited for it.
type Refused struct {
	Peer      dts.Address
	Exclusive bool
	Err       error // *RejectedError or ErrNoAnswer
}

// A Node is the channel access sublayer of one node, with its data transfer sublayer below. It is told and asked just as a dts.Station
// is, and used by one goroutine.
type Node struct {
	cfg     Config
	dts     *dts.Station
	links   []*link
	events  []Event
	control map[dts.ID]bool        // C_PDUs of our own that wait to be sent, or for an answer
	answers map[dts.Address]dts.ID // the last answer to each peer, if it still waits
}

// New makes a Node.
func New(cfg Config) (*Node, error) {
	s, err := dts.New(cfg.DTS)
	if err != nil {
		return nil, err
	}
	set(&cfg.Tries, 3)
	set(&cfg.First, 130*time.Second+cfg.DTS.Timing.Answer())
	set(&cfg.Idle, 30*time.Second)
	set(&cfg.CalledMin, time.Minute)
	set(&cfg.SoftMax, 5*time.Minute)
	set(&cfg.MaxLinks, 8)
	return &Node{cfg: cfg, dts: s, control: make(map[dts.ID]bool), answers: make(map[dts.Address]dts.ID)}, nil
}

func set[T int | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// A Unit asks for an S_PDU to be sent.
type Unit struct {
	To        dts.Address
	Service   dts.Service
	Priority  uint8
	Unordered bool
	Repeats   int
	Expires   time.Time
	SPDU      []byte
}

// Send queues an S_PDU. With the ARQ services a link is made if there is none.
func (n *Node) Send(now time.Time, u Unit) (dts.ID, error) {
	arq := u.Service == dts.ServiceARQ || u.Service == dts.ServiceExpedited
	if arq && n.cfg.Broadcast {
		return 0, fmt.Errorf("cas: send to %s: %w", u.To, ErrBroadcast)
	}
	c := CPDU{Type: Data, SPDU: u.SPDU}
	id, err := n.dts.Send(now, dts.Request{To: u.To, Service: u.Service, Priority: u.Priority, Unordered: u.Unordered, Repeats: u.Repeats,
		Expires: u.Expires, CPDU: c.Append(make([]byte, 0, 1+len(u.SPDU)))})
	if err == nil && arq {
		n.link(u.To)
	}
	n.run(now)
	return id, err
}

// Station is the sublayer below, for what does not concern links: orderwires, rates, timing, what was heard, the length of the queue.
// Its events come by Next of the Node.
func (n *Node) Station() *dts.Station { return n.dts }

// Cancel gives up an S_PDU.
func (n *Node) Cancel(now time.Time, id dts.ID) bool {
	ok := n.dts.Cancel(now, id)
	n.run(now)
	return ok
}

// Mute stops all transmissions until it is taken back.
func (n *Node) Mute(now time.Time, on bool) {
	n.dts.Mute(now, on)
	n.run(now)
}

// Receive takes a D_PDU, as that of dts.Station does.
func (n *Node) Receive(now, at time.Time, d *dts.PDU) {
	n.dts.Receive(now, at, d)
	n.run(now)
}

// Invalid takes a D_PDU against the rules.
func (n *Node) Invalid(now, at time.Time, d *dts.PDU) {
	n.dts.Invalid(now, at, d)
	n.run(now)
}

// Carrier tells that the modem begins or ceases to hear a signal.
func (n *Node) Carrier(now time.Time, on bool) {
	n.dts.Carrier(now, on)
	n.run(now)
}

// Sent tells that the signal of the last transmission is over.
func (n *Node) Sent(now time.Time) {
	n.dts.Sent(now)
	n.run(now)
}

// Tick lets time pass.
func (n *Node) Tick(now time.Time) {
	n.dts.Tick(now)
	n.run(now)
}

// Transmit gives what is to be sent at this moment, or nil.
func (n *Node) Transmit(now time.Time) *dts.Transmission {
	t := n.dts.Transmit(now)
	n.run(now)
	return t
}

// Deadline is when Tick and Transmit are to be called again if nothing else happens; zero is never.
func (n *Node) Deadline() time.Time {
	t := n.dts.Deadline()
	for _, l := range n.links {
		if x := n.timer(l); !x.IsZero() && (t.IsZero() || x.Before(t)) {
			t = x
		}
	}
	return t
}

// Next gives the next event; ok is false when there is none.
func (n *Node) Next() (e Event, ok bool) {
	if len(n.events) == 0 {
		n.events = nil
		return nil, false
	}
	e, n.events = n.events[0], n.events[1:]
	return e, true
}

func (n *Node) emit(e Event) { n.events = append(n.events, e) }

// run acts on what the sublayer below told and on timers, until nothing more follows.
func (n *Node) run(now time.Time) {
	for again := true; again; {
		again = false
		for e, ok := n.dts.Next(); ok; e, ok = n.dts.Next() {
			n.told(now, e)
			again = true
		}
		for _, l := range slices.Clone(n.links) {
			again = n.expired(now, l) || again
		}
		again = n.open(now) || again
	}
}

// ours tells whether an ended C_PDU was one of our own.
func (n *Node) ours(id dts.ID, peer dts.Address) bool {
	if n.answers[peer] == id {
		delete(n.answers, peer)
	}
	own := n.control[id]
	delete(n.control, id)
	return own
}

// told acts on an event of the sublayer below.
func (n *Node) told(now time.Time, e dts.Event) {
	switch e := e.(type) {
	case dts.Delivery:
		n.delivered(now, &e)
	case dts.Sent:
		if !n.ours(e.ID, e.Peer) {
			n.emit(e)
		}
	case dts.Failed:
		if !n.ours(e.ID, e.Peer) {
			n.emit(e)
		}
	case dts.Confirmed:
		if l := n.known(e.Peer); l != nil {
			l.relinks = 0
		}
		n.emit(e)
	case dts.NoReply:
		n.unanswered(now, e)
	case dts.Lost:
		if l := n.known(e.Peer); l != nil {
			n.down(now, l, Lost, 0)
		}
	case dts.Warned:
		n.emit(e)
		n.warned(now, e)
	default:
		n.emit(e)
	}
}

// delivered takes a C_PDU.
func (n *Node) delivered(now time.Time, d *dts.Delivery) {
	if !d.Good() {
		n.emitPart(d)
		return
	}
	c, err := Decode(d.CPDU)
	switch {
	case err != nil:
	case c.Type == Data:
		n.emit(Delivery{From: d.From, To: d.To, Service: d.Service, SPDU: c.SPDU})
	case d.Service == dts.ServiceExpeditedNonARQ && !d.To.Group():
		// S5066 B.3.1: all but DATA travel by the expedited non-ARQ service, from node to node.
		n.controlled(now, d.From, &c)
	}
}

// emitPart hands on a damaged S_PDU, if its C_PDU's own byte is good.
func (n *Node) emitPart(d *dts.Delivery) {
	if len(d.CPDU) == 0 || Type(d.CPDU[0]>>4) != Data {
		return
	}
	out := Delivery{From: d.From, To: d.To, Service: d.Service, SPDU: d.CPDU[1:]}
	for _, list := range []struct{ from, to *[]dts.Block }{{&d.Errored, &out.Errored}, {&d.Missing, &out.Missing}} {
		for _, b := range *list.from {
			if b.Offset == 0 {
				return
			}
			*list.to = append(*list.to, dts.Block{Offset: b.Offset - 1, Size: b.Size})
		}
	}
	n.emit(out)
}
