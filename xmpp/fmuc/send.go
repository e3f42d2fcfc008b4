package fmuc

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// nodeNick stands for a node that watches a room in which nobody is.
const nodeNick = "_node"

// presence builds one for the peer, of the occupant that has nick here; show and join are markup.
func (p *peer) presence(nick, kind string, m Mark, i *Item, show, join []byte) *stanza.Stanza {
	st := &stanza.Stanza{Kind: stanza.Presence, From: at(p.room.jid, nick), To: p.jid, Type: kind}
	if p.rec.Up {
		// Spec: presence goes to joinedroom/nick, and to the bare joiningroom.
		st.To = at(p.jid, nick)
	}
	b := m.Append(make([]byte, 0, 320+len(show)))
	b = append(b, join...)
	if i != nil {
		b = i.Append(b)
	}
	st.SetInner(append(b, show...))
	return st
}

// signal tells the peer's room something as a room.
func (r *room) signal(t *router.Turn, to jid.JID, m Mark) error {
	st := &stanza.Stanza{Kind: stanza.Presence, From: r.jid, To: to}
	st.SetInner(m.Append(nil))
	return r.s.send(t, st)
}

// at is the address of a nick in a room.
func at(room jid.JID, nick string) jid.JID {
	if nick == "" {
		return room
	}
	j, err := room.WithResource(nick)
	if err != nil {
		return room
	}
	return j
}

// itemOf is what is told of an occupant. XEP-0289 §5.1: the real JID is in <fmuc/> always, in the item where the room
// shows it.
func itemOf(o *muc.Occupant, shown bool) *Item {
	i := &Item{Affiliation: o.Affiliation.String(), Role: o.Role.String()}
	if shown {
		i.JID = o.Real
	}
	return i
}

// availability keeps of a presence what crosses a link: neither caps nor hashes nor priorities.
func availability(show []byte) (kept []byte) {
	if len(show) == 0 {
		return nil
	}
	kids, err := markup.Index(show)
	if err != nil {
		return nil
	}
	for _, k := range kids {
		if k.Name.Space == "" && (k.Name.Local == "show" || k.Name.Local == "status") && k.TextEnd > k.TextStart {
			kept = append(kept, show[k.Start:k.End]...)
		}
	}
	return kept
}
