package sis

import (
	"errors"
	"sync"
	"time"
)

// A Handler is the node behind a Server. Its methods are called one after the other for one Port, at the same time for several.
// They must not wait; what they start can use the Port and the Request later, from anywhere.
type Handler interface {
	// Bound tells of a new client, and Unbound that it is gone. Between the two comes all else of that Port.
	Bound(p *Port)
	Unbound(p *Port)
	// Unidata takes a U_PDU. Exactly one of its Confirm and Reject is due, at the latest soon after its Deadline: until then it counts
	// as queued and keeps the client from sending more.
	Unidata(r *Request)
	// HardLink is told HardLinkEstablish, HardLinkTerminate, HardLinkAccept or HardLinkReject. Addresses are Canonical, and of nodes.
	HardLink(p *Port, q Primitive)
	// Management is told what a client of rank 15 asks for.
	Management(p *Port, m ManagementMsgRequest)
}

var (
	// ErrNotBound is for a Port whose client is gone, and a SAP that nobody has.
	ErrNotBound = errors.New("sis: SAP is not bound")
	// ErrSlow is for a client that does not read. It is cut off.
	ErrSlow = errors.New("sis: client does not read")
)

// A Port is a SAP while a client has it. Its methods never wait.
type Port struct {
	SAP, Rank   uint8
	ServiceType ServiceType
	Client      string // the other end of the carrier
	Since       time.Time

	calls   sync.Mutex // held while the Handler is told something of this Port
	c       *conn
	bound   bool // guarded by c.mu, like the rest
	open    int  // requests that the node has,
	bytes   int  // and of their U_PDUs
	flowOff bool
	left    bool
}

// Left tells whether client and node parted in order: it gave the SAP back by S_UNBIND_REQUEST, or had to make room. Else it is gone, or
// does what it should not.
func (p *Port) Left() bool {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	return p.left
}

// Queued is the number of requests that the node has not answered.
func (p *Port) Queued() int {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	return p.open
}

// Send tells the client something: UnidataIndication, ManagementMsgIndication, SubnetAvailability, or of hard links. Other primitives are the
// Server's own. The error is ErrNotBound, ErrSlow or an *Error.
func (p *Port) Send(q Primitive) error {
	b, err := Tolerant.Append(nil, q)
	if err != nil {
		return err
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	return p.sendLocked(b)
}

func (p *Port) sendLocked(b []byte) error {
	if !p.bound {
		return ErrNotBound
	}
	return p.c.queueLocked(b)
}

// A Request is a U_PDU in the node's custody. Its DeliveryMode is never DefaultMode, and its Destination is Canonical.
type Request struct {
	UnidataRequest
	Port     *Port
	Arrived  time.Time
	Deadline time.Time // S5066 A, TTL: drop the U_PDU when it is still here then

	asked Address // the destination as the client wrote it
	done  bool    // guarded by Port.c.mu
}

// Confirm says that the U_PDU was delivered as asked, or sent if no confirmation was asked for.
func (r *Request) Confirm() {
	r.finish(UnidataRequestConfirm{Expedited: r.Expedited, DestinationSAP: r.DestinationSAP, Destination: r.asked, UPDU: r.head()})
}

// Reject says that it was not.
func (r *Request) Reject(why RejectReason) { r.finish(r.rejected(why)) }

func (r *Request) rejected(why RejectReason) Primitive {
	return UnidataRequestRejected{Expedited: r.Expedited, Reason: why, DestinationSAP: r.DestinationSAP, Destination: r.asked, UPDU: r.head()}
}

// head is what an answer quotes.
func (r *Request) head() []byte {
	if n := r.Port.c.s.c.Head; n > 0 && n < len(r.UPDU) {
		return r.UPDU[:n]
	}
	return r.UPDU
}

// finish ends the custody; only the first call counts.
//
// S5066 A, S_UNIDATA_REQUEST_REJECTED: without confirmation the client hears of nothing that happens to a U_PDU on its way.
func (r *Request) finish(answer Primitive) {
	p := r.Port
	var b []byte
	if r.DeliveryMode.Confirmation != NoConfirmation {
		b, _ = Tolerant.Append(nil, answer) // fields and sizes come from a request that was decoded
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	if r.done {
		return
	}
	r.done = true
	p.open--
	p.bytes -= len(r.UPDU)
	if b != nil {
		_ = p.sendLocked(b) // a client that is gone needs no answer
	}
	if p.flowOff && p.open <= p.c.s.c.Queue/2 && p.bytes <= p.c.s.c.QueueBytes/2 {
		p.flowOff = false
		b, _ := Tolerant.Append(nil, DataFlowOn{})
		_ = p.sendLocked(b)
	}
	p.c.roomLocked()
}
