package sis

// UnidataRequest gives the node a U_PDU to deliver: S_UNIDATA_REQUEST, or S_EXPEDITED_UNIDATA_REQUEST.
type UnidataRequest struct {
	Expedited      bool
	Priority       uint8 // 0 to 15, the most urgent; expedited: 0
	DestinationSAP uint8 // 0 to 15
	Destination    Address
	DeliveryMode   ServiceType // DefaultMode: as bound
	TTL            TTL
	UPDU           []byte
}

// UnidataIndication is a U_PDU that arrived: S_UNIDATA_INDICATION, or S_EXPEDITED_UNIDATA_INDICATION.
type UnidataIndication struct {
	Expedited        bool
	Priority         uint8
	DestinationSAP   uint8   // the receiving client's
	Destination      Address // the node's own, or the group that was sent to
	TransmissionMode TransmissionMode
	SourceSAP        uint8
	Source           Address
	Errored          []Block // parts of UPDU that arrived with errors,
	Missing          []Block // and that did not arrive: with NonARQErrors only
	UPDU             []byte
}

// A Block is a part of a U_PDU.
type Block struct{ Offset, Size uint16 }

// UnidataRequestConfirm says that the U_PDU which begins with UPDU was delivered: S_UNIDATA_REQUEST_CONFIRM, or its expedited twin.
type UnidataRequestConfirm struct {
	Expedited      bool
	DestinationSAP uint8
	Destination    Address // as in the request
	UPDU           []byte  // the head of the U_PDU; how much of it is up to the node
}

// UnidataRequestRejected says that it was not: S_UNIDATA_REQUEST_REJECTED, or its expedited twin.
type UnidataRequestRejected struct {
	Expedited      bool
	Reason         RejectReason
	DestinationSAP uint8
	Destination    Address
	UPDU           []byte
}

func twin(t Type, isExpedited bool) Type {
	if isExpedited {
		return t + expedited
	}
	return t
}

// Type is TypeUnidataRequest or its expedited twin.
func (p UnidataRequest) Type() Type { return twin(TypeUnidataRequest, p.Expedited) }

func (p UnidataRequest) encode(e *encoder) {
	e.halves("priority", p.Priority, "destination SAP", p.DestinationSAP)
	e.address(p.Destination)
	p.DeliveryMode.encode(e)
	e.limit("TTL", uint32(p.TTL), 1<<20-1)
	e.u8(p.DeliveryMode.MinRetransmissions<<4 | uint8(p.TTL>>16)&15)
	e.u16(uint16(p.TTL))
	e.size(p.UPDU)
	e.bytes(p.UPDU)
}

func (p UnidataRequest) check(f *fault) {
	f.urgency(p.Expedited, p.Priority)
	if why := p.Destination.fault(); why != "" {
		f.at(2, "%s", why)
	}
	// S5066 A, address encoding: a group can be the destination of a non-ARQ U_PDU only.
	if p.DeliveryMode.TransmissionMode == ARQ && p.Destination.Group() {
		f.at(2, "ARQ to the group %v", p.Destination)
	}
	if why := p.DeliveryMode.fault(); why != "" {
		f.at(6, "%s", why)
	}
	if p.TTL > MaxTTL {
		f.at(7, "TTL %d is more than %d", p.TTL, MaxTTL)
	}
}

// urgency: S5066 A, S_EXPEDITED_UNIDATA_REQUEST: the field has no meaning and is 0.
func (f *fault) urgency(isExpedited bool, priority uint8) {
	if isExpedited && priority != 0 {
		f.at(1, "expedited with priority %d", priority)
	}
}

func (d *decoder) unidataRequest() (p UnidataRequest) {
	p.Expedited = d.t >= TypeExpeditedUnidataRequest
	p.Priority, p.DestinationSAP = d.halves()
	p.Destination = d.address()
	p.DeliveryMode.decode(d)
	var high uint8
	p.DeliveryMode.MinRetransmissions, high = d.halves()
	p.TTL = TTL(high)<<16 | TTL(d.u16())
	p.UPDU = d.bytes(int(d.u16()))
	return p
}

// Type is TypeUnidataIndication or its expedited twin.
func (p UnidataIndication) Type() Type { return twin(TypeUnidataIndication, p.Expedited) }

func (p UnidataIndication) encode(e *encoder) {
	e.halves("priority", p.Priority, "destination SAP", p.DestinationSAP)
	e.address(p.Destination)
	e.halves("transmission mode", uint8(p.TransmissionMode), "source SAP", p.SourceSAP)
	e.address(p.Source)
	e.size(p.UPDU)
	if p.TransmissionMode == NonARQErrors {
		e.blocks(p.Errored)
		e.blocks(p.Missing)
	} else if len(p.Errored)+len(p.Missing) > 0 {
		e.at(6, "error blocks in mode %v", p.TransmissionMode)
	}
	e.bytes(p.UPDU)
}

