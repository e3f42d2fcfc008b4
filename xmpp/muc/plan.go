package muc

import (
	"maps"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// maxMembers bounds the users that a room keeps in mind: its lists are held in memory, and are sent whole.
const maxMembers = 2000

// maxRegistered is how far users fill that by themselves. The rest is for admins to give.
const maxRegistered = maxMembers * 3 / 4

// A plan is a set of changes to a room's members, occupants and configuration that is made whole or not at all
// (XEP-0045 §9.2). It belongs to one operation.
type plan struct {
	*router.Turn
	room    *Room
	config  store.Room                   // as it will be
	members map[jid.JID]store.RoomMember // as they will be
	records map[jid.JID]store.RoomMember // of these, the changed ones
	changes []*changed
	absent  []absentee
	known   bool    // the absent know already
	by      jid.JID // bare JID of who does it; zero: the operator
	actor   string  // its nick, "" when it is not in the room
	me      standing
}

// changed is an occupant that will be another; new nil: that will be gone.
type changed struct {
	old, new *Occupant
	gone     *Occupant // as it takes its leave
	cause    Cause
}

// with is the Cause with a status code.
func (c Cause) with(code int) Cause {
	c.Codes = []int{code}
	return c
}

// absentee is a user whose standing changes while it is not in the room.
type absentee struct {
	jid      jid.JID
	from, to Affiliation
	reason   string
}

// planFor begins a plan on behalf of nobody, who may do everything.
func planFor(t *router.Turn, r *Room) *plan {
	return &plan{
		Turn: t, room: r, config: r.next.Config,
		members: maps.Clone(r.next.Members), records: make(map[jid.JID]store.RoomMember),
		me: standing{Moderator, Owner},
	}
}

// planBy begins the plan of who sent a request.
func planBy(q *request) *plan {
	p := planFor(q.Turn, q.room)
	p.by = q.stanza.From.Bare()
	p.me = standingOf(q.room.next, p.by) // XEP-0045 §8: the bare JID counts, whichever client asks
	p.actor = nickOf(q.room.next, q.stanza.From)
	return p
}

// nickOf is the nick of a client, or of another client of its user; "" when none is in the room.
func nickOf(st *State, full jid.JID) string {
	if o := st.ByReal(full); o != nil && !o.Hidden {
		return o.Nick
	}
	for _, o := range st.occupants {
		if o.Real.Bare() == full.Bare() && !o.Hidden {
			return o.Nick
		}
	}
	return ""
}

func (p *plan) member(who jid.JID) store.RoomMember {
	m, ok := p.members[who]
	if !ok {
		m = store.RoomMember{JID: who.String()}
	}
	return m
}

func (p *plan) affiliation(who jid.JID) Affiliation { return affiliationIn(p.members, who) }

// record plans a new record of a user.
func (p *plan) record(who jid.JID, m store.RoomMember) error {
	p.records[who] = m
	if (m.Affiliation == "" || m.Affiliation == NoAffiliation.String()) && m.Nick == "" {
		delete(p.members, who)
		return nil
	}
	if _, ok := p.members[who]; !ok && len(p.members) >= maxMembers {
		return stanza.Fail(stanza.ResourceConstraint, "the room has too many members")
	}
	p.members[who] = m
	return nil
}

// occupant finds who will have a nick.
func (p *plan) occupant(nick string) *Occupant {
	for _, c := range p.changes {
		if c.new != nil && c.new.Nick == nick {
			return c.new
		}
	}
	o := p.room.next.Occupant(nick)
	if o == nil || p.change(o) != nil {
		return nil
	}
	return o
}

// change finds what is planned for an occupant, as it is now or as it will be.
func (p *plan) change(o *Occupant) *changed {
	for _, c := range p.changes {
		if c.old == o || c.new == o {
			return c
		}
	}
	return nil
}

// update plans that an occupant will be another.
func (p *plan) update(o *Occupant, c Cause, f func(*Occupant)) {
	if ch := p.change(o); ch != nil {
		if ch.new != nil {
			f(ch.new)
			ch.cause = c
		}
		return
	}
	n := o.copy()
	f(n)
	if n.Role != o.Role || n.Affiliation != o.Affiliation {
		p.changes = append(p.changes, &changed{old: o, new: n, cause: c})
	}
}

// expel plans that an occupant goes; a is the affiliation that it is left with.
func (p *plan) expel(o *Occupant, a Affiliation, c Cause) {
	ch := p.change(o)
	if ch == nil {
		ch = &changed{old: o}
		p.changes = append(p.changes, ch)
	}
	if ch.gone == nil {
		ch.new, ch.gone, ch.cause = nil, ch.old.copy(), c
	}
	ch.gone.Affiliation = a
}

// check refuses a plan that leaves the room without an owner. XEP-0045 §10.4. Choice: the operator may.
func (p *plan) check() error {
	if p.by.IsZero() {
		return nil
	}
	for _, m := range p.members {
		if m.Affiliation == Owner.String() {
			return nil
		}
	}
	for _, m := range p.room.next.Members {
		if m.Affiliation == Owner.String() {
			return stanza.Fail(stanza.Conflict, "a room has an owner")
		}
	}
	return nil // it had none before
}

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
	case c.new != nil:
		if err := r.announce(p.Turn, c.old, c.new, c.cause); err != nil {
			return err
		}
	case !c.old.Hidden && r.next.broadcast(c.old.Role):
		if err := r.tellOthers(p.Turn, r.next, c.gone, c.gone.farewell(false, c.cause), c.gone.farewell(true, c.cause)); err != nil {
			return err
		}
	}
	return r.report(p.Turn, c.old, c.new, c.cause)
}

// tellAbsent tells of those whose standing changed while they were not in the room.
func (p *plan) tellAbsent() error {
	for _, a := range p.absent {
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
	b = attr(b, "jid", a.jid.String())
	b = append(b, " role='none'"...)
	if a.reason == "" {
		b = append(b, "/></x>"...)
	} else {
		b = append(markup.AppendEscaped(append(b, "><reason>"...), a.reason), "</reason></item></x>"...)
	}
	st := &stanza.Stanza{Kind: stanza.Message, From: r.jid}
	st.SetInner(b)
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
	if p.config.MembersOnly && a.from < Member && a.to >= Member {
		inv := invitation{to: a.jid, reason: a.reason, from: p.by}
		return r.invite(p.Turn, inv, "")
	}
	if !r.service.host.Local(a.jid.Domain()) {
		return nil
	}
	st := &stanza.Stanza{Kind: stanza.Message, From: r.jid, To: a.jid}
	st.SetInner([]byte("<x xmlns='" + NSUser + "'><item affiliation='" + a.to.String() + "' role='none'/><status code='101'/></x>"))
	return r.service.router.Route(p.Turn, st)
}
