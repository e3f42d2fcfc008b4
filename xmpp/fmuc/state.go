package fmuc

// A State is where the federation with one upstream room stands.
//
//	idle ─ first occupant ─▶ joining ─ subject ─▶ joined ─ last one leaves ─▶ leaving ─ <left/>, 60 s ─▶ idle
//	                          │   ▲                 │
//	                   reject │   │ 15 min, or      │ lost
//	                          ▼   │ new config      ▼
//	                        refused               detached ─ link up, somebody here ─▶ joining
//
// A room that has joined us is joined, or not known at all.
type State uint8

// The states; they are stored, so their numbers stay.
const (
	Idle State = iota
	Joining
	Joined
	Leaving
	Refused
	Detached
)

func (s State) String() string {
	switch s {
	case Joining:
		return "joining"
	case Joined:
		return "joined"
	case Leaving:
		return "leaving"
	case Refused:
		return "refused"
	case Detached:
		return "detached"
	}
	return "idle"
}

// An Event moves the State.
type Event uint8

// The events.
const (
	Wanted    Event = iota + 1 // somebody of ours is there, or the room is watched
	Unwanted                   // the last one has left
	Answered                   // the subject has come, which ends the answer to a join
	Rejected                   // <reject/>
	LeftSeen                   // <left/>
	Lost                       // stanzas got lost, or the peer has
	TimeUp                     // the state's time is over: of leaving 60 s, of refused 15 min, of joining the join's
	Permitted                  // the configuration is another
)

// Next is where an event leads; the same State when it means nothing there.
func (s State) Next(e Event) State {
	switch e {
	case Wanted:
		switch s {
		case Idle, Detached, Leaving:
			// A node that leaves is not waited for: the queue keeps the order of leave and join.
			return Joining
		}
	case Unwanted:
		switch s {
		case Joining, Joined:
			return Leaving
		case Detached, Refused:
			return Idle
		}
	case Answered:
		if s == Joining {
			return Joined
		}
	case Rejected:
		if s == Joining {
			return Refused
		}
	case LeftSeen:
		switch s {
		case Leaving:
			return Idle
		case Joining, Joined:
			return Detached
		}
	case Lost:
		switch s {
		case Joining, Joined:
			return Detached
		case Leaving:
			return Idle
		}
	case TimeUp:
		switch s {
		case Leaving, Refused:
			return Idle
		}
	case Permitted:
		if s == Refused {
			return Idle
		}
	}
	return s
}

// Open tells whether stanzas for the peer's room may be queued: they come behind the join.
func (s State) Open() bool { return s == Joining || s == Joined }
