package config

import (
	"reflect"
	"slices"
	"strings"
)

// Changes tells what differs between two configs, so that a node touches only that.
type Changes struct {
	Keys []string // every changed key in the file's words: "log.level", `link "IP link hq-2-field" ack_every`

	Domains     bool // which domains are ours
	TLS         bool // other certificate files. Their content may change under the same names; read them again anyway
	Listeners   bool // clients.listen, direct_tls, plaintext
	Limits      bool // any other key of [clients]
	Store       bool // [store], and what an account may have waiting
	Log         bool // [log]
	RoomService bool // [rooms]
	Archive     bool // [archive]
	Links       Named
	Peers       Named
	Precedence  bool // [precedence]
	Budgets     bool // [[budget]], [air]
	Delivery    bool // [delivery]
	Attendant   bool // [attendant]
	Telemetry   bool // [telemetry]
	Users       Named
	Rooms       Named

	// Fixed holds the changed keys that a running node cannot apply; a reload with any is refused whole.
	Fixed []string
}

// Named tells what happened to things with names.
type Named struct{ Added, Removed, Changed []string }

// Any tells whether anything happened.
func (n Named) Any() bool { return len(n.Added)+len(n.Removed)+len(n.Changed) > 0 }

// Touches tells whether name was added, removed or changed.
func (n Named) Touches(name string) bool {
	return slices.Contains(n.Added, name) || slices.Contains(n.Removed, name) || slices.Contains(n.Changed, name)
}

// Empty tells that the two configs mean the same.
func (d *Changes) Empty() bool { return len(d.Keys) == 0 }

// Diff compares two valid configs.
func Diff(old, new *Config) *Changes {
	d := &Changes{}
	d.Keys = compare("", reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem())
	for _, key := range d.Keys {
		switch section, rest, _ := strings.Cut(key, "."); section {
		case "domains":
			d.Domains = true
		case "data":
			d.Fixed = append(d.Fixed, key)
		case "control":
			if old.set(key) || new.set(key) { // else it went with data
				d.Fixed = append(d.Fixed, key)
			}
		case "tls":
			d.TLS = true
		case "store":
			d.Store = true
		case "log":
			d.Log = true
		case "rooms":
			d.RoomService = true
		case "precedence":
			d.Precedence = true
		case "budget", "air":
			d.Budgets = true
		case "delivery":
			d.Delivery = true
		case "attendant":
			d.Attendant = true
		case "telemetry":
			d.Telemetry = true
		case "archive":
			d.Archive = true
		case "clients":
			switch rest {
			case "listen", "direct_tls", "plaintext":
				d.Listeners = true
			case "offline_messages", "offline_bytes":
				d.Store = true
			default:
				d.Limits = true
			}
		}
	}
	d.named("link", &d.Links, fields(old.Links, linkName), fields(new.Links, linkName))
	d.named("peer", &d.Peers, fields(old.Peers, peerName), fields(new.Peers, peerName))
	d.named("user", &d.Users, fields(old.Users, userName), fields(new.Users, userName))
	d.named("room", &d.Rooms, fields(old.Rooms, roomName), fields(new.Rooms, roomName))
	return d
}

func linkName(l *Link) string { return l.Name }
func peerName(p *Peer) string { return p.Name }
func userName(u *User) string { return u.Address }
func roomName(r *Room) string { return r.Address }

// compare lists the keys that differ. What has names at the top (links, peers, users, rooms) is left to named; other
// lists of tables are keys like any other.
func compare(path string, a, b reflect.Value) (keys []string) {
	for i := range a.NumField() {
		f := a.Type().Field(i)
		key := keyOf(f)
		switch {
		case key == "" || path == "" && hasNames(a.Field(i)):
		case f.Type.Kind() == reflect.Struct:
			keys = append(keys, compare(join(path, key), a.Field(i), b.Field(i))...)
		case f.Type.Kind() == reflect.Slice && a.Field(i).Len() == 0 && b.Field(i).Len() == 0:
		case !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()):
			keys = append(keys, join(path, key))
		}
	}
	return keys
}

func hasNames(v reflect.Value) bool {
	switch v.Interface().(type) {
	case []Link, []Peer, []User, []Room:
		return true
	}
	return false
}

func fields[T any](list []T, name func(*T) string) map[string]reflect.Value {
	m := make(map[string]reflect.Value, len(list))
	for i := range list {
		m[name(&list[i])] = reflect.ValueOf(list[i])
	}
	return m
}

func (d *Changes) named(kind string, n *Named, old, new map[string]reflect.Value) {
	for name, a := range old {
		b, still := new[name]
		if !still {
			n.Removed = append(n.Removed, name)
			continue
		}
		if keys := compare("", a, b); len(keys) > 0 {
			n.Changed = append(n.Changed, name)
			for _, k := range keys {
				d.Keys = append(d.Keys, kind+" "+quote(name)+" "+k)
			}
		}
	}
	for name := range new {
		if _, before := old[name]; !before {
			n.Added = append(n.Added, name)
		}
	}
	for _, l := range [][]string{n.Added, n.Removed, n.Changed} {
		slices.Sort(l)
	}
	for _, name := range n.Added {
		d.Keys = append(d.Keys, kind+" "+quote(name)+" added")
	}
	gone := " removed"
	if kind == "room" {
		gone = " not in the config any more; it lives on"
	}
	for _, name := range n.Removed {
		d.Keys = append(d.Keys, kind+" "+quote(name)+gone)
	}
	slices.Sort(d.Keys)
}

func quote(s string) string { return `"` + s + `"` }
