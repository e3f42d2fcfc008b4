package muc

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// configure carries the plan with its new configuration.
func (p *plan) configure(between func() error) error {
	r, old := p.room, p.room.next.Config
	p.config.JID, p.config.Created, p.config.Secret = old.JID, old.Created, old.Secret
	// Choice: what the operator declares, or another node takes part in, does not end by chance, with all that was said there.
	p.config.Persistent = p.config.Persistent || p.config.Declared || p.config.Fed.Enabled
	p.reroom(&old)
	if err := p.check(); err != nil {
		return err
	}
	if err := p.Tx.PutRoom(p.config); err != nil {
		return err
	}
	if err := p.carry(between); err != nil {
		return err
	}
	if r.next == nil {
		return nil // nobody was left in it
	}
	if err := p.reveal(&old); err != nil {
		return err
	}
	if err := p.announce(&old); err != nil {
		return err
	}
	if r.service.fed != nil {
		return r.service.fed.Configured(p.Turn, r, &old, &r.next.Config)
	}
	return nil
}

// reroom plans what a new kind of room means for those inside.
func (p *plan) reroom(old *store.Room) {
	for _, o := range p.room.next.occupants {
		if o.Hidden {
			continue
		}
		a := p.affiliation(o.Real.Bare())
		if p.config.MembersOnly && !old.MembersOnly && a < Member {
			p.expel(o, a, Cause{Codes: []int{322}, Actor: p.actor}) // XEP-0045 §10.2
			continue
		}
		if p.config.Moderated == old.Moderated || a >= Member {
			continue
		}
		// Choice: voice comes and goes with moderation, for those who would get the other role at the door.
		p.update(o, Cause{}, func(n *Occupant) {
			if n.Role != Moderator {
				n.Role = (&State{Config: p.config}).entryRole(a)
			}
		})
	}
}

// reveal shows or hides those of whose role the presence is now, or is no longer, broadcast. Choice: else some would
// stay in a client's list for ever.
func (p *plan) reveal(old *store.Room) error {
	if slices.Equal(old.Broadcast, p.config.Broadcast) {
		return nil
	}
	r, before := p.room, &State{Config: *old}
	for _, o := range r.next.occupants {
		was, is := before.broadcast(o.Role), r.next.broadcast(o.Role)
		if ch := p.change(o); ch != nil {
			was = before.broadcast(ch.old.Role)
			if is || r.next.broadcast(ch.old.Role) {
				continue // that was told with the change
			}
		}
		if o.Hidden || was == is {
			continue
		}
		plain, real := o.view(false, Cause{}), o.view(true, Cause{})
		if was {
			plain, real = o.farewell(false, Cause{}), o.farewell(true, Cause{})
		}
		if err := r.tellOthers(p.Turn, r.next, o, plain, real); err != nil {
			return err
		}
	}
	return nil
}

// announce tells everybody inside what kind of change there was. XEP-0045 §10.2.1.
func (p *plan) announce(old *store.Room) error {
	if codes := changeCodes(old, &p.config); codes != nil {
		if err := p.room.status(p.Turn, codes); err != nil {
			return err
		}
	}
	if bytes.Equal(old.Subject, p.config.Subject) {
		return nil
	}
	st := p.room.subject() // the operator has said what the room is about
	return p.room.each(p.Turn, p.room.next, func(*Occupant, *Session) *stanza.Stanza { return st })
}

// changeCodes are the status codes for a change of configuration. Codes 102 and 103 have no meaning here: members that
// are not in the room are never shown.
func changeCodes(old, new *store.Room) (codes []int) {
	switch {
	case old.NoArchive && !new.NoArchive:
		codes = append(codes, 170)
	case !old.NoArchive && new.NoArchive:
		codes = append(codes, 171)
	}
	switch {
	case !old.NonAnonymous && new.NonAnonymous:
		codes = append(codes, 172)
	case old.NonAnonymous && !new.NonAnonymous:
		codes = append(codes, 173)
	}
	a := *old
	a.NoArchive, a.NonAnonymous, a.Locked = new.NoArchive, new.NonAnonymous, new.Locked
	a.Subject, a.SubjectBy, a.SubjectAt = new.Subject, new.SubjectBy, new.SubjectAt // which is told as such
	a.Declared = new.Declared                                                       // which nobody can see
	if !reflect.DeepEqual(&a, new) {
		codes = append(codes, 104)
	}
	return codes
}

// status sends status codes to all, as a message of the room's own.
func (r *Room) status(t *router.Turn, codes []int) error {
	b := append([]byte(nil), "<x xmlns='"+NSUser+"'>"...)
	for _, c := range codes {
		b = fmt.Appendf(b, "<status code='%d'/>", c)
	}
	st := &stanza.Stanza{Kind: stanza.Message, From: r.jid, Type: stanza.Groupchat}
	st.SetInner(append(b, "</x>"...))
	return r.each(t, r.next, func(*Occupant, *Session) *stanza.Stanza { return st })
}
