package muc

import (
	"strconv"

	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// isSubject tells whether a groupchat is a new subject. XEP-0045 §8.1: it has one, and neither body nor thread.
func isSubject(st *stanza.Stanza) bool {
	return st.Has("", "subject") && !st.Has("", "body") && !st.Has("", "thread")
}

// setSubject gives the room a subject. XEP-0045 §8.1.
func (s *Service) setSubject(q *request, st *stanza.Stanza) error {
	if q.from.Role < Moderator && !(q.state.Config.ChangeSubject && q.from.Role == Participant) {
		return stanza.Fail(stanza.Forbidden, "")
	}
	if n := s.options.Load().MaxSubject; len(st.Inner) > n {
		return stanza.Fail(stanza.PolicyViolation, "a subject has at most "+strconv.Itoa(n)+" octets")
	}
	if err := q.NeedTx(); err != nil {
		return err
	}
	return q.room.say(q.Turn, &Line{Nick: q.from.Nick, Real: q.stanza.From, Stanza: st, Subject: true})
}

// storeSubject makes a line the room's subject, unless it comes late and there is a newer one.
func (r *Room) storeSubject(t *router.Turn, l *Line) error {
	if l.Late && l.Stamp.Before(r.next.Config.SubjectAt) {
		return nil
	}
	var all []byte
	for _, c := range l.Stanza.Children { // one for each language
		if c.Name.Space == "" && c.Name.Local == "subject" {
			all = append(all, l.Stanza.Raw(c)...)
		}
	}
	return r.configure(t, func(c *store.Room) { c.Subject, c.SubjectBy, c.SubjectAt = all, l.Nick, l.Stamp })
}

// subject is what ends the welcome of a client. XEP-0045 §7.2.15: it comes always, and when none was ever set it is
// empty and from the room itself.
func (r *Room) subject() *stanza.Stanza {
	c := &r.next.Config
	st := &stanza.Stanza{Kind: stanza.Message, From: r.jid, Type: stanza.Groupchat}
	if c.SubjectBy != "" {
		st.From = r.address(c.SubjectBy)
	}
	b := []byte("<subject/>")
	if len(c.Subject) > 0 {
		b = append([]byte(nil), c.Subject...)
	}
	if !c.SubjectAt.IsZero() {
		b = appendDelay(b, r.jid, c.SubjectAt)
	}
	st.SetInner(b)
	return st
}
