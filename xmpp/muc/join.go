package muc

import (
	"errors"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// joining is a client at the door.
type joining struct {
	occupant *Occupant
	stanza   *stanza.Stanza
	history  history
	codes    []int
	moved    bool // it was in the room all the time, under another nick
}

// join takes a client into a room. XEP-0045 §7.2.
func (s *Service) join(q *request) error {
	if err := s.refusing(q, s.tryJoin(q)); err != nil || q.Tx == nil || q.room == nil {
		return err
	}
	return s.vacate(q.Turn, q.room) // it was made for somebody who did not get in
}

// refusing sends a refusal as the door does; other errors it returns.
func (s *Service) refusing(q *request, err error) error {
	var refusal *stanza.Err
	if !errors.As(err, &refusal) {
		return err
	}
	return s.refuse(q.Turn, q.stanza, refusal)
}

// refuse is the error at the door. XEP-0045 §7.2: it has <x/>, and says who speaks.
func (s *Service) refuse(t *router.Turn, st *stanza.Stanza, e *stanza.Err) error {
	back := &stanza.Stanza{Kind: stanza.Presence, From: st.To, To: st.From, ID: st.ID, Type: stanza.Error}
	c := *e
	c.By = st.To.Bare().String()
	back.SetInner(c.Append([]byte("<x xmlns='" + NS + "'/>")))
	return s.send(t, back)
}

func (s *Service) tryJoin(q *request) error {
	if err := q.NeedTx(); err != nil {
		return err
	}
	if q.from != nil && q.from.Nick != q.stanza.To.Resource() && !q.stanza.To.IsBare() {
		return s.rename(q)
	}
	nick := q.stanza.To.Resource()
	if err := s.checkNick(nick); err != nil {
		return err
	}
	j, password, err := s.readJoin(q.stanza)
	if err != nil {
		return err
	}
	if q.from != nil {
		return s.resync(q, j)
	}
	if q.room == nil {
		if q.room, err = s.createAtDoor(q.Turn, q.stanza.From, q.stanza.To.Bare()); err != nil {
			return err
		}
		q.state = q.room.next
		j.codes = append(j.codes, 201)
	}
	if q.state.waiting[q.stanza.From] != nil {
		return nil // asked again while it waits
	}
	return s.admit(q, j, nick, password)
}

// checkNick refuses a name that nobody may have.
func (s *Service) checkNick(nick string) error {
	if nick == "" {
		return stanza.Fail(stanza.JIDMalformed, "the address lacks the nick") // XEP-0045 §7.2.1
	}
	if len(nick) > s.options.Load().MaxNick {
		return stanza.Fail(stanza.NotAcceptable, "the nick is too long")
	}
	return nil
}

// readJoin reads <x xmlns='http://jabber.org/protocol/muc'/>.
func (s *Service) readJoin(st *stanza.Stanza) (*joining, string, error) {
	c, _ := st.Child(NS, "x")
	x, err := st.Element(c)
	if err != nil {
		return nil, "", stanza.Fail(stanza.BadRequest, "")
	}
	j := &joining{stanza: st}
	if j.history, err = readHistory(x.Child(NS, "history")); err != nil {
		return nil, "", err
	}
	password := ""
	if p := x.Child(NS, "password"); p != nil {
		password = p.Text
	}
	show, err := s.kept(st)
	j.occupant = &Occupant{
		Real:     st.From,
		Sessions: []Session{{JID: st.From, Presence: show, remote: !s.host.Local(st.From.Domain())}},
		Show:     show,
	}
	return j, password, err
}

// admit checks who may enter, in the order in which XEP-0045 §7.2 names the reasons.
func (s *Service) admit(q *request, j *joining, nick, password string) error {
	o, st := j.occupant, q.state
	o.Affiliation = st.Affiliation(o.Real)
	if err := s.checkEntry(st, o, password); err != nil {
		return err
	}
	if own := st.ReservedNick(o.Real); own != "" && own != nick && s.options.Load().LockNicks {
		nick = own
		j.codes = append(j.codes, 210) // XEP-0045 §7.2.9
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
	if err := s.checkRoom(st, o); err != nil {
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
		return stanza.Fail(stanza.ItemNotFound, "the room is being made") // XEP-0045 §7.2.12
	case st.Config.Password != "" && password != st.Config.Password:
		return stanza.Fail(stanza.NotAuthorized, "the room has a password") // XEP-0045 §7.2.5
	case o.Affiliation == Outcast:
		return stanza.Fail(stanza.Forbidden, "") // XEP-0045 §7.2.7
	case st.Config.MembersOnly && o.Affiliation == NoAffiliation:
		return stanza.Fail(stanza.RegistrationRequired, "") // XEP-0045 §7.2.6
	}
	return nil
}

// checkRoom refuses when there are too many. XEP-0045 §7.2.10: admins and owners find a place in a full room.
func (s *Service) checkRoom(st *State, o *Occupant) error {
	opt := s.options.Load()
	n, most := st.Present()+len(st.waiting), opt.MaxOccupants
	if c := st.Config.MaxUsers; c > 0 && c < most && o.Affiliation < Admin {
		most = c
	}
	if n >= most && (o.Affiliation < Admin || n >= most+most/4) {
		return &stanza.Err{Condition: stanza.ServiceUnavailable, Type: "wait", Text: "the room is full"}
	}
	if st.people(o.Real.Bare()) >= opt.MaxSessions {
		return stanza.Fail(stanza.ResourceConstraint, "you have too many nicks here")
	}
	return s.checkUser(o)
}

// checkUser refuses a user whose clients are everywhere.
func (s *Service) checkUser(o *Occupant) error {
	if s.in[o.Real.Bare()] >= s.options.Load().MaxJoinedPerUser {
		return stanza.Fail(stanza.ResourceConstraint, "you are in too many rooms")
	}
	return nil
}

// joinNick lets another client of the same user share its nick. XEP-0045 §7.2.8: it gets the room, the others nothing.
func (s *Service) joinNick(q *request, j *joining, there *Occupant) error {
	if there.Real.Bare() != j.occupant.Real.Bare() || !there.Ours() {
		return stanza.Fail(stanza.Conflict, "the nick is in use")
	}
	if len(there.Sessions) >= s.options.Load().MaxSessions {
		return stanza.Fail(stanza.ResourceConstraint, "too many clients share the nick")
	}
	if err := s.checkUser(j.occupant); err != nil {
		return err
	}
	o := there.copy()
	o.Sessions = append(append([]Session(nil), there.Sessions...), j.occupant.Sessions...)
	o.Show = shown(o.Sessions)
	r := q.room
	r.set(q.Turn, r.next.put(there, o))
	s.count(q.Turn, o.Real.Bare(), 1)
	r.found(q.Turn, j.stanza.From)
	if !same(there, o) {
		if err := r.announce(q.Turn, there, o, Cause{}); err != nil {
			return err
		}
		if err := r.report(q.Turn, there, o, Cause{}); err != nil {
			return err
		}
	}
	return r.welcome(q.Turn, o, &o.Sessions[len(o.Sessions)-1], j)
}

// resync gives the room anew to a client that believes it is not in it. XEP-0045 §7.2: entering again is no error.
func (s *Service) resync(q *request, j *joining) error {
	old := q.from
	o := old.copy()
	o.Sessions = append([]Session(nil), old.Sessions...)
	i := o.session(q.stanza.From)
	o.Sessions[i].Presence = j.occupant.Show
	o.Show = shown(o.Sessions)
	if err := q.room.alterQuietly(q.Turn, old, o, q.stanza.From); err != nil {
		return err
	}
	return q.room.welcome(q.Turn, o, &o.Sessions[i], j)
}

// alterQuietly is alter less what one of the occupant's own clients will hear another way.
func (r *Room) alterQuietly(t *router.Turn, old, o *Occupant, but jid.JID) error {
	r.name(o)
	r.set(t, r.next.put(old, o))
	if same(old, o) {
		return nil
	}
	if r.next.broadcast(o.Role) {
		if err := r.tellOthers(t, r.next, o, o.view(false, Cause{}), o.view(true, Cause{})); err != nil {
			return err
		}
	}
	self := o.build("", true, Cause{Codes: []int{110}})
	for i := range o.Sessions {
		if o.Sessions[i].JID != but {
			if err := r.give(t, &o.Sessions[i], self); err != nil {
				return err
			}
		}
	}
	return r.report(t, old, o, Cause{})
}

// enter takes a new occupant of ours in.
func (r *Room) enter(t *router.Turn, j *joining) error {
	o := j.occupant
	r.set(t, r.next.put(nil, o))
	r.service.count(t, o.Real.Bare(), 1)
	r.found(t, o.Real)
	if r.next.broadcast(o.Role) {
		if err := r.tellOthers(t, r.next, o, o.view(false, Cause{}), o.view(true, Cause{})); err != nil {
			return err
		}
	}
	if err := r.welcome(t, o, &o.Sessions[0], j); err != nil {
		return err
	}
	return r.report(t, nil, o, Cause{})
}

// found forgets that a client was lost.
func (r *Room) found(t *router.Turn, full jid.JID) {
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.lost, full)
	})
}

