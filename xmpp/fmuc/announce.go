package fmuc

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// concerns tells whether the peer is told of an occupant: of all whom it did not tell us of itself. Those that stand
// for a node go upwards only, where they keep the federation alive.
func (p *peer) concerns(o *muc.Occupant) bool {
	return o.Node != p.jid && (!o.Hidden || p.rec.Up)
}

// announce tells all peers that an occupant is there, or how it is now.
func (r *room) announce(t *router.Turn, mr *muc.Room, o *muc.Occupant) error {
	for _, p := range r.peers {
		if !p.open() || !p.concerns(o) {
			continue
		}
		if err := p.tell(t, mr, o, false); err != nil {
			return err
		}
	}
	return nil
}

// tell tells the peer of an occupant. entry: nothing is sent when the peer knows already that this user has this nick.
func (p *peer) tell(t *router.Turn, mr *muc.Room, o *muc.Occupant, entry bool) error {
	if !p.open() {
		return nil
	}
	real, knows := p.told[o.Nick]
	if entry && knows && real == o.Real && (!p.kin() || p.kinship.greeted) {
		return nil
	}
	var join []byte
	if p.rec.Up && !knows {
		// Spec: further occupants of the joining node are announced like the first; only a join has <history/>.
		join = []byte("<x xmlns='" + nsMUC + "'/>")
	}
	if err := p.noteTold(t, o.Nick, o.Real); err != nil {
		return err
	}
	if p.kin() {
		return p.crowdChanged(t, mr)
	}
	return p.room.s.send(t, p.presenceOf(mr.Next(t), o, join))
}

func (p *peer) presenceOf(st *muc.State, o *muc.Occupant, join []byte) *stanza.Stanza {
	return p.presence(o.Nick, "", Mark{From: o.Real}, itemOf(o, st.Config.NonAnonymous), availability(o.Show), join)
}

// farewell tells all peers but one that an occupant is gone.
func (r *room) farewell(t *router.Turn, but *peer, nick string, c muc.Cause) error {
	for _, p := range r.peers {
		if p == but {
			continue
		}
		if err := p.untell(t, nick, c); err != nil {
			return err
		}
	}
	return nil
}

// untell tells the peer that an occupant is gone, if it knew of it.
func (p *peer) untell(t *router.Turn, nick string, c muc.Cause) error {
	real := p.told[nick]
	knew, err := p.noteUntold(t, nick)
	if err != nil || !knew || !p.open() {
		return err
	}
	if p.kin() {
		return p.crowdChanged(t, p.room.s.muc.Room(p.room.jid), parting{nick, c})
	}
	return p.room.s.send(t, p.farewellOf(nick, real, c))
}

func (p *peer) farewellOf(nick string, real jid.JID, c muc.Cause) *stanza.Stanza {
	i := &Item{Affiliation: "none", Role: "none", Nick: c.Nick, Actor: c.Actor, Reason: c.Reason}
	for _, code := range c.Codes {
		switch code {
		case codeBanned:
			i.Affiliation, i.Codes = "outcast", append(i.Codes, code)
		case codeRenamed, codeKicked:
			i.Codes = append(i.Codes, code)
		}
	}
	return p.presence(nick, stanza.Unavailable, Mark{From: real}, i, availability(c.Show), nil)
}
