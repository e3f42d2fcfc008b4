package muc

import (
	"errors"

	"longwire/xmpp/jid"
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
	found := q.room != nil
	if err := s.refusing(q, s.tryJoin(q)); err != nil || found || q.room == nil {
		return err
	}
	return s.vacate(q.Turn, q.room) // it was made for somebody who may not have got in
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

var errShared = stanza.Fail(stanza.ResourceConstraint, "too many clients share the nick")

// joinNick lets another client of the same user share its nick. XEP-0045 §7.2.8: it gets the room, the others nothing.
func (s *Service) joinNick(q *request, j *joining, there *Occupant) error {
	if there.Real.Bare() != j.occupant.Real.Bare() || !there.Ours() {
		return stanza.Fail(stanza.Conflict, "the nick is in use")
	}
	if !j.moved { // or it has its place already
		if len(there.Sessions) >= s.options.Load().MaxSessions {
			return errShared
		}
		if err := s.checkUser(j.occupant); err != nil {
			return err
		}
	}
	o := there.copy()
	o.Sessions = append(append([]Session(nil), there.Sessions...), j.occupant.Sessions...)
	o.Show = shown(o.Sessions)
	r := q.room
	show := r.decide(q.Turn, r.next.put(there, o))
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
	return r.welcome(q.Turn, o, &o.Sessions[len(o.Sessions)-1], j, show)
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
	return q.room.welcome(q.Turn, o, &o.Sessions[i], j, nil)
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
	show := r.decide(t, r.next.put(nil, o))
	r.service.count(t, o.Real.Bare(), 1)
	r.found(t, o.Real)
	if r.next.broadcast(o.Role) {
		if err := r.tellOthers(t, r.next, o, o.view(false, Cause{}), o.view(true, Cause{})); err != nil {
			return err
		}
	}
	if err := r.welcome(t, o, &o.Sessions[0], j, show); err != nil {
		return err
	}
	return r.report(t, nil, o, Cause{})
}
