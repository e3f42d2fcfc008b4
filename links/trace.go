package links

import "time"

// EventKind tells what an Event is.
type EventKind string

// What a link tells of.
const (
	EventSent      EventKind = "sent"      // an entry was given to the link
	EventOnFarNode EventKind = "far"       // its node has it, the peer has not told that it took it; on links that tell
	EventConfirmed EventKind = "confirmed" // the peer has taken it
	EventUp        EventKind = "up"        // contact
	EventDown      EventKind = "down"      // its end, with the reason
)

// An Event is one step on a link, for people to watch.
type Event struct {
	Kind EventKind
	At   time.Time
	Link string
	Peer string

	Entry  uint64 // sent, far, confirmed: the entry of the peer's queue
	Seq    uint32 // its number on the link
	Again  bool   // it was sent before
	Batch  int    // stanzas that went out together with it
	Wire   int    // bytes on the wire, as its share of them
	Remote string // up, down: the peer's address
	Reason string // down
	Heard  bool   // down: the peer was heard, so that it was not only the way that answered
}
