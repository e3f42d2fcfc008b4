package station

import (
	"fmt"
	"time"

	"longwire/links/sis"
)

// A Path says where U_PDUs go, and how.
type Path struct {
	To        sis.Address
	SAP       uint8 // of the other console
	Service   sis.ServiceType
	Priority  uint8
	Expedited bool
	TTL       time.Duration // that the node may hold them; 2 minutes
}

// ARQ tells whether the other node answers.
func (p Path) ARQ() bool { return p.Service.TransmissionMode == sis.ARQ }

// Check says what is wrong with a path before anything is sent.
func (p Path) Check() error {
	switch {
	case p.To.Size() == 0:
		return fmt.Errorf("station: no address to send to; give one like 1.1.0.2")
	case p.To.Group() && p.ARQ():
		// S5066 A: a group address is for non-ARQ only.
		return fmt.Errorf("station: %v is a group, and groups cannot be reached with ARQ; use non-ARQ", p.To)
	case p.SAP > 15:
		return fmt.Errorf("station: SAP %d; they are 0 to 15", p.SAP)
	}
	return nil
}

// ttl is as the node counts it: radio time.
func (p Path) ttl() sis.TTL {
	if p.TTL <= 0 {
		return sis.TTLOf(2 * time.Minute)
	}
	return sis.TTLOf(p.TTL)
}

func (p Path) request(upduBytes []byte) sis.UnidataRequest {
	r := sis.UnidataRequest{Expedited: p.Expedited, Priority: p.Priority, DestinationSAP: p.SAP, Destination: p.To, DeliveryMode: p.Service,
		TTL: p.ttl(), UPDU: upduBytes}
	if p.Expedited {
		r.Priority = 0
	}
	return r
}

// by is who confirms.
func (p Path) by() string {
	if p.Service.Confirmation == sis.ClientConfirmation {
		return "client"
	}
	return "node"
}

// RejectHint says what a person can do about a rejected U_PDU.
func RejectHint(r sis.RejectReason) string {
	switch r {
	case sis.RejectExpired:
		return "the way is slow or busy: give it more time with a longer TTL"
	case sis.RejectSAPNotBound:
		return "the other node is alive, but nobody there uses this SAP: start a console there"
	case sis.RejectNoResponse:
		return "the other node was not heard: check its address, both radios, the frequency and the hour"
	case sis.RejectTooLong:
		return "the node takes shorter U_PDUs: use a smaller size"
	case sis.RejectNoMode:
		return "the node wants another transmission mode: try ARQ or non-ARQ explicitly"
	case sis.RejectWindow:
		return "too many U_PDUs wait in the node: use a smaller window"
	}
	return "the node does not say why; its log may"
}

// BindHint says what a person can do about a refused bind.
func BindHint(r sis.BindReason) string {
	switch r {
	case sis.BindNoResources:
		return "the server has no room for another client: end one, or raise its limit"
	case sis.BindInvalidSAP:
		return "the server does not let clients use this SAP: choose another; 13 to 15 are free to use"
	case sis.BindSAPTaken:
		return "another client holds this SAP, perhaps another console: choose another, or end that one"
	case sis.BindNoARQ:
		return "the server is in a broadcast session: bind for non-ARQ"
	}
	return "the server does not say why; its log may. Some servers refuse what they do not know: try ARQ with node confirmation and rank 0"
}

// UnbindHint says what a person can do about a bind that the node ended.
func UnbindHint(r sis.UnbindReason) string {
	switch r {
	case sis.UnbindPreempted:
		return "a client of higher rank took the SAP: choose another SAP or a higher rank"
	case sis.UnbindNoKeepAlive:
		return "the server did not hear our sign of life in 10 s: look at the way to the server"
	case sis.UnbindInvalidPrimitives:
		return "the server did not understand us: keep its log and ours, and report it"
	case sis.UnbindTooManyExpedited:
		return "the server allows fewer expedited U_PDUs: do without, or wait longer between them"
	case sis.UnbindNoARQ:
		return "a broadcast session began at the server: bind for non-ARQ"
	}
	return ""
}
