package muc

import (
	"slices"

	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// rename gives an occupant another nick. XEP-0045 §7.6.
func (s *Service) rename(q *request) error {
	if err := q.NeedTx(); err != nil {
		return err
	}
	return s.refusing(q, s.tryRename(q))
}

func (s *Service) tryRename(q *request) error {
	nick, old, r := q.stanza.To.Resource(), q.from, q.room
	if err := s.checkNick(nick); err != nil {
		return err
	}
	var codes []int
	if own := q.state.ReservedNick(old.Real); own != "" && own != nick && s.options.Load().LockNicks {
		return &stanza.Err{Condition: stanza.NotAcceptable, Type: "cancel", Text: "you have registered another nick"} // XEP-0045 §7.6
	}
	if by := q.state.Reserver(nick); !by.IsZero() && by != old.Real.Bare() {
		return stanza.Fail(stanza.Conflict, "the nick is registered by somebody else")
	}
	kept, err := s.kept(q.stanza)
	if err != nil {
		return err
	}
	if by := q.state.waitsAs(nick); !by.IsZero() && by != old.Real.Bare() {
		return stanza.Fail(stanza.Conflict, "the nick is in use")
	}
	there := q.state.Occupant(nick)
	if there != nil && (there.Real.Bare() != old.Real.Bare() || !there.Ours()) {
		return stanza.Fail(stanza.Conflict, "the nick is in use")
	}
	if there != nil && len(there.Sessions) >= s.options.Load().MaxSessions {
		return errShared
	}
	if there == nil && len(old.Sessions) > 1 {
		if err := s.checkPlace(q.state, old); err != nil {
			return err
		}
	}
	if there != nil || len(old.Sessions) > 1 {
		return s.move(q, old, nick, kept)
	}
	o := old.copy()
	o.Nick = nick
	o.Sessions = slices.Clone(old.Sessions)
	o.Sessions[0].Presence = kept
	o.Show = kept
	return r.renamed(q.Turn, old, o, codes)
}

// move lets one of several clients behind a nick go its own way, or join another that has the new nick. Choice: to the
// others that is a farewell and an entry, as the old nick may stay.
func (s *Service) move(q *request, old *Occupant, nick string, kept []byte) error {
	r, full := q.room, q.stanza.From
	j := &joining{stanza: q.stanza, moved: true}
	j.occupant = &Occupant{
		Real: full, Nick: nick, Show: kept, Affiliation: old.Affiliation, Role: old.Role,
		Sessions: []Session{{JID: full, Presence: kept, remote: old.Sessions[old.session(full)].remote}},
	}
	r.name(j.occupant)
	if err := r.part(q.Turn, old, full, Cause{Codes: []int{303}, Nick: nick}); err != nil {
		return err
	}
	if r.next == nil {
		return nil
	}
	there, to := r.next.Occupant(nick), &j.occupant.Sessions[0]
	if stays := r.next.Occupant(old.Nick); stays != nil && r.next.broadcast(stays.Role) {
		// Its client took the farewell for that of the nick.
		if err := r.give(q.Turn, to, stays.view(r.next.Sees(j.occupant), Cause{})); err != nil {
			return err
		}
	}
	if there != nil {
		if r.next.Sees(there) && !r.next.Sees(old) {
			if err := r.reveal(q.Turn, there, to); err != nil {
				return err
			}
		}
		return s.joinNick(q, j, there)
	}
	return r.enter(q.Turn, j)
}

// renamed tells everybody that an occupant goes by another nick: the old one leaves, with code 303, and the new one is
// there. XEP-0045 §7.6.
func (r *Room) renamed(t *router.Turn, old, o *Occupant, codes []int) error {
	r.name(o)
	r.set(t, r.next.put(old, o))
	away, c := Cause{Codes: []int{303}, Nick: o.Nick}, Cause{Codes: codes}
	if !o.Hidden && r.next.broadcast(o.Role) {
		if err := r.tellOthers(t, r.next, o, old.farewell(false, away), old.farewell(true, away)); err != nil {
			return err
		}
		if err := r.tellOthers(t, r.next, o, o.view(false, c), o.view(true, c)); err != nil {
			return err
		}
	}
	self := Cause{Codes: append([]int{110}, away.Codes...), Nick: o.Nick}
	for i := range o.Sessions {
		if err := r.give(t, &o.Sessions[i], old.farewell(true, self)); err != nil {
			return err
		}
	}
	if err := r.tellSelf(t, r.next, o, c); err != nil {
		return err
	}
	return r.report(t, old, o, away)
}
