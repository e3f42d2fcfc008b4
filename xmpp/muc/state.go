package muc

import (
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
	nicks     index[string]
	clients   index[jid.JID]       // ours, by the full JID of each session
	far       index[jid.JID]       // those from other nodes, by Real
	waiting   map[jid.JID]*joining // joins that Federation lets wait, by the client's full JID
	recent    []*line              // the last lines of a room without archive
	avatar    []string             // hashes of the room's photos
}

// Occupant finds who has a nick, nil if nobody does.
func (s *State) Occupant(nick string) *Occupant { return s.nicks.get(nick) }

// ByReal finds who a full JID is in the room, nil if it is nobody.
func (s *State) ByReal(full jid.JID) *Occupant {
	if o := s.clients.get(full); o != nil {
		return o
	}
	return s.far.get(full)
}

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

// Affiliation is the standing of a user: its own, or else that of its domain.
func (s *State) Affiliation(user jid.JID) Affiliation { return affiliationIn(s.Members, user.Bare()) }

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

// Sees tells whether an occupant may know the real addresses of others. XEP-0045 §7.2.4.
func (s *State) Sees(o *Occupant) bool { return s.Config.NonAnonymous || o.Role == Moderator }

func (s *State) clone() *State {
	c := *s
	return &c
}

// put replaces an occupant: old nil is an entry, new nil a farewell.
func (s *State) put(old, new *Occupant) *State {
	c := s.clone()
	c.nicks = s.nicks.edit()
	c.occupants = slices.Clone(s.occupants)
	at := len(c.occupants)
	if old != nil {
		at = slices.Index(c.occupants, old)
		c.nicks.set(old.Nick, nil)
	}
	switch {
	case new == nil:
		c.occupants = slices.Delete(c.occupants, at, at+1)
	case old == nil:
		c.occupants = append(c.occupants, new)
	default:
		c.occupants[at] = new
	}
	if new != nil {
		c.nicks.set(new.Nick, new)
	}
	c.index(old, new)
	return c
}

// index replaces an occupant among those that are found by their real address.
func (s *State) index(old, new *Occupant) {
	m := &s.clients
	if new != nil && !new.Ours() || new == nil && !old.Ours() {
		m = &s.far
	}
	all := m.edit()
	old.reals(func(j jid.JID) { all.set(j, nil) })
	if old != nil && !old.Ours() {
		for _, o := range s.occupants { // a user whom other nodes hold twice
			if !o.Ours() && o.Real == old.Real {
				all.set(o.Real, o)
			}
		}
	}
	new.reals(func(j jid.JID) { all.set(j, new) })
	*m = all
}

// reals calls fn with each full JID that stands for the occupant.
func (o *Occupant) reals(fn func(jid.JID)) {
	if o == nil {
		return
	}
	if !o.Ours() {
		fn(o.Real)
		return
	}
	for i := range o.Sessions {
		fn(o.Sessions[i].JID)
	}
}

// ours counts the occupants of this node that are shown.
func (s *State) ours() (n int) {
	for _, o := range s.occupants {
		if o.Ours() && !o.Hidden {
			n++
		}
	}
	return n
}

// people counts the occupants of this node that are one user.
func (s *State) people(bare jid.JID) (n int) {
	for _, o := range s.occupants {
		if o.Ours() && o.Real.Bare() == bare {
			n++
		}
	}
	return n
}
