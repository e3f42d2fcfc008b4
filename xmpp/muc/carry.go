package muc

import (
	"slices"

	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// state is the room as it will be.
func (p *plan) state() *State {
	n := p.room.next.clone()
	n.Config, n.Members = p.config, p.members
	for _, c := range p.changes {
		n = n.put(c.old, c.new)
	}
	return n
}

// carry makes the changes, and tells of them in the order of XEP-0045 §8.2: first those who must go, then who asked for
// it (by between), then the others.
func (p *plan) carry(between func() error) error {
	if err := p.check(); err != nil {
		return err
	}
	r := p.room
	for _, c := range p.changes {
		if c.new == nil && !c.old.Ours() && r.service.fed != nil {
			if err := r.service.fed.Removing(p.Turn, r, c.old, c.cause); err != nil {
				return err
			}
		}
	}
	// What Federation did to the room by that stays.
	p.changes = slices.DeleteFunc(p.changes, func(c *changed) bool { return r.next.Occupant(c.old.Nick) != c.old })
	for _, m := range p.records {
		if err := p.Tx.PutRoomMember(r.jid.String(), m); err != nil {
			return err
		}
	}
	r.set(p.Turn, p.state())
	for _, c := range p.changes {
		if c.new == nil {
			if err := p.dismiss(c); err != nil {
				return err
			}
		}
	}
	if between != nil {
		if err := between(); err != nil {
			return err
		}
	}
	for _, c := range p.changes {
		if err := p.publish(c); err != nil {
			return err
		}
	}
	if err := p.tellAbsent(); err != nil {
		return err
	}
	if !slices.ContainsFunc(p.changes, func(c *changed) bool { return c.new == nil }) {
		return nil // nobody left, and a room that the operator made may be empty
	}
	return r.service.vacate(p.Turn, r)
}

// dismiss takes leave of one who must go.
func (p *plan) dismiss(c *changed) error {
	if c.old.Ours() {
		p.room.service.count(p.Turn, c.old.Real.Bare(), -len(c.old.Sessions))
	}
	for i := range c.old.Sessions {
		if err := p.room.bye(p.Turn, c.gone, &c.old.Sessions[i], c.cause); err != nil {
			return err
		}
	}
	return nil
}

// publish tells the others, and Federation.
func (p *plan) publish(c *changed) error {
	r := p.room
	switch {
	case r.next == nil: // Federation left with the last of ours, and that ended the room
	case c.new != nil:
		return r.altered(p.Turn, c.old, c.new, c.cause)
	case !c.old.Hidden && r.next.broadcast(c.old.Role):
		if err := r.tellOthers(p.Turn, r.next, c.gone, c.gone.farewell(false, c.cause), c.gone.farewell(true, c.cause)); err != nil {
			return err
		}
	}
	return r.report(p.Turn, c.old, c.new, c.cause)
}

// maxTold is how many absent users one request may concern for them, and those inside, to be told.
const maxTold = 50

// tellAbsent tells of those whose standing changed while they were not in the room. Choice: not of a whole list, which is
// somebody setting up the room; the messages would fill the outbox of every client inside.
func (p *plan) tellAbsent() error {
	if len(p.absent) > maxTold {
		return nil
	}
	for _, a := range p.absent {
		if p.room.next == nil {
			break
		}
		p.note(a)
		if p.known {
			continue
		}
		if err := p.courtesy(a); err != nil {
			return err
		}
	}
	return nil
}

// note tells those inside who may know real addresses: clients keep the list of members by it. XEP-0045 §10.3. Choice:
// not those who are behind a link, as nothing hangs on it.
func (p *plan) note(a absentee) {
	r := p.room
	b := append([]byte(nil), "<x xmlns='"+NSUser+"'><item affiliation='"...)
	b = append(append(b, a.to.String()...), '\'')
	b = markup.AppendPlainAttr(b, "jid", a.jid.String())
	b = append(b, " role='none'"...)
	if a.reason == "" {
		b = append(b, "/></x>"...)
	} else {
		b = append(markup.AppendEscaped(append(b, "><reason>"...), a.reason), "</reason></item></x>"...)
	}
	st := &stanza.Stanza{Kind: stanza.Message, From: r.jid}
	st.SetInner(append(b, momentary...))
	s := r.next
	p.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, o := range s.occupants {
			for i := range o.Sessions {
				if s.Sees(o) && !o.Sessions[i].remote {
					r.handLocked(o.Sessions[i].JID, st)
				}
			}
		}
	})
}

// courtesy tells the absent user: by an invitation, where it could not enter before (XEP-0045 §9.5), else by code 101
// (XEP-0045 §18.1). Choice: the code does not cross a link.
func (p *plan) courtesy(a absentee) error {
	r := p.room
	if p.config.Locked {
		return nil // the room is not there for others yet
	}
	invited := p.config.MembersOnly && a.from < Member && a.to >= Member
	if !invited && !r.service.host.Local(a.jid.Domain()) {
		return nil
	}
	if !p.by.IsZero() && r.service.pacing.take(p.Turn, p.by, 1) != nil {
		return nil // the change stands; that it is told is not worth more
	}
	if invited {
		inv := invitation{to: a.jid, reason: a.reason, from: p.by}
		return r.invite(p.Turn, inv, "")
	}
	st := &stanza.Stanza{Kind: stanza.Message, From: r.jid, To: a.jid}
	st.SetInner([]byte("<x xmlns='" + NSUser + "'><item affiliation='" + a.to.String() + "' role='none'/><status code='101'/></x>"))
	return r.service.router.Route(p.Turn, st)
}
