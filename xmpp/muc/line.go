package muc

import (
	"time"

	"longwire/xmpp/archive"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

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
		b = append(markup.AppendPlainAttr(append(b, "<occupant-id xmlns='"+nsOccupantID+"'"...), "id", l.occupant), "/>"...)
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
	b = markup.AppendPlainAttr(append(b, "<delay xmlns='"+nsDelay+"'"...), "from", by.String())
	b = append(b, " stamp='"...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z") // XEP-0082 §3.2
	return append(b, "'/>"...)
}
