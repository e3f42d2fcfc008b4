package admin

import (
	"errors"
	"fmt"
	"strings"

	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/jid"
)

// FederateRoom changes the federation of a room; off ends it.
func (a *Admin) FederateRoom(name string, change func(*config.RoomFederation), off bool) (Room, config.Faults, error) {
	j, err := a.room(name)
	if err != nil {
		return Room{}, nil, err
	}
	if a.cfg().Declared(j.String()) != nil {
		return Room{}, nil, fmt.Errorf("admin: the config declares room %s%s, and with it its federation; change it there, below [room.federation], and reload",
			j, a.roomDeclaredAt(j))
	}
	var now store.Room
	err = a.read(func(db *store.DB) error {
		return db.View(func(tx *store.Tx) (err error) { now, err = tx.Room(j.String()); return err })
	})
	if err == nil && now.JID == "" || now.Gone {
		err = store.ErrNotFound
	}
	if err != nil {
		return Room{}, nil, noRoom(j, err)
	}
	f := federationOf(&now)
	before := f
	if change(&f); off {
		f = config.RoomFederation{}
	} else if f.With == "" && (f.Mode != before.Mode || f.History != before.History || f.Watch != before.Watch) {
		return Room{}, nil, misuse("--mode, --history and --watch are for the side that joins, and room %s joins none; name FARROOM, or leave them out", j)
	}
	var warnings config.Faults
	if !off {
		if warnings, err = a.federable(j, &f); err != nil {
			return Room{}, nil, err
		}
	}
	room, err := a.changeRoom(j, func(tx *store.Tx, w RoomTx) error {
		return w.Configure(j, func(r *store.Room) {
			if r.Fed = fedOf(f); r.Fed.Enabled {
				r.Persistent = true
			}
		})
	})
	return room, warnings, err
}

// federationOf is a room's federation in the config's words.
func federationOf(r *store.Room) config.RoomFederation {
	f := config.DefaultRoomFederation()
	if r.Fed.Node != "" {
		f = config.RoomFederation{With: r.Fed.Node, Mode: r.Fed.Mode, History: r.Fed.History, Watch: r.Fed.Watch}
	}
	f.Accept, f.LastN = r.Fed.Allow, r.Fed.LastN
	if r.Fed.Enabled && r.Fed.Node == "" && len(f.Accept) == 0 {
		f.Accept = []string{config.Everyone} // what an owner's form says by an empty list
	}
	return f
}

// spared finds out whether a config would fold away what rooms say that were federated by command, or by their owners.
func (a *Admin) spared(c *config.Config) error {
	rooms := make(map[string]config.RoomFederation)
	err := a.read(func(db *store.DB) error {
		return db.View(func(tx *store.Tx) error {
			return tx.Rooms(func(r store.Room) error {
				if r.Fed.Enabled && !r.Gone && c.Declared(r.JID) == nil {
					rooms[r.JID] = federationOf(&r)
				}
				return nil
			})
		})
	})
	if err != nil {
		return err
	}
	return c.CheckFolding(rooms)
}

// federable checks what the config would be checked for, if it said this.
func (a *Admin) federable(room jid.JID, f *config.RoomFederation) (config.Faults, error) {
	if !f.Enabled() {
		return nil, misuse("say which room of another node it joins, or by --accept who may join it, or --off")
	}
	warnings, err := a.cfg().CheckFederation(room.String(), f)
	var faults config.Faults
	if errors.As(err, &faults) && len(faults) > 0 {
		where := flagOf[faults[0].Key]
		if strings.HasPrefix(faults[0].Key, "peer.fold") {
			where = faults[0].Key + ": "
		}
		return nil, misuse("%s%s; %s", where, faults[0].Problem, faults[0].Remedy)
	}
	return warnings, err
}

// flagOf names the flag for a key of the config; those of rooms and domains name themselves.
var flagOf = map[string]string{"federation.mode": "--mode: ", "federation.history": "--history: ", "federation.last_n": "--last-n: "}
