package muc

import (
	"strconv"
	"strings"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
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
	return q.room.alter(q.Turn, old, o, Cause{})
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

// alter replaces an occupant that stays and tells everybody who must know; Federation too, if it is one of ours.
func (r *Room) alter(t *router.Turn, old, o *Occupant, c Cause) error {
	r.name(o)
	r.set(t, r.next.put(old, o))
	if same(old, o) && len(c.Codes) == 0 {
		return nil
	}
	if err := r.announce(t, old, o, c); err != nil {
		return err
	}
	if r.next.Sees(o) && !r.next.Sees(old) {
		for i := range o.Sessions {
			if err := r.reveal(t, o, &o.Sessions[i]); err != nil {
				return err
			}
		}
	}
	return r.report(t, old, o, c)
}

// reveal shows a client of o, who is a moderator from now on, who the others are.
func (r *Room) reveal(t *router.Turn, o *Occupant, to *Session) error {
	var all []*stanza.Stanza
	for _, other := range r.next.occupants {
		if other != o && !other.Hidden && r.next.broadcast(other.Role) {
			all = append(all, other.view(true, Cause{}))
		}
	}
	return r.giveAll(t, to, all)
}

// same tells whether others would see no difference.
func same(a, b *Occupant) bool {
	return a.Nick == b.Nick && a.Role == b.Role && a.Affiliation == b.Affiliation && string(a.Show) == string(b.Show) &&
		a.Real == b.Real && a.Hidden == b.Hidden
}

// report tells Federation what became of one of ours.
func (r *Room) report(t *router.Turn, old, new *Occupant, c Cause) error {
	o := new
	if o == nil {
		o = old
	}
	if r.service.fed == nil || !o.Ours() || o.Hidden {
		return nil
	}
	return r.service.fed.Changed(t, r, old, new, c)
}

// name fills in what follows from nick and real address.
func (r *Room) name(o *Occupant) {
	o.jid = r.address(o.Nick)
	if o.id == "" {
		o.id = occupantID(r.next.Config.Secret, o.Real.Bare())
	}
}

// broadcast tells whether occupants of a role are shown to others. XEP-0045 §16.5.3 muc#roomconfig_presencebroadcast.
func (s *State) broadcast(role Role) bool {
	if s.Config.Broadcast == nil {
		return true
	}
	for _, n := range s.Config.Broadcast {
		if n == role.String() {
			return true
		}
	}
	return false
}

// announce shows o to everybody, itself included; old is how it was shown before, nil if it was not there.
func (r *Room) announce(t *router.Turn, old, o *Occupant, c Cause) error {
	if o.Hidden {
		return nil
	}
	s := r.next
	if s.broadcast(o.Role) {
		if err := r.tellOthers(t, s, o, o.view(false, c), o.view(true, c)); err != nil {
			return err
		}
	} else if old != nil && s.broadcast(old.Role) {
		// It is shown no longer: for the others that is a farewell.
		away := *o
		away.Role = NoRole
		if err := r.tellOthers(t, s, o, away.farewell(false, Cause{}), away.farewell(true, Cause{})); err != nil {
			return err
		}
	}
	return r.tellSelf(t, s, o, c)
}

// tellSelf shows an occupant itself. XEP-0045 §7.2.2: with code 110.
func (r *Room) tellSelf(t *router.Turn, s *State, o *Occupant, c Cause) error {
	if !o.Ours() {
		return nil
	}
	c.Codes = append([]int{110}, c.Codes...)
	st := o.build("", true, c)
	for i := range o.Sessions {
		if err := r.give(t, &o.Sessions[i], st); err != nil {
			return err
		}
	}
	return nil
}

// tellOthers gives every other occupant of ours what it may see of o.
func (r *Room) tellOthers(t *router.Turn, s *State, o *Occupant, plain, real *stanza.Stanza) error {
	return r.each(t, s, func(to *Occupant, _ *Session) *stanza.Stanza {
		switch {
		case to == o || to.Nick == o.Nick:
			return nil
		case s.Sees(to):
			return real
		}
		return plain
	})
}

// each gives every session in the room what say returns for it; nil: nothing.
func (r *Room) each(t *router.Turn, s *State, say func(*Occupant, *Session) *stanza.Stanza) error {
	for _, o := range s.occupants {
		for i := range o.Sessions {
			if o.Sessions[i].remote {
				if st := say(o, &o.Sessions[i]); st != nil {
					if err := r.give(t, &o.Sessions[i], st); err != nil {
						return err
					}
				}
			}
		}
	}
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, o := range s.occupants {
			for i := range o.Sessions {
				if !o.Sessions[i].remote {
					if st := say(o, &o.Sessions[i]); st != nil {
						r.handLocked(o.Sessions[i].JID, st)
					}
				}
			}
		}
	})
	return nil
}

