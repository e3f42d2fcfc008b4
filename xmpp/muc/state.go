package muc

import (
	"maps"
	"slices"

	"longwire/store"
	"longwire/xmpp/jid"
)

// State is a room at one moment: who is in it, who has which standing, how it is configured. It is never changed; what
// happens in a room makes a new State that shares what stayed.
type State struct {
	Config  store.Room
	Members map[jid.JID]store.RoomMember // by bare JID; affiliations other than none, and reserved nicks

	occupants []*Occupant // in join order
	nicks     map[string]*Occupant
	reals     map[jid.JID]*Occupant // by the full JID of each session, or Real of those from other nodes
	waiting   map[jid.JID]*joining  // joins that Federation lets wait, by the client's full JID
	recent    []*line               // the last lines of a room without archive
}

// Occupant finds who has a nick, nil if nobody does.
func (s *State) Occupant(nick string) *Occupant { return s.nicks[nick] }

// ByReal finds who a full JID is in the room, nil if it is nobody.
func (s *State) ByReal(full jid.JID) *Occupant { return s.reals[full] }

// Occupants lists everybody in join order. The slice must not be changed.
func (s *State) Occupants() []*Occupant { return s.occupants }

// Present counts the occupants that are shown.
func (s *State) Present() (n int) {
	for _, o := range s.occupants {
		if !o.Hidden {
			n++
		}
	}
	return n
}

// Affiliation is the standing of a user.
func (s *State) Affiliation(user jid.JID) Affiliation {
	a, _ := ParseAffiliation(s.Members[user.Bare()].Affiliation)
	return a
}

// ReservedNick is the nick that a user has registered, "" if none.
func (s *State) ReservedNick(user jid.JID) string { return s.Members[user.Bare()].Nick }

// Reserver is who has registered a nick; zero if nobody has.
func (s *State) Reserver(nick string) jid.JID {
	for j, m := range s.Members {
		if m.Nick == nick {
			return j
		}
	}
	return jid.JID{}
}

// entryRole is the role that a user gets at the door. XEP-0045 §5.1.2.
func (s *State) entryRole(a Affiliation) Role {
	switch {
	case a >= Admin:
		return Moderator
	case a == NoAffiliation && s.Config.Moderated:
		return Visitor
	case a == Outcast:
		return NoRole
	}
	return Participant
}

// Sees tells whether an occupant may know the real addresses of others. XEP-0045 §7.2.3.
func (s *State) Sees(o *Occupant) bool { return s.Config.NonAnonymous || o.Role == Moderator }

func (s *State) clone() *State {
	c := *s
	return &c
}

// put replaces an occupant: old nil is an entry, new nil a farewell.
func (s *State) put(old, new *Occupant) *State {
	c := s.clone()
	c.nicks, c.reals = maps.Clone(s.nicks), maps.Clone(s.reals)
	c.occupants = slices.Clone(s.occupants)
	at := len(c.occupants)
	if old != nil {
		at = slices.Index(c.occupants, old)
		delete(c.nicks, old.Nick)
		old.reals(func(j jid.JID) { delete(c.reals, j) })
	}
	switch {
	case new == nil:
		c.occupants = slices.Delete(c.occupants, at, at+1)
		return c
	case old == nil:
		c.occupants = append(c.occupants, new)
	default:
		c.occupants[at] = new
	}
	c.nicks[new.Nick] = new
	new.reals(func(j jid.JID) { c.reals[j] = new })
	return c
}

// reals calls fn with each full JID that stands for the occupant.
func (o *Occupant) reals(fn func(jid.JID)) {
	if !o.Ours() {
		fn(o.Real)
		return
	}
	for i := range o.Sessions {
		fn(o.Sessions[i].JID)
	}
}
