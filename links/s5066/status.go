package s5066

import (
	"fmt"
	"sync/atomic"
	"time"

	"longwire/links"
	"longwire/links/meter"
	"longwire/links/sis"
)

// States beside those of package links.
const (
	Held        links.State = "held"         // bound, and the SIS server takes nothing for now
	ReceiveOnly links.State = "receive-only" // EMCON
	Invited     links.State = "invited"      // a kit that has not introduced itself: nothing is sent to it, and nothing taken from it
	Introducing links.State = "introducing"  // we are a kit that headquarters has not answered
)

// Status is the state of a link towards one of its peers, with what it has carried since the node started. Up means that the SAP is bound and nothing
// speaks against sending.
type Status struct {
	links.Status
	meter.Counts

	Mapping string
	Bound   bool
	FlowOff bool                   // by the SIS server
	EMCON   bool                   // by our operator
	Node    sis.NodeStatus         // what the SIS server can do, as it last said,
	Reason  sis.AvailabilityReason // and why
	MTU     int                    // of the SIS server; 0: not bound
	Strays  Strays                 // of the whole link

	Outstanding int // U_PDUs that the SIS server has and has not answered
	OnFarNode   int // stanzas that the peer's node has, and the peer has not confirmed
	Unconfirmed int // stanzas under way in any way
	FramesOut   uint64
	FramesIn    uint64
	Foreign     uint64    // of FramesIn: of the other mapping, and taken all the same
	Rate        int       // measured, bit/s; 0: not known
	Heard       time.Time // the peer; zero: not since the node started
	Codec       CodecStatus
	MarkOwed    time.Time // since when the peer waits to be told what we took; zero: it does not
	Drops       Drops
	Pairing     *PairingStatus // nil: none
}

// Drops are U_PDUs of the peer that had no effect.
type Drops struct {
	Overflow uint64 // came faster than they could be stored
	Format   uint64 // not what the mapping speaks, or too long
	Check    uint64 // damaged, or from a peer that is out of step
	Codec    uint64 // coded in a way that we cannot read
	Gap      uint64 // what goes before was missing
	Old      uint64 // of a numbering that is over
	Closed   uint64 // of a kit that has not introduced itself
}

type drops struct{ overflow, format, check, codec, gap, old, closed atomic.Uint64 }

func (d *drops) counts() Drops {
	return Drops{d.overflow.Load(), d.format.Load(), d.check.Load(), d.codec.Load(), d.gap.Load(), d.old.Load(), d.closed.Load()}
}

// status is that of one peer.
func (b *bind) status(p *port) Status {
	s := Status{Counts: p.meter.Counts(), Mapping: p.c.Mapping, Drops: p.drops.counts()}
	b.mu.Lock()
	s.Bound, s.FlowOff, s.EMCON, s.MTU = b.state.bound, b.flowOff, b.state.emcon, b.state.mtu
	s.Node, s.Reason, s.Strays = b.node, b.reason, b.strays
	s.Status = links.Status{Link: b.c.Name, Peer: p.c.Peer, Since: b.since, Remote: p.remoteText(), Fault: b.fault}
	switch {
	case b.state.ready():
		s.State = links.Up
	case b.state.bound && b.state.emcon:
		s.State = ReceiveOnly
	case b.state.bound:
		s.State = Held
	case time.Now().Before(b.until):
		s.State, s.Until = links.BackingOff, b.until
	default:
		s.State = links.Dialling
	}
	other := b.other
	b.mu.Unlock()
	p.m.report(&s)
	p.pair.report(&s)
	if s.Fault == "" && other != 0 {
		s.Fault = fmt.Sprintf("the SIS server is %s, local_5066_address says %s", other, b.c.LocalAddress)
	}
	return s
}
