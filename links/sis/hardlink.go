package sis

// A HardLinkType says for whom a hard link is kept up.
type HardLinkType uint8

// The hard link types. 3 is not defined.
const (
	HardLinkForAll    HardLinkType = iota // anyone may use it
	HardLinkForClient                     // traffic of the client that asked, to and from anyone there
	HardLinkForPair                       // traffic between two clients
)

// String is a word for people.
func (t HardLinkType) String() string {
	return named(uint8(t), "for all", "for the client", "for the pair")
}

// A HardLink is a link that stays up until it is terminated. A node has one at most.
type HardLink struct {
	LinkType   HardLinkType
	Priority   uint8   // 0 to 3; the higher wins
	RemoteSAP  uint8   // means something for HardLinkForPair only
	RemoteNode Address // no group
}

func (l HardLink) encode(e *encoder) {
	e.limit("link type", uint32(l.LinkType), 3)
	e.limit("link priority", uint32(l.Priority), 3)
	e.halves("", uint8(l.LinkType)<<2|l.Priority&3, "remote SAP", l.RemoteSAP)
	e.address(l.RemoteNode)
}

func (l *HardLink) decode(d *decoder) {
	high, low := d.halves()
	l.LinkType, l.Priority, l.RemoteSAP = HardLinkType(high>>2), high&3, low
	l.RemoteNode = d.address()
}

func (l HardLink) check(f *fault, offset int) {
	f.code(offset, "link type", uint8(l.LinkType), 0, uint8(HardLinkForPair))
	f.node(offset+1, l.RemoteNode)
}

// HardLinkEstablish asks for a hard link: S_HARD_LINK_ESTABLISH.
type HardLinkEstablish struct{ HardLink }

// HardLinkTerminate ends it: S_HARD_LINK_TERMINATE.
type HardLinkTerminate struct{ RemoteNode Address }

// HardLinkEstablished says that it is up: S_HARD_LINK_ESTABLISHED.
type HardLinkEstablished struct {
	Status RemoteNodeStatus
	HardLink
}

// HardLinkRejected says that it cannot be: S_HARD_LINK_REJECTED.
type HardLinkRejected struct {
	Reason HardLinkRejectReason
	HardLink
}

// HardLinkTerminated says that it is gone: S_HARD_LINK_TERMINATED.
type HardLinkTerminated struct {
	Reason HardLinkTerminateReason
	HardLink
}

// HardLinkIndication offers one of type HardLinkForPair that another client asks for: S_HARD_LINK_INDICATION. RemoteSAP and RemoteNode
// are that client's.
type HardLinkIndication struct {
	Status RemoteNodeStatus
	HardLink
}

// HardLinkAccept takes the offer: S_HARD_LINK_ACCEPT.
type HardLinkAccept struct{ HardLink }

// HardLinkReject declines it: S_HARD_LINK_REJECT. No reasons are defined; 0 is as good as any.
type HardLinkReject struct {
	Reason uint8
	HardLink
}

// Type is TypeHardLinkEstablish.
func (HardLinkEstablish) Type() Type          { return TypeHardLinkEstablish }
func (p HardLinkEstablish) encode(e *encoder) { p.HardLink.encode(e) }
func (p HardLinkEstablish) check(f *fault)    { p.HardLink.check(f, 1) }

// Type is TypeHardLinkTerminate.
func (HardLinkTerminate) Type() Type          { return TypeHardLinkTerminate }
func (p HardLinkTerminate) encode(e *encoder) { e.address(p.RemoteNode) }
func (p HardLinkTerminate) check(f *fault)    { f.node(1, p.RemoteNode) }

// Type is TypeHardLinkEstablished.
func (HardLinkEstablished) Type() Type          { return TypeHardLinkEstablished }
func (p HardLinkEstablished) encode(e *encoder) { e.coded(uint8(p.Status), p.HardLink) }
func (p HardLinkEstablished) check(f *fault)    { p.HardLink.check(f, 2) }

