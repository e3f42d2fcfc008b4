package dts

import (
	"encoding/binary"
	"fmt"
	"time"
)

// An EOW is an engineering orderwire message: 4 bits of type and 8 of data. Zero says nothing. Any D_PDU may carry one; only that of a
// MANAGEMENT D_PDU is acknowledged.
type EOW uint16

// Types of EOW messages (S5066 C.5). 8 to 15 are for users.
const (
	EOWNone         = 0
	EOWRateRequest  = 1 // DRC request or advisory
	EOWRateResponse = 2
	EOWUnrecognised = 3
	EOWCapability   = 4
	EOWFrequency    = 5 // frequency change or ALM request (Annex I)
	EOWFrequencyAns = 6
	EOWHDRRequest   = 7 // HDR change request, continued in the extended message
)

// Type is what kind of message e is.
func (e EOW) Type() uint8 { return uint8(e >> 8 & 0xf) }

// Data is the message.
func (e EOW) Data() uint8 { return uint8(e) }

// String shows type and data.
func (e EOW) String() string { return fmt.Sprintf("EOW %d %#02x", e.Type(), e.Data()) }

func eow(kind, data uint8) EOW { return EOW(kind)<<8 | EOW(data) }

// Interleaver is the choice a data rate change makes.
type Interleaver uint8

// The interleavers of S5066 C.5.1.
const (
	NoInterleaver    Interleaver = 0
	ShortInterleaver Interleaver = 1
	LongInterleaver  Interleaver = 2
)

// eowRates are the rates in bit/s a DRC message can name, by code.
var eowRates = [...]int{75, 150, 300, 600, 1200, 2400, 3200, 3600, 4800, 6400, 8000, 9600}

// A Rate is what a DRC request or advisory asks for: EOW type 1.
type Rate struct {
	Bits        int // per second
	Interleaver Interleaver
	Advisory    bool // only a hint from the receiver of data to its sender
	Both        bool // transmit and receive rate are to be the same
}

// EOW is r as a message; ok is false when no code names its rate.
func (r Rate) EOW() (e EOW, ok bool) {
	for code, bits := range eowRates {
		if bits == r.Bits && r.Interleaver <= 3 {
			return eow(EOWRateRequest, uint8(code)<<4|uint8(r.Interleaver)<<2|bit(r.Advisory, 1)|bit(r.Both, 0)), true
		}
	}
	return 0, false
}

// Rate reads a DRC request or advisory; ok is false when e is none or names no known rate.
func (e EOW) Rate() (r Rate, ok bool) {
	d := e.Data()
	if e.Type() != EOWRateRequest || int(d>>4) >= len(eowRates) || d>>2&3 > 2 {
		return Rate{}, false
	}
	return Rate{Bits: eowRates[d>>4], Interleaver: Interleaver(d >> 2 & 3), Advisory: d&2 != 0, Both: d&1 != 0}, true
}

// RateResponse is the answer to a DRC request.
type RateResponse uint8

// The answers of S5066 C.5.2.
const (
	RateAccept  RateResponse = 0
	RateRefuse  RateResponse = 1
	RateCancel  RateResponse = 2
	RateConfirm RateResponse = 3
)

// RefuseReason tells why a DRC request was refused. In answer to an HDR change request 2, 3 and 4 mean waveform, channels, interleaver.
type RefuseReason uint8

// The reasons of S5066 C.5.2.
const (
	RefuseNone        RefuseReason = 0
	RefuseUnequal     RefuseReason = 1 // transmit and receive must be equal
	RefuseRate        RefuseReason = 2 // cannot change the rate
	RefuseInterleaver RefuseReason = 3 // cannot change the interleaver
	RefuseAny         RefuseReason = 4 // can change neither
	RefuseConditions  RefuseReason = 5 // not consistent with local conditions
)

// ResponseEOW is the message of an answer.
func ResponseEOW(r RateResponse, why RefuseReason) EOW {
	return eow(EOWRateResponse, uint8(r)<<5|uint8(why)&0x1f)
}

// Response reads the answer to a DRC request.
func (e EOW) Response() (r RateResponse, why RefuseReason, ok bool) {
	return RateResponse(e.Data() >> 5), RefuseReason(e.Data() & 0x1f), e.Type() == EOWRateResponse
}

// UnrecognisedEOW says that a message of the given type means nothing here.
func UnrecognisedEOW(kind uint8) EOW { return eow(EOWUnrecognised, kind&0xf) }

// Capability are the bits of EOW type 4.
type Capability uint8

// What a node can do (S5066 C.5.4).
const (
	CanDRC            Capability = 1 << 7
	CanSTANAG4529     Capability = 1 << 6
	CanMIL188110      Capability = 1 << 5
	CanExtendedRates  Capability = 1 << 4
	CanFullDuplex     Capability = 1 << 3
	CanSplitFrequency Capability = 1 << 2
	CanNonARCSALE     Capability = 1 << 1
	CanARCS           Capability = 1 << 0
)

// CapabilityEOW is the message telling c.
func CapabilityEOW(c Capability) EOW { return eow(EOWCapability, uint8(c)) }

// An HDRRequest asks for a high data rate waveform: EOW type 7 with its extended message.
type HDRRequest struct {
	Waveform    uint8 // 0 110A, 1 110B, 2 4285, 3 4539, 4 4529, 5 4415, 6 4481 FSK, 7 to 9 users'
	Channels    uint8 // 1 to 8
	Bits        uint32
	Interleaver time.Duration // in steps of 10 ms
}

// Message is r as the EOW and the extended part of a MANAGEMENT D_PDU.
func (r HDRRequest) Message() (EOW, []byte) {
	ext := binary.BigEndian.AppendUint32(nil, r.Bits)
	ext = binary.BigEndian.AppendUint16(ext, uint16(r.Interleaver/(10*time.Millisecond)))
	return eow(EOWHDRRequest, r.Waveform<<3|r.Channels&7), ext
}

// HDRRequest reads an HDR change request.
func (e EOW) HDRRequest(extended []byte) (r HDRRequest, ok bool) {
	if e.Type() != EOWHDRRequest || len(extended) != 6 {
		return r, false
	}
	r = HDRRequest{
		Waveform:    e.Data() >> 3,
		Channels:    e.Data() & 7,
		Bits:        binary.BigEndian.Uint32(extended),
		Interleaver: time.Duration(binary.BigEndian.Uint16(extended[4:])) * 10 * time.Millisecond,
	}
	if r.Channels == 0 {
		r.Channels = 8
	}
	return r, true
}
