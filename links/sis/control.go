package sis

// SubnetAvailability says what the node can do for now: S_SUBNET_AVAILABILITY.
type SubnetAvailability struct {
	Status NodeStatus
	Reason AvailabilityReason
}

// DataFlowOn lets a client send again: S_DATA_FLOW_ON.
type DataFlowOn struct{}

// DataFlowOff stops it: S_DATA_FLOW_OFF. The node may drop requests that come later.
type DataFlowOff struct{}

// KeepAlive asks whether the other end is there, and answers that: S_KEEP_ALIVE.
type KeepAlive struct{}

// ManagementMsgRequest is for the node's own management, from rank 15 only: S_MANAGEMENT_MSG_REQUEST. The standard leaves the body open.
type ManagementMsgRequest struct {
	MsgType uint8
	MsgBody []byte
}

// ManagementMsgIndication is what it has to say: S_MANAGEMENT_MSG_INDICATION.
type ManagementMsgIndication struct {
	MsgType uint8
	MsgBody []byte
}

// Type is TypeSubnetAvailability.
func (SubnetAvailability) Type() Type { return TypeSubnetAvailability }

func (p SubnetAvailability) encode(e *encoder) {
	e.u8(uint8(p.Status))
	e.u8(uint8(p.Reason))
}

func (p SubnetAvailability) check(f *fault) {
	f.code(1, "node status", uint8(p.Status), 0, uint8(TransmitOnly))
	f.code(2, "reason", uint8(p.Reason), 0, uint8(AvailabilityHigherPriority))
}

// Type is TypeDataFlowOn.
func (DataFlowOn) Type() Type      { return TypeDataFlowOn }
func (DataFlowOn) encode(*encoder) {}
func (DataFlowOn) check(*fault)    {}

// Type is TypeDataFlowOff.
func (DataFlowOff) Type() Type      { return TypeDataFlowOff }
func (DataFlowOff) encode(*encoder) {}
func (DataFlowOff) check(*fault)    {}

// Type is TypeKeepAlive.
func (KeepAlive) Type() Type      { return TypeKeepAlive }
func (KeepAlive) encode(*encoder) {}
func (KeepAlive) check(*fault)    {}

// Type is TypeManagementMsgRequest.
func (ManagementMsgRequest) Type() Type   { return TypeManagementMsgRequest }
func (ManagementMsgRequest) check(*fault) {}

func (p ManagementMsgRequest) encode(e *encoder) {
	e.u8(p.MsgType)
	e.bytes(p.MsgBody)
}

// Type is TypeManagementMsgIndication.
func (ManagementMsgIndication) Type() Type   { return TypeManagementMsgIndication }
func (ManagementMsgIndication) check(*fault) {}

func (p ManagementMsgIndication) encode(e *encoder) {
	e.u8(p.MsgType)
	e.bytes(p.MsgBody)
}
