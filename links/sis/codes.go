package sis

// A BindReason is why a node rejects a bind. 0 says nothing.
type BindReason uint8

// Reasons of S_BIND_REJECTED.
const (
	BindUnspecified BindReason = iota
	BindNoResources
	BindInvalidSAP
	BindSAPTaken
	BindNoARQ // not in a broadcast session
)

func (r BindReason) String() string {
	return named(uint8(r), "unspecified", "not enough resources", "invalid SAP", "SAP already allocated",
		"ARQ not possible in a broadcast session")
}

// An UnbindReason is why a node ends a bind. 0 says nothing.
type UnbindReason uint8

// Reasons of S_UNBIND_INDICATION.
const (
	UnbindUnspecified UnbindReason = iota
	UnbindPreempted
	UnbindNoKeepAlive
	UnbindInvalidPrimitives
	UnbindTooManyExpedited
	UnbindNoARQ // a broadcast session begins
)

func (r UnbindReason) String() string {
	return named(uint8(r), "unspecified", "pre-empted by a higher rank", "no answer to keep-alive", "too many invalid primitives",
		"too many expedited requests", "ARQ not possible in a broadcast session")
}

// A HardLinkRejectReason is why there is no hard link.
type HardLinkRejectReason uint8

// Reasons of S_HARD_LINK_REJECTED.
const (
	HardLinkBusy HardLinkRejectReason = iota + 1
	HardLinkHigherPriority
	HardLinkNoResponse
	HardLinkSAPNotBound
	HardLinkTypeZeroExists // send without asking
)

func (r HardLinkRejectReason) String() string {
	return named(uint8(r), "", "remote node busy", "a link of higher priority exists", "remote node not responding",
		"destination SAP not bound", "the requested link of type 0 exists")
}

// A HardLinkTerminateReason is why a hard link is gone.
type HardLinkTerminateReason uint8

// Reasons of S_HARD_LINK_TERMINATED.
const (
	HardLinkEndedByRemote HardLinkTerminateReason = iota + 1
	HardLinkPreempted
	HardLinkRemoteSilent
	HardLinkSAPUnbound
	HardLinkBroken
)

func (r HardLinkTerminateReason) String() string {
	return named(uint8(r), "", "terminated by the remote node", "a link of higher priority was requested", "remote node not responding",
		"destination SAP unbound", "physical link broken")
}

// A RejectReason is why a U_PDU was not delivered. 0 says nothing.
type RejectReason uint8

// Reasons of S_UNIDATA_REQUEST_REJECTED and its expedited twin.
const (
	RejectUnspecified RejectReason = iota
	RejectExpired
	RejectSAPNotBound
	RejectNoResponse
	RejectTooLong
	RejectNoMode
	RejectWindow // a proposal that some nodes send; nobody else should
)

func (r RejectReason) String() string {
	return named(uint8(r), "unspecified", "time to live expired", "destination SAP not bound", "destination node not responding",
		"U_PDU larger than MTU", "transmission mode not specified", "transmit window blocked")
}

// A NodeStatus is what the local node can do.
type NodeStatus uint8

// Node status of S_SUBNET_AVAILABILITY. TransmitOnly is new in Edition 3.
const (
	NodeOff NodeStatus = iota
	NodeOn
	ReceiveOnly
	HalfDuplex
	FullDuplex
	TransmitOnly
)

func (s NodeStatus) String() string {
	return named(uint8(s), "off", "on", "receive-only", "half duplex", "full duplex", "transmit-only")
}

// An AvailabilityReason is why.
type AvailabilityReason uint8

// Reasons of S_SUBNET_AVAILABILITY.
const (
	AvailabilityUnspecified AvailabilityReason = iota
	AvailabilityEMCON
	AvailabilityHigherPriority // a link of higher priority was requested
)

func (r AvailabilityReason) String() string {
	return named(uint8(r), "unspecified", "local node in EMCON", "a link of higher priority was requested")
}

// A RemoteNodeStatus is whether the remote node of a hard link answers: 0 is an error, all else is well.
type RemoteNodeStatus uint8

// What we send.
const (
	RemoteError RemoteNodeStatus = 0
	RemoteOK    RemoteNodeStatus = 1
)
