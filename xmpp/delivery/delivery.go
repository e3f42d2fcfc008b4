// Package delivery tells what became of each message for a peer: one truth, joined from what the store knows for good and what
// the links tell of the way.
//
//	store.Fate (flash) --- at the peer, delivered, expired, refused, cancelled --+
//	store.Entry (flash) -- queued, given to a link ------------------------------+--> Message
//	Sent, OnFarNode (memory) -- on air, at the peer's SIS server ----------------+
//
// A state is never one that is not known to be so, and never one behind what is known. What is only in memory is never needed for
// a state to be true: after a restart a message that was on air is with the link again, until the link tells more.
package delivery

import (
	"strconv"
	"time"

	"longwire/store"
)

// State is what is known of a message, in words for people.
type State string

// States, in the order in which a message comes by them. From Delivered on they are its end.
const (
	Queued    State = "queued"                     // it waits, and the peer does not have it, as far as is known
	WithLink  State = "with the link"              // a link has taken it; whether it has left, or arrived, is not known
	OnAir     State = "on air"                     // the link has sent it, and is up
	AtRadio   State = "at the peer's SIS server"   // over HF: the peer's SIS server has it, its node has not said so
	AtPeer    State = "at the peer"                // the peer's node has taken it
	Delivered State = "delivered"                  // the recipient's client has said so
	Expired   State = "expired"                    // not sent in time; the sender was told
	Refused   State = "refused"                    // by the peer, or here; the sender was told
	Cancelled State = "cancelled"                  // by the sender or the operator
	Overflow  State = "dropped, the queue is full" // it made room for what is more urgent; the sender was told
)

// Over tells whether the message will not go any further.
func (s State) Over() bool {
	switch s {
	case Delivered, Expired, Refused, Cancelled, Overflow:
		return true
	}
	return false
}

// Left tells whether the message has left the queue.
func (s State) Left() bool { return s == AtPeer || s.Over() }

// A Message is one that is for a peer, without its body.
type Message struct {
	Peer     string
	Entry    uint64 // its number at that peer
	Kind     store.Kind
	Class    store.Class
	From, To string
	StanzaID string
	Bytes    int

	State    State
	Why      string // why it waits, or why it ended so
	Position int    // while it is queued: 1 is next; 0: it is not, or is held
	Forecast Forecast

	Queued    time.Time
	Changed   time.Time // when it came to this state, where that is known
	Expires   time.Time // zero: never
	NotBefore time.Time // held until then; zero: not held
}

// A Forecast says when a message will be known to be at the peer's node, from now. The zero value: nothing is said.
type Forecast struct {
	Known bool
	Why   string        // why it is not known, or what it waits for
	About time.Duration // as likely earlier as later
	Most  time.Duration // nine times in ten it takes no longer
	Words string        // the same in words: "about 4 min, at most 9 min"
}

// Span is a span of time as people say it.
func Span(d time.Duration) string {
	n, unit := int(max(0, d)/time.Second), "s"
	switch {
	case d >= 48*time.Hour:
		n, unit = int(d/(24*time.Hour)), "days"
	case d >= 100*time.Minute:
		n, unit = int((d+time.Hour/2)/time.Hour), "h"
	case d >= 100*time.Second:
		n, unit = int((d+time.Minute/2)/time.Minute), "min"
	}
	return strconv.Itoa(n) + " " + unit
}
