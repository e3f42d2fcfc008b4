// Package sis is the Subnetwork Interface Sublayer of STANAG 5066, Annex A: the primitives that a client and its node
// exchange, the client, and the node's side of the socket.
//
// The primitives are values; a Codec makes bytes of them and a Reader takes them off a carrier. A Client holds one SAP
// at a node; a Keeper holds it for good. A Server lets clients bind to a node, which is a Handler. Package sistest has one
// made of memory and time.
package sis

import "fmt"

const (
	// DefaultPort is where a node listens. S5066 F.16: registered with IANA; both ends allow another.
	DefaultPort = 5066

	// Version is the third byte of every primitive, from Edition 1.2 to Edition 3.
	Version = 0

	// MTU is the largest U_PDU that a general node takes. S5066 A, S_BIND_ACCEPTED.
	MTU = 2048
	// BroadcastMTU is what a broadcast-only node may take.
	BroadcastMTU = 4096

	envelope = 5     // bytes before the type: preamble, version, size
	maxSize  = 65535 // of what follows the envelope: all that its field can say
)

// A Type numbers the primitives.
type Type uint8

// The primitives. S5066 A, table of S_Primitives.
const (
	TypeBindRequest                Type = 1
	TypeUnbindRequest              Type = 2
	TypeBindAccepted               Type = 3
	TypeBindRejected               Type = 4
	TypeUnbindIndication           Type = 5
	TypeHardLinkEstablish          Type = 6
	TypeHardLinkTerminate          Type = 7
	TypeHardLinkEstablished        Type = 8
	TypeHardLinkRejected           Type = 9
	TypeHardLinkTerminated         Type = 10
	TypeHardLinkIndication         Type = 11
	TypeHardLinkAccept             Type = 12
	TypeHardLinkReject             Type = 13
	TypeSubnetAvailability         Type = 14
	TypeDataFlowOn                 Type = 15
	TypeDataFlowOff                Type = 16
	TypeKeepAlive                  Type = 17
	TypeManagementMsgRequest       Type = 18
	TypeManagementMsgIndication    Type = 19
	TypeUnidataRequest             Type = 20
	TypeUnidataIndication          Type = 21
	TypeUnidataRequestConfirm      Type = 22
	TypeUnidataRequestRejected     Type = 23
	TypeExpeditedUnidataRequest    Type = 24
	TypeExpeditedUnidataIndication Type = 25
	TypeExpeditedUnidataConfirm    Type = 26
	TypeExpeditedUnidataRejected   Type = 27

	lastType = TypeExpeditedUnidataRejected
	// expedited is the distance from a type to its expedited twin.
	expedited = TypeExpeditedUnidataRequest - TypeUnidataRequest
)

// Who may send a primitive.
const (
	fromClient = 1 << iota
	fromNode
)

// kinds is what is the same for all primitives of a type. size counts from the type byte; open types are that long or longer.
var kinds = [lastType + 1]struct {
	name string
	size int
	open bool
	from uint8
}{
	TypeBindRequest:                {"S_BIND_REQUEST", 4, false, fromClient},
	TypeUnbindRequest:              {"S_UNBIND_REQUEST", 1, false, fromClient},
	TypeBindAccepted:               {"S_BIND_ACCEPTED", 4, false, fromNode},
	TypeBindRejected:               {"S_BIND_REJECTED", 2, false, fromNode},
	TypeUnbindIndication:           {"S_UNBIND_INDICATION", 2, false, fromNode},
	TypeHardLinkEstablish:          {"S_HARD_LINK_ESTABLISH", 6, false, fromClient},
	TypeHardLinkTerminate:          {"S_HARD_LINK_TERMINATE", 5, false, fromClient},
	TypeHardLinkEstablished:        {"S_HARD_LINK_ESTABLISHED", 7, false, fromNode},
	TypeHardLinkRejected:           {"S_HARD_LINK_REJECTED", 7, false, fromNode},
	TypeHardLinkTerminated:         {"S_HARD_LINK_TERMINATED", 7, false, fromNode},
	TypeHardLinkIndication:         {"S_HARD_LINK_INDICATION", 7, false, fromNode},
	TypeHardLinkAccept:             {"S_HARD_LINK_ACCEPT", 6, false, fromClient},
	TypeHardLinkReject:             {"S_HARD_LINK_REJECT", 7, false, fromClient},
	TypeSubnetAvailability:         {"S_SUBNET_AVAILABILITY", 3, false, fromNode},
	TypeDataFlowOn:                 {"S_DATA_FLOW_ON", 1, false, fromNode},
	TypeDataFlowOff:                {"S_DATA_FLOW_OFF", 1, false, fromNode},
	TypeKeepAlive:                  {"S_KEEP_ALIVE", 1, false, fromClient | fromNode},
	TypeManagementMsgRequest:       {"S_MANAGEMENT_MSG_REQUEST", 2, true, fromClient},
	TypeManagementMsgIndication:    {"S_MANAGEMENT_MSG_INDICATION", 2, true, fromNode},
	TypeUnidataRequest:             {"S_UNIDATA_REQUEST", 12, true, fromClient},
	TypeUnidataIndication:          {"S_UNIDATA_INDICATION", 13, true, fromNode},
	TypeUnidataRequestConfirm:      {"S_UNIDATA_REQUEST_CONFIRM", 8, true, fromNode},
	TypeUnidataRequestRejected:     {"S_UNIDATA_REQUEST_REJECTED", 8, true, fromNode},
	TypeExpeditedUnidataRequest:    {"S_EXPEDITED_UNIDATA_REQUEST", 12, true, fromClient},
	TypeExpeditedUnidataIndication: {"S_EXPEDITED_UNIDATA_INDICATION", 13, true, fromNode},
	TypeExpeditedUnidataConfirm:    {"S_EXPEDITED_UNIDATA_REQUEST_CONFIRM", 8, true, fromNode},
	TypeExpeditedUnidataRejected:   {"S_EXPEDITED_UNIDATA_REQUEST_REJECTED", 8, true, fromNode},
}

// String is the standard's name.
func (t Type) String() string {
	if t == 0 || t > lastType {
		return fmt.Sprintf("primitive %d", uint8(t))
	}
	return kinds[t].name
}

// fits tells whether a primitive of this type can have this size, counted from the type byte.
func (t Type) fits(size int) bool {
	if t == 0 || t > lastType {
		return false
	}
	k := kinds[t]
	return size == k.size || k.open && size > k.size
}

// sentBy tells whether this end may send it.
func (t Type) sentBy(end uint8) bool { return t <= lastType && kinds[t].from&end != 0 }

// A Primitive is one message between client and node: one of the types of this package, as a value, not a pointer.
type Primitive interface {
	Type() Type
	encode(e *encoder)
	check(f *fault)
}

// An Error says what is wrong with a primitive. A carrier stays usable after one.
type Error struct {
	Type   Type
	Offset int // from the type byte
	Reason string
}

func (e *Error) Error() string {
	return fmt.Sprintf("sis: %v, byte %d: %s", e.Type, e.Offset, e.Reason)
}

// Unknown tells that the fault is the type itself: perhaps a primitive of a later edition.
func (e *Error) Unknown() bool { return e.Type == 0 || e.Type > lastType }

// named picks the word for a code, or says its number.
func named(code uint8, names ...string) string {
	if int(code) < len(names) && names[code] != "" {
		return names[code]
	}
	return fmt.Sprintf("code %d", code)
}
