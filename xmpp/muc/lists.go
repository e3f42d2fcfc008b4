package muc

import (
	"cmp"
	"slices"
	"strconv"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// item is one <item/> of a query in the namespace muc#admin.
type item struct {
	affiliation, role string
	nick              string
	hasNick           bool
	jid               jid.JID
	reason            string
}

func (s *Service) serveAdmin() {
	s.handleIQ(toRoom, NSAdmin, "query", true, s.inside(s.adminSet))
	s.handleIQ(toRoom, NSAdmin, "query", false, s.inside(s.adminGet))
}

// maxRequested bounds the changes of one request: each is held against all members and all who are inside.
const maxRequested = 500

// readItems reads the items of a query, at least one.
func readItems(query *markup.Element) (items []item, err error) {
	for _, c := range query.Children {
		if c.Name != (markup.Name{Space: NSAdmin, Local: "item"}) {
			continue
		}
		if len(items) == maxRequested {
			return nil, stanza.Fail(stanza.PolicyViolation, "at most "+strconv.Itoa(maxRequested)+" items at a time")
		}
		it, err := readItem(c)
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	if items == nil {
		return nil, stanza.Fail(stanza.BadRequest, "an item is missing")
	}
	return items, nil
}

func readItem(c *markup.Element) (it item, err error) {
	it = item{
		affiliation: c.Attr("affiliation"), role: c.Attr("role"),
		nick: c.Attr("nick"), hasNick: c.HasAttr("nick"),
	}
	if (it.affiliation == "") == (it.role == "") {
		return it, stanza.Fail(stanza.BadRequest, "an item has either an affiliation or a role") // XEP-0045 §17.4
	}
	if j := c.Attr("jid"); j != "" {
		if it.jid, err = jid.Parse(j); err != nil {
			return it, stanza.Fail(stanza.JIDMalformed, "")
		}
	}
	if r := c.Child(NSAdmin, "reason"); r != nil {
		if it.reason = r.Text; len(it.reason) > maxReason {
			return it, stanza.Fail(stanza.PolicyViolation, "the reason is too long")
		}
	}
	return it, nil
}

// adminSet changes roles and affiliations: all that is asked for, or nothing. XEP-0045 §8 to §10.
func (s *Service) adminSet(q *request) error {
	if err := q.NeedTx(); err != nil {
		return err
	}
	items, err := readItems(q.payload)
	if err != nil {
		return err
	}
	p := planBy(q)
	for _, it := range items {
		do := p.affiliate
		if it.role != "" {
			do = p.cast
		}
		if err := do(it); err != nil {
			return err
		}
	}
	return p.carry(func() error { return s.reply(q, nil) })
}

// adminGet tells a list.
func (s *Service) adminGet(q *request) error {
	items, err := readItems(q.payload)
	if err != nil {
		return err
	}
	if len(items) > 1 {
		return stanza.Fail(stanza.BadRequest, "one list at a time")
	}
	b := append([]byte(nil), "<query xmlns='"+NSAdmin+"'>"...)
	if name := items[0].role; name != "" {
		b, err = q.byRole(b, name)
	} else {
		b, err = q.byAffiliation(b, items[0].affiliation)
	}
	if err != nil {
		return err
	}
	return s.reply(q, append(b, "</query>"...))
}

// byRole lists the occupants of a role. XEP-0045 §8.5, §9.8.
func (q *request) byRole(b []byte, name string) ([]byte, error) {
	role, ok := ParseRole(name)
	if !ok || role == NoRole {
		return nil, stanza.Fail(stanza.BadRequest, "there is no list of the role "+name)
	}
	me := q.standing()
	if me.Role != Moderator || role == Moderator && me.Affiliation < Admin {
		return nil, stanza.Fail(stanza.Forbidden, "")
	}
	for _, o := range q.state.occupants {
		if o.Role != role || o.Hidden {
			continue
		}
		b = append(append(append(b, "<item affiliation='"...), o.Affiliation.String()...), '\'')
		b = markup.AppendPlainAttr(b, "jid", o.Real.String())
		b = markup.AppendPlainAttr(b, "nick", o.Nick)
		b = append(append(append(b, " role='"...), o.Role.String()...), "'/>"...)
	}
	return b, nil
}

// byAffiliation lists the users of an affiliation. XEP-0045 §9.2, §9.5, §10.5, §10.8.
func (q *request) byAffiliation(b []byte, name string) ([]byte, error) {
	a, ok := ParseAffiliation(name)
	if !ok || a == NoAffiliation {
		return nil, stanza.Fail(stanza.BadRequest, "there is no list of the affiliation "+name)
	}
	if !q.mayList(a) {
		return nil, stanza.Fail(stanza.Forbidden, "")
	}
	for _, m := range listed(q.state.Members, a) {
		b = append(append(append(b, "<item affiliation='"...), name...), '\'')
		b = markup.AppendPlainAttr(b, "jid", m.JID)
		if m.Nick != "" {
			b = markup.AppendPlainAttr(b, "nick", m.Nick)
		}
		if m.Reason == "" || a != Outcast {
			b = append(b, "/>"...)
			continue
		}
		b = append(markup.AppendEscaped(append(b, "><reason>"...), m.Reason), "</reason></item>"...)
	}
	return b, nil
}

// listed are the members of one affiliation, by JID.
func listed(members map[jid.JID]store.RoomMember, a Affiliation) (all []store.RoomMember) {
	for _, m := range members {
		if m.Affiliation == a.String() {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b store.RoomMember) int { return cmp.Compare(a.JID, b.JID) })
	return all
}

// mayList tells whether the asker gets the list of an affiliation.
func (q *request) mayList(a Affiliation) bool {
	me, c := q.standing(), &q.state.Config
	switch {
	case me.Affiliation == Owner, me.Affiliation == Admin && a < Admin:
		return true
	case a == Outcast || !c.NonAnonymous:
		return false // XEP-0045 §5.2.2: a semi-anonymous room keeps addresses to itself
	case me.Role == NoRole && me.Affiliation < Member:
		return false
	case me.Role == NoRole:
		me.Role = Participant // XEP-0045 §9.5: a member that is not in the room
	}
	// XEP-0045 §9.5, §10.5. Choice: where addresses are known to all, one rule for all lists but that of outcasts.
	return c.MemberList == nil || slices.Contains(c.MemberList, me.Role.String())
}

// standing is the asker's, of all its clients the highest.
func (q *request) standing() standing {
	return standingOf(q.state, q.stanza.From.Bare())
}

// standingOf is a user's standing in a room.
func standingOf(st *State, user jid.JID) standing {
	me := standing{NoRole, st.Affiliation(user)}
	for _, o := range st.occupants {
		if o.Real.Bare() != user || o.Hidden || !o.Ours() && me.Affiliation < Admin {
			continue // another node's moderator is none of ours
		}
		me.Role = max(me.Role, o.Role)
	}
	return me
}
