package muc

import (
	"slices"
	"strconv"
	"strings"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/markup"
	"longwire/xmpp/rsm"
	"longwire/xmpp/stanza"
)

const (
	nsMAM     = "urn:xmpp:mam:2"
	nsVersion = "jabber:iq:version"
	nsTime    = "urn:xmpp:time"

	nodeNick    = "x-roomuser-item" // XEP-0045 §7.12
	nodeTraffic = NS + "#traffic"   // XEP-0045 §18.1.1
	nodeRooms   = NS + "#rooms"     // XEP-0045 §6.7

	formInfo = NS + "#roominfo" // XEP-0045 §16.5.4
)

// maxItems is how many rooms are listed at once.
const maxItems = 100

func (s *Service) serveDisco() {
	s.handleIQ(toService, nsDiscoInfo, "query", false, s.serviceInfo)
	s.handleIQ(toService, nsDiscoItems, "query", false, s.serviceItems)
	s.handleIQ(toRoom, nsDiscoInfo, "query", false, s.inside(s.roomInfo))
	s.handleIQ(toRoom, nsDiscoItems, "query", false, s.inside(s.roomItems))
}

// identity is what rooms and their service are. XEP-0045 §16.2.
func identity(b []byte, name string) []byte {
	b = append(b, "<identity category='conference' type='text'"...)
	if name != "" {
		b = markup.AppendPlainAttr(b, "name", name)
	}
	return append(b, "/>"...)
}

func features(b []byte, names ...string) []byte {
	slices.Sort(names)
	for _, n := range names {
		b = append(markup.AppendPlainAttr(append(b, "<feature"...), "var", n), "/>"...)
	}
	return b
}

// query opens a disco answer, which names the node that was asked for (XEP-0030 §3.2).
func query(space, node string) []byte {
	b := append([]byte(nil), "<query xmlns='"+space+"'"...)
	if node != "" {
		b = markup.AppendPlainAttr(b, "node", node)
	}
	return append(b, '>')
}

// serviceInfo tells what the service is. XEP-0045 §6.2.
func (s *Service) serviceInfo(q *request) error {
	if q.payload.Attr("node") != "" {
		return stanza.Fail(stanza.ItemNotFound, "")
	}
	b := identity(query(nsDiscoInfo, ""), s.options.Load().Name)
	list := []string{NS, nsDiscoInfo, nsDiscoItems, rsm.NS, nsPing, nsTime, nsVCard, nsOccupantID}
	if s.options.Load().Version != "" {
		list = append(list, nsVersion)
	}
	return s.reply(q, append(features(b, list...), "</query>"...))
}

// serviceItems lists the rooms that anybody may know of. XEP-0045 §6.3.
func (s *Service) serviceItems(q *request) error {
	switch node := q.payload.Attr("node"); node {
	case "":
	case nodeRooms:
		return s.reply(q, append(query(nsDiscoItems, node), "</query>"...)) // the service itself is in no room
	default:
		return stanza.Fail(stanza.ItemNotFound, "")
	}
	page, err := rsm.Parse(rsm.Find(q.payload))
	if err != nil {
		return err
	}
	ids, rooms := s.listed(q.stanza.To.Domain())
	lo, hi, result := page.Page(ids, maxItems)
	b := query(nsDiscoItems, "")
	for i := lo; i < hi; i++ {
		b = markup.AppendPlainAttr(append(b, "<item"...), "jid", ids[i])
		if name := rooms[i].Name; name != "" {
			b = markup.AppendPlainAttr(b, "name", name)
		}
		b = append(b, "/>"...)
	}
	// XEP-0045 §6.3: told that there is more, and to those who ask.
	if rsm.Find(q.payload) != nil && len(ids) > 0 || hi-lo < len(ids) {
		b = result.Append(b)
	}
	return s.reply(q, append(b, "</query>"...))
}

// listed are the public rooms of a domain, by address.
func (s *Service) listed(domain string) (ids []string, rooms []*store.Room) {
	for _, r := range s.Rooms() {
		st := r.State()
		if st == nil || r.jid.Domain() != domain || st.Config.Hidden || st.Config.Locked || st.Config.Gone {
			continue
		}
		ids, rooms = append(ids, st.Config.JID), append(rooms, &st.Config)
	}
	return ids, rooms
}

// roomInfo tells what a room is like. XEP-0045 §6.4.
func (s *Service) roomInfo(q *request) error {
	switch node := q.payload.Attr("node"); node {
	case "":
	case nodeNick:
		return s.nickInfo(q)
	case nodeTraffic:
		// XEP-0045 §18.1.1: nothing is kept from passing.
		return stanza.Fail(stanza.ServiceUnavailable, "")
	default:
		return stanza.Fail(stanza.ItemNotFound, "")
	}
	c := &q.state.Config
	name := c.Name
	if name == "" {
		name = q.room.jid.Local()
	}
	b := identity(query(nsDiscoInfo, ""), name)
	b = features(b, s.roomFeatures(c)...)
	f := q.info()
	return s.reply(q, append(f.Append(b), "</query>"...))
}

