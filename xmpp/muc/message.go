package muc

import (
	"time"

	"longwire/xmpp/archive"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// message takes a message for a room or one of its occupants.
func (s *Service) message(q *request) error {
	st := q.stanza
	switch {
	case st.To.Local() == "":
		if st.IsError() {
			return nil
		}
		return stanza.Fail(stanza.ServiceUnavailable, "") // the service itself chats with nobody
	case st.IsError():
		return s.messageError(q)
	case q.room == nil:
		return stanza.Fail(stanza.ItemNotFound, "")
	case !st.To.IsBare():
		return s.whisper(q)
	case st.Type == stanza.Groupchat:
		return s.groupchat(q)
	}
	for _, f := range s.messages {
		if done, err := f(q); done || err != nil {
			return err
		}
	}
	return stanza.Fail(stanza.BadRequest, "messages to a room are of type groupchat") // XEP-0045 §7.4
}

// groupchat takes what an occupant says to all. XEP-0045 §7.4.
func (s *Service) groupchat(q *request) error {
	if q.from == nil {
		return stanza.Fail(stanza.NotAcceptable, "you are not in the room")
	}
	st := s.pure(q.room, q.stanza)
	if isSubject(st) {
		return s.setSubject(q, st)
	}
	if q.from.Role < Participant {
		return stanza.Fail(stanza.Forbidden, "visitors do not speak") // XEP-0045 §7.4
	}
	if isEphemeral(st) {
		return q.room.flash(q.Turn, q.from, st)
	}
	if err := q.NeedTx(); err != nil {
		return err
	}
	return q.room.say(q.Turn, &Line{Nick: q.from.Nick, Real: q.stanza.From, Stanza: st})
}

// pure is a message less what only the room may say: whose it is, and when it came.
func (s *Service) pure(r *Room, st *stanza.Stanza) *stanza.Stanza {
	room := r.jid.String()
	return st.Without(func(c stanza.Child) bool {
		switch c.Name.Space {
		case NSUser, nsOccupantID, nsFMUC:
			return true
		case nsStanzaID:
			by, err := jid.Parse(attrOf(st, c, "by"))
			return c.Name.Local == "stanza-id" && (err != nil || by == r.jid) // XEP-0359 §5, rule 3
		case nsDelay:
			return attrOf(st, c, "from") == room
		}
		return false
	})
}

func attrOf(st *stanza.Stanza, c stanza.Child, name string) string {
	e, err := st.Element(c)
	if err != nil {
		return ""
	}
	return e.Attr(name)
}

// say lets one of ours say something, unless Federation keeps it back.
func (r *Room) say(t *router.Turn, l *Line) error {
	if r.service.fed != nil {
		hold, err := r.service.fed.Say(t, r, l)
		if err != nil || hold {
			return err
		}
	}
	_, err := r.Post(t, *l)
	return err
}

// Post says a line in the room: it is kept in the archive, and told to the clients that entered by this room. It returns
// the archive's id of the line, 0 when it was not kept. Federation hears nothing of it.
func (r *Room) Post(t *router.Turn, l Line) (id uint64, err error) {
	if err := t.NeedTx(); err != nil {
		return 0, err
	}
	if r.next == nil {
		return 0, stanza.Fail(stanza.ItemNotFound, "")
	}
	if l.Stamp.IsZero() {
		l.Stamp = time.Now()
	}
	said := &line{Line: l, from: r.address(l.Nick)}
	if o := r.next.Occupant(l.Nick); o != nil && o.Real.Bare() == l.Real.Bare() {
		said.occupant = o.id
	} else if !l.Real.IsZero() {
		said.occupant = occupantID(r.next.Config.Secret, l.Real.Bare())
	}
	if l.Subject {
		if err := r.storeSubject(t, &l); err != nil {
			return 0, err
		}
	}
	if said.id, err = r.record(t, said); err != nil {
		return 0, err
	}
	near := said.told(r, true)
	far := near
	if r.next.afar() && said.id != 0 {
		far = said.told(r, false)
	}
	return said.id, r.each(t, r.next, func(_ *Occupant, to *Session) *stanza.Stanza {
		if to.remote {
			return far
		}
		return near
	})
}

// flash passes on what is of this moment only, such as a chat state: it is not kept and crosses to no other node.
func (r *Room) flash(t *router.Turn, from *Occupant, st *stanza.Stanza) error {
	s := r.Next(t)
	if s.afar() {
		if err := t.NeedTx(); err != nil {
			return err
		}
	}
	l := &line{Line: Line{Stanza: st}, from: from.jid, occupant: from.id}
	told := l.told(r, true)
	if t.Tx != nil {
		return r.each(t, s, func(*Occupant, *Session) *stanza.Stanza { return told })
	}
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		now := r.live.Load() // whoever has left meanwhile gets nothing more
		if now == nil {
			return
		}
		for _, o := range now.occupants {
			for i := range o.Sessions {
				if !o.Sessions[i].remote {
					r.handLocked(o.Sessions[i].JID, told)
				}
			}
		}
	})
	return nil
}

// afar tells whether any client in the room is not on this node.
func (s *State) afar() bool {
	for _, o := range s.occupants {
		for i := range o.Sessions {
			if o.Sessions[i].remote {
				return true
			}
		}
	}
	return false
}

// Notice says something in the room's own name. It is not kept.
func (r *Room) Notice(t *router.Turn, text string) error {
	if err := t.NeedTx(); err != nil || r.next == nil {
		return err
	}
	st := &stanza.Stanza{Kind: stanza.Message, From: r.jid, Type: stanza.Groupchat}
	st.SetInner(body(text))
	return r.each(t, r.next, func(*Occupant, *Session) *stanza.Stanza { return st })
}

// line is a Line with what the room adds.
type line struct {
	Line
	from     jid.JID // room/nick
	occupant string  // occupant-id
	id       uint64  // in the archive; 0: not kept
}

// told is the line as clients get it. Only those on this node learn its id in the archive, as only they can ask for it
// there without a far way.
func (l *line) told(r *Room, near bool) *stanza.Stanza {
	st := l.Stanza.Copy()
	st.From, st.To, st.Type = l.from, jid.JID{}, stanza.Groupchat
	b := append(make([]byte, 0, len(st.Inner)+320), st.Inner...)
	if l.occupant != "" {
		b = append(attr(append(b, "<occupant-id xmlns='"+nsOccupantID+"'"...), "id", l.occupant), "/>"...)
	}
	if l.id != 0 && near {
		b = append(b, archive.StanzaID(r.jid, l.id)...)
	}
	if l.Late {
		by := l.DelayFrom
		if by.IsZero() {
			by = r.jid
		}
		b = appendDelay(b, by, l.Stamp)
	}
	st.SetInner(b)
	return st
}

// appendDelay writes a delay stamp. XEP-0203 §3.
func appendDelay(b []byte, by jid.JID, at time.Time) []byte {
	b = attr(append(b, "<delay xmlns='"+nsDelay+"'"...), "from", by.String())
	b = append(b, " stamp='"...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z") // XEP-0082 §3.2
	return append(b, "'/>"...)
}

// messageError takes an error that a message of the room, or of an occupant, met.
func (s *Service) messageError(q *request) error {
	if q.from == nil {
		return nil
	}
	if s.lasting(q) {
		return s.bounced(q)
	}
	return s.whisperError(q)
}