// welcome gives a client the room, in the order of XEP-0045 §7.1: who is there, itself last; what was said; the subject.
func (r *Room) welcome(t *router.Turn, o *Occupant, to *Session, j *joining) error {
	if j.moved {
		return r.give(t, to, o.build("", true, Cause{Codes: []int{110}}))
	}
	s, sees := r.next, r.next.Sees(o)
	var all []*stanza.Stanza
	for _, other := range s.occupants {
		if other != o && !other.Hidden && s.broadcast(other.Role) {
			all = append(all, other.view(sees, Cause{}))
		}
	}
	all = append(all, o.build("", true, Cause{Codes: r.selfCodes(j.codes)}))
	all[len(all)-1].ID = j.stanza.ID
	lines, err := r.past(t, j.history, !to.remote)
	if err != nil {
		return err
	}
	all = append(append(all, lines...), r.subject())
	if s.avatar != nil {
		all = append(all, r.face(s))
	}
	return r.giveAll(t, to, all)
}

// selfCodes are those of the first self-presence. XEP-0045 §7.2.3, §7.2.13, §10.1.1.
func (r *Room) selfCodes(more []int) []int {
	codes := []int{110}
	if r.next.Config.NonAnonymous {
		codes = append(codes, 100)
	}
	if !r.next.Config.NoArchive {
		codes = append(codes, 170)
	}
	return append(codes, more...)
}

// giveAll brings several stanzas to one session, with nothing else between them.
func (r *Room) giveAll(t *router.Turn, to *Session, all []*stanza.Stanza) error {
	if len(all) == 0 {
		return nil
	}
	if to.remote {
		for _, st := range all {
			if err := r.give(t, to, st); err != nil {
				return err
			}
		}
		return nil
	}
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		res := r.service.host.Resource(to.JID)
		if res == nil {
			r.handLocked(to.JID, all[0]) // which finds the same
			return
		}
		for _, st := range all {
			res.Send(st)
		}
	})
	return nil
}

// attr is a non-empty attribute as markup.
func attr(b []byte, name, value string) []byte {
	return append(markup.AppendEscapedAttr(append(append(append(b, ' '), name...), "='"...), value), '\'')
}