// Type is TypeHardLinkRejected.
func (HardLinkRejected) Type() Type          { return TypeHardLinkRejected }
func (p HardLinkRejected) encode(e *encoder) { e.coded(uint8(p.Reason), p.HardLink) }
func (p HardLinkRejected) check(f *fault) {
	f.code(1, "reason", uint8(p.Reason), uint8(HardLinkBusy), uint8(HardLinkTypeZeroExists))
	p.HardLink.check(f, 2)
}

// Type is TypeHardLinkTerminated.
func (HardLinkTerminated) Type() Type          { return TypeHardLinkTerminated }
func (p HardLinkTerminated) encode(e *encoder) { e.coded(uint8(p.Reason), p.HardLink) }
func (p HardLinkTerminated) check(f *fault) {
	f.code(1, "reason", uint8(p.Reason), uint8(HardLinkEndedByRemote), uint8(HardLinkBroken))
	p.HardLink.check(f, 2)
}

// Type is TypeHardLinkIndication.
func (HardLinkIndication) Type() Type          { return TypeHardLinkIndication }
func (p HardLinkIndication) encode(e *encoder) { e.coded(uint8(p.Status), p.HardLink) }
func (p HardLinkIndication) check(f *fault)    { p.HardLink.check(f, 2) }

// Type is TypeHardLinkAccept.
func (HardLinkAccept) Type() Type          { return TypeHardLinkAccept }
func (p HardLinkAccept) encode(e *encoder) { p.HardLink.encode(e) }
func (p HardLinkAccept) check(f *fault)    { p.HardLink.check(f, 1) }

// Type is TypeHardLinkReject.
func (HardLinkReject) Type() Type          { return TypeHardLinkReject }
func (p HardLinkReject) encode(e *encoder) { e.coded(p.Reason, p.HardLink) }
func (p HardLinkReject) check(f *fault)    { p.HardLink.check(f, 2) }

func (e *encoder) coded(code uint8, l HardLink) {
	e.u8(code)
	l.encode(e)
}

func (d *decoder) coded() (code uint8, l HardLink) {
	code = d.u8()
	l.decode(d)
	return code, l
}

// hardLink reads types 6 to 13.
func (d *decoder) hardLink() Primitive {
	var code uint8
	var l HardLink
	switch d.t {
	case TypeHardLinkTerminate:
		return HardLinkTerminate{d.address()}
	case TypeHardLinkEstablish, TypeHardLinkAccept:
		l.decode(d)
	default:
		code, l = d.coded()
	}
	switch d.t {
	case TypeHardLinkEstablish:
		return HardLinkEstablish{l}
	case TypeHardLinkEstablished:
		return HardLinkEstablished{RemoteNodeStatus(code), l}
	case TypeHardLinkRejected:
		return HardLinkRejected{HardLinkRejectReason(code), l}
	case TypeHardLinkTerminated:
		return HardLinkTerminated{HardLinkTerminateReason(code), l}
	case TypeHardLinkIndication:
		return HardLinkIndication{RemoteNodeStatus(code), l}
	case TypeHardLinkAccept:
		return HardLinkAccept{l}
	default:
		return HardLinkReject{code, l}
	}
}

// canonical returns p with Canonical addresses.
func canonical(p Primitive) Primitive {
	switch p := p.(type) {
	case UnidataIndication:
		p.Destination, p.Source = p.Destination.Canonical(), p.Source.Canonical()
		return p
	case HardLinkEstablished:
		p.RemoteNode = p.RemoteNode.Canonical()
		return p
	case HardLinkRejected:
		p.RemoteNode = p.RemoteNode.Canonical()
		return p
	case HardLinkTerminated:
		p.RemoteNode = p.RemoteNode.Canonical()
		return p
	case HardLinkIndication:
		p.RemoteNode = p.RemoteNode.Canonical()
		return p
	case HardLinkEstablish:
		p.RemoteNode = p.RemoteNode.Canonical()
		return p
	case HardLinkTerminate:
		p.RemoteNode = p.RemoteNode.Canonical()
		return p
	case HardLinkAccept:
		p.RemoteNode = p.RemoteNode.Canonical()
		return p
	case HardLinkReject:
		p.RemoteNode = p.RemoteNode.Canonical()
		return p
	}
	return p
}
