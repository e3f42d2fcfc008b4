package fmuc

import (
	"strings"

	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Stanza takes what rooms of other nodes send, and the errors that our rooms' stanzas met.
func (s *Service) Stanza(t *router.Turn, mr *muc.Room, st *stanza.Stanza) error {
	if st.IsError() {
		return s.failed(t, mr, st)
	}
	m, err := ParseMark(st)
	if err != nil {
		return answerable(st, stanza.Fail(stanza.BadRequest, "<fmuc/> cannot be read"))
	}
	ps, ok := s.peer(st.From.Domain())
	if !ok || mr == nil || !s.on(mr.Next(t)) {
		return s.unwelcome(t, st, m, ps, ok)
	}
	r, err := s.room(t, mr)
	if err != nil {
		return err
	}
	p := r.find(st.From.Bare())
	if s := syncOf(m, st.From); s != nil && st.From.IsBare() && !ps.Foreign {
		return r.synced(t, mr, p, ps, st, m, s)
	}
	if st.Kind == stanza.Presence {
		return r.presence(t, mr, p, ps, st, m)
	}
	if p != nil && p.rec.Up && p.kin() && !p.speaks(mr.Next(t)) && st.Type == stanza.Groupchat {
		return nil // it will come when ours has joined again
	}
	if p == nil || !p.speaks(mr.Next(t)) {
		// The sender takes itself for one of ours, as a client might. XEP-0045 §7.4. It will join anew.
		return stanza.Fail(stanza.NotAcceptable, "this room is not federated with yours")
	}
	if st.Type == stanza.Groupchat {
		if err := r.line(t, mr, p, st, m); err != nil {
			return err
		}
		return p.stirred(t, mr)
	}
	return r.whispered(t, mr, p, st, m)
}

// answerable is an error for whoever waits for one. RFC 6121 §4: presence is not answered.
func answerable(st *stanza.Stanza, e *stanza.Err) error {
	if st.Kind == stanza.Presence {
		return nil
	}
	return e
}

// unwelcome answers rooms with which nothing here is federated.
func (s *Service) unwelcome(t *router.Turn, st *stanza.Stanza, m Mark, ps Peer, known bool) error {
	if st.Kind == stanza.Message {
		return stanza.Fail(stanza.Forbidden, "rooms here are not federated with yours")
	}
	if _, join, _ := ParseHistory(st); st.Type != "" || !join || m.From.IsZero() || st.From.Local() == "" {
		return nil
	}
	why := "no federation with this room"
	if !known {
		why = "no federation with your domain"
	}
	r := &room{s: s, jid: st.To.Bare()}
	return r.reject(t, st.From.Bare(), ps, why)
}

// reject refuses a join. XEP-0289 §5.1: from bare to bare.
func (r *room) reject(t *router.Turn, to jid.JID, ps Peer, why string) error {
	r.s.count(t, pair{r.jid, to}, func(c *Counters) { c.Rejects++ })
	if !ps.RejectText {
		why = "" // spec: no text over a bad link
	}
	return r.signal(t, to, Mark{Reject: true, Reason: why})
}

// presence takes one with <fmuc/>.
func (r *room) presence(t *router.Turn, mr *muc.Room, p *peer, ps Peer, st *stanza.Stanza, m Mark) error {
	i, _ := ParseItem(st)
	h, join, limited := ParseHistory(st)
	join = join && st.Type == "" && !m.From.IsZero() && !m.Left && !m.Reject
	switch nick := st.From.Resource(); {
	case m.Reject:
		return r.rejected(t, mr, p, m.Reason)
	case m.Left:
		return r.left(t, mr, p)
	case join && (p == nil || !p.rec.Up && !p.open() || limited || ps.Foreign && p.lostAll(nick, m.From)):
		return r.accept(t, mr, p, ps, st, m, i, h)
	case p == nil || nick == "" || !p.open():
		return nil
	case st.Type == stanza.Unavailable:
		return r.gone(t, mr, p, ps, nick, m, i, show(st))
	case st.Type == "":
		return r.seen(t, mr, p, nick, m.From, i, show(st))
	}
	return nil
}

// lostAll tells whether a join names somebody who is there already: the peer has lost what it knew.
// Peer: Openfire's joins have no <history/>, and the entries of its further occupants look the same.
func (p *peer) lostAll(nick string, real jid.JID) bool {
	o := p.occ[nick]
	return !p.rec.Up && o != nil && o.Real == real.String() && !p.again[nick]
}

// speaks tells whether messages of the peer's are taken. Those under way to a room that has just left are still heard.
func (p *peer) speaks(st *muc.State) bool {
	switch p.state() {
	case Joining, Joined, Leaving:
		return true
	case Idle:
		return p.rec.Lefts > 0 // what was under way when we left
	case Detached:
		return !replica(st) // a replica gets them in order when it is back
	}
	return false
}

// replica tells whether the room waits for the echo of what is said in it.
func replica(st *muc.State) bool { return st.Config.Fed.Node != "" && st.Config.Fed.Mode == "pr" }

// show is the availability in a presence.
func show(st *stanza.Stanza) (b []byte) {
	for _, c := range st.Children {
		if c.Name.Space == "" && (c.Name.Local == "show" || c.Name.Local == "status") && c.TextEnd > c.TextStart {
			b = append(b, st.Raw(c)...)
		}
	}
	if len(b) > maxShow {
		return nil
	}
	return b
}

// maxShow bounds the availability of one occupant, in bytes of markup.
const maxShow = 2048

// hidden tells whether an occupant stands for a node that watches a room.
func hidden(nick string, real jid.JID) bool {
	return strings.HasPrefix(nick, nodeNick) && real.IsBare()
}
