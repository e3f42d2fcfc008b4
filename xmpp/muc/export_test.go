package muc

import (
	"longwire/store"
	"longwire/xmpp/router"
)

func (s *Service) Open(t *router.Turn, cfg store.Room, members []store.RoomMember) (*Room, error) {
	return s.open(t, cfg, members)
}

func IDOf(o *Occupant) string { return o.id }
