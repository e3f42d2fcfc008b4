package sis

import (
	"errors"
	"fmt"
)

// A Ticket stands for a request of one Client. Requests are numbered from 1; 0 is none.
type Ticket uint64

// An Event is what a Client hears: UnidataIndication, Confirmed, Rejected, Unanswered, DataFlowOff, DataFlowOn, SubnetAvailability,
// HardLinkEstablished, HardLinkRejected, HardLinkTerminated, HardLinkIndication or ManagementMsgIndication. Addresses in them are Canonical.
type Event interface{ event() }

// Confirmed is the good end of a request.
type Confirmed struct {
	Ticket Ticket // 0: of none that is known
	Answer UnidataRequestConfirm
}

// Rejected is the bad end. A request without confirmation can be rejected too, for what is wrong with it; then its Ticket is not known.
type Rejected struct {
	Ticket Ticket // 0: of none that is known
	Answer UnidataRequestRejected
}

// Unanswered is the end of a request that the node seems to have forgotten: its time to live is over and no answer came. Nodes may lose what
// meets an S_DATA_FLOW_OFF on its way. The U_PDU may have been delivered all the same.
type Unanswered struct{ Ticket Ticket }

func (UnidataIndication) event()       {}
func (Confirmed) event()               {}
func (Rejected) event()                {}
func (Unanswered) event()              {}
func (DataFlowOff) event()             {}
func (DataFlowOn) event()              {}
func (SubnetAvailability) event()      {}
func (HardLinkEstablished) event()     {}
func (HardLinkRejected) event()        {}
func (HardLinkTerminated) event()      {}
func (HardLinkIndication) event()      {}
func (ManagementMsgIndication) event() {}

// Why a Client ended, beside what its carrier says.
var (
	ErrClosed  = errors.New("sis: client closed")
	ErrOverrun = errors.New("sis: events are not received")
	ErrSilent  = errors.New("sis: node does not answer")

	errUnbound = errors.New("sis: node ended the bind")
)

// ErrTooLong is wrapped when a U_PDU is longer than the node's MTU.
var ErrTooLong = errors.New("U_PDU longer than the MTU")

// Unbound is how a Client ends. What became of outstanding requests is not known: each may have been delivered, may be delivered yet, or never.
type Unbound struct {
	Reason      UnbindReason // what the node said, if it did
	Err         error
	Outstanding []Ticket
}

func (u *Unbound) Error() string {
	if u.Err == errUnbound {
		return fmt.Sprintf("%v: %v", u.Err, u.Reason)
	}
	return u.Err.Error()
}

func (u *Unbound) Unwrap() error { return u.Err }

// A BindError is a node's refusal.
type BindError struct{ Reason BindReason }

func (e *BindError) Error() string { return "sis: bind rejected: " + e.Reason.String() }

// Permanent tells that the same bind will never be accepted.
func (e *BindError) Permanent() bool { return e.Reason == BindInvalidSAP }
