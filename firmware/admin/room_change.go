package admin

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/jid"
)

// Affiliations are the standings with a room, the highest first; none is to have no standing.
var Affiliations = []string{"owner", "admin", "member", "none", "outcast"}

// CreateRoom makes a room, with settings as "moderated=yes", and owners.
func (a *Admin) CreateRoom(name string, settings, owners []string) (Room, error) {
	j, err := a.room(name)
	if err != nil {
		return Room{}, err
	}
	r := NewRoom(a.cfg(), j.String())
	if _, err := applied(&r, settings); err != nil {
		return Room{}, err
	}
	var members []store.RoomMember
	for _, who := range owners {
		user, err := a.anybody(who)
		if err != nil {
			return Room{}, err
		}
		members = append(members, store.RoomMember{JID: user, Affiliation: "owner"})
	}
	return a.after(j, a.updateRooms(func(tx *store.Tx, w RoomTx) error {
		switch old, err := tx.Room(j.String()); {
		case err == nil && !old.Gone:
			return &worded{fmt.Sprintf("admin: there is a room %s already; 'room configure' changes it", j), store.ErrExists}
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		}
		for _, m := range members {
			if err := a.known(tx, m.JID); err != nil {
				return err
			}
		}
		return w.Create(r, members)
	}))
}

// ConfigureRoom changes settings, as "moderated=yes". What the config says of a declared room is changed there.
func (a *Admin) ConfigureRoom(name string, settings []string) (Room, error) {
	j, err := a.room(name)
	if err != nil {
		return Room{}, err
	}
	words, err := applied(new(store.Room), settings)
	if err != nil {
		return Room{}, err
	}
	c := a.cfg()
	for _, word := range words {
		if key := configKey(word); c.RoomSays(j.String(), key) {
			return Room{}, fmt.Errorf("admin: the config says %s of room %s%s; change it there and reload", key, j, a.roomDeclaredAt(j))
		}
	}
	return a.changeRoom(j, func(tx *store.Tx, w RoomTx) error {
		next, err := tx.Room(j.String())
		if err != nil {
			return err
		}
		if _, _ = applied(&next, settings); slices.Contains(words, "persistent") && !next.Persistent {
			switch {
			case next.Declared:
				return fmt.Errorf("admin: the config declares room %s%s, which always stays; leave persistent out", j, a.roomDeclaredAt(j))
			case next.Fed.Enabled:
				return fmt.Errorf("admin: room %s is federated, and stays as long as it is; 'room federate %[1]s --off' ends that", j)
			}
		}
		return w.Configure(j, func(r *store.Room) { _, _ = applied(r, settings) })
	})
}

// configKey is the config's word for what two words say.
func configKey(word string) string {
	switch word {
	case "public":
		return "hidden"
	case "whois":
		return "non_anonymous"
	}
	return word
}

// SetRoomMember gives somebody, or everybody of a domain, a standing with a room; "none" takes it away.
func (a *Admin) SetRoomMember(name, who, affiliation, nick, reason string) (Room, error) {
	j, err := a.room(name)
	if err != nil {
		return Room{}, err
	}
	user, err := a.anybody(who)
	if err != nil {
		return Room{}, err
	}
	if !slices.Contains(Affiliations, affiliation) {
		return Room{}, misuse("there is no affiliation %q; there are: %s", affiliation, strings.Join(Affiliations, ", "))
	}
	if nick != "" && !strings.Contains(user, "@") {
		return Room{}, misuse("%s is a domain, and a nick is one user's; leave --nick out", user)
	}
	return a.changeRoom(j, func(tx *store.Tx, w RoomTx) error {
		if affiliation != "none" && affiliation != "outcast" {
			if err := a.known(tx, user); err != nil {
				return err
			}
		}
		m := store.RoomMember{JID: user, Affiliation: affiliation, Nick: nick, Reason: reason}
		err := tx.RoomMembers(j.String(), func(old store.RoomMember) error {
			if old.JID != user {
				return nil
			}
			if old.Declared {
				return fmt.Errorf("admin: the config says what %s is in room %s%s; change it there and reload", user, j, a.roomDeclaredAt(j))
			}
			if nick == "" && affiliation != "none" && affiliation != "outcast" {
				m.Nick = old.Nick
			}
			return nil
		})
		if err != nil {
			return err
		}
		return w.SetMember(j, m)
	})
}

