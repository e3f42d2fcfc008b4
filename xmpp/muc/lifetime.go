package muc

import (
	"errors"
	"fmt"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Load reads the rooms from the store. Nobody is in them; those that were not meant to stay are gone. Call it once,
// before the first stanza comes.
func (s *Service) Load() error {
	err := s.run(func(t *router.Turn) error {
		var all []store.Room
		err := t.Tx.Rooms(func(c store.Room) error {
			all = append(all, c)
			return nil
		})
		for _, c := range all {
			if err != nil {
				break
			}
			if !c.Persistent && !c.Gone && !c.Declared || c.Locked {
				err = t.Tx.DeleteRoom(c.JID)
				continue
			}
			err = s.load(t, c)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("muc: loading the rooms: %w", err)
	}
	return nil
}

func (s *Service) load(t *router.Turn, c store.Room) error {
	r, n, err := newRoom(s, c)
	if err != nil {
		return err
	}
	err = t.Tx.RoomMembers(c.JID, func(m store.RoomMember) error {
		if j, err := jid.Parse(m.JID); err == nil {
			n.Members[j] = m
		}
		return nil
	})
	if err != nil {
		return err
	}
	if n.avatar, err = r.loadAvatar(t); err != nil {
		return err
	}
	s.keep(r)
	t.Tx.OnUndo(func() { s.forget(r) })
	r.set(t, n)
	if s.fed != nil {
		return s.fed.Configured(t, r, nil, &n.Config)
	}
	return nil
}

func newRoom(s *Service, c store.Room) (*Room, *State, error) {
	bare, err := jid.Parse(c.JID)
	if err != nil {
		return nil, nil, fmt.Errorf("muc: a room: %w", err)
	}
	n := &State{Config: c, Members: make(map[jid.JID]store.RoomMember)}
	return &Room{service: s, jid: bare}, n, nil
}

// Shutdown tells everybody in the rooms that the service goes down. XEP-0045 §11.2. It waits until that is on its way.
func (s *Service) Shutdown() error {
	return s.run(func(t *router.Turn) error {
		for _, r := range s.Rooms() {
			if r.next == nil {
				continue
			}
			for _, o := range r.next.occupants {
				for i := range o.Sessions {
					if err := r.bye(t, o, &o.Sessions[i], Cause{Codes: []int{332}}); err != nil {
						return err
					}
				}
			}
			n := r.next.clone()
			n.occupants, n.waiting = nil, nil
			n.nicks, n.clients, n.far = index[string]{}, index[jid.JID]{}, index[jid.JID]{}
			r.set(t, n)
		}
		return nil
	})
}

// vacate ends a room that nobody is in and that is not meant to stay. XEP-0045 §10.1: so does one that was never
// configured.
func (s *Service) vacate(t *router.Turn, r *Room) error {
	n := r.next
	if n == nil || n.Config.Persistent && !n.Config.Locked || n.Present() > 0 || len(n.waiting) > 0 {
		return nil
	}
	return s.close(t, r)
}

// open makes a room. It exists, for those that come behind in the store's order, at once.
func (s *Service) open(t *router.Turn, cfg store.Room, members []store.RoomMember) (*Room, error) {
	if len(cfg.Secret) == 0 {
		cfg.Secret = newSecret()
	}
	r, n, err := newRoom(s, cfg)
	if err != nil {
		return nil, err
	}
	if err := t.Tx.PutRoom(cfg); err != nil {
		return nil, err
	}
	for _, m := range members {
		j, err := jid.Parse(m.JID)
		if err != nil {
			return nil, err
		}
		n.Members[j] = m
		if err := t.Tx.PutRoomMember(cfg.JID, m); err != nil {
			return nil, err
		}
	}
	s.keep(r)
	t.Tx.OnUndo(func() { s.forget(r) })
	r.set(t, n)
	if s.fed != nil {
		return r, s.fed.Configured(t, r, nil, &n.Config)
	}
	return r, nil
}

// close ends a room that nobody is in, and forgets what was said in it.
func (s *Service) close(t *router.Turn, r *Room) error {
	if err := r.sendAway(t, stanza.Fail(stanza.ItemNotFound, "the room is no more")); err != nil {
		return err
	}
	if err := t.Tx.DeleteRoom(r.jid.String()); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	s.forget(r)
	t.Tx.OnUndo(func() { s.keep(r) })
	if s.fed != nil {
		if err := s.fed.Destroyed(t, r); err != nil {
			return err
		}
	}
	r.set(t, nil)
	return nil
}

func (s *Service) keep(r *Room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rooms[r.jid] = r
}

func (s *Service) forget(r *Room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms[r.jid] == r {
		delete(s.rooms, r.jid)
	}
}
