// Package spdu is what the subnetwork interfaces of two nodes say to each other (STANAG 5066 Annex A.3): S_PDUs, and the hard links made
// by them. It has no clock and does no I/O.
package spdu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Type is the kind of an S_PDU, the high half of its first byte.
type Type uint8

// The S_PDU types of S5066 A.3.1.
const (
	Data             Type = 0
	DataConfirm      Type = 1 // DATA DELIVERY CONFIRM
	DataFail         Type = 2 // DATA DELIVERY FAIL
	LinkRequest      Type = 3 // HARD LINK ESTABLISHMENT REQUEST
	LinkConfirm      Type = 4
	LinkRejected     Type = 5
	Terminate        Type = 6
	TerminateConfirm Type = 7
)

// Reasons in S_PDUs. They are also those of the primitives that tell a client.
const (
	FailUnbound = 1 // DataFail: the destination SAP is not bound

	RejectBusy          = 1 // LinkRejected: an equal link exists
	RejectHigher        = 2 // a higher one does
	RejectNotResponding = 3
	RejectUnbound       = 4
	RejectSatisfied     = 5 // only to the client: the link of type 0 asked for exists

	TerminateClient  = 1 // Terminate: a client asked; to the client: by the remote node
	TerminateHigher  = 2 // a higher link was asked for
	TerminateSilence = 3 // only to the client: the remote node does not respond
	TerminateUnbound = 4
	TerminateBroken  = 5 // only to the client: the physical link is broken
)

// A PDU is one S_PDU. Of the parts below Type only those of its Type mean anything.
type PDU struct {
	Type         Type
	Priority     uint8 // Data: 0 to 15
	Source, Dest uint8 // SAPs, 0 to 15: Data, DataConfirm, DataFail as in the DATA; LinkRequest: requesting and remote
	Confirm      bool  // Data: the sender wants to know that a client has it
	HasTTD       bool
	TTD          TTD
	Data         []byte // Data: the U_PDU; DataConfirm, DataFail: its leading part

	Reason       uint8 // DataFail, LinkRejected, Terminate
	LinkType     uint8 // LinkRequest: 0 to 2
	LinkPriority uint8 // LinkRequest: 0 to 3
}

// A TTD is a time to die: the day of the year modulo 16 and half the seconds of that day, in GMT.
type TTD struct {
	Day  uint8
	Half uint16
}

// NewTTD is t as far as an S_PDU can tell it.
func NewTTD(t time.Time) TTD {
	t = t.UTC()
	return TTD{uint8(t.YearDay() % 16), uint16((t.Hour()*3600 + t.Minute()*60 + t.Second()) >> 1)}
}

// Past tells whether d is over.
//
// Choice: of the days d may mean, that one counts which lies from yesterday to two weeks ahead.
func (d TTD) Past(now time.Time) bool {
	now = now.UTC()
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	for i := -1; i < 15; i++ {
		if day := midnight.AddDate(0, 0, i); uint8(day.YearDay()%16) == d.Day {
			return !now.Before(day.Add(2 * time.Duration(d.Half) * time.Second))
		}
	}
	return true // at the turn of the year a number may be skipped
}

// ErrSPDU is why Decode and Append fail.
var ErrSPDU = errors.New("spdu: not an S_PDU")

func fault(t Type, field string, at int, format string, args ...any) error {
	return fmt.Errorf("%w: type %d, %s at byte %d: %s", ErrSPDU, t, field, at, fmt.Sprintf(format, args...))
}

// Append writes p. On an error b comes back as it was.
func (p *PDU) Append(b []byte) ([]byte, error) {
	switch {
	case p.Type > TerminateConfirm:
		return b, fault(p.Type, "type", 0, "unknown")
	case p.Priority > 15 || p.Reason > 15:
		return b, fault(p.Type, "priority or reason", 0, "%d, %d", p.Priority, p.Reason)
	case p.Source > 15 || p.Dest > 15:
		return b, fault(p.Type, "SAPs", 1, "%d, %d", p.Source, p.Dest)
	case p.LinkType > 3 || p.LinkPriority > 3:
		return b, fault(p.Type, "link type or priority", 0, "%d, %d", p.LinkType, p.LinkPriority)
	case p.HasTTD && p.TTD.Day > 15:
		return b, fault(p.Type, "TTD", 2, "day %d", p.TTD.Day)
	}
	first, saps := byte(p.Type)<<4, p.Source<<4|p.Dest
	switch p.Type {
	case Data:
		b = append(b, first|p.Priority, saps, flags(p))
		if p.HasTTD {
			b = binary.BigEndian.AppendUint16(b, p.TTD.Half)
		}
		return append(b, p.Data...), nil
	case DataConfirm:
		return append(append(b, first, saps), p.Data...), nil
	case DataFail:
		return append(append(b, first|p.Reason, saps), p.Data...), nil
	case LinkRequest:
		return append(b, first|p.LinkType<<2|p.LinkPriority, saps), nil
	case LinkRejected, Terminate:
		return append(b, first|p.Reason), nil
	}
	return append(b, first), nil
}

// flags is byte 2 of DATA.
func flags(p *PDU) (b byte) {
	if p.Confirm {
		b |= 0x80
	}
	if p.HasTTD {
		b |= 0x40 | p.TTD.Day
	}
	return b
}

// Decode reads an S_PDU; Data is a part of b.
//
// Choice: spare bits, and bytes behind the last of a type without data, are ignored.
func Decode(b []byte) (p PDU, err error) {
	if len(b) == 0 {
		return p, fault(0, "type", 0, "no bytes")
	}
	p.Type = Type(b[0] >> 4)
	low := b[0] & 0xf
	need := map[Type]int{Data: 3, DataConfirm: 2, DataFail: 2, LinkRequest: 2}[p.Type]
	switch {
	case p.Type > TerminateConfirm:
		return p, fault(p.Type, "type", 0, "unknown")
	case len(b) < need:
		return p, fault(p.Type, "header", len(b), "%d bytes, want %d", len(b), need)
	case need > 1:
		p.Source, p.Dest = b[1]>>4, b[1]&0xf
	}
	switch p.Type {
	case Data:
		p.Priority, p.Confirm, p.HasTTD = low, b[2]&0x80 != 0, b[2]&0x40 != 0
		p.Data = b[3:]
		if p.HasTTD {
			if len(b) < 5 {
				return p, fault(p.Type, "TTD", 3, "%d bytes, want 5", len(b))
			}
			p.TTD, p.Data = TTD{b[2] & 0xf, binary.BigEndian.Uint16(b[3:])}, b[5:]
		}
	case DataConfirm:
		p.Data = b[2:]
	case DataFail:
		p.Reason, p.Data = low, b[2:]
	case LinkRequest:
		p.LinkType, p.LinkPriority = low>>2, low&3
	case LinkRejected, Terminate:
		p.Reason = low
	}
	return p, nil
}