// route hands on a stanza that may come back at once.
func (r *Room) route(t *router.Turn, st *stanza.Stanza) error {
	r.sending++
	defer func() { r.sending-- }()
	return r.service.router.Route(t, st)
}

// give brings a stanza to one session.
func (r *Room) give(t *router.Turn, to *Session, st *stanza.Stanza) error {
	if to.remote {
		c := st.Copy()
		c.To = to.JID
		return r.route(t, c)
	}
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.handLocked(to.JID, st)
	})
	return nil
}

// handLocked puts a stanza into a client's outbox. A client that is not there any more is taken out of the room.
func (r *Room) handLocked(to jid.JID, st *stanza.Stanza) {
	if res := r.service.host.Resource(to); res != nil {
		if st.Kind != stanza.Message || !r.blocksLocked(to, st.From) {
			res.Send(st)
		}
		return
	}
	if l := r.live.Load(); l != nil && l.clients[to] != nil && !r.lost[to] {
		if r.lost == nil {
			r.lost = make(map[jid.JID]bool)
		}
		r.lost[to] = true
		r.service.submit("taking out a lost client", func(t *router.Turn) error { return r.drop(t, to) })
	}
}

// blocksLocked tells whether a user has blocked who speaks. XEP-0191 §3.3. Choice: presence comes all the same, or its
// clients would take for free a nick that is not.
func (r *Room) blocksLocked(user, from jid.JID) bool {
	blocked, err := r.service.host.Blocked(&r.quick, user.Bare(), from)
	return blocked && err == nil
}

// view is the occupant's presence as others see it; real: with its address.
func (o *Occupant) view(real bool, c Cause) *stanza.Stanza {
	if len(c.Codes) > 0 || c.Reason != "" || c.Actor != "" {
		return o.build("", real, c)
	}
	i := 0
	if real {
		i = 1
	}
	if o.shown[i] == nil { // only ops come here
		o.shown[i] = o.build("", real, c)
	}
	return o.shown[i]
}

// farewell is the occupant's last presence.
func (o *Occupant) farewell(real bool, c Cause) *stanza.Stanza {
	return o.build(stanza.Unavailable, real, c)
}

// build writes a presence of the occupant. XEP-0045 §7.2.3.
func (o *Occupant) build(kind string, real bool, c Cause) *stanza.Stanza {
	show := o.Show
	if kind == stanza.Unavailable {
		show = c.Show
	}
	b := append(make([]byte, 0, len(show)+320), show...)
	b = o.appendID(b)
	b = append(b, "<x xmlns='"+NSUser+"'><item affiliation='"...)
	b = append(b, o.Affiliation.String()...)
	b = append(b, "' role='"...)
	if kind == stanza.Unavailable && c.Nick == "" {
		b = append(b, "none"...)
	} else {
		b = append(b, o.Role.String()...)
	}
	b = append(b, '\'')
	if real && !o.Real.IsZero() {
		b = append(markup.AppendEscapedAttr(append(b, " jid='"...), o.Real.String()), '\'')
	}
	if c.Nick != "" {
		b = append(markup.AppendEscapedAttr(append(b, " nick='"...), c.Nick), '\'')
	}
	if c.Actor == "" && c.Reason == "" {
		b = append(b, "/>"...)
	} else {
		b = append(b, '>')
		if c.Actor != "" {
			b = append(markup.AppendEscapedAttr(append(b, "<actor nick='"...), c.Actor), "'/>"...)
		}
		if c.Reason != "" {
			b = append(markup.AppendEscaped(append(b, "<reason>"...), c.Reason), "</reason>"...)
		}
		b = append(b, "</item>"...)
	}
	b = append(b, c.Destroy...)
	for _, code := range c.Codes {
		b = append(b, "<status code='"...)
		b = strconv.AppendInt(b, int64(code), 10)
		b = append(b, "'/>"...)
	}
	st := &stanza.Stanza{Kind: stanza.Presence, From: o.jid, Type: kind}
	st.SetInner(append(b, "</x>"...))
	return st
}

func (o *Occupant) appendID(b []byte) []byte {
	if o.id == "" {
		return b
	}
	return append(append(append(b, "<occupant-id xmlns='"+nsOccupantID+"' id='"...), o.id...), "'/>"...)
}
