package muc

import (
	"strconv"
	"strings"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

func compare(a, b jid.JID) int { return strings.Compare(a.String(), b.String()) }

// presence takes presence for a room or one of its nicks.
func (s *Service) presence(q *request) error {
	st := q.stanza
	if st.To.Local() == "" {
		return nil // nobody's presence interests the service itself
	}
	switch st.Type {
	case "":
	case stanza.Unavailable:
		return s.leave(q)
	case stanza.Error:
		return s.bounced(q)
	default:
		// RFC 6121 §3: a room has no roster. Probes and the like are ignored, as an answer would tell who is there.
		return nil
	}
	switch {
	case st.Has(NS, "x"):
		return s.join(q)
	case q.from == nil:
		return s.notIn(q)
	case st.To.IsBare():
		return stanza.Fail(stanza.JIDMalformed, "the address lacks the nick")
	case st.To.Resource() != q.from.Nick:
		return s.rename(q)
	}
	return s.show(q)
}

// notIn tells a client that takes itself for an occupant that it is none: it was removed while it could not hear it, or
// the node began anew.
func (s *Service) notIn(q *request) error {
	if q.stanza.To.IsBare() {
		return nil
	}
	if q.room != nil && q.state.waiting[q.stanza.From] != nil {
		return nil // it will hear soon
	}
	st := &stanza.Stanza{Kind: stanza.Presence, From: q.stanza.To, To: q.stanza.From, ID: q.stanza.ID, Type: stanza.Unavailable}
	st.SetInner([]byte("<x xmlns='" + NSUser + "'><item affiliation='none' role='none'/>" +
		"<status code='110'/><status code='307'/><status code='333'/></x>"))
	return s.send(q.Turn, st)
}

// show takes new availability of an occupant. XEP-0045 §7.7.
func (s *Service) show(q *request) error {
	if err := q.NeedTx(); err != nil {
		return err
	}
	kept, err := s.kept(q.stanza)
	if err != nil {
		return err
	}
	old := q.from
	o := old.copy()
	o.Sessions = append([]Session(nil), old.Sessions...)
	o.Sessions[o.session(q.stanza.From)].Presence = kept
	o.Show = shown(o.Sessions)
	if err := q.room.alter(q.Turn, old, o, Cause{}); err != nil || !same(old, o) {
		return err
	}
	// Nobody sees a difference. The client hears that it is in the room all the same, as some ask by this.
	return q.room.give(q.Turn, &o.Sessions[o.session(q.stanza.From)], o.build("", true, Cause{Codes: []int{110}}))
}

// kept is what of a client's presence is shown to others: all but what the room itself says.
func (s *Service) kept(st *stanza.Stanza) ([]byte, error) {
	st = st.Without(func(c stanza.Child) bool {
		switch c.Name.Space {
		case NS, NSUser, nsOccupantID, nsFMUC:
			return true
		case "":
			return c.Name.Local == "priority" // of no use to anybody in a room
		}
		return false
	})
	if n := s.options.Load().MaxPresence; len(st.Inner) > n {
		return nil, stanza.Fail(stanza.PolicyViolation, "a presence in a room has at most "+strconv.Itoa(n)+" octets")
	}
	return st.Inner, nil
}

// shown chooses whose presence stands for the occupant. Choice: of the most available client, of several the first.
func shown(sessions []Session) (best []byte) {
	top := -1
	for i := range sessions {
		if n := availability(sessions[i].Presence); n > top {
			top, best = n, sessions[i].Presence
		}
	}
	return best
}

// availability ranks the <show/> of RFC 6121 §4.7.2.1.
func availability(presence []byte) int {
	var st stanza.Stanza
	kids, err := markup.Index(presence)
	if err != nil {
		return 0
	}
	st.Inner = presence
	for _, k := range kids {
		if k.Name.Space == "" && k.Name.Local == "show" {
			switch st.Text(stanza.Child(k)) {
			case "chat":
				return 5
			case "dnd":
				return 3
			case "away":
				return 2
			case "xa":
				return 1
			}
		}
	}
	return 4
}
