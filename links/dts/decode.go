package dts

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors Decode tells apart; compare with errors.Is.
var (
	ErrShort = errors.New("more bytes are needed")        // a longer input may decode
	ErrNoise = errors.New("no D_PDU begins here")         // no synchronisation, or the header's check fails: nothing in it can be trusted
	ErrFault = errors.New("against the rules of a D_PDU") // a good check over a header that says what cannot be
)

// An Error tells what in a D_PDU is wrong, and where.
type Error struct {
	Type   Type   // as far as known
	Field  string // in the words of Annex C
	Offset int    // in bytes from the synchronisation sequence
	Reason string
	Kind   error // ErrShort, ErrNoise or ErrFault
}

// Error says it in one line.
func (e *Error) Error() string {
	return fmt.Sprintf("dts: %s, %s at byte %d: %s", e.Type, e.Field, e.Offset, e.Reason)
}

// Unwrap gives the Kind.
func (e *Error) Unwrap() error { return e.Kind }

func (p *PDU) fault(field string, at int, format string, args ...any) error {
	return &Error{p.Type, field, at, fmt.Sprintf(format, args...), ErrFault}
}

// Decode reads the D_PDU at the beginning of b and tells how many bytes it took. Segment and Extended are parts of b. A D_PDU with a good
// header and a bad segment check comes with Damaged set and no error. Of a reserved type only what all types share is read.
// With ErrFault, p holds type, EOW, EOT and addresses, and n is the size of the header.
func Decode(b []byte) (p PDU, n int, err error) {
	header, err := p.decodeHeader(b)
	if err != nil {
		return p, header, err
	}
	if !p.Type.hasSegment() {
		return p, header, nil
	}
	size := p.segmentSize(b)
	n = header + size + segCRCSize
	if len(b) < n {
		return p, 0, &Error{p.Type, "segment", len(b), fmt.Sprintf("%d of %d bytes", len(b), n), ErrShort}
	}
	p.Segment = b[header : header+size : header+size]
	p.Damaged = SegmentCRC(p.Segment) != binary.LittleEndian.Uint32(b[header+size:])
	return p, n, nil
}

// decodeHeader reads all but the segment and returns the size of the header with synchronisation and check.
func (p *PDU) decodeHeader(b []byte) (int, error) {
	short := func(field string) (int, error) {
		return 0, &Error{p.Type, field, len(b), "the bytes end here", ErrShort}
	}
	noise := func(field string, at int, reason string) (int, error) {
		return 0, &Error{p.Type, field, at, reason, ErrNoise}
	}
	if len(b) > 0 && b[0] != sync0 || len(b) > 1 && b[1] != sync1 {
		return noise("synchronisation", 0, "not 90 EB")
	}
	if len(b) < syncSize+fixedSize {
		return short("header")
	}
	p.Type = Type(b[2] >> 4)
	m, h := int(b[5]>>5), int(b[5]&0x1f)
	if m == 0 || h < fixedSize+crcSize {
		return noise("sizes", 5, fmt.Sprintf("addresses of %d bytes, header of %d", m, h))
	}
	n := syncSize + h + m
	if len(b) < n {
		return short("header")
	}
	if HeaderCRC(b[syncSize:n-crcSize]) != binary.LittleEndian.Uint16(b[n-crcSize:]) {
		return noise("header check", n-crcSize, "wrong")
	}
	p.EOW = EOW(b[2]&0xf)<<8 | EOW(b[3])
	p.EOT = b[4]
	p.AddrSize = uint8(m)
	p.To, p.From = readAddresses(b[6 : 6+m])
	return n, p.decodeSpecific(b[6+m:n-crcSize], 6+m)
}

// decodeSpecific reads the type-specific part, which begins at byte at of the D_PDU.
//
// Choice: bits the standard wants zero are ignored, as a later edition may use them.
func (p *PDU) decodeSpecific(s []byte, at int) error {
	least, most := p.Type.specificRange()
	if len(s) < least || len(s) > most {
		return p.fault("header size", 5, "%d type-specific bytes, want %d to %d", len(s), least, most)
	}
	switch p.Type {
	case DataOnly, DataAck:
		p.Frame = Frame{Start: s[0]&0x80 != 0, End: s[0]&0x40 != 0, InOrder: s[0]&0x20 != 0, Drop: s[0]&0x10 != 0, UWE: s[0]&8 != 0, LWE: s[0]&4 != 0, FSN: s[2]}
		if p.Frame.Drop && s[0]&3|s[1] != 0 {
			return p.fault("segment size", at, "DROP C_PDU with %d bytes", int(s[0]&3)<<8|int(s[1]))
		}
		if p.Type == DataAck {
			p.readAcks(s[3:])
		}
	case AckOnly, ExpAck:
		p.readAcks(s)
	case Reset:
		p.Resync = Resync{Full: s[0]&8 != 0, Request: s[0]&4 != 0, Window: s[0]&2 != 0, Ack: s[0]&1 != 0, LWE: s[1], ID: s[2]}
		if s[0]&0xf == 0 {
			return p.fault("reset flags", at, "none is set")
		}
	case ExpData:
		p.Frame = Frame{Start: s[0]&0x80 != 0, End: s[0]&0x40 != 0, ID: s[0] >> 2 & 0xf, FSN: s[2]}
	case Management:
		p.Message = Message{Valid: s[0]&2 != 0, Ack: s[0]&1 != 0, ID: s[1]}
		if extended := s[0]&4 != 0; extended != (len(s) > 2) {
			return p.fault("extended message", at, "flag %t, %d bytes", extended, len(s)-2)
		}
		if len(s) > 2 {
			p.Message.Extended = s[2:len(s):len(s)]
		}
	case NonARQ, ExpNonARQ:
		return p.readPart(s, at)
	case WarningType:
		p.Warning = Warning{Type(s[0] >> 4), WarningReason(s[0] & 0xf)}
	}
	return nil
}

func (p *PDU) readAcks(s []byte) {
	p.Acks.LWE = s[0]
	p.Acks.Size = uint8(copy(p.Acks.Bits[:], s[1:]))
}

func (p *PDU) readPart(s []byte, at int) error {
	p.Part = Part{
		ID:      uint16(s[0]>>4)<<8 | uint16(s[2]),
		InOrder: s[0]&8 != 0,
		Size:    binary.BigEndian.Uint16(s[3:]),
		Offset:  binary.BigEndian.Uint16(s[5:]),
		Window:  binary.BigEndian.Uint16(s[7:]),
	}
	if s[0]&4 != 0 {
		p.To |= groupBit
	}
	if n := int(s[0]&3)<<8 | int(s[1]); int(p.Part.Offset)+n > int(p.Part.Size) {
		return p.fault("offset", at+5, "%d and %d bytes are beyond C_PDU size %d", p.Part.Offset, n, p.Part.Size)
	}
	return nil
}

// specificRange is how many type-specific bytes the header of a type may have.
func (t Type) specificRange() (least, most int) {
	switch t {
	case DataOnly, Reset, ExpData:
		return 3, 3
	case AckOnly, ExpAck:
		return 1, 17
	case DataAck:
		return 4, 20
	case Management:
		return 2, 2 + MaxExtended
	case NonARQ, ExpNonARQ:
		return 9, 9
	case WarningType:
		return 1, 1
	}
	return 0, 31 - fixedSize - crcSize
}

// segmentSize reads how many bytes of segment follow the header of b, which decoded well.
func (p *PDU) segmentSize(b []byte) int {
	s := b[6+p.AddrSize:]
	return int(s[0]&3)<<8 | int(s[1])
}
