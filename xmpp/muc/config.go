package muc

import (
	"longwire/xmpp/forms"
	"longwire/xmpp/stanza"
)

// formConfig is the FORM_TYPE of a room's configuration. XEP-0045 §16.5.3.
const formConfig = NS + "#roomconfig"

func (s *Service) serveOwner() {
	s.handleIQ(toRoom, NSOwner, "query", false, s.inside(s.ownerGet))
	s.handleIQ(toRoom, NSOwner, "query", true, s.inside(s.ownerSet))
}

// ownerGet sends the configuration form. XEP-0045 §10.1.3, §10.2.
func (s *Service) ownerGet(q *request) error {
	if q.state.Affiliation(q.stanza.From) != Owner {
		return stanza.Fail(stanza.Forbidden, "")
	}
	b := append([]byte(nil), "<query xmlns='"+NSOwner+"'>"...)
	b = q.room.form(q.state).Append(b)
	return s.reply(q, append(b, "</query>"...))
}

// form is the configuration of a room, to be changed.
func (r *Room) form(st *State) *forms.Form {
	f := &forms.Form{
		Type: forms.Blank, FormType: formConfig,
		Title:        "Configuration of " + r.jid.Local(),
		Instructions: "Fields that are left out stay as they are.",
	}
	for _, set := range settings(*r.service.options.Load()) {
		f.Fields = append(f.Fields, forms.Field{
			Var: set.name, Type: set.kind, Label: set.label, Values: set.get(&st.Config), Options: set.options,
		})
	}
	f.Fields = append(f.Fields,
		forms.Field{Var: fieldProtected, Type: forms.Boolean, Label: "A password is needed to enter", Values: forms.Bool(st.Config.Password != "")},
		forms.Field{Var: fieldSecret, Type: forms.TextPrivate, Label: "The password", Values: some(st.Config.Password)},
		forms.Field{Var: fieldAdmins, Type: forms.JIDMulti, Label: "Admins, all of them", Values: jidsOf(st, Admin)},
		forms.Field{Var: fieldOwners, Type: forms.JIDMulti, Label: "Owners, all of them", Values: jidsOf(st, Owner)},
	)
	if fed := r.service.fed; fed != nil {
		f.Fields = append(f.Fields, fed.Fields(&st.Config)...)
	}
	return f
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func jidsOf(st *State, a Affiliation) (all []string) {
	for _, m := range listed(st.Members, a) {
		all = append(all, m.JID)
	}
	return all
}

// ownerSet takes a configuration, or the end of the room.
func (s *Service) ownerSet(q *request) error {
	if err := q.NeedTx(); err != nil {
		return err
	}
	if q.state.Affiliation(q.stanza.From) != Owner {
		return stanza.Fail(stanza.Forbidden, "")
	}
	if d := q.payload.Child(NSOwner, "destroy"); d != nil {
		return s.destroy(q, d)
	}
	f, err := forms.Parse(forms.Find(q.payload))
	switch {
	case err != nil:
		return err
	case f.Type == forms.Cancel:
		return s.cancel(q)
	case f.Type != forms.Submit || f.FormType != "" && f.FormType != formConfig:
		return stanza.Fail(stanza.BadRequest, "the form is not a room's configuration, filled in")
	}
	p := planBy(q)
	if err := p.submit(f); err != nil {
		return err
	}
	p.config.Locked = false // XEP-0045 §10.1.2, §10.1.3
	return p.configure(func() error { return s.reply(q, nil) })
}

// cancel leaves the configuration as it was; a room that never had one goes. XEP-0045 §10.1.3, §10.2.
func (s *Service) cancel(q *request) error {
	if !q.state.Config.Locked {
		return s.reply(q, nil)
	}
	return s.end(q.Turn, q.room, ending{}, func() error { return s.reply(q, nil) })
}
