package muc

import (
	"longwire/xmpp/stanza"
)

// admit checks who may enter, in the order in which XEP-0045 §7.2 names the reasons.
func (s *Service) admit(q *request, j *joining, nick, password string) error {
	o, st := j.occupant, q.state
	o.Affiliation = st.Affiliation(o.Real)
	if err := s.checkEntry(st, o, password); err != nil {
		return err
	}
	if own := st.ReservedNick(o.Real); own != "" && own != nick && s.options.Load().LockNicks {
		nick = own
		j.codes = append(j.codes, 210) // XEP-0045 §7.2.2
	}
	o.Nick, o.Role = nick, st.entryRole(o.Affiliation)
	q.room.name(o)
	if there := st.Occupant(nick); there != nil {
		return s.joinNick(q, j, there)
	}
	if by := st.Reserver(nick); !by.IsZero() && by != o.Real.Bare() {
		return stanza.Fail(stanza.Conflict, "the nick is registered by somebody else") // XEP-0045 §7.2.8
	}
	if by := st.waitsAs(nick); !by.IsZero() && by != o.Real.Bare() {
		return stanza.Fail(stanza.Conflict, "the nick is in use")
	}
	if err := s.checkPlace(st, o); err != nil {
		return err
	}
	if err := s.checkUser(o); err != nil {
		return err
	}
	if s.fed == nil {
		return q.room.enter(q.Turn, j)
	}
	wait, err := s.fed.Joining(q.Turn, q.room, o)
	if err != nil {
		return err
	}
	if wait {
		q.room.await(q.Turn, j)
		return nil
	}
	return q.room.enter(q.Turn, j)
}

// checkEntry refuses users who may not enter.
func (s *Service) checkEntry(st *State, o *Occupant, password string) error {
	switch {
	case st.Config.Gone:
		return goneTo(&st.Config)
	case st.Config.Locked && o.Affiliation != Owner:
		return stanza.Fail(stanza.ItemNotFound, "the room is being made") // XEP-0045 §7.2.10
	case st.Config.Password != "" && password != st.Config.Password:
		return stanza.Fail(stanza.NotAuthorized, "the room has a password") // XEP-0045 §7.2.5
	case o.Affiliation == Outcast:
		return stanza.Fail(stanza.Forbidden, "") // XEP-0045 §7.2.7
	case st.Config.MembersOnly && o.Affiliation == NoAffiliation:
		return stanza.Fail(stanza.RegistrationRequired, "") // XEP-0045 §7.2.6
	}
	return nil
}

// checkPlace refuses one more nick when there are too many of ours; whom other nodes show takes no place from our users.
// XEP-0045 §7.2.9: admins and owners find a place in a full room.
func (s *Service) checkPlace(st *State, o *Occupant) error {
	opt := s.options.Load()
	n, most := st.ours()+len(st.waiting), opt.MaxOccupants
	if c := st.Config.MaxUsers; c > 0 && c < most && o.Affiliation < Admin {
		most = c
	}
	if n >= most && (o.Affiliation < Admin || n >= most+most/4) {
		return &stanza.Err{Condition: stanza.ServiceUnavailable, Type: "wait", Text: "the room is full"}
	}
	if st.people(o.Real.Bare()) >= opt.MaxSessions {
		return stanza.Fail(stanza.ResourceConstraint, "you have too many nicks here")
	}
	return nil
}

// checkUser refuses a user whose clients are everywhere.
func (s *Service) checkUser(o *Occupant) error {
	if s.in[o.Real.Bare()] >= s.options.Load().MaxJoinedPerUser {
		return stanza.Fail(stanza.ResourceConstraint, "you are in too many rooms")
	}
	return nil
}