// known refuses a user of this node that is not there: most likely another was meant, and nobody would be told.
func (a *Admin) known(tx *store.Tx, user string) error {
	j, err := jid.Parse(user)
	if err != nil || j.Local() == "" || !slices.Contains(a.cfg().Domains, j.Domain()) {
		return nil
	}
	if exists, err := tx.AccountExists(user); err != nil || exists {
		return err
	}
	return &worded{fmt.Sprintf("admin: there is no user %s; 'user list' shows all, 'user add' makes one", user), store.ErrNotFound}
}

// DestroyRoom ends a room, with its archive; of one that is gone it takes away the sign. Who looks for it is sent to the alternative, if there is one.
func (a *Admin) DestroyRoom(name, alternate, reason string) (string, error) {
	j, err := a.room(name)
	if err != nil {
		return "", err
	}
	var other jid.JID
	if alternate != "" {
		if other, err = jid.Parse(alternate); err != nil || other.Local() == "" || other.Resource() != "" {
			return "", misuse("%q is not a room's address; write it as in ops2@%s", alternate, j.Domain())
		}
	}
	if a.cfg().Declared(j.String()) != nil {
		return "", fmt.Errorf("admin: the config declares room %s%s, and would make it again; take it out there and reload, then destroy it",
			j, a.roomDeclaredAt(j))
	}
	return j.String(), noRoom(j, a.updateRooms(func(tx *store.Tx, w RoomTx) error { return w.Destroy(j, other, reason) }))
}

// changeRoom changes a room that exists, and tells what has become of it.
func (a *Admin) changeRoom(j jid.JID, f func(*store.Tx, RoomTx) error) (Room, error) {
	return a.after(j, a.updateRooms(func(tx *store.Tx, w RoomTx) error {
		if r, err := tx.Room(j.String()); err != nil {
			return err
		} else if r.Gone {
			return store.ErrNotFound
		}
		return f(tx, w)
	}))
}

func (a *Admin) after(j jid.JID, err error) (Room, error) {
	if err != nil {
		return Room{}, noRoom(j, err)
	}
	room, err := a.Room(j.String())
	if errors.Is(err, store.ErrNotFound) {
		return Room{JID: j.String()}, nil // it was destroyed
	}
	return room, err
}

// anybody reads a user of any node, or a domain, as somebody who can have a standing with a room.
func (a *Admin) anybody(text string) (string, error) {
	who := a.cfg().Person(text)
	if j, err := jid.Parse(who); err != nil || j.Resource() != "" || text == config.Everyone {
		return "", misuse("%q is neither a user nor a domain; write it as in alice, alice@field.net or field.net", text)
	}
	return who, nil
}

// roomDeclaredAt is the place of a declaration, for people.
func (a *Admin) roomDeclaredAt(j jid.JID) string {
	c := a.cfg()
	for i, r := range c.Rooms {
		if line := c.Line(fmt.Sprintf("room[%d]", i)); r.Address == j.String() && line > 0 {
			return fmt.Sprintf(" (%s, line %d)", c.File, line)
		}
	}
	return ""
}

// Forsake ends what an account that is removed was in rooms, so that who gets its name later does not inherit that. What the config says of
// the name stays.
func Forsake(tx *store.Tx, w RoomTx, account jid.JID) error {
	var in, made []jid.JID
	err := tx.Rooms(func(r store.Room) error {
		j, err := jid.Parse(r.JID)
		if err != nil || r.Gone {
			return nil
		}
		if r.Creator == account.String() {
			made = append(made, j)
		}
		return tx.RoomMembers(r.JID, func(m store.RoomMember) error {
			if m.JID == account.String() && !m.Declared {
				in = append(in, j)
			}
			return nil
		})
	})
	for _, j := range made {
		if err == nil {
			err = w.Configure(j, func(r *store.Room) { r.Creator = "" })
		}
	}
	for _, j := range in {
		if err == nil {
			err = w.SetMember(j, store.RoomMember{JID: account.String(), Affiliation: "none"})
		}
	}
	return err
}
