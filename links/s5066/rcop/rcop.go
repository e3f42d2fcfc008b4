// Package rcop is the format of the reliable connection-oriented protocol of STANAG 5066 Annex F (and of UDOP, which has the same header over
// non-ARQ): application data behind a short header in each U_PDU, and what XEP-0365 v0.2.1 makes of it, one XMPP stanza in one PDU of any
// number of segments.
//
// It does no I/O and keeps no time: the caller tells when something came.
package rcop

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Edition tells how long the header is.
type Edition uint8

const (
	Ed3 Edition = iota // 6 bytes
	Ed1                // 4 bytes: without the application. Of S5066 Ed.1, which some systems still speak
)

// Size of the header.
func (e Edition) Size() int {
	if e == Ed1 {
		return 4
	}
	return 6
}

// A Header stands at the beginning of every U_PDU. S5066 F, RCOP.
type Header struct {
	Connection  uint8  // byte 0, upper half. The lower is reserved: sent as 0, not looked at
	ID          uint8  // byte 1: of the PDU, the same in all its segments
	Segment     uint16 // bytes 2 and 3: from 0
	Application uint16 // bytes 4 and 5, not in Ed1
}

var (
	// ErrShort means a U_PDU without a whole header, or with nothing behind it.
	ErrShort = errors.New("rcop: U_PDU is too short")
	// ErrMTU means that the PDU does not go into U_PDUs of that size.
	ErrMTU = errors.New("rcop: PDU does not fit the MTU")
)

// Append writes the header to b.
func (h Header) Append(b []byte, e Edition) []byte {
	b = append(b, h.Connection<<4, h.ID)
	b = binary.BigEndian.AppendUint16(b, h.Segment)
	if e == Ed1 {
		return b
	}
	return binary.BigEndian.AppendUint16(b, h.Application)
}

// Parse reads the header of a U_PDU. data is what is behind it, and part of updu.
func Parse(updu []byte, e Edition) (h Header, data []byte, err error) {
	n := e.Size()
	if len(updu) <= n {
		return h, nil, fmt.Errorf("%w: %d bytes", ErrShort, len(updu))
	}
	h = Header{Connection: updu[0] >> 4, ID: updu[1], Segment: binary.BigEndian.Uint16(updu[2:])}
	if e != Ed1 {
		h.Application = binary.BigEndian.Uint16(updu[4:])
	}
	return h, updu[n:], nil
}

// Segments cuts a PDU into U_PDUs of at most mtu bytes. h.Segment is not looked at.
func Segments(h Header, pdu []byte, mtu int, e Edition) ([][]byte, error) {
	room := mtu - e.Size()
	// S5066 F: the number has 16 bits; there is no sign of the last.
	if room <= 0 || len(pdu) == 0 || (len(pdu)+room-1)/room > 1<<16 {
		return nil, fmt.Errorf("%w: %d bytes, MTU %d", ErrMTU, len(pdu), mtu)
	}
	var all [][]byte
	for n := 0; len(pdu) > 0; n++ {
		k := min(room, len(pdu))
		h.Segment = uint16(n)
		b := h.Append(make([]byte, 0, e.Size()+k), e)
		all = append(all, append(b, pdu[:k]...))
		pdu = pdu[k:]
	}
	return all, nil
}
