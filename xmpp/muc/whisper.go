package muc

import (
	"slices"
	"sync"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// whisper takes a private message to an occupant. XEP-0045 §7.5.
func (s *Service) whisper(q *request) error {
	switch {
	case q.stanza.Type == stanza.Groupchat:
		return stanza.Fail(stanza.BadRequest, "groupchat is for the whole room")
	case q.from == nil:
		return stanza.Fail(stanza.NotAcceptable, "you are not in the room")
	}
	to := q.state.Occupant(q.stanza.To.Resource())
	if to == nil || to.Hidden {
		return stanza.Fail(stanza.ItemNotFound, "nobody has the nick")
	}
	if !q.state.mayWhisper(q.from, to) {
		return stanza.Fail(stanza.Forbidden, "the room has no private messages")
	}
	if err := q.NeedTx(); err != nil {
		return err
	}
	st := s.pure(q.room, q.stanza)
	if !to.Ours() {
		if s.fed == nil {
			return stanza.Fail(stanza.ItemNotFound, "")
		}
		return s.fed.Whisper(q.Turn, q.room, q.from, to, st)
	}
	return q.room.whisper(q.Turn, to, q.from.jid, q.from.id, st)
}

// mayWhisper reads muc#roomconfig_allowpm. Choice: moderators may always be asked and may always answer.
func (s *State) mayWhisper(from, to *Occupant) bool {
	switch s.Config.AllowPM {
	case "none":
		return false
	case "moderators":
		return from.Role == Moderator || to.Role == Moderator
	case "participants":
		return from.Role >= Participant || to.Role == Moderator
	}
	return true
}

// Whisper gives one of ours a private message of an occupant from another node.
func (r *Room) Whisper(t *router.Turn, to *Occupant, from string, st *stanza.Stanza) error {
	if err := t.NeedTx(); err != nil || r.next == nil {
		return err
	}
	id := ""
	if o := r.next.Occupant(from); o != nil {
		if id = o.id; !r.next.mayWhisper(o, to) {
			return stanza.Fail(stanza.Forbidden, "the room has no private messages")
		}
	}
	return r.whisper(t, to, r.address(from), id, r.service.pure(r, st))
}

// whisper brings a private message to all clients of an occupant. Those of this node get it by the router, so that it is
// kept until a client has it, like any message between two people.
func (r *Room) whisper(t *router.Turn, to *Occupant, from jid.JID, id string, st *stanza.Stanza) error {
	st = st.Copy()
	st.From = from
	b := append(make([]byte, 0, len(st.Inner)+200), st.Inner...)
	if id != "" {
		b = append(markup.AppendPlainAttr(append(b, "<occupant-id xmlns='"+nsOccupantID+"'"...), "id", id), "/>"...)
	}
	st.SetInner(append(b, "<x xmlns='"+NSUser+"'/>"...))
	for i := range to.Sessions {
		c := st.Copy()
		c.To = to.Sessions[i].JID
		r.service.whispers.note(c)
		if err := r.route(t, c); err != nil {
			return err
		}
	}
	return nil
}

// whispers remembers which private messages went out last, so that an error that comes back is not taken for one about a
// line, and that none gets through which answers nothing. The zero value is ready; mu guards it.
type whispers struct {
	mu   sync.Mutex
	ring [512][3]string // from, to, id
	next int
}

func (w *whispers) note(st *stanza.Stanza) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ring[w.next] = [3]string{st.From.String(), st.To.String(), st.ID}
	w.next = (w.next + 1) % len(w.ring)
}

// about tells whether an error is about one of them.
func (w *whispers) about(e *stanza.Stanza) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.ring[:], [3]string{e.To.String(), e.From.String(), e.ID})
}

// whisperError brings the error that a private message met back to who sent it.
func (s *Service) whisperError(q *request) error {
	to := q.state.Occupant(q.stanza.To.Resource())
	if q.stanza.To.IsBare() || to == nil || to.Hidden {
		return nil
	}
	// Our own verdicts on what waited for a client of ours, as only whispers do, may come days later.
	kept := q.Verdict && !q.from.Sessions[q.from.session(q.stanza.From)].remote
	if !kept && !s.whispers.about(q.stanza) {
		return nil
	}
	if !to.Ours() {
		if s.fed == nil {
			return nil
		}
		if err := q.NeedTx(); err != nil {
			return err
		}
		return s.fed.Whisper(q.Turn, q.room, q.from, to, s.pure(q.room, q.stanza))
	}
	st := s.pure(q.room, q.stanza).Copy()
	st.From = q.from.jid
	for i := range to.Sessions {
		c := st.Copy()
		c.To = to.Sessions[i].JID
		if err := s.router.Route(q.Turn, c); err != nil {
			return err
		}
	}
	return nil
}

// body is a message's <body/>.
func body(text string) []byte {
	return append(markup.AppendEscaped([]byte("<body>"), text), "</body>"...)
}
