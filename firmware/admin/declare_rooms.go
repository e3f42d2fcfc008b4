package admin

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/jid"
)

// What a declaration means for a room:
//
//	declared   what the file says of it holds, its federation whole; what the file leaves out is its owners' to change. A room made by
//	           hand is taken over with all that is in it
//	left out   it lives on as it is, and is one made by hand from then on
//
// A standing that the file gives is the file's: it goes when it is taken out there. Other standings stay.

// DeclareRooms makes the rooms of a store what a config declares, in one transaction; when they are so already nothing is written. update
// runs its argument on a running node's rooms; nil: on records that nobody uses yet.
func DeclareRooms(db *store.DB, c *config.Config, update func(func(*store.Tx, RoomTx) error) error) error {
	if update == nil {
		update = func(f func(*store.Tx, RoomTx) error) error {
			return db.Update(func(tx *store.Tx) error { return f(tx, atRest{tx}) })
		}
	}
	something := false
	err := db.View(func(tx *store.Tx) error {
		plan, err := plannedRooms(tx, c)
		something = len(plan) > 0
		return err
	})
	if err == nil && something {
		err = update(func(tx *store.Tx, w RoomTx) error {
			plan, err := plannedRooms(tx, c)
			if err != nil {
				return err
			}
			for _, step := range plan {
				if err := step(w); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("admin: making the rooms that the config declares: %w", err)
	}
	return nil
}

// step is one change of a room.
type step func(RoomTx) error

// plannedRooms lists the changes that are needed.
func plannedRooms(tx *store.Tx, c *config.Config) (plan []step, err error) {
	for i := range c.Rooms {
		steps, err := declaredRoom(tx, c, &c.Rooms[i])
		if err != nil {
			return nil, err
		}
		plan = append(plan, steps...)
	}
	err = tx.Rooms(func(r store.Room) error {
		if !r.Declared || r.Gone || c.Declared(r.JID) != nil {
			return nil
		}
		j, err := jid.Parse(r.JID)
		if err != nil {
			return nil // a record that no room can have
		}
		plan = append(plan, func(w RoomTx) error { return w.Configure(j, func(r *store.Room) { r.Declared = false }) })
		return tx.RoomMembers(r.JID, func(m store.RoomMember) error {
			if m.Declared {
				m.Declared = false
				plan = append(plan, func(w RoomTx) error { return w.SetMember(j, m) })
			}
			return nil
		})
	})
	return plan, err
}

func declaredRoom(tx *store.Tx, c *config.Config, d *config.Room) ([]step, error) {
	j, err := jid.Parse(d.Address)
	if err != nil {
		return nil, err
	}
	standings := standingsOf(d)
	old, err := tx.Room(d.Address)
	if errors.Is(err, store.ErrNotFound) || err == nil && old.Gone {
		r := NewRoom(c, d.Address)
		declareRoom(&r, d, func(string) bool { return true })
		return []step{func(w RoomTx) error { return w.Create(r, standings) }}, nil
	}
	if err != nil {
		return nil, err
	}
	says := func(key string) bool { return c.RoomSays(d.Address, key) }
	next := old
	declareRoom(&next, d, says)
	var plan []step
	if !sameRoom(old, next) {
		plan = append(plan, func(w RoomTx) error {
			return w.Configure(j, func(r *store.Room) { declareRoom(r, d, says) })
		})
	}
	steps, err := declaredMembers(tx, j, standings)
	return append(plan, steps...), err
}

// declareRoom makes a room's record what the file says; says tells of which keys it says anything.
func declareRoom(r *store.Room, d *config.Room, says func(key string) bool) {
	r.Declared, r.Persistent, r.Locked = true, true, false
	r.Fed = fedOf(d.Federation)
	for key, set := range map[string]func(){
		"title":          func() { r.Name = d.Title },
		"description":    func() { r.Description = d.Description },
		"password":       func() { r.Password = d.Password },
		"hidden":         func() { r.Hidden = d.Hidden },
		"members_only":   func() { r.MembersOnly = d.MembersOnly },
		"moderated":      func() { r.Moderated = d.Moderated },
		"non_anonymous":  func() { r.NonAnonymous = d.NonAnonymous },
		"subject":        func() { declareSubject(r, d.Subject) },
		"change_subject": func() { r.ChangeSubject = d.ChangeSubject },
		"archive":        func() { r.NoArchive = !d.Archive },
		"history":        func() { r.History = historyOf(d.History) },
		"max_occupants":  func() { r.MaxUsers = d.MaxOccupants },
	} {
		if says(key) {
			set()
		}
	}
}

// declareSubject holds as long as nobody in the room has said what it is about.
func declareSubject(r *store.Room, subject string) {
	if r.SubjectBy == "" && r.SubjectAt.IsZero() {
		r.Subject = subjectMarkup(subject)
	}
}

// sameRoom takes an empty list for none.
func sameRoom(a, b store.Room) bool {
	if len(a.Fed.Allow) == 0 && len(b.Fed.Allow) == 0 {
		a.Fed.Allow, b.Fed.Allow = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

func standingsOf(d *config.Room) (list []store.RoomMember) {
	for _, l := range []struct {
		affiliation string
		of          []string
	}{{"owner", d.Owners}, {"admin", d.Admins}, {"member", d.Members}, {"outcast", d.Outcasts}} {
		for _, who := range l.of {
			list = append(list, store.RoomMember{JID: who, Affiliation: l.affiliation, Declared: true})
		}
	}
	return list
}

// declaredMembers lists the changes to the standings of a room that exists. Nicks and reasons are not the file's, and stay.
func declaredMembers(tx *store.Tx, room jid.JID, want []store.RoomMember) (plan []step, err error) {
	put := func(m store.RoomMember) {
		plan = append(plan, func(w RoomTx) error { return w.SetMember(room, m) })
	}
	met := make(map[string]bool)
	err = tx.RoomMembers(room.String(), func(m store.RoomMember) error {
		met[m.JID] = true
		i := slices.IndexFunc(want, func(n store.RoomMember) bool { return n.JID == m.JID })
		switch {
		case i >= 0 && (!m.Declared || m.Affiliation != want[i].Affiliation):
			m.Affiliation, m.Declared = want[i].Affiliation, true
			put(m)
		case i < 0 && m.Declared:
			m.Affiliation, m.Declared, m.Reason = "none", false, ""
			put(m)
		}
		return nil
	})
	for _, m := range want {
		if !met[m.JID] {
			put(m)
		}
	}
	return plan, err
}
