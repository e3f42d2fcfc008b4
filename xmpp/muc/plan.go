package muc

import (
	"maps"

	"longwire/store"
	"longwire/xmpp/jid"
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
		members: r.next.Members, records: make(map[jid.JID]store.RoomMember),
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
	if len(p.records) == 1 {
		p.members = maps.Clone(p.members) // they were the room's
	}
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
