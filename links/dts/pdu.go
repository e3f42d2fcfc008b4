package dts

import "fmt"

// Sizes of D_PDUs.
const (
	MaxSegment  = 1023                        // bytes of one C_PDU segment
	MaxEOT      = 255                         // half seconds
	MaxExtended = 23                          // bytes of an extended management message
	MaxPDU      = 2 + 31 + 7 + 4 + MaxSegment // bytes of one D_PDU
	syncSize    = 2
	fixedSize   = 4 // type and EOW, EOW, EOT, sizes
	crcSize     = 2
	segCRCSize  = 4
)

// The synchronisation sequence, 0xEB90 sent low byte first.
const (
	sync0 = 0x90
	sync1 = 0xEB
)

// Type is the kind of a D_PDU, the high half of its first byte after the synchronisation sequence.
type Type uint8

// The D_PDU types of S5066 C.3.1. 9 to 14 are reserved.
const (
	DataOnly    Type = 0
	AckOnly     Type = 1
	DataAck     Type = 2
	Reset       Type = 3 // RESET/WIN-RESYNC
	ExpData     Type = 4 // EXPEDITED-DATA-ONLY
	ExpAck      Type = 5 // EXPEDITED-ACK-ONLY
	Management  Type = 6
	NonARQ      Type = 7
	ExpNonARQ   Type = 8
	WarningType Type = 15
)

var typeNames = [16]string{
	"DATA-ONLY", "ACK-ONLY", "DATA-ACK", "RESET/WIN-RESYNC", "EXP-DATA-ONLY", "EXP-ACK-ONLY", "MANAGEMENT", "NON-ARQ DATA",
	"EXP NON-ARQ DATA", "reserved 9", "reserved 10", "reserved 11", "reserved 12", "reserved 13", "reserved 14", "WARNING",
}

// String is the type's name in the standard.
func (t Type) String() string {
	if t > 15 {
		return fmt.Sprintf("type %d", uint8(t))
	}
	return typeNames[t]
}

// Reserved tells whether the standard gives t no meaning.
func (t Type) Reserved() bool { return t > ExpNonARQ && t < WarningType }

// hasSegment tells whether a C_PDU segment and its check follow the header.
func (t Type) hasSegment() bool {
	switch t {
	case DataOnly, DataAck, ExpData, NonARQ, ExpNonARQ:
		return true
	}
	return false
}

// A PDU is one D_PDU. Of the parts below EOT only those of its Type mean anything.
type PDU struct {
	Type     Type
	EOW      EOW
	EOT      uint8   // half seconds to the end of the transmission, counted from the first bit of this D_PDU
	AddrSize uint8   // m: bytes of both addresses, 1 to 7; 0 makes Append use 7
	To, From Address // To is a group only in non-ARQ D_PDUs

	Frame   Frame   // DataOnly, DataAck, ExpData
	Acks    Acks    // AckOnly, DataAck, ExpAck
	Resync  Resync  // Reset
	Message Message // Management
	Part    Part    // NonARQ, ExpNonARQ
	Warning Warning // WarningType

	Segment []byte // of a C_PDU, 0 to 1023 bytes
	Damaged bool   // the segment's check failed, or its end is missing; the header is good
}

// A Frame tells where a segment belongs in the stream of an ARQ sender.
type Frame struct {
	Start, End bool  // first, last segment of its C_PDU
	InOrder    bool  // deliver after earlier C_PDUs (not in ExpData)
	Drop       bool  // throw the C_PDU away (not in ExpData)
	UWE, LWE   bool  // FSN is the upper, lower edge of the sender's window (not in ExpData)
	ID         uint8 // number of the C_PDU, 0 to 15 (only in ExpData)
	FSN        uint8
}

// Acks tell what an ARQ receiver has.
type Acks struct {
	LWE  uint8    // oldest frame that is missing
	Size uint8    // bytes of Bits in use, 0 to 16
	Bits [16]byte // bit 0 of byte 0 stands for frame LWE+1, and so on; 1 = received
}

// Has tells whether the bit of frame fsn is set.
func (a *Acks) Has(fsn uint8) bool {
	i := fsn - a.LWE - 1
	return int(i) < 8*int(a.Size) && a.Bits[i/8]>>(i%8)&1 == 1
}

// set marks fsn as received.
func (a *Acks) set(fsn uint8) {
	i := fsn - a.LWE - 1
	a.Bits[i/8] |= 1 << (i % 8)
	a.Size = max(a.Size, i/8+1)
}

// A Resync is a command about ARQ windows or the answer to one.
type Resync struct {
	Full    bool // FULL RESET CMD
	Request bool // RESET TX WIN RQST
	Window  bool // RESET RX WIN CMND
	Ack     bool // RESET ACK
	LWE     uint8
	ID      uint8
}

// A Message is a management message or the acknowledgement of one; its text is the D_PDU's EOW and Extended.
type Message struct {
	Valid    bool // carries a message
	Ack      bool // acknowledges the last one received
	ID       uint8
	Extended []byte // 0 to 23 bytes
}

// A Part tells where a segment belongs in a C_PDU sent without ARQ.
type Part struct {
	ID      uint16 // 0 to 4095
	InOrder bool
	Size    uint16 // of the whole C_PDU
	Offset  uint16 // of this segment
	Window  uint16 // half seconds from the start of this D_PDU to the last segment's end
}

// A Warning names a D_PDU its receiver could make no use of.
type Warning struct {
	Type   Type
	Reason WarningReason
}

// WarningReason tells why a D_PDU was of no use.
type WarningReason uint8

// The reasons of S5066 C.3.12, in the order of their codes.
const (
	WarnUnknownType  WarningReason = 0
	WarnNotConnected WarningReason = 1
	WarnInvalid      WarningReason = 2
	WarnState        WarningReason = 3
)

// String says it in words.
func (r WarningReason) String() string {
	switch r {
	case WarnUnknownType:
		return "unrecognised type"
	case WarnNotConnected:
		return "not connected"
	case WarnInvalid:
		return "invalid"
	case WarnState:
		return "not valid in this state"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// specificSize is how many type-specific bytes p's header has.
func (p *PDU) specificSize() int {
	switch p.Type {
	case DataOnly, Reset, ExpData:
		return 3
	case AckOnly, ExpAck:
		return 1 + int(p.Acks.Size)
	case DataAck:
		return 4 + int(p.Acks.Size)
	case Management:
		return 2 + len(p.Message.Extended)
	case NonARQ, ExpNonARQ:
		return 9
	case WarningType:
		return 1
	}
	return 0
}

// Len is how many bytes p takes on the air.
func (p *PDU) Len() int {
	m := int(p.AddrSize)
	if m == 0 {
		m = MaxAddressSize
	}
	n := syncSize + fixedSize + m + p.specificSize() + crcSize
	if p.Type.hasSegment() {
		n += len(p.Segment) + segCRCSize
	}
	return n
}

// Reply tells whether p obliges the node it is for to answer in its next turn. C_PDUs in ExpNonARQ may ask for an answer of their own.
func (p *PDU) Reply() bool {
	switch p.Type {
	case DataOnly, DataAck, ExpData:
		return true
	case Reset:
		return p.Resync.Full || p.Resync.Request || p.Resync.Window
	case Management:
		return p.Message.Valid
	}
	return false
}
