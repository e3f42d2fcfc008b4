package muc

import (
	"errors"
	"maps"

	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// await keeps a client at the door until Federation knows more.
func (r *Room) await(t *router.Turn, j *joining) {
	n := r.next.clone()
	n.waiting = maps.Clone(n.waiting)
	if n.waiting == nil {
		n.waiting = make(map[jid.JID]*joining)
	}
	n.waiting[j.occupant.Real] = j
	r.set(t, n)
}

// waitsAs is the user who waits to be let in under a nick, zero if there is none.
func (s *State) waitsAs(nick string) jid.JID {
	for _, j := range s.waiting {
		if j.occupant.Nick == nick {
			return j.occupant.Real.Bare()
		}
	}
	return jid.JID{}
}

// sendAway refuses all who wait.
func (r *Room) sendAway(t *router.Turn, why *stanza.Err) error {
	for full := range r.next.waiting {
		if err := r.service.refuse(t, r.take(t, full).stanza, why); err != nil {
			return err
		}
	}
	return nil
}

// Admit lets a client in that Federation had wait; nothing happens if it does not wait any more.
func (r *Room) Admit(t *router.Turn, full jid.JID) error {
	j := r.take(t, full)
	if j == nil {
		return nil
	}
	err := r.admit(t, j)
	var refusal *stanza.Err
	if !errors.As(err, &refusal) {
		return err
	}
	if err := r.service.refuse(t, j.stanza, refusal); err != nil {
		return err
	}
	if err := r.report(t, j.occupant, nil, Cause{}); err != nil {
		return err
	}
	return r.service.vacate(t, r)
}

// admit lets in who has waited, unless what has changed meanwhile forbids it. The password was asked for before.
func (r *Room) admit(t *router.Turn, j *joining) error {
	o := j.occupant
	o.Affiliation = r.next.Affiliation(o.Real)
	if err := r.service.checkEntry(r.next, o, r.next.Config.Password); err != nil {
		return err
	}
	if there := r.next.Occupant(o.Nick); there != nil {
		return r.service.joinNick(&request{Turn: t, room: r, state: r.next, stanza: j.stanza}, j, there)
	}
	o.Role = r.next.entryRole(o.Affiliation)
	return r.enter(t, j)
}

// Refuse sends a client away that Federation had wait; nothing happens if it does not wait any more.
func (r *Room) Refuse(t *router.Turn, full jid.JID, why *stanza.Err) error {
	j := r.take(t, full)
	if j == nil {
		return nil
	}
	if err := r.service.refuse(t, j.stanza, why); err != nil {
		return err
	}
	return r.service.vacate(t, r)
}

// take ends a client's wait.
func (r *Room) take(t *router.Turn, full jid.JID) *joining {
	if r.next == nil {
		return nil
	}
	j := r.next.waiting[full]
	if j == nil {
		return nil
	}
	n := r.next.clone()
	n.waiting = maps.Clone(n.waiting)
	delete(n.waiting, full)
	r.set(t, n)
	c := *j
	c.occupant = j.occupant.copy() // j belongs to an old state, which an undone operation brings back
	return &c
}
