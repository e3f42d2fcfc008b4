package muc

import (
	"errors"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
)

func (s *Service) Open(t *router.Turn, cfg store.Room, members []store.RoomMember) (*Room, error) {
	return s.open(t, cfg, members)
}

func IDOf(o *Occupant) string { return o.id }

func MayAffiliate(actor, from, to Affiliation, self bool) error {
	return mayAffiliate(actor, from, to, self)
}

func MayRole(actor Role, actorAffiliation Affiliation, target Role, targetAffiliation Affiliation, to Role, self bool) error {
	return mayRole(standing{actor, actorAffiliation}, standing{target, targetAffiliation}, to, self)
}

// MaxStones, MaxTold and MaxRegistered are bounds that tests reach.
const (
	MaxStones     = maxStones
	MaxTold       = maxTold
	MaxRegistered = maxRegistered
)

// ReadAll reads a stranger's element as everything that it could be.
func ReadAll(e *markup.Element) error {
	_, err1 := readItems(e)
	_, err2 := readInvitations(e, "invite")
	_, err3 := avatarHashes(e)
	_, err4 := registerNick(e)
	return errors.Join(err1, err2, err3, err4)
}

// Submit reads a form into a configuration, setting by setting, and writes it again.
func Submit(c *store.Room, f *forms.Form) (again *forms.Form, err error) {
	again = &forms.Form{Type: forms.Submit}
	for _, s := range settings(Options{}.withDefaults()) {
		if fd := f.Field(s.name); fd != nil {
			if err := s.set(c, fd.Values); err != nil {
				return nil, err
			}
		}
		again.Fields = append(again.Fields, forms.Field{Var: s.name, Values: s.get(c)})
	}
	return again, nil
}

// Reset makes the room what it was, but in the store.
func Reset(t *router.Turn, r *Room, s *State) { r.set(t, s) }

// Cast gives an occupant a role, whatever its standing.
func Cast(t *router.Turn, r *Room, nick, role string) error {
	o := r.next.Occupant(nick)
	n := o.copy()
	n.Role, _ = ParseRole(role)
	return r.alter(t, o, n, Cause{})
}

// A Pacing is the bound on what a user has passed on; see limits.go.
type Pacing struct{ p pacing }

func (p *Pacing) Take(t *router.Turn, who jid.JID, n int) error { return p.p.take(t, who, n) }

// size counts the keys that somebody has.
func (x index[K]) size() int {
	n := len(x.all)
	for k, o := range x.late {
		_, before := x.all[k]
		switch {
		case o == nil && before:
			n--
		case o != nil && !before:
			n++
		}
	}
	return n
}
