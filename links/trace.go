package links

import (
	"time"

	"longwire/store"
	"longwire/xmpp/stanza"
)

// EventKind tells what an Event is.
type EventKind string

// What a link tells of.
const (
	EventSent      EventKind = "sent"      // an entry was given to the link
	EventOnFarNode EventKind = "far"       // its node has it, the peer has not told that it took it; on links that tell
	EventConfirmed EventKind = "confirmed" // the peer has taken it
	EventUp        EventKind = "up"        // contact
	EventDown      EventKind = "down"      // its end, with the reason
	EventReceived  EventKind = "received"  // a stanza of the peer was handed in
	EventDuplicate EventKind = "duplicate" // one that had been taken before came again
	EventCarrier   EventKind = "carrier"   // Link carries what is for Peer from now on, with the reason; no link: none does
	EventCodec     EventKind = "codec"     // how stanzas are coded for the peer has become worse, or better again; with the reason
	EventRejected  EventKind = "rejected"  // the link's server did not deliver what it was given, with the reason
)

// An Event is one step on a link, for people to watch and for the meter.
type Event struct {
	Kind EventKind
	At   time.Time
	Link string
	Peer string

	Entry  uint64 // sent, far, confirmed: the entry of the peer's queue
	Seq    uint32 // its number on the link
	Again  bool   // it was sent before
	Batch  int    // stanzas that went out together with it
	Remote string // up, down: the peer's address
	Reason string // down, rejected
	Heard  bool   // down: the peer was heard, so that it was not only the way that answered

	// sent, far, confirmed: of the entry
	Type               store.Kind
	Class              store.Class
	From, To, StanzaID string
	Queued             time.Time

	// sent, received: what it took. Of what went out together, each stanza has its share by size.
	Raw        int           // bytes before folding
	Folded     int           // as given to the link: folded, and stamped when late
	Compressed int           // after compression
	Wire       int           // with the link's own framing
	Air        time.Duration // of the channel, as best known; 0: not known
	Lane       string        // "": the ordinary one

	Stanza *stanza.Stanza // received, duplicate: for the time of the call, not to be changed; nil when it was not read
}

// Of makes e one of an entry.
func (e Event) Of(entry store.Entry) Event {
	e.Entry, e.Seq, e.Type, e.Class = entry.ID, entry.Seq, entry.Kind, entry.Class
	e.From, e.To, e.StanzaID, e.Raw, e.Queued = entry.From, entry.To, entry.StanzaID, len(entry.Stanza)+entry.Saved, entry.Queued
	return e
}
