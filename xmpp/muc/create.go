package muc

import (
	"fmt"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// createAtDoor makes the room that somebody wants to enter. Nobody else may come in before its owner has said what it
// is to be. XEP-0045 §10.1.1.
func (s *Service) createAtDoor(t *router.Turn, by, room jid.JID) (*Room, error) {
	if err := s.checkCreate(by); err != nil {
		return nil, err
	}
	cfg := s.options.Load().fresh(room)
	cfg.Locked, cfg.Creator = true, by.Bare().String()
	return s.open(t, cfg, []store.RoomMember{{JID: by.Bare().String(), Affiliation: Owner.String()}})
}

// Create makes a room for the operator, ready to be entered. What cfg leaves out is as it says: the default for new
// rooms is not consulted.
func (s *Service) Create(t *router.Turn, cfg store.Room, members []store.RoomMember) (*Room, error) {
	bare, err := jid.Parse(cfg.JID)
	if err != nil {
		return nil, fmt.Errorf("muc: creating a room: %w", err)
	}
	if !bare.IsBare() || bare.Local() == "" || !s.serves(bare.Domain()) {
		return nil, fmt.Errorf("muc: creating a room: %s is no address of a room here", bare)
	}
	cfg.JID = bare.String()
	if err := t.NeedTx(); err != nil {
		return nil, err
	}
	if old := s.room(bare); old != nil && old.next != nil {
		if !old.next.Config.Gone {
			return nil, fmt.Errorf("muc: creating %s: it exists", bare)
		}
		if err := s.close(t, old); err != nil {
			return nil, err
		}
	}
	return s.open(t, cfg, members)
}

// Configure changes a room for the operator. f must not change what the room is called, nor its subject, and replaces
// lists instead of changing them in place.
func (s *Service) Configure(t *router.Turn, r *Room, f func(*store.Room)) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	if r.next == nil {
		return fmt.Errorf("muc: configuring %s: there is no such room", r.jid)
	}
	p := planFor(t, r)
	f(&p.config)
	return p.configure(nil)
}

// SetMember gives a user a standing in a room, a reserved nick, or both, for the operator. Who is inside and may not stay
// is removed.
func (s *Service) SetMember(t *router.Turn, r *Room, m store.RoomMember) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	who, err := jid.Parse(m.JID)
	if err != nil {
		return fmt.Errorf("muc: members of %s: %w", r.jid, err)
	}
	if _, ok := ParseAffiliation(m.Affiliation); !ok && m.Affiliation != "" {
		return fmt.Errorf("muc: members of %s: there is no affiliation %q", r.jid, m.Affiliation)
	}
	if r.next == nil {
		return fmt.Errorf("muc: members of %s: there is no such room", r.jid)
	}
	p := planFor(t, r)
	m.JID = who.Bare().String()
	if m.Nick, err = p.reservable(who.Bare(), m.Nick); err != nil {
		return fmt.Errorf("muc: members of %s: %w", r.jid, err)
	}
	if err := p.setMember(who.Bare(), m, m.Reason); err != nil {
		return err
	}
	return p.carry(nil)
}

func (s *Service) serves(domain string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.domains[domain] != nil
}

// inside lets f see requests to rooms that can be entered, or are the asker's to configure. To others a locked room is
// not there (XEP-0045 §17.2), and one that was destroyed tells where it went.
func (s *Service) inside(f iqHandler) iqHandler {
	return func(q *request) error {
		if err := s.visible(q); err != nil {
			return err
		}
		return f(q)
	}
}

// visible refuses what is asked of a room that is not there for the asker.
func (s *Service) visible(q *request) error {
	switch c := &q.state.Config; {
	case c.Gone:
		return goneTo(c)
	case c.Locked && q.state.Affiliation(q.stanza.From) != Owner:
		return stanza.Fail(stanza.ItemNotFound, "")
	}
	return nil
}
