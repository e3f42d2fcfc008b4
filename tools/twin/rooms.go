package main

import (
	"fmt"
	"slices"
	"strings"

	"longwire/xmpp/jid"
)

// A Room is a room that headquarters and kits have as one: each has its own, and each kit's joins that of headquarters.
type Room struct {
	Name     string         `toml:"name"`     // the same at each end, before its rooms domain
	Kits     []string       `toml:"kits"`     // which have it; none said: all
	Title    string         `toml:"title"`    // for people
	Mode     string         `toml:"mode"`     // pp or pr
	Watch    bool           `toml:"watch"`    // kits stay joined with nobody in it
	Autojoin bool           `toml:"autojoin"` // all users enter by themselves
	Node     map[string]any `toml:"node"`     // whatever else [[room]] of longwire.toml knows, for each end
}

// at is the room's address at an end.
func (r *Room) at(e *End) string { return r.Name + "@" + e.Rooms[0] }

// has tells whether an end has the room.
func (r *Room) has(e *End) bool {
	return e.headquarters || len(r.Kits) == 0 || slices.Contains(r.Kits, e.Name)
}

// usualRooms are the rooms domains of an end that names none: those that the node itself would choose.
func usualRooms(domains []string) []string {
	list := []string{}
	for _, d := range domains {
		if usual := "chat." + d; !slices.Contains(domains, usual) && !strings.ContainsAny(d, "[:") {
			list = append(list, usual)
		}
	}
	return list
}

// rooms makes the rooms of an end, each federated: what one end joins, the other accepts.
func (h *house) rooms(e *End) (list []table, err error) {
	for i := range h.star.Room {
		r := &h.star.Room[i]
		if !r.has(e) {
			continue
		}
		t := table{"address": r.at(e)}
		if r.Title != "" {
			t["title"] = r.Title
		}
		if r.Autojoin {
			t["autojoin"] = []string{"*"}
		}
		t["federation"] = h.federation(r, e)
		if err := merge(t, r.Node, "node.", true); err != nil {
			return nil, fmt.Errorf("room %q: %w", r.Name, err)
		}
		list = append(list, t)
	}
	return list, nil
}

func (h *house) federation(r *Room, e *End) table {
	if !e.headquarters {
		f := table{"with": r.at(&h.star.Headquarters)}
		if r.Mode != "" {
			f["mode"] = r.Mode
		}
		if r.Watch {
			f["watch"] = true
		}
		return f
	}
	var from []string
	for i := range h.star.Kit {
		if kit := &h.star.Kit[i]; r.has(kit) {
			from = append(from, r.at(kit))
		}
	}
	return table{"accept": from}
}

// rooms checks the rooms that ends have in common.
func (k *checker) rooms() {
	seen := map[string]bool{}
	for i := range k.star.Room {
		r := &k.star.Room[i]
		where := fmt.Sprintf("room %q", r.Name)
		name := strings.ToLower(r.Name)
		switch j, err := jid.Parse(r.Name + "@x"); {
		case r.Name == "":
			k.bad("room", `it has no name; write name = "ops"`)
		case err != nil || j.Local() == "" || j.Resource() != "":
			k.bad(where, `this cannot be part of an address; write it as in name = "ops"`)
		case seen[name]:
			k.bad(where, "it is there twice")
		}
		seen[name] = true
		if r.Mode != "" && r.Mode != "pp" && r.Mode != "pr" {
			k.bad(where, `mode: %q is unknown; write "pp" or "pr"`, r.Mode)
		}
		for _, name := range r.Kits {
			if !slices.ContainsFunc(k.star.Kit, func(e End) bool { return e.Name == name }) {
				k.bad(where, "kits: there is no kit %q", name)
			}
		}
		for _, e := range k.star.ends() {
			if r.has(e) && len(e.Rooms) == 0 {
				k.bad(where, `%s has no domain for rooms; write rooms = ["chat.%s"] there`, e.Name, append(e.Domains, e.Name)[0])
			}
		}
	}
}
