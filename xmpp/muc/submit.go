package muc

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

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
