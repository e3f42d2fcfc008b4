package sis

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// A Codec makes bytes of primitives and primitives of bytes. Both kinds want every size to be right and every field to be in its bits;
// they differ in what the fields say:
//
//	                                     Strict     Tolerant
//	reserved bits set                    refuses    reads over them, writes 0
//	codes that have no meaning           refuses    keeps them
//	address without length, or longer    refuses    keeps it (Address.Canonical reads it)
//	group address where none may be      refuses    keeps it
//	priority in an expedited primitive   refuses    keeps it
//	TTL over 15 days                     refuses    keeps it
//	error blocks outside of the U_PDU    refuses    cuts them off
//	K = L = 0 in any indication          refuses    reads over them
//
// What Strict decodes, it encodes to the same bytes. A client encodes Strict and decodes Tolerant.
type Codec uint8

// The codecs.
const (
	Tolerant Codec = iota
	Strict
)

// Append appends p with its envelope to b. On error b is as it was.
func (c Codec) Append(b []byte, p Primitive) ([]byte, error) {
	start := len(b)
	e := encoder{fault: fault{t: p.Type()}, b: append(b, 0x90, 0xEB, Version, 0, 0, uint8(p.Type())), start: start + envelope}
	p.encode(&e)
	if c == Strict {
		p.check(&e.fault)
	}
	n := len(e.b) - e.start
	if n > maxSize {
		e.at(0, "%d bytes are more than an envelope can hold", n)
	}
	if e.err != nil {
		return b[:start], e.err
	}
	// Peer: a public Python stack writes sizes little-endian. The figures and the NC3A header do not.
	binary.BigEndian.PutUint16(e.b[start+3:], uint16(n))
	return e.b, nil
}

// Decode reads the primitive that body is: all that an envelope holds, from the type byte on. The error is an *Error. Nothing of
// body is kept.
func (c Codec) Decode(body []byte) (Primitive, error) {
	if len(body) == 0 {
		return nil, &Error{Reason: "nothing in the envelope"}
	}
	d := decoder{fault: fault{t: Type(body[0])}, b: body, off: 1, strict: c == Strict}
	if d.t == 0 || d.t > lastType {
		return nil, &Error{Type: d.t, Reason: "unknown type"}
	}
	if !d.t.fits(len(body)) {
		d.at(0, "%d bytes, expected %s%d", len(body), map[bool]string{true: "at least "}[kinds[d.t].open], kinds[d.t].size)
		return nil, d.err
	}
	p := d.primitive()
	if d.err == nil && d.off < len(d.b) {
		d.at(d.off, "%d bytes too many", len(d.b)-d.off)
	}
	if d.err == nil && d.strict {
		p.check(&d.fault)
	}
	if d.err != nil {
		return nil, d.err
	}
	return p, nil
}

// primitive reads what follows the type byte.
func (d *decoder) primitive() Primitive {
	switch d.t {
	case TypeBindRequest:
		return d.bindRequest()
	case TypeUnbindRequest:
		return UnbindRequest{}
	case TypeBindAccepted:
		return d.bindAccepted()
	case TypeBindRejected:
		return BindRejected{BindReason(d.u8())}
	case TypeUnbindIndication:
		return UnbindIndication{UnbindReason(d.u8())}
	case TypeSubnetAvailability:
		return SubnetAvailability{NodeStatus(d.u8()), AvailabilityReason(d.u8())}
	case TypeDataFlowOn:
		return DataFlowOn{}
	case TypeDataFlowOff:
		return DataFlowOff{}
	case TypeKeepAlive:
		return KeepAlive{}
	case TypeManagementMsgRequest:
		return ManagementMsgRequest{d.u8(), d.bytes(len(d.b) - d.off)}
	case TypeManagementMsgIndication:
		return ManagementMsgIndication{d.u8(), d.bytes(len(d.b) - d.off)}
	case TypeUnidataRequest, TypeExpeditedUnidataRequest:
		return d.unidataRequest()
	case TypeUnidataIndication, TypeExpeditedUnidataIndication:
		return d.unidataIndication()
	case TypeUnidataRequestConfirm, TypeExpeditedUnidataConfirm:
		return d.unidataRequestConfirm()
	case TypeUnidataRequestRejected, TypeExpeditedUnidataRejected:
		return d.unidataRequestRejected()
	default:
		return d.hardLink()
	}
}

// fault keeps the first thing that is wrong.
type fault struct {
	t   Type
	err error // nil or *Error
}

func (f *fault) at(offset int, format string, args ...any) {
	if f.err == nil {
		f.err = &Error{Type: f.t, Offset: offset, Reason: fmt.Sprintf(format, args...)}
	}
}

// code notes a code that has no meaning.
func (f *fault) code(offset int, name string, code, first, last uint8) {
	if code < first || code > last {
		f.at(offset, "%s %d is not defined", name, code)
	}
}

// node notes an address that names no single node.
func (f *fault) node(offset int, a Address) {
	if why := a.fault(); why != "" {
		f.at(offset, "%s", why)
	} else if a.Group() {
		f.at(offset, "%v is a group", a)
	}
}

// encoder appends fields.
type encoder struct {
	fault
	b     []byte
	start int // where the type byte is
}

func (e *encoder) limit(name string, v, most uint32) {
	if v > most {
		e.at(len(e.b)-e.start, "%s %d is more than %d", name, v, most)
	}
}

func (e *encoder) u8(v uint8)        { e.b = append(e.b, v) }
func (e *encoder) u16(v uint16)      { e.b = binary.BigEndian.AppendUint16(e.b, v) }
func (e *encoder) address(a Address) { e.b = binary.BigEndian.AppendUint32(e.b, uint32(a)) }

// halves writes two fields of 4 bits.
func (e *encoder) halves(high string, h uint8, low string, l uint8) {
	e.limit(high, uint32(h), 15)
	e.limit(low, uint32(l), 15)
	e.u8(h<<4 | l&15)
}

// size writes the length of data, which comes later.
func (e *encoder) size(data []byte) {
	e.limit("size", uint32(min(len(data), math.MaxUint16+1)), math.MaxUint16)
	e.u16(uint16(len(data)))
}

func (e *encoder) bytes(data []byte) {
	if e.err == nil {
		e.b = append(e.b, data...)
	}
}

// decoder takes fields off. After the first fault it returns zeros.
type decoder struct {
	fault
	b      []byte
	off    int
	strict bool
}

// take returns the next n bytes, or nil.
func (d *decoder) take(n int) []byte {
	if d.err == nil && len(d.b)-d.off < n {
		d.at(d.off, "%d bytes missing", n-(len(d.b)-d.off))
	}
	if d.err != nil {
		return nil
	}
	d.off += n
	return d.b[d.off-n : d.off]
}

func (d *decoder) u8() uint8 {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) u16() uint16 {
	if b := d.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (d *decoder) address() Address {
	if b := d.take(4); b != nil {
		return Address(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (d *decoder) halves() (high, low uint8) {
	b := d.u8()
	return b >> 4, b & 15
}

// reserved is told the bits of the byte before that mean nothing.
func (d *decoder) reserved(bits uint8) {
	if d.strict && bits != 0 {
		d.at(d.off-1, "reserved bits are set")
	}
}

// bytes copies the next n bytes; of none it is nil.
func (d *decoder) bytes(n int) []byte {
	b := d.take(n)
	if len(b) == 0 {
		return nil
	}
	return bytes.Clone(b)
}
