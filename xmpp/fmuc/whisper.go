package fmuc

import (
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Whisper takes a private message, or the error that one met, to an occupant from another node. XEP-0289 §5.6: one hop
// nearer.
func (s *Service) Whisper(t *router.Turn, mr *muc.Room, from, to *muc.Occupant, st *stanza.Stanza) error {
	r, err := s.room(t, mr)
	if err != nil {
		return err
	}
	var p *peer
	if r != nil {
		p = r.find(to.Node)
	}
	if p == nil || !p.open() {
		return stanza.Fail(stanza.RecipientUnavailable, "")
	}
	m := Mark{From: from.Real}
	return r.pass(t, p, from.Nick, to.RemoteNick, st.With(m.Append(nil)))
}

// pass sends a private message over one link.
func (r *room) pass(t *router.Turn, p *peer, from, to string, st *stanza.Stanza) error {
	out := st.Copy()
	out.From, out.To = at(r.jid, from), at(p.jid, to)
	return r.s.send(t, out)
}

// whispered takes a private message from a peer, for one of ours or for a node behind.
func (r *room) whispered(t *router.Turn, mr *muc.Room, p *peer, st *stanza.Stanza, m Mark) error {
	if st.To.IsBare() {
		return stanza.Fail(stanza.BadRequest, "messages to a room are of type groupchat")
	}
	here := mr.Next(t)
	to := here.Occupant(st.To.Resource())
	if to == nil || to.Hidden || to.Node == p.jid {
		return stanza.Fail(stanza.ItemNotFound, "nobody has the nick")
	}
	nick := st.From.Resource()
	if nick == "" || m.From.IsZero() {
		return stanza.Fail(stanza.BadRequest, "a private message has an author")
	}
	if p.forges(here, m.From) {
		return stanza.Fail(stanza.NotAllowed, "the author is here by another way")
	}
	nick = r.nickOf(here, p, nick, m.From)
	if to.Ours() {
		return mr.Whisper(t, to, nick, pure(st))
	}
	q := r.find(to.Node)
	if q == nil || !q.open() {
		return stanza.Fail(stanza.RecipientUnavailable, "")
	}
	return r.pass(t, q, nick, to.RemoteNick, st)
}
