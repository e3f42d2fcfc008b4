package s5066

import (
	"time"

	"longwire/links/pair"
	"longwire/store"
)

// States of a pairing.
const (
	InvitedState   = "invited"   // headquarters: the kit has not introduced itself
	HeardState     = "heard"     // it has, and we do not know yet that it has our answer
	PairedState    = "paired"    // both sides
	WithdrawnState = "withdrawn" // headquarters: an operator has forgotten it

	IntroducingState = "introducing" // the kit: not heard by headquarters, as far as is known
	WaitingState     = "waiting"     // for headquarters' answer
	RefusedState     = "refused"     // by headquarters
)

// PairingStatus is how far a pairing is.
type PairingStatus struct {
	Kit     bool // we are the kit
	State   string
	Words   string
	First   time.Time // when the kit was heard first, or introduced itself first
	Paired  time.Time
	Heard   time.Time // the peer, last
	Until   time.Time // the kit: of the next try
	Key     string    // of the kit, for comparison; empty while it is not known
	Address string    // headquarters: where the kit was heard
	Refused uint64    // messages of pairing without effect

	// Headquarters: another kit has tried to use the token.
	RivalKey string
	RivalAt  time.Time
}

// PairingOf is what headquarters' record of a kit tells, without the running link.
func PairingOf(p store.Pairing) PairingStatus {
	s := PairingStatus{First: p.First, Paired: p.Paired, Heard: p.Heard, Refused: uint64(p.Refused), Key: short(p.Key)}
	if !p.RivalAt.IsZero() {
		s.RivalKey, s.RivalAt = short(p.Rival), p.RivalAt
	}
	switch {
	case p.Withdrawn:
		s.State, s.Words = WithdrawnState, "taken back: it needs a new token"
	case len(p.Key) == 0:
		s.State, s.Words = InvitedState, "invited, not heard yet"
	case p.Paired.IsZero():
		s.State, s.Words = HeardState, "heard, and it may not have our answer yet"
	default:
		s.State, s.Words = PairedState, "paired"
	}
	if len(p.Key) > 0 && !p.Withdrawn {
		s.Address = p.Address
	}
	return s
}

func short(key []byte) string {
	if len(key) != len(pair.PublicKey{}) {
		return ""
	}
	return pair.PublicKey(key).Short()
}

func (g *pairing) report(s *Status) {
	switch {
	case g == nil:
	case g.c.kit():
		g.reportKit(s)
	default:
		g.reportHQ(s)
	}
}
