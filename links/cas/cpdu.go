package cas

import (
	"errors"
	"fmt"
)

// Type is the kind of a C_PDU, the high half of its first byte.
type Type uint8

// The C_PDU types of S5066 B.3.1.
const (
	Data         Type = 0
	Request      Type = 1 // PHYSICAL LINK REQUEST
	Accepted     Type = 2
	Rejected     Type = 3
	Break        Type = 4
	BreakConfirm Type = 5
)

// String is the type's name.
func (t Type) String() string {
	names := [...]string{"DATA", "LINK REQUEST", "LINK ACCEPTED", "LINK REJECTED", "LINK BREAK", "BREAK CONFIRM"}
	if int(t) >= len(names) {
		return fmt.Sprintf("C_PDU type %d", uint8(t))
	}
	return names[t]
}

// A RejectReason tells why a link was refused.
type RejectReason uint8

// The reasons of S5066 B.3.1.4.
const (
	RejectUnknown   RejectReason = 0
	RejectBroadcast RejectReason = 1 // broadcast-only node
	RejectPending   RejectReason = 2 // higher-priority request pending
	RejectExclusive RejectReason = 3 // supporting an exclusive link
)

// String says it in words.
func (r RejectReason) String() string {
	names := [...]string{"unknown reason", "broadcast-only node", "higher-priority request pending", "supporting an exclusive link"}
	if int(r) >= len(names) {
		return fmt.Sprintf("reason %d", uint8(r))
	}
	return names[r]
}

// A BreakReason tells why a link is broken.
type BreakReason uint8

// The reasons of S5066 B.3.1.5.
const (
	BreakUnknown   BreakReason = 0
	BreakRequested BreakReason = 1 // by the higher layer
	BreakBroadcast BreakReason = 2 // going to broadcast
	BreakPending   BreakReason = 3 // higher-priority request pending
	BreakNoData    BreakReason = 4 // no more data
)

// String says it in words.
func (r BreakReason) String() string {
	names := [...]string{"unknown reason", "higher layer request", "going to broadcast", "higher-priority request pending", "no more data"}
	if int(r) >= len(names) {
		return fmt.Sprintf("reason %d", uint8(r))
	}
	return names[r]
}

// A CPDU is one C_PDU. Of the parts below Type only those of its Type mean anything.
type CPDU struct {
	Type      Type
	Exclusive bool         // Request
	Reject    RejectReason // Rejected, 0 to 15
	Break     BreakReason  // Break, 0 to 15
	SPDU      []byte       // Data
}

// ErrCPDU is why Decode fails.
var ErrCPDU = errors.New("cas: not a C_PDU")

// Append writes c.
func (c *CPDU) Append(b []byte) []byte {
	first := byte(c.Type) << 4
	switch c.Type {
	case Request:
		if c.Exclusive {
			first |= 1
		}
	case Rejected:
		first |= byte(c.Reject) & 0xf
	case Break:
		first |= byte(c.Break) & 0xf
	}
	b = append(b, first)
	if c.Type == Data {
		b = append(b, c.SPDU...)
	}
	return b
}

// Decode reads a C_PDU; SPDU is a part of b.
//
// Choice: spare bits, and bytes behind the first of a control C_PDU, are ignored, as later extensions put their offers there.
func Decode(b []byte) (c CPDU, err error) {
	if len(b) == 0 {
		return c, fmt.Errorf("%w: no byte 0", ErrCPDU)
	}
	c.Type = Type(b[0] >> 4)
	switch low := b[0] & 0xf; c.Type {
	case Data:
		c.SPDU = b[1:]
	case Request:
		c.Exclusive = low&1 == 1
	case Rejected:
		c.Reject = RejectReason(low)
	case Break:
		c.Break = BreakReason(low)
	case Accepted, BreakConfirm:
	default:
		return c, fmt.Errorf("%w: type %d at byte 0", ErrCPDU, c.Type)
	}
	return c, nil
}