// nickInfo tells the asker which nick it has registered. XEP-0045 §7.12.
func (s *Service) nickInfo(q *request) error {
	b := query(nsDiscoInfo, nodeNick)
	if nick := q.state.ReservedNick(q.stanza.From); nick != "" {
		b = identity(b, nick)
	}
	return s.reply(q, append(b, "</query>"...))
}

// roomItems tells nobody who is in the room. XEP-0045 §6.5: Choice, the list of occupants is private.
func (s *Service) roomItems(q *request) error {
	node := q.payload.Attr("node")
	if node != "" && node != nodeRooms {
		return stanza.Fail(stanza.ItemNotFound, "")
	}
	return s.reply(q, append(query(nsDiscoItems, node), "</query>"...))
}

// roomFeatures tells what a room can do and what kind it is. XEP-0045 §16.3.
func (s *Service) roomFeatures(c *store.Room) []string {
	list := []string{
		NS, NS + "#stable_id", NS + "#self-ping-optimization", formRegister, formConfig, formInfo, formRequest,
		nsDiscoInfo, nsDiscoItems, nsRegister, nsOccupantID, nsStanzaID, nsPing, nsVCard,
		kind(c.Persistent, "muc_persistent", "muc_temporary"),
		kind(c.Hidden, "muc_hidden", "muc_public"),
		kind(c.MembersOnly, "muc_membersonly", "muc_open"),
		kind(c.Moderated, "muc_moderated", "muc_unmoderated"),
		kind(c.NonAnonymous, "muc_nonanonymous", "muc_semianonymous"),
		kind(c.Password != "", "muc_passwordprotected", "muc_unsecured"),
	}
	if s.iqs[iqKey{toRoom, nsMAM, "query", true}] != nil && !c.NoArchive {
		list = append(list, nsMAM, nsMAM+"#extended")
	}
	return list
}

func kind(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// info is the form muc#roominfo. XEP-0045 §6.4.
func (q *request) info() *forms.Form {
	c := &q.state.Config
	f := &forms.Form{Type: forms.Result, FormType: formInfo}
	add := func(name, kind, label string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			f.Fields = append(f.Fields, forms.Field{Var: name, Type: kind, Label: label, Values: values})
		}
	}
	add("muc#roominfo_description", forms.TextSingle, "Description", c.Description)
	add("muc#roominfo_contactjid", forms.JIDMulti, "Contacts", q.contacts()...)
	add("muc#roominfo_lang", forms.TextSingle, "Language", c.Lang)
	add(fieldHistory, forms.TextSingle, "Lines of history for those who enter", historySetting().get(c)...)
	add("muc#roomconfig_changesubject", forms.Boolean, "Participants may change the subject", forms.Bool(c.ChangeSubject)...)
	add("muc#roominfo_subjectmod", forms.Boolean, "Participants may change the subject", forms.Bool(c.ChangeSubject)...)
	if q.mayKnow() {
		add("muc#roominfo_subject", forms.TextSingle, "Subject", subjectText(c.Subject))
		add("muc#roominfo_occupants", forms.TextSingle, "Occupants", strconv.Itoa(q.state.Present()))
	}
	if h := q.state.avatar; h != nil {
		add("muc#roominfo_avatarhash", forms.TextMulti, "Avatar", h...)
	}
	return f
}

// contacts are whom to turn to. Choice: the owners only where addresses are known to all.
func (q *request) contacts() []string {
	if c := &q.state.Config; len(c.Contacts) > 0 || !c.NonAnonymous {
		return c.Contacts
	}
	return jidsOf(q.state, Owner)
}

// mayKnow tells whether the asker may know what goes on in the room. XEP-0045 §14.4: of a room that is not open to all,
// only those who may enter.
func (q *request) mayKnow() bool {
	return q.standing().Role != NoRole || q.mayEnter() && !q.state.Config.Hidden
}

// mayEnter tells whether the asker could enter, as far as that hangs on who it is. Choice: a password is not asked for,
// so that only members count as knowing it.
func (q *request) mayEnter() bool {
	c := &q.state.Config
	switch a := q.state.Affiliation(q.stanza.From); {
	case a == Outcast:
		return false
	case a >= Member:
		return true
	default:
		return !c.MembersOnly && c.Password == ""
	}
}

// subjectText is the first subject in words.
func subjectText(subject []byte) string {
	kids, err := markup.Index(subject)
	if err != nil || len(kids) == 0 {
		return ""
	}
	return strings.TrimSpace(markup.Unescape(subject[kids[0].TextStart:kids[0].TextEnd]))
}
