package muc

import (
	"longwire/store"
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
