package dts

// An Event is what a Station has to tell: Delivery, Confirmed, Sent, Failed, NoReply, Lost, Warned, Resynced, Orderwire or RateChange.
type Event interface{ event() }

// An ID names a C_PDU given to Send. It is never 0.
type ID uint64

// Service is how a C_PDU travels.
type Service uint8

// The services of S5066 C.1.
const (
	ServiceARQ Service = iota
	ServiceExpedited
	ServiceNonARQ
	ServiceExpeditedNonARQ
)

// String names it.
func (s Service) String() string {
	return [...]string{"ARQ", "expedited ARQ", "non-ARQ", "expedited non-ARQ"}[s&3]
}

// Delivery is a C_PDU that came in.
type Delivery struct {
	From, To Address
	Service  Service
	CPDU     []byte // missing bytes are 0
	// Errored and Missing are empty in a good C_PDU. Only non-ARQ C_PDUs can be other than good.
	Errored, Missing []Block
}

// Good tells whether all of the C_PDU is there and as it was sent.
func (d *Delivery) Good() bool { return len(d.Errored)+len(d.Missing) == 0 }

// A Block is a part of a C_PDU.
type Block struct{ Offset, Size int }

// Confirmed: the peer's node has all of an ARQ C_PDU.
type Confirmed struct {
	ID   ID
	Peer Address
}

// Sent: all copies of a non-ARQ C_PDU went out.
type Sent struct {
	ID   ID
	Peer Address
}

// Failed: a C_PDU will not be tried again. ARQ C_PDUs may have arrived all the same.
type Failed struct {
	ID   ID
	Peer Address
	Err  error
}

// NoReply: a C_PDU whose Request asked for an answer by the peer got none in time.
type NoReply struct {
	ID   ID
	Peer Address
}

// Lost: the peer acknowledges nothing any more and is unconnected again; Failed came for all that was under way.
type Lost struct{ Peer Address }

// Warned: the peer could make no use of a D_PDU of ours.
type Warned struct {
	Peer    Address
	Warning Warning
}

// Resynced: windows did not fit each other any more and were put right. After a full reset C_PDUs may be missing.
type Resynced struct {
	Peer Address
	Full bool
}

// Orderwire is an engineering message the Station does not deal with itself.
type Orderwire struct {
	Peer     Address
	EOW      EOW
	Extended []byte
}

// RateChange asks for the modem to be changed now, for one peer: by SetTiming, and by the modem itself.
type RateChange struct {
	Peer              Address
	Rate              Rate
	Transmit, Receive bool // which direction changes, seen from here
}

func (Delivery) event()   {}
func (Confirmed) event()  {}
func (Sent) event()       {}
func (Failed) event()     {}
func (NoReply) event()    {}
func (Lost) event()       {}
func (Warned) event()     {}
func (Resynced) event()   {}
func (Orderwire) event()  {}
func (RateChange) event() {}
