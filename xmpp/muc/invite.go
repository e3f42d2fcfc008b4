package muc

import (
	"errors"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// invitation is one <invite/> or <decline/>, to be passed on.
type invitation struct {
	to, from jid.JID
	reason   string
	thread   string
	goesOn   bool // <continue/>: a chat of two becomes a room
}

// mediate takes invitations and refusals of them. XEP-0045 §7.8.2.
func (s *Service) mediate(q *request) (done bool, err error) {
	c, ok := q.stanza.Child(NSUser, "x")
	if !ok {
		return false, nil
	}
	x, err := q.stanza.Element(c)
	if err != nil {
		return false, nil
	}
	invites, err := readInvitations(x, "invite")
	if err != nil {
		return true, err
	}
	declines, err := readInvitations(x, "decline")
	switch {
	case err != nil:
		return true, err
	case len(invites) > 0:
		return true, s.inviteAll(q, invites)
	case len(declines) == 1:
		return true, s.decline(q, declines[0])
	}
	return false, nil
}

func readInvitations(x *markup.Element, name string) (all []invitation, err error) {
	for _, c := range x.Children {
		if c.Name != (markup.Name{Space: NSUser, Local: name}) {
			continue
		}
		var inv invitation
		if inv.to, err = jid.Parse(c.Attr("to")); err != nil {
			return nil, stanza.Fail(stanza.JIDMalformed, "")
		}
		if r := c.Child(NSUser, "reason"); r != nil {
			inv.reason = r.Text
		}
		if g := c.Child(NSUser, "continue"); g != nil {
			inv.goesOn, inv.thread = true, g.Attr("thread")
		}
		if len(inv.reason)+len(inv.thread) > maxReason {
			return nil, stanza.Fail(stanza.PolicyViolation, "the reason is too long")
		}
		all = append(all, inv)
	}
	return all, nil
}

// inviteAll passes on the invitations of somebody who may invite, all or none.
func (s *Service) inviteAll(q *request, all []invitation) error {
	if err := q.NeedTx(); err != nil {
		return err
	}
	me, c := q.standing(), &q.state.Config
	switch {
	case q.from == nil && me.Affiliation < Admin:
		return stanza.Fail(stanza.Forbidden, "you are not in the room") // XEP-0045 §17.2
	case c.MembersOnly && me.Affiliation < Admin && !(c.MembersInvite && me.Affiliation == Member):
		return stanza.Fail(stanza.Forbidden, "you may not invite to this room") // XEP-0045 §9.5
	}
	if err := s.pacing.take(q.Turn, q.stanza.From.Bare(), len(all)); err != nil {
		return err
	}
	p := planBy(q)
	for i := range all {
		all[i].from = q.stanza.From.Bare()
		if err := p.invitee(all[i].to); err != nil {
			return err
		}
	}
	p.known = true // by the invitation itself
	if len(p.records) > 0 {
		if err := p.carry(nil); err != nil {
			return err
		}
	}
	for _, inv := range all {
		if err := q.room.invite(q.Turn, inv, q.stanza.ID); err != nil {
			return err
		}
	}
	return nil
}

// invitee checks who is invited, and makes it a member where only members enter. XEP-0045 §7.8.2: never of an open room.
func (p *plan) invitee(to jid.JID) error {
	who := to.Bare()
	a := p.affiliation(who)
	if a == Outcast {
		return stanza.Fail(stanza.NotAllowed, who.String()+" is banned from this room")
	}
	if p.room.service.host.Local(to.Domain()) {
		ok, err := p.room.service.host.AccountExists(p.Turn, who)
		if err != nil {
			return err
		}
		if !ok {
			return stanza.Fail(stanza.ItemNotFound, "") // XEP-0045 §7.8.2
		}
	}
	if !p.config.MembersOnly || a >= Member {
		return nil
	}
	m := p.member(who)
	m.Affiliation, m.Reason = Member.String(), ""
	return p.setMember(who, m, "")
}

// invite sends an invitation in the room's name.
func (r *Room) invite(t *router.Turn, inv invitation, id string) error {
	if !inv.from.IsZero() && r.service.host.Local(inv.to.Domain()) {
		// Choice: the room is no way around a block list; the one who invites does not learn of it.
		blocked, err := r.service.host.Blocked(t, inv.to.Bare(), inv.from.Bare())
		if err != nil || blocked {
			return err
		}
	}
	from := inv.from
	if from.IsZero() {
		from = r.jid
	}
	b := append([]byte(nil), "<x xmlns='"+NSUser+"'>"...)
	b = inv.append(b, "invite", from)
	if pw := r.next.Config.Password; pw != "" {
		b = append(markup.AppendEscaped(append(b, "<password>"...), pw), "</password>"...)
	}
	return r.post(t, inv.to, id, append(b, "</x>"...))
}

// decline tells somebody that an invitation is not accepted. The one who declines need not be in the room.
func (s *Service) decline(q *request, d invitation) error {
	if err := q.NeedTx(); err != nil {
		return err
	}
	to := d.to
	if to.Bare() == q.room.jid {
		// XEP-0045 §7.8.2: invitations may come from occupant JIDs.
		o := q.state.Occupant(to.Resource())
		if o == nil || !o.Ours() {
			return stanza.Fail(stanza.ItemNotFound, "")
		}
		to = o.Real
	}
	// Choice: only to those who could have invited, as a room is no way to write to strangers.
	if me := standingOf(q.state, to.Bare()); me.Role == NoRole && me.Affiliation < Member {
		return stanza.Fail(stanza.ItemNotFound, "")
	}
	if err := s.pacing.take(q.Turn, q.stanza.From.Bare(), 1); err != nil {
		return err
	}
	b := append([]byte(nil), "<x xmlns='"+NSUser+"'>"...)
	b = d.append(b, "decline", q.stanza.From.Bare())
	return q.room.post(q.Turn, to, q.stanza.ID, append(b, "</x>"...))
}

func (inv invitation) append(b []byte, name string, from jid.JID) []byte {
	b = markup.AppendPlainAttr(append(append(b, '<'), name...), "from", from.String())
	if inv.reason == "" && !inv.goesOn {
		return append(b, "/>"...)
	}
	b = append(b, '>')
	if inv.reason != "" {
		b = append(markup.AppendEscaped(append(b, "<reason>"...), inv.reason), "</reason>"...)
	}
	if inv.goesOn {
		b = append(b, "<continue"...)
		if inv.thread != "" {
			b = markup.AppendPlainAttr(b, "thread", inv.thread)
		}
		b = append(b, "/>"...)
	}
	return append(append(append(b, "</"...), name...), '>')
}

// post sends a message in the room's own name to somebody who need not be in it. Nobody waits for its failure.
func (r *Room) post(t *router.Turn, to jid.JID, id string, inner []byte) error {
	st := &stanza.Stanza{Kind: stanza.Message, From: r.jid, To: to, ID: id}
	st.SetInner(inner)
	err := r.service.router.Route(t, st)
	var refusal *stanza.Err
	if errors.As(err, &refusal) {
		return nil
	}
	return err
}