func (p UnidataIndication) check(f *fault) {
	f.urgency(p.Expedited, p.Priority)
	if why := p.Destination.fault(); why != "" {
		f.at(2, "%s", why)
	}
	f.code(6, "transmission mode", uint8(p.TransmissionMode), uint8(ARQ), uint8(NonARQErrors))
	f.node(7, p.Source)
	for i, list := range [][]Block{p.Errored, p.Missing} {
		for _, b := range list {
			if int(b.Offset)+int(b.Size) > len(p.UPDU) {
				f.at(13+2*i, "error block %d+%d in %d bytes", b.Offset, b.Size, len(p.UPDU))
			}
		}
	}
}

func (d *decoder) unidataIndication() (p UnidataIndication) {
	p.Expedited = d.t >= TypeExpeditedUnidataRequest
	p.Priority, p.DestinationSAP = d.halves()
	p.Destination = d.address()
	mode, sap := d.halves()
	p.TransmissionMode, p.SourceSAP = TransmissionMode(mode), sap
	p.Source = d.address()
	size := int(d.u16())
	switch {
	case p.TransmissionMode == NonARQErrors:
		p.Errored = d.blocks(size)
		p.Missing = d.blocks(size)
	case !d.strict && len(d.b)-d.off == 4+size && d.b[d.off]|d.b[d.off+1]|d.b[d.off+2]|d.b[d.off+3] == 0:
		// Peer: Rockwell HF Messenger up to 2.1 writes K = L = 0 in every indication.
		d.off += 4
	}
	p.UPDU = d.bytes(size)
	return p
}

func (e *encoder) blocks(list []Block) {
	e.limit("number of error blocks", uint32(len(list)), maxSize/4)
	if e.err != nil {
		return
	}
	e.u16(uint16(len(list)))
	for _, b := range list {
		e.u16(b.Offset)
		e.u16(b.Size)
	}
}

// blocks reads a list; Tolerant cuts them down to the U_PDU of the given size, so that whoever follows them stays inside.
func (d *decoder) blocks(size int) (list []Block) {
	n := int(d.u16())
	raw := d.take(4 * n)
	for i := 0; i < len(raw); i += 4 {
		b := Block{uint16(raw[i])<<8 | uint16(raw[i+1]), uint16(raw[i+2])<<8 | uint16(raw[i+3])}
		if !d.strict {
			if int(b.Offset) >= size {
				continue
			}
			b.Size = uint16(min(int(b.Size), size-int(b.Offset)))
		}
		list = append(list, b)
	}
	return list
}

// Type is TypeUnidataRequestConfirm or its expedited twin.
func (p UnidataRequestConfirm) Type() Type { return twin(TypeUnidataRequestConfirm, p.Expedited) }

func (p UnidataRequestConfirm) encode(e *encoder) {
	e.answer(0, p.DestinationSAP, p.Destination, p.UPDU)
}

func (p UnidataRequestConfirm) check(f *fault) {
	if why := p.Destination.fault(); why != "" {
		f.at(2, "%s", why)
	}
}

func (d *decoder) unidataRequestConfirm() (p UnidataRequestConfirm) {
	p.Expedited = d.t >= TypeExpeditedUnidataRequest
	var unused uint8
	unused, p.DestinationSAP = d.halves()
	d.reserved(unused)
	p.Destination = d.address()
	p.UPDU = d.bytes(int(d.u16()))
	return p
}

// Type is TypeUnidataRequestRejected or its expedited twin.
func (p UnidataRequestRejected) Type() Type { return twin(TypeUnidataRequestRejected, p.Expedited) }

func (p UnidataRequestRejected) encode(e *encoder) {
	e.answer(uint8(p.Reason), p.DestinationSAP, p.Destination, p.UPDU)
}

// check: only NC3A's header knows reason 6, as a proposal. Accept it, do not send it.
func (p UnidataRequestRejected) check(f *fault) {
	f.code(1, "reason", uint8(p.Reason), 0, uint8(RejectNoMode))
	if why := p.Destination.fault(); why != "" {
		f.at(2, "%s", why)
	}
}

func (d *decoder) unidataRequestRejected() (p UnidataRequestRejected) {
	p.Expedited = d.t >= TypeExpeditedUnidataRequest
	reason, sap := d.halves()
	p.Reason, p.DestinationSAP = RejectReason(reason), sap
	p.Destination = d.address()
	p.UPDU = d.bytes(int(d.u16()))
	return p
}

func (e *encoder) answer(high, sap uint8, to Address, head []byte) {
	e.halves("reason", high, "destination SAP", sap)
	e.address(to)
	e.size(head)
	e.bytes(head)
}
