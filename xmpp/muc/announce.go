package muc

import (
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// alter replaces an occupant that stays and tells everybody who must know; Federation too, if it is one of ours.
func (r *Room) alter(t *router.Turn, old, o *Occupant, c Cause) error {
	r.name(o)
	r.set(t, r.next.put(old, o))
	if same(old, o) && len(c.Codes) == 0 {
		return nil
	}
	return r.altered(t, old, o, c)
}

// altered tells of an occupant that was replaced.
func (r *Room) altered(t *router.Turn, old, o *Occupant, c Cause) error {
	if err := r.announce(t, old, o, c); err != nil {
		return err
	}
	if r.next.Sees(o) && !r.next.Sees(old) {
		for i := range o.Sessions {
			if err := r.reveal(t, o, &o.Sessions[i]); err != nil {
				return err
			}
		}
	}
	return r.report(t, old, o, c)
}

// reveal shows a client of o, who is a moderator from now on, who the others are.
func (r *Room) reveal(t *router.Turn, o *Occupant, to *Session) error {
	var all []*stanza.Stanza
	for _, other := range r.next.occupants {
		if other != o && !other.Hidden && r.next.broadcast(other.Role) {
			all = append(all, other.view(true, Cause{}))
		}
	}
	return r.giveAll(t, to, all, nil)
}

// same tells whether others would see no difference.
func same(a, b *Occupant) bool {
	return a.Nick == b.Nick && a.Role == b.Role && a.Affiliation == b.Affiliation && string(a.Show) == string(b.Show) &&
		a.Real == b.Real && a.Hidden == b.Hidden
}

// report tells Federation what became of one of ours.
func (r *Room) report(t *router.Turn, old, new *Occupant, c Cause) error {
	o := new
	if o == nil {
		o = old
	}
	if r.service.fed == nil || !o.Ours() || o.Hidden {
		return nil
	}
	return r.service.fed.Changed(t, r, old, new, c)
}

// name fills in what follows from nick and real address.
func (r *Room) name(o *Occupant) {
	o.jid = r.address(o.Nick)
	if o.id == "" {
		o.id = occupantID(r.next.Config.Secret, o.Real.Bare())
	}
}

// broadcast tells whether occupants of a role are shown to others. XEP-0045 §16.5.3 muc#roomconfig_presencebroadcast.
func (s *State) broadcast(role Role) bool {
	if s.Config.Broadcast == nil {
		return true
	}
	for _, n := range s.Config.Broadcast {
		if n == role.String() {
			return true
		}
	}
	return false
}

// announce shows o to everybody, itself included; old is how it was shown before, nil if it was not there.
func (r *Room) announce(t *router.Turn, old, o *Occupant, c Cause) error {
	if o.Hidden {
		return nil
	}
	s := r.next
	if s.broadcast(o.Role) {
		if err := r.tellOthers(t, s, o, o.view(false, c), o.view(true, c)); err != nil {
			return err
		}
	} else if old != nil && s.broadcast(old.Role) {
		// It is shown no longer: for the others that is a farewell.
		away := *o
		away.Role = NoRole
		if err := r.tellOthers(t, s, o, away.farewell(false, Cause{}), away.farewell(true, Cause{})); err != nil {
			return err
		}
	}
	return r.tellSelf(t, s, o, c)
}

// tellSelf shows an occupant itself. XEP-0045 §7.2.2: with code 110.
func (r *Room) tellSelf(t *router.Turn, s *State, o *Occupant, c Cause) error {
	if !o.Ours() {
		return nil
	}
	c.Codes = append([]int{110}, c.Codes...)
	st := o.build("", true, c)
	for i := range o.Sessions {
		if err := r.give(t, &o.Sessions[i], st); err != nil {
			return err
		}
	}
	return nil
}

// tellOthers gives every other occupant of ours what it may see of o.
func (r *Room) tellOthers(t *router.Turn, s *State, o *Occupant, plain, real *stanza.Stanza) error {
	return r.each(t, s, func(to *Occupant, _ *Session) *stanza.Stanza {
		switch {
		case to == o || to.Nick == o.Nick:
			return nil
		case s.Sees(to):
			return real
		}
		return plain
	})
}
