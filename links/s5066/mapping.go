package s5066

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/meter"
	"longwire/links/sis"
	"longwire/store"
)

// A mapping carries the stanzas of one peer over a bind that it shares with others.
//
// run does all the work: it empties the peer's queue (port.queue) into U_PDUs (port.submit), and hands what the peer's U_PDUs hold to port.in. It returns
// when ctx is done and nothing of it is left, or with an error of the store.
//
// The other methods are called by the bind's reader, in the order in which things happened, and from SetEMCON. They must not wait: what they
// are told is noted, and run is woken.
type mapping interface {
	run(ctx context.Context) error
	// heard is a U_PDU of the peer, from its address and SAP. Most put it into an inbox.
	heard(p sis.UnidataIndication)
	// fate is the end of a request of this peer's, exactly one for each that sent was told of (upload.sent) and that the server has to confirm.
	fate(t sis.Ticket, f fate)
	// changed is called when the bind came, went, was held or let go.
	changed(s bindState)
	// report fills in what only the mapping knows.
	report(s *Status)

	// compose makes the next U_PDU, or nil, once run has told the pairing that it may (pairing.begin). Any goroutine may call it that has the turn of the
	// bind; when what it made was not handed over it calls notSent.
	compose(mtu int) *upload
	notSent(err error)
}

func newMapping(p *port) mapping {
	if p.c.Mapping == Longwire {
		return newLanes(p)
	}
	return newRCOP(p)
}

// A fate is what became of a request.
type fate struct {
	kind   fateKind
	reason sis.RejectReason // rejected
	at     time.Time        // when it came, if it was withheld since (pairing); else zero: now
}

type fateKind uint8

const (
	confirmed  fateKind = iota // by node or client, as asked for
	rejected                   // not delivered, or not known to be
	unanswered                 // the server seems to have forgotten it
	lost                       // the bind ended first: it may have been delivered, or still be
)

// bindState is what a mapping may do at present.
type bindState struct {
	bound bool
	mtu   int  // of the server, while bound
	emcon bool // the operator wants silence
	held  bool // the server takes nothing: flow off, or it cannot transmit
}

// ready tells whether a request would go out at once.
func (s bindState) ready() bool { return s.bound && !s.emcon && !s.held }

// An upload is a request to the SIS server. Where it goes to is the port's to say.
type upload struct {
	updu     []byte
	mode     sis.ServiceType
	priority uint8
	ttl      time.Duration // of the clock, not of the radio
	to       sis.Address   // another than the port's, if it has a length
	sent     func(t sis.Ticket, at time.Time)
}

// A port is what a mapping has of its link. Its fields are not changed after it was made.
type port struct {
	bind  *bind
	link  Config
	c     PeerConfig
	queue *store.Queue
	db    *store.DB
	desk  *custody.Desk // of all links of the peer
	way   links.Way
	in    links.Inbound
	sieve links.Sieve
	meter *meter.Meter
	trace func(links.Event)
	log   *slog.Logger
	m     mapping
	pair  *pairing // nil: the peer is not one that introduces itself, nor are we to it
	addr  atomic.Uint32
	drops drops
}

// remote is the peer's address; without a length while it is not known.
func (p *port) remote() sis.Address { return sis.Address(p.addr.Load()) }

// remoteText is the same for people; empty while it is not known.
func (p *port) remoteText() string {
	if a := p.remote(); a.Size() > 0 {
		return a.String()
	}
	return ""
}

// heard is a U_PDU of the peer that is none of pairing.
func (p *port) heard(u sis.UnidataIndication) {
	if p.pair != nil && !p.pair.heard() {
		p.drops.closed.Add(1)
		return
	}
	p.m.heard(u)
}

// fate is the end of a request.
func (p *port) fate(t sis.Ticket, f fate) {
	if p.pair != nil && p.pair.fate(t, f) {
		return
	}
	p.m.fate(t, f)
}

// radio is how long d of radio time takes by the clock.
func (p *port) radio(d time.Duration) time.Duration {
	return time.Duration(float64(d) / p.link.TimeScale)
}

// onAir is how much radio time d of the clock is.
func (p *port) onAir(d time.Duration) time.Duration {
	return time.Duration(float64(d) * p.link.TimeScale)
}

// submit hands one U_PDU to the SIS server. It waits for its turn (peers take turns, in the order in which they came) and until the server takes
// something; only then compose is asked what to send, so that it is what is most urgent now. nil means nothing after all.
//
// upload.sent is called before the fate of the request can come. The error is that of ctx, or of a request that is wrong in itself; when the bind ends
// meanwhile, submit waits for the next.
func (p *port) submit(ctx context.Context, compose func(mtu int) *upload) error {
	return p.bind.submit(ctx, p, compose)
}

// event traces one step.
func (p *port) event(e links.Event) {
	e.At, e.Link, e.Peer = time.Now(), p.link.Name, p.c.Peer
	p.trace(e)
}
