package sis

// BindRequest asks for a SAP: S_BIND_REQUEST.
type BindRequest struct {
	SAP         uint8 // 0 to 15
	Rank        uint8 // 0 to 15; 15 may change the node
	ServiceType ServiceType
}

// UnbindRequest gives the SAP back: S_UNBIND_REQUEST. S5066 F.16: it names no SAP, the carrier stands for it.
type UnbindRequest struct{}

// BindAccepted answers BindRequest: S_BIND_ACCEPTED.
type BindAccepted struct {
	SAP uint8
	MTU uint16 // the largest U_PDU that the client may submit; what arrives can be larger
}

// BindRejected answers BindRequest: S_BIND_REJECTED.
type BindRejected struct{ Reason BindReason }

// UnbindIndication takes the SAP away: S_UNBIND_INDICATION.
type UnbindIndication struct{ Reason UnbindReason }

// Type is TypeBindRequest.
func (BindRequest) Type() Type { return TypeBindRequest }

func (p BindRequest) encode(e *encoder) {
	e.halves("SAP", p.SAP, "rank", p.Rank)
	p.ServiceType.encode(e)
	e.u8(p.ServiceType.MinRetransmissions << 4)
}

func (p BindRequest) check(f *fault) {
	if p.ServiceType.TransmissionMode == DefaultMode {
		f.at(2, "a bind needs a transmission mode")
	}
	if why := p.ServiceType.fault(); why != "" {
		f.at(2, "%s", why)
	}
}

func (d *decoder) bindRequest() (p BindRequest) {
	p.SAP, p.Rank = d.halves()
	p.ServiceType.decode(d)
	var unused uint8
	p.ServiceType.MinRetransmissions, unused = d.halves()
	d.reserved(unused)
	return p
}

// Type is TypeUnbindRequest.
func (UnbindRequest) Type() Type      { return TypeUnbindRequest }
func (UnbindRequest) encode(*encoder) {}
func (UnbindRequest) check(*fault)    {}

// Type is TypeBindAccepted.
func (BindAccepted) Type() Type { return TypeBindAccepted }

func (p BindAccepted) encode(e *encoder) {
	e.halves("SAP", p.SAP, "", 0)
	e.u16(p.MTU)
}

func (BindAccepted) check(*fault) {}

func (d *decoder) bindAccepted() (p BindAccepted) {
	var unused uint8
	p.SAP, unused = d.halves()
	d.reserved(unused)
	p.MTU = d.u16()
	return p
}

// Type is TypeBindRejected.
func (BindRejected) Type() Type          { return TypeBindRejected }
func (p BindRejected) encode(e *encoder) { e.u8(uint8(p.Reason)) }

// Choice: 0 is fine. No reason is assigned to several faults of a bind, and known decoders call it unknown.
func (p BindRejected) check(f *fault) { f.code(1, "reason", uint8(p.Reason), 0, uint8(BindNoARQ)) }

// Type is TypeUnbindIndication.
func (UnbindIndication) Type() Type          { return TypeUnbindIndication }
func (p UnbindIndication) encode(e *encoder) { e.u8(uint8(p.Reason)) }
func (p UnbindIndication) check(f *fault) {
	f.code(1, "reason", uint8(p.Reason), 0, uint8(UnbindNoARQ))
}
