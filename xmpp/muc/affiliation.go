package muc

import (
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

// mayAffiliate tells whether one of standing actor may bring a user from one affiliation to another. XEP-0045 §5.2.2 and
// the use cases of §9 and §10.
func mayAffiliate(actor, from, to Affiliation, self bool) error {
	switch {
	case actor < Admin:
		return stanza.Fail(stanza.Forbidden, "") // XEP-0045 §9
	case to == Outcast && self:
		return stanza.Fail(stanza.Conflict, "you cannot ban yourself") // XEP-0045 §9.1
	case actor == Owner:
		return nil
	case from >= Admin && to == Outcast:
		return stanza.Fail(stanza.NotAllowed, "only an owner bans an admin or owner") // XEP-0045 §9.1
	case from >= Admin || to >= Admin:
		return stanza.Fail(stanza.Forbidden, "only an owner makes and unmakes admins and owners") // XEP-0045 §10.3 to §10.8
	}
	return nil
}

// affiliationIn is a user's affiliation by a room's members. XEP-0045 §9.2: its own, before that of its domain. A domain
// may be banned or be a member as a whole; it never owns or administers.
func affiliationIn(members map[jid.JID]store.RoomMember, who jid.JID) Affiliation {
	a, _ := ParseAffiliation(members[who].Affiliation)
	if a == NoAffiliation && who.Local() != "" {
		a, _ = ParseAffiliation(members[who.DomainJID()].Affiliation)
		a = min(a, Member)
	}
	return a
}

// affiliate plans an item with an affiliation.
func (p *plan) affiliate(it item) error {
	to, ok := ParseAffiliation(it.affiliation)
	if !ok {
		return stanza.Fail(stanza.BadRequest, "there is no affiliation "+it.affiliation)
	}
	if it.jid.IsZero() {
		return stanza.Fail(stanza.BadRequest, "an affiliation belongs to a bare JID") // XEP-0045 §17.4
	}
	// XEP-0045 §10.3: of a full JID, the bare one is meant.
	who := it.jid.Bare()
	if who == p.room.jid {
		return stanza.Fail(stanza.NotAcceptable, who.String()+" is the room itself")
	}
	m, from := p.member(who), p.affiliation(who)
	if err := mayAffiliate(p.me.Affiliation, from, to, who == p.by); err != nil {
		return err
	}
	if who.Local() == "" && to >= Admin {
		// Choice: whole domains can be members, or be banned (XEP-0045 §9.2), but nobody is a room's admin unnamed.
		return stanza.Fail(stanza.NotAcceptable, who.String()+" is no user")
	}
	m.Affiliation, m.Reason = to.String(), it.reason
	switch {
	case to == Outcast:
		m.Nick = "" // XEP-0045 §9.1: an outcast has no nick
	case it.hasNick:
		nick, err := p.reservable(who, it.nick)
		if err != nil {
			return err
		}
		m.Nick = nick
	case to == NoAffiliation:
		m.Nick = "" // XEP-0045 §9.4: the registration ends with the membership
	}
	return p.setMember(who, m, it.reason)
}

// reservable checks a nick that a user is to have reserved; "" takes the reservation back (XEP-0045 §9.5).
func (p *plan) reservable(who jid.JID, nick string) (string, error) {
	if nick == "" {
		return "", nil
	}
	at, err := p.room.jid.WithResource(nick)
	if err != nil {
		return "", stanza.Fail(stanza.JIDMalformed, "no nick can be written like that")
	}
	nick = at.Resource()
	if err := p.room.service.checkNick(nick); err != nil {
		return "", err
	}
	for j, m := range p.members {
		if m.Nick == nick && j != who {
			return "", stanza.Fail(stanza.Conflict, "the nick is registered by somebody else") // XEP-0045 §7.10
		}
	}
	// Choice: nor may it be taken from somebody who uses it now.
	o, waits := p.occupant(nick), p.room.next.waitsAs(nick)
	if o != nil && o.Real.Bare() != who || !waits.IsZero() && waits != who {
		return "", stanza.Fail(stanza.Conflict, "the nick is in use")
	}
	return nick, nil
}

// setMember plans a user's new standing, and what follows for its occupants.
func (p *plan) setMember(who jid.JID, m store.RoomMember, reason string) error {
	from := p.affiliation(who)
	if err := p.record(who, m); err != nil {
		return err
	}
	to := p.affiliation(who)
	if from == to {
		return nil
	}
	c := Cause{Reason: reason, Actor: p.actor}
	present := false
	for _, o := range p.room.next.occupants {
		if o.Hidden || o.Real.Bare() != who && (who.Local() != "" || o.Real.Domain() != who.Domain()) {
			continue
		}
		present = true
		p.follow(o, c)
	}
	if !present && who.Local() != "" {
		p.absent = append(p.absent, absentee{who, from, to, reason})
	}
	return nil
}

// follow gives an occupant the affiliation that it has from now on, and the role that goes with it; or takes it out.
func (p *plan) follow(o *Occupant, c Cause) {
	to := p.affiliation(o.Real.Bare())
	if ch := p.change(o); ch != nil {
		if ch.new == nil {
			if ch.gone.Affiliation = to; to == Outcast {
				ch.cause = c.with(301) // a kick that is a ban as well
			}
			return
		}
		o = ch.new
	}
	from := o.Affiliation
	if from == to {
		return
	}
	switch {
	case to == Outcast:
		p.expel(o, to, c.with(301)) // XEP-0045 §9.1
		return
	case to < Member && p.config.MembersOnly:
		p.expel(o, to, c.with(321)) // XEP-0045 §9.4: and nothing before that
		return
	}
	p.update(o, c, func(n *Occupant) {
		n.Affiliation = to
		role := (&State{Config: p.config}).entryRole(to)
		// XEP-0045 §5.1.4: the role that comes with an affiliation is given with it; Choice: what came with it goes with
		// it, while voice that was given stays.
		if role > n.Role || from >= Admin {
			n.Role = role
		}
	})
}
