package sis

import (
	"fmt"
	"time"
)

// A TransmissionMode says how a U_PDU crosses the radio.
type TransmissionMode uint8

// The transmission modes. 4 to 15 are not defined.
const (
	// DefaultMode in a request means the service type of the bind; the rest of its delivery mode is ignored. A bind has to say another.
	DefaultMode TransmissionMode = iota
	// ARQ repeats until the other node has everything.
	ARQ
	// NonARQ sends without answers, and drops what arrives with errors.
	NonARQ
	// NonARQErrors delivers it with errors, and tells where they are.
	NonARQErrors
)

// String is a word for people.
func (m TransmissionMode) String() string {
	return named(uint8(m), "default", "ARQ", "non-ARQ", "non-ARQ with errors")
}

// A DeliveryConfirmation says who confirms an ARQ U_PDU.
type DeliveryConfirmation uint8

// The delivery confirmations. 3 is not defined.
const (
	// NoConfirmation: not even a failure is told, but for a U_PDU that is refused at once.
	NoConfirmation DeliveryConfirmation = iota
	// NodeConfirmation: the other node has it. Whether a client is bound there is not known.
	NodeConfirmation
	// ClientConfirmation: the other node gave it to its client.
	ClientConfirmation
)

// String is a word for people.
func (c DeliveryConfirmation) String() string { return named(uint8(c), "none", "node", "client") }

// A ServiceType is what a client binds for; a request carries one too, where the standard calls it delivery mode.
type ServiceType struct {
	TransmissionMode   TransmissionMode
	Confirmation       DeliveryConfirmation // with ARQ only
	AsTheyArrive       bool                 // delivery order: false is in order
	Extended           bool                 // announces more fields; none are defined
	MinRetransmissions uint8                // non-ARQ: sent 1 + so many times, up to 15; ignored with ARQ
}

// Arq is the service of most clients: in order, confirmed by the node.
func Arq() ServiceType {
	return ServiceType{TransmissionMode: ARQ, Confirmation: NodeConfirmation}
}

// encode writes the first byte; the second shares its low half with other fields.
func (s ServiceType) encode(e *encoder) {
	e.limit("transmission mode", uint32(s.TransmissionMode), 15)
	e.limit("delivery confirmation", uint32(s.Confirmation), 3)
	e.limit("minimum number of retransmissions", uint32(s.MinRetransmissions), 15)
	b := uint8(s.TransmissionMode)<<4 | uint8(s.Confirmation)<<2
	if s.AsTheyArrive {
		b |= 2
	}
	if s.Extended {
		b |= 1
	}
	e.u8(b)
}

func (s *ServiceType) decode(d *decoder) {
	b := d.u8()
	s.TransmissionMode = TransmissionMode(b >> 4)
	s.Confirmation = DeliveryConfirmation(b >> 2 & 3)
	s.AsTheyArrive = b&2 != 0
	s.Extended = b&1 != 0
}

// fault says what no node can do, or "".
func (s ServiceType) fault() string {
	switch {
	case s.TransmissionMode > NonARQErrors:
		return fmt.Sprintf("transmission mode %d is not defined", s.TransmissionMode)
	case s.TransmissionMode == DefaultMode:
		return "" // the rest is ignored
	case s.Confirmation > ClientConfirmation:
		return fmt.Sprintf("delivery confirmation %d is not defined", s.Confirmation)
	case s.Extended:
		return "extended field present"
	case s.Confirmation != NoConfirmation && s.TransmissionMode != ARQ:
		return "delivery confirmation without ARQ"
	}
	return ""
}

// A TTL is how long a U_PDU may wait at its node, in units of 2 s. 0 means for ever; a node puts its own maximum in its place.
type TTL uint32

// MaxTTL is 15 days.
const MaxTTL TTL = 648000

// TTLOf is the TTL of at least d; 0 and less is the shortest, too much the longest.
func TTLOf(d time.Duration) TTL {
	units := (d + 2*time.Second - 1) / (2 * time.Second)
	return TTL(min(max(units, 1), time.Duration(MaxTTL)))
}

// Duration is the time that it stands for.
func (t TTL) Duration() time.Duration { return time.Duration(t) * 2 * time.Second }
