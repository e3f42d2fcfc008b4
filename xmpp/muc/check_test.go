package muc

import (
	"errors"
	"fmt"
	"maps"

	"longwire/xmpp/jid"
	"longwire/xmpp/router"
)

// SetRole is what an administrator's request does.
func SetRole(t *router.Turn, r *Room, nick string, role Role) error {
	old := r.next.Occupant(nick)
	if old == nil {
		return nil
	}
	o := old.copy()
	o.Role = role
	return r.alter(t, old, o, Cause{})
}

// Check tells what does not fit together in a service in which nothing is under way.
func Check(s *Service) error {
	places := map[jid.JID]int{}
	for _, r := range s.rooms {
		if err := r.check(places); err != nil {
			return fmt.Errorf("%s: %w", r.jid, err)
		}
	}
	if !maps.Equal(places, s.in) {
		return fmt.Errorf("users are in %v, counted as %v", places, s.in)
	}
	return nil
}

func (r *Room) check(places map[jid.JID]int) error {
	n := r.next
	if n == nil || n != r.live.Load() {
		return fmt.Errorf("what is decided is not what is shown: %p %p, count %d, version %d", n, r.live.Load(), r.count, r.version)
	}
	clients, far := 0, 0
	for _, o := range n.occupants {
		if n.nicks.get(o.Nick) != o || o.jid.Resource() != o.Nick {
			return fmt.Errorf("%s is not found by its nick", o.Nick)
		}
		if !o.Ours() {
			if n.far.get(o.Real) == nil || len(o.Sessions) > 0 {
				return fmt.Errorf("%s is not known as one from afar", o.Nick)
			}
			far++
			continue
		}
		if o.session(o.Real) < 0 {
			return fmt.Errorf("%s stands for nobody", o.Nick)
		}
		for _, c := range o.Sessions {
			clients++
			places[c.JID.Bare()]++
			if n.clients.get(c.JID) != o {
				return fmt.Errorf("%s is not found by its address", c.JID)
			}
		}
	}
	if n.nicks.size() != len(n.occupants) || n.clients.size() != clients || n.far.size() > far {
		return errors.New("somebody is found who is not there")
	}
	return nil
}
