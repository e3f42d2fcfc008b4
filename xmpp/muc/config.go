package muc

import (
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
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

// submit plans what a form asks for. What we do not know is passed over.
func (p *plan) submit(f *forms.Form) error {
	for _, set := range settings(*p.room.service.options.Load()) {
		fd := f.Field(set.name)
		if fd == nil {
			continue
		}
		if err := set.set(&p.config, fd.Values); err != nil {
			return notAcceptable(set.name, err.Error())
		}
	}
	if err := p.password(f); err != nil {
		return err
	}
	if err := p.lists(f); err != nil {
		return err
	}
	if fed := p.room.service.fed; fed != nil {
		return fed.SetFields(&p.config, f)
	}
	return nil
}

// password reads the two fields that belong together.
func (p *plan) password(f *forms.Form) error {
	secret, given := f.Value(fieldSecret)
	if !given {
		secret = p.config.Password
	}
	protected, said, err := f.Bool(fieldProtected)
	switch {
	case err != nil:
		return err
	case !said:
		// Choice: a password that comes alone is meant.
		protected = secret != ""
	case !protected:
		secret = ""
	}
	if protected && secret == "" {
		return notAcceptable(fieldSecret, "a password is needed") // XEP-0045 §10.1.3
	}
	if utf8.RuneCountInString(secret) > maxPassword {
		return notAcceptable(fieldSecret, fmt.Sprintf("at most %d characters", maxPassword))
	}
	p.config.Password = secret
	return nil
}

// lists reads the full lists of owners and admins. XEP-0045 §10.2.
func (p *plan) lists(f *forms.Form) error {
	owners, hasOwners, err := jidList(f, fieldOwners)
	if err != nil {
		return err
	}
	admins, hasAdmins, err := jidList(f, fieldAdmins)
	if err != nil {
		return err
	}
	if p.config.Locked && hasOwners && !slices.Contains(owners, p.by) {
		owners = append(owners, p.by) // XEP-0045 §10.1.3: at first the field names additional owners
	}
	if hasOwners && len(owners) == 0 {
		return stanza.Fail(stanza.Conflict, fieldOwners+": a room has an owner") // XEP-0045 §10.2
	}
	to := make(map[jid.JID]Affiliation)
	for who := range p.members {
		switch a := p.affiliation(who); {
		case a == Owner && hasOwners:
			to[who] = Admin // XEP-0045 §10.2: who is an owner no longer is an admin
			if hasAdmins {
				to[who] = p.plain() // unless it is known that it is none
			}
		case a == Admin && hasAdmins:
			to[who] = p.plain()
		}
	}
	for _, who := range admins {
		if p.affiliation(who) != Owner || hasOwners {
			to[who] = Admin
		}
	}
	for _, who := range owners {
		to[who] = Owner
	}
	return p.assign(to)
}

// plain is the affiliation of one that loses a higher one. Choice: who may enter now may enter afterwards.
func (p *plan) plain() Affiliation {
	if p.config.MembersOnly {
		return Member
	}
	return NoAffiliation
}

// assign gives affiliations, in the order of addresses.
func (p *plan) assign(to map[jid.JID]Affiliation) error {
	users := make([]jid.JID, 0, len(to))
	for who := range to {
		users = append(users, who)
	}
	slices.SortFunc(users, compare)
	for _, who := range users {
		m := p.member(who)
		if m.Affiliation == to[who].String() {
			continue
		}
		m.Affiliation, m.Reason = to[who].String(), ""
		if to[who] == NoAffiliation {
			m.Nick = ""
		}
		if err := p.setMember(who, m, ""); err != nil {
			return err
		}
	}
	return nil
}

// jidList reads a list of users.
func jidList(f *forms.Form, name string) (all []jid.JID, ok bool, err error) {
	for _, v := range f.Values(name) {
		if v == "" {
			continue
		}
		j, err := jid.Parse(v)
		if err != nil || j.Local() == "" {
			return nil, false, notAcceptable(name, fmt.Sprintf("%.100q is no address of a user", v))
		}
		all = append(all, j.Bare())
	}
	return all, f.Has(name), nil
}

// configure carries the plan with its new configuration.
func (p *plan) configure(between func() error) error {
	r, old := p.room, p.room.next.Config
	p.config.JID, p.config.Created, p.config.Secret = old.JID, old.Created, old.Secret
	p.reroom(&old)
	if err := p.check(); err != nil {
		return err
	}
	if err := p.Tx.PutRoom(p.config); err != nil {
		return err
	}
	if err := p.carry(between); err != nil {
		return err
	}
	if r.next == nil {
		return nil // nobody was left in it
	}
	if err := p.reveal(&old); err != nil {
		return err
	}
	if err := p.announce(&old); err != nil {
		return err
	}
	if r.service.fed != nil {
		return r.service.fed.Configured(p.Turn, r, &old, &r.next.Config)
	}
	return nil
}

// reroom plans what a new kind of room means for those inside.
func (p *plan) reroom(old *store.Room) {
	for _, o := range p.room.next.occupants {
		if o.Hidden {
			continue
		}
		a := p.affiliation(o.Real.Bare())
		if p.config.MembersOnly && !old.MembersOnly && a < Member {
			p.expel(o, a, Cause{Codes: []int{322}, Actor: p.actor}) // XEP-0045 §10.2
			continue
		}
		if p.config.Moderated == old.Moderated || a >= Member {
			continue
		}
		// Choice: voice comes and goes with moderation, for those who would get the other role at the door.
		p.update(o, Cause{}, func(n *Occupant) {
			if n.Role != Moderator {
				n.Role = (&State{Config: p.config}).entryRole(a)
			}
		})
	}
}

// reveal shows or hides those of whose role the presence is now, or is no longer, broadcast. Choice: else some would
// stay in a client's list for ever.
func (p *plan) reveal(old *store.Room) error {
	if slices.Equal(old.Broadcast, p.config.Broadcast) {
		return nil
	}
	r, before := p.room, &State{Config: *old}
	for _, o := range r.next.occupants {
		was, is := before.broadcast(o.Role), r.next.broadcast(o.Role)
		if ch := p.change(o); ch != nil {
			was = before.broadcast(ch.old.Role)
			if is || r.next.broadcast(ch.old.Role) {
				continue // that was told with the change
			}
		}
		if o.Hidden || was == is {
			continue
		}
		plain, real := o.view(false, Cause{}), o.view(true, Cause{})
		if was {
			plain, real = o.farewell(false, Cause{}), o.farewell(true, Cause{})
		}
		if err := r.tellOthers(p.Turn, r.next, o, plain, real); err != nil {
			return err
		}
	}
	return nil
}

// announce tells everybody inside what kind of change there was. XEP-0045 §10.2.1.
func (p *plan) announce(old *store.Room) error {
	codes := changeCodes(old, &p.config)
	if codes == nil {
		return nil
	}
	return p.room.status(p.Turn, codes)
}

// changeCodes are the status codes for a change of configuration. Codes 102 and 103 have no meaning here: members that
// are not in the room are never shown.
func changeCodes(old, new *store.Room) (codes []int) {
	switch {
	case old.NoArchive && !new.NoArchive:
		codes = append(codes, 170)
	case !old.NoArchive && new.NoArchive:
		codes = append(codes, 171)
	}
	switch {
	case !old.NonAnonymous && new.NonAnonymous:
		codes = append(codes, 172)
	case old.NonAnonymous && !new.NonAnonymous:
		codes = append(codes, 173)
	}
	a := *old
	a.NoArchive, a.NonAnonymous, a.Locked = new.NoArchive, new.NonAnonymous, new.Locked
	if !reflect.DeepEqual(&a, new) {
		codes = append(codes, 104)
	}
	return codes
}

// status sends status codes to all, as a message of the room's own.
func (r *Room) status(t *router.Turn, codes []int) error {
	b := append([]byte(nil), "<x xmlns='"+NSUser+"'>"...)
	for _, c := range codes {
		b = fmt.Appendf(b, "<status code='%d'/>", c)
	}
	st := &stanza.Stanza{Kind: stanza.Message, From: r.jid, Type: stanza.Groupchat}
	st.SetInner(append(b, "</x>"...))
	return r.each(t, r.next, func(*Occupant, *Session) *stanza.Stanza { return st })
}
