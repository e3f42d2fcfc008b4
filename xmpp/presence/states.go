package presence

import "longwire/store"

// State is how an account and a contact are subscribed to each other, seen from the account. RFC 6121 §A.1.
type State uint8

// The nine states of RFC 6121 §A.1.
const (
	None State = iota
	NoneOut
	NoneIn
	NoneOutIn
	To
	ToIn
	From
	FromOut
	Both
	states
)

var stateNames = [states]string{
	"None", "None + Pending Out", "None + Pending In", "None + Pending Out+In", "To", "To + Pending In", "From",
	"From + Pending Out", "Both",
}

func (s State) String() string {
	if s < states {
		return stateNames[s]
	}
	return "State?"
}

// StateOf reads the state out of a roster item.
func StateOf(it store.RosterItem) State {
	switch {
	case it.To && it.From:
		return Both
	case it.To && it.PendIn:
		return ToIn
	case it.To:
		return To
	case it.From && it.PendOut:
		return FromOut
	case it.From:
		return From
	case it.PendOut && it.PendIn:
		return NoneOutIn
	case it.PendOut:
		return NoneOut
	case it.PendIn:
		return NoneIn
	}
	return None
}

// HasTo tells whether the account is subscribed to the contact.
func (s State) HasTo() bool { return s == To || s == ToIn || s == Both }

// HasFrom tells whether the contact is subscribed to the account.
func (s State) HasFrom() bool { return s == From || s == FromOut || s == Both }

// PendingOut tells whether the account's request is unanswered.
func (s State) PendingOut() bool { return s == NoneOut || s == NoneOutIn || s == FromOut }

// PendingIn tells whether the contact's request is unanswered.
func (s State) PendingIn() bool { return s == NoneIn || s == NoneOutIn || s == ToIn }

// put writes the state into a roster item.
func (s State) put(it *store.RosterItem) {
	it.To, it.From, it.PendOut, it.PendIn = s.HasTo(), s.HasFrom(), s.PendingOut(), s.PendingIn()
	if !it.PendIn {
		it.Request = nil
	}
}

// Event is one of the four stanzas that change a subscription.
type Event uint8

// The events. RFC 6121 §3.
const (
	Subscribe Event = iota
	Unsubscribe
	Subscribed
	Unsubscribed
	events
)

var eventTypes = [events]string{"subscribe", "unsubscribe", "subscribed", "unsubscribed"}

// String is the event's presence type.
func (e Event) String() string {
	if e < events {
		return eventTypes[e]
	}
	return "event?"
}

// eventOf finds the event that a presence type stands for.
func eventOf(typ string) (Event, bool) {
	for e, t := range eventTypes {
		if t == typ {
			return Event(e), true
		}
	}
	return 0, false
}

// Verdict is what happens at an event.
type Verdict struct {
	Next     State
	Approved bool // the contact is approved in advance from here on
	Pass     bool // the stanza goes on: to the contact's server, or to the account's clients
	Reply    bool // the server answers subscribed in the account's name
}

// cell is one field of the tables: the next state, and whether the stanza goes on.
type cell struct {
	next State
	pass bool
}

func pass(next State) cell { return cell{next, true} }
func hold(next State) cell { return cell{next, false} }

// sent: what the account's own clients send. RFC 6121 §A.2.
var sent = [events][states]cell{
	Subscribe: { // RFC 6121 §A.2.1
		None: pass(NoneOut), NoneOut: pass(NoneOut), NoneIn: pass(NoneOutIn), NoneOutIn: pass(NoneOutIn),
		To: pass(To), ToIn: pass(ToIn), From: pass(FromOut), FromOut: pass(FromOut), Both: pass(Both),
	},
	Unsubscribe: { // RFC 6121 §A.2.2
		None: pass(None), NoneOut: pass(None), NoneIn: pass(NoneIn), NoneOutIn: pass(NoneIn),
		To: pass(None), ToIn: pass(NoneIn), From: pass(From), FromOut: pass(From), Both: pass(From),
	},
	Subscribed: { // RFC 6121 §A.2.3
		None: hold(None), NoneOut: hold(NoneOut), NoneIn: pass(From), NoneOutIn: pass(FromOut),
		To: hold(To), ToIn: pass(Both), From: hold(From), FromOut: hold(FromOut), Both: hold(Both),
	},
	Unsubscribed: { // RFC 6121 §A.2.4
		None: hold(None), NoneOut: hold(NoneOut), NoneIn: pass(None), NoneOutIn: pass(NoneOut),
		To: hold(To), ToIn: pass(To), From: pass(None), FromOut: pass(NoneOut), Both: pass(To),
	},
}

// arrived: what comes from the contact. RFC 6121 §A.3.
var arrived = [events][states]cell{
	Subscribe: { // RFC 6121 §A.3.1
		None: pass(NoneIn), NoneOut: pass(NoneOutIn), NoneIn: hold(NoneIn), NoneOutIn: hold(NoneOutIn),
		To: pass(ToIn), ToIn: hold(ToIn), From: hold(From), FromOut: hold(FromOut), Both: hold(Both),
	},
	Unsubscribe: { // RFC 6121 §A.3.2
		None: hold(None), NoneOut: hold(NoneOut), NoneIn: pass(None), NoneOutIn: pass(NoneOut),
		To: hold(To), ToIn: pass(To), From: pass(None), FromOut: pass(NoneOut), Both: pass(To),
	},
	Subscribed: { // RFC 6121 §A.3.3
		None: hold(None), NoneOut: pass(To), NoneIn: hold(NoneIn), NoneOutIn: pass(ToIn),
		To: hold(To), ToIn: hold(ToIn), From: hold(From), FromOut: pass(Both), Both: hold(Both),
	},
	Unsubscribed: { // RFC 6121 §A.3.4
		None: hold(None), NoneOut: pass(None), NoneIn: hold(NoneIn), NoneOutIn: pass(NoneIn),
		To: pass(None), ToIn: pass(NoneIn), From: hold(From), FromOut: pass(From), Both: pass(From),
	},
}

// Sent tells what happens when a client of the account sends e to the contact.
func Sent(e Event, s State, approved bool) Verdict {
	c := sent[e][s]
	v := Verdict{Next: c.next, Pass: c.pass, Approved: approved}
	switch {
	case e == Subscribed && !c.pass && !s.HasFrom():
		v.Approved = true // RFC 6121 §3.4.2
	case e == Unsubscribed:
		v.Approved = false // RFC 6121 §3.4.2
	}
	return v
}

// Arrived tells what happens when e comes from the contact.
func Arrived(e Event, s State, approved bool) Verdict {
	c := arrived[e][s]
	v := Verdict{Next: c.next, Pass: c.pass, Approved: approved}
	if e != Subscribe {
		return v
	}
	switch {
	case s.HasFrom():
		v.Reply = true // RFC 6121 §3.1.3: it has been granted already
	case approved && c.pass:
		v.Pass, v.Reply = false, true // RFC 6121 §3.4.2
		v.Next = Sent(Subscribed, c.next, true).Next
	}
	return v
}
