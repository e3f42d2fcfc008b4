package muc

import (
	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

const (
	nsRegister   = "jabber:iq:register"
	formRegister = NS + "#register" // XEP-0045 §16.5.1
	fieldNick    = "muc#register_roomnick"
)

func (s *Service) serveRegister() {
	s.handleIQ(toRoom, nsRegister, "query", false, s.inside(s.registerGet))
	s.handleIQ(toRoom, nsRegister, "query", true, s.inside(s.registerSet))
}

// mayRegister tells whether a user can become a member by itself. Choice: of rooms that anybody may enter. Others have
// members so that somebody decides.
func (q *request) mayRegister() error {
	switch a := q.state.Affiliation(q.stanza.From); {
	case a == Outcast, a == NoAffiliation && q.state.Config.MembersOnly:
		return stanza.Fail(stanza.NotAllowed, "") // XEP-0045 §7.10
	}
	return nil
}

// registerGet tells which nick is the user's, or how to get one. XEP-0045 §7.10.
func (s *Service) registerGet(q *request) error {
	if err := q.mayRegister(); err != nil {
		return err
	}
	b := append([]byte(nil), "<query xmlns='"+nsRegister+"'>"...)
	if nick := q.state.ReservedNick(q.stanza.From); nick != "" {
		b = append(markup.AppendEscaped(append(b, "<registered/><username>"...), nick), "</username></query>"...)
		return s.reply(q, b)
	}
	f := forms.Form{
		Type: forms.Blank, FormType: formRegister, Title: "Registration with " + q.room.jid.Local(),
		Instructions: "Nobody else can use the nick that you register.",
		Fields:       []forms.Field{{Var: fieldNick, Type: forms.TextSingle, Label: "Nick", Required: true}},
	}
	if o := q.from; o != nil {
		f.Fields[0].Values = []string{o.Nick}
	}
	return s.reply(q, append(f.Append(b), "</query>"...))
}

// registerSet makes the user a member with a nick of its own, gives it another, or ends that.
func (s *Service) registerSet(q *request) error {
	if err := q.NeedTx(); err != nil {
		return err
	}
	who := q.stanza.From.Bare()
	p := planFor(q.Turn, q.room) // the room itself acts, for whoever asks for itself
	m := p.member(who)
	if q.payload.Child(nsRegister, "remove") != nil {
		return s.unregister(q, p, m)
	}
	if err := q.mayRegister(); err != nil {
		return err
	}
	nick, err := registerNick(q.payload)
	if err != nil {
		return err
	}
	if nick == "" {
		return s.reply(q, nil) // cancelled
	}
	if m.Nick, err = p.reservable(who, nick); err != nil {
		return err
	}
	if p.affiliation(who) == NoAffiliation {
		m.Affiliation = Member.String()
	}
	if err := p.setMember(who, m, ""); err != nil {
		return err
	}
	p.known = true
	if p.affiliation(who) == Member && len(p.members) > maxRegistered && q.state.Affiliation(who) == NoAffiliation {
		return stanza.Fail(stanza.ResourceConstraint, "the room has too many members")
	}
	if err := p.carry(func() error { return s.reply(q, nil) }); err != nil {
		return err
	}
	return q.room.lockNick(q.Turn, who, m.Nick)
}

// lockNick gives a user in the room the nick that it has registered, where no other is allowed. XEP-0045 §7.10.
func (r *Room) lockNick(t *router.Turn, who jid.JID, nick string) error {
	if !r.service.options.Load().LockNicks || r.next.Occupant(nick) != nil {
		return nil
	}
	for _, o := range r.next.occupants {
		if o.Ours() && o.Real.Bare() == who {
			n := o.copy()
			n.Nick = nick
			return r.renamed(t, o, n, []int{210})
		}
	}
	return nil
}

// registerNick reads the nick of a form; "" for one that is cancelled.
func registerNick(query *markup.Element) (string, error) {
	f, err := forms.Parse(forms.Find(query))
	if err != nil {
		return "", err
	}
	if f.Type == forms.Cancel {
		return "", nil
	}
	nick, _ := f.Value(fieldNick)
	if f.Type != forms.Submit || f.FormType != formRegister || nick == "" {
		return "", stanza.Fail(stanza.BadRequest, fieldNick+" is missing") // XEP-0045 §7.10
	}
	return nick, nil
}

// unregister takes back the nick, and the membership that came with it. XEP-0077 §3.2. Choice: admins and owners stay
// what they are.
func (s *Service) unregister(q *request, p *plan, m store.RoomMember) error {
	if m.Nick == "" && m.Affiliation != Member.String() {
		return stanza.Fail(stanza.RegistrationRequired, "")
	}
	m.Nick = ""
	if m.Affiliation == Member.String() {
		m.Affiliation = NoAffiliation.String()
	}
	if err := p.setMember(q.stanza.From.Bare(), m, ""); err != nil {
		return err
	}
	p.known = true
	return p.carry(func() error { return s.reply(q, nil) })
}
