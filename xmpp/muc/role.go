package muc

import "longwire/xmpp/stanza"

// standing is what counts when one occupant acts on another.
type standing struct {
	Role
	Affiliation
}

// mayRole tells whether actor may bring target to another role. XEP-0045 §5.1.3 and the use cases of §8 and §9.
func mayRole(actor, target standing, to Role, self bool) error {
	switch {
	case actor.Role != Moderator:
		return stanza.Fail(stanza.Forbidden, "") // XEP-0045 §8
	case to == NoRole:
		return mayKick(actor, target, self)
	case to == target.Role:
		return nil
	case to == Moderator && actor.Affiliation < Admin:
		return stanza.Fail(stanza.Forbidden, "only an admin or owner makes moderators") // XEP-0045 §9.6
	case to > target.Role:
		return nil // XEP-0045 §8.3
	case target.Affiliation >= Admin:
		return stanza.Fail(stanza.NotAllowed, "admins and owners are moderators") // XEP-0045 §8.4, §9.7
	case target.Role == Moderator && actor.Affiliation < Admin:
		return stanza.Fail(stanza.Forbidden, "only an admin or owner unmakes moderators") // XEP-0045 §9.7
	case target.Role == Participant && target.Affiliation >= actor.Affiliation:
		return stanza.Fail(stanza.NotAllowed, "you stand no higher than the one you would silence") // XEP-0045 §8.4
	}
	return nil
}

func mayKick(actor, target standing, self bool) error {
	switch {
	case self:
		return stanza.Fail(stanza.Conflict, "you cannot kick yourself") // XEP-0045 §8.2; leaving does the same
	case target.Affiliation > actor.Affiliation:
		return stanza.Fail(stanza.NotAllowed, "the occupant stands higher than you") // XEP-0045 §8.2
	case target.Role == Moderator && actor.Affiliation < Admin:
		return stanza.Fail(stanza.NotAllowed, "only an admin or owner kicks a moderator") // XEP-0045 §5.1.3
	}
	return nil
}

// cast plans an item with a role.
func (p *plan) cast(it item) error {
	to, ok := ParseRole(it.role)
	if !ok {
		return stanza.Fail(stanza.BadRequest, "there is no role "+it.role)
	}
	if it.nick == "" {
		return stanza.Fail(stanza.BadRequest, "a role belongs to a nick") // XEP-0045 §17.4
	}
	o := p.occupant(it.nick)
	if o == nil || o.Hidden {
		if p.me.Role != Moderator {
			return stanza.Fail(stanza.Forbidden, "") // who may not act learns nothing
		}
		return stanza.Fail(stanza.ItemNotFound, it.nick+" is not in the room")
	}
	if err := mayRole(p.me, standing{o.Role, o.Affiliation}, to, o.Real.Bare() == p.by); err != nil {
		return err
	}
	c := Cause{Reason: it.reason, Actor: p.actor}
	if to == NoRole {
		p.expel(o, o.Affiliation, c.with(307))
		return nil
	}
	p.update(o, c, func(n *Occupant) { n.Role = to })
	return nil
}
