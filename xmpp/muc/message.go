package muc

import (
	"longwire/xmpp/jid"
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
	case q.from == nil && s.visible(q) != nil:
		return s.visible(q) // XEP-0045 §17.2
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
	return st.Without(func(c stanza.Child) bool {
		switch c.Name.Space {
		case NSUser, nsOccupantID, nsFMUC:
			return true
		case nsStanzaID:
			by, err := jid.Parse(attrOf(st, c, "by"))
			return c.Name.Local == "stanza-id" && (err != nil || by == r.jid) // XEP-0359 §3
		case nsDelay:
			by, err := jid.Parse(attrOf(st, c, "from"))
			return err == nil && by == r.jid
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
