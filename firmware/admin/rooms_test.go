package admin_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/jid"
)

func TestRoomsAreMadeChangedAndDestroyed(t *testing.T) {
	both(t, func(t *testing.T, a *admin.Admin) {
		if _, err := a.AddUser("alice", "secret"); err != nil {
			t.Fatal(err)
		}
		r, err := a.CreateRoom("Ops", []string{"title=Operations", "moderated=yes", "muc#roomconfig_publicroom=0", "history=none", "password=open sesame"}, []string{"alice", "field.net"})
		if err != nil {
			t.Fatal(err)
		}
		if r.JID != "ops@chat.headquarters.net" || r.Title != "Operations" || r.Created.IsZero() || r.Federation != nil {
			t.Errorf("got %+v", r)
		}
		for key, want := range map[string]any{"moderated": true, "hidden": true, "history": 0, "password": true, "persistent": true, "archive": true, "allow_pm": "anyone", "non_anonymous": false} {
			if r.Settings[key] != want {
				t.Errorf("%s is %v, want %v", key, r.Settings[key], want)
			}
		}
		want := []admin.RoomMember{{JID: "alice@headquarters.net", Affiliation: "owner"}, {JID: "field.net", Affiliation: "owner"}}
		if !reflect.DeepEqual(r.Members, want) {
			t.Errorf("members %+v", r.Members)
		}
		if _, err := a.CreateRoom("ops", nil, nil); !errors.Is(err, store.ErrExists) || !strings.Contains(err.Error(), "'room configure' changes it") {
			t.Errorf("made twice: %v", err)
		}
		if r, err = a.ConfigureRoom("ops", []string{"moderated=off", "whois=anyone", "allow_pm=moderators", "max_occupants=30", "password="}); err != nil {
			t.Fatal(err)
		}
		if s := r.Settings; s["moderated"] != false || s["non_anonymous"] != true || s["allow_pm"] != "moderators" || s["max_occupants"] != 30 || s["password"] != false || r.Title != "Operations" {
			t.Errorf("configured %+v", r)
		}
		if r, err = a.SetRoomMember("ops", "bob@field.net", "outcast", "", "noise"); err != nil {
			t.Fatal(err)
		}
		if r, err = a.SetRoomMember("ops", "alice", "none", "", ""); err != nil || len(r.Members) != 2 || r.Members[1] != (admin.RoomMember{JID: "bob@field.net", Affiliation: "outcast", Reason: "noise"}) {
			t.Errorf("members %+v, %v", r.Members, err)
		}
		if j, err := a.DestroyRoom("ops", "", ""); err != nil || j != "ops@chat.headquarters.net" {
			t.Errorf("destroyed %s, %v", j, err)
		}
		if list, err := a.Rooms(); err != nil || len(list) != 0 {
			t.Errorf("left: %+v, %v", list, err)
		}
		if _, err := a.ConfigureRoom("ops", []string{"moderated=on"}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a room that is gone: %v", err)
		}
	})
}

func TestRoomsAreFederatedByOneCommand(t *testing.T) {
	both(t, func(t *testing.T, a *admin.Admin) {
		if _, err := a.CreateRoom("ops", []string{"persistent=no"}, nil); err != nil {
			t.Fatal(err)
		}
		with := func(far string) func(*config.RoomFederation) {
			return func(f *config.RoomFederation) { f.With = far }
		}
		r, _, err := a.FederateRoom("ops", with("Ops@chat.field.net"), false)
		if err != nil || r.Federation == nil {
			t.Fatal(r, err)
		}
		f := *r.Federation
		if f.With != "ops@chat.field.net" || f.Mode != "pp" || f.History != "since" || f.Watch || len(f.Peers) != 1 || r.Settings["persistent"] != true {
			t.Errorf("got %+v", f)
		}
		if _, err := a.ConfigureRoom("ops", []string{"persistent=no"}); err == nil || !strings.Contains(err.Error(), "room federate ops@chat.headquarters.net --off") {
			t.Errorf("a federated room that ends: %v", err)
		}
		// The next one changes what it says, and nothing else.
		r, _, err = a.FederateRoom("ops", func(f *config.RoomFederation) { f.Watch, f.Accept = true, []string{"chat.field.net"} }, false)
		if f := *r.Federation; err != nil || f.With != "ops@chat.field.net" || !f.Watch || !reflect.DeepEqual(f.Accept, []string{"chat.field.net"}) {
			t.Errorf("got %+v, %v", f, err)
		}
		if r, _, err = a.FederateRoom("ops", func(*config.RoomFederation) {}, true); err != nil || r.Federation != nil {
			t.Errorf("off: %+v, %v", r, err)
		}
		if r, _, err = a.FederateRoom("ops", func(f *config.RoomFederation) { f.Accept = []string{"*"} }, false); err != nil || r.Federation.With != "" || r.Federation.Mode != "" {
			t.Errorf("joined only: %+v, %v", r, err)
		}
		for _, c := range []struct{ far, want string }{
			{"ops@chat.nowhere.net", "no peer has the domain chat.nowhere.net; add"},
			{"chat.field.net", `"chat.field.net" is not a room's address`},
			{"ops@chat.headquarters.net", "is a domain of this node"},
		} {
			if _, _, err := a.FederateRoom("ops", with(c.far), false); !errors.Is(err, admin.ErrMisuse) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.far, err)
			}
		}
		if _, _, err := a.FederateRoom("nothing", with("ops@chat.field.net"), false); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a room that does not exist: %v", err)
		}
	})
}

func TestWhatMakesNoSenseForARoomIsToldWithItsRemedy(t *testing.T) {
	a := admin.Running(start(t))
	if _, err := a.CreateRoom("ops", nil, nil); err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]func() error{
		`"a b@chat.headquarters.net" is not a room's address`: func() error { _, err := a.Room("a b"); return err },
		"field.net is not a domain of this node's rooms":      func() error { _, err := a.Room("ops@field.net"); return err },
		`write it as in moderated=yes`:                        func() error { _, err := a.ConfigureRoom("ops", []string{"moderated"}); return err },
		`moderated cannot be "maybe"; write yes or no`:        func() error { _, err := a.ConfigureRoom("ops", []string{"moderated=maybe"}); return err },
		`there is no setting "colour"; there are: title`:      func() error { _, err := a.ConfigureRoom("ops", []string{"colour=red"}); return err },
		`federation is set by 'room federate'`:                func() error { _, err := a.ConfigureRoom("ops", []string{"x-fmuc_mode=pp"}); return err },
		`history cannot be "9999"`:                            func() error { _, err := a.ConfigureRoom("ops", []string{"history=9999"}); return err },
		`there is no affiliation "king"`:                      func() error { _, err := a.SetRoomMember("ops", "bob", "king", "", ""); return err },
		`"bob@x/y" is neither a user nor a domain`:            func() error { _, err := a.SetRoomMember("ops", "bob@x/y", "owner", "", ""); return err },
		`say which room of another node it joins`:             func() error { _, _, err := a.FederateRoom("ops", func(*config.RoomFederation) {}, false); return err },
		`"there" is not a room's address`:                     func() error { _, err := a.DestroyRoom("ops", "there", ""); return err },
	} {
		if err := f(); !errors.Is(err, admin.ErrMisuse) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestRoomTellsWhoIsInItAndWhatWaits(t *testing.T) {
	n := start(t)
	a := admin.Running(n)
	if _, err := a.CreateRoom("ops", nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.FederateRoom("ops", func(f *config.RoomFederation) { f.With = "ops@chat.field.net" }, false); err != nil {
		t.Fatal(err)
	}
	here, far := "ops@chat.headquarters.net", "ops@chat.field.net"
	n.rooms = map[string]admin.RoomState{here: {
		Nodes: []admin.RoomNode{{Room: here, Nicks: []string{"Alice", "Ada"}}, {Room: far, Nicks: []string{"Bob"}}},
		Peers: []admin.FarRoom{{Room: far, Side: "up", State: "joined"}},
	}}
	err := n.db.Update(func(tx *store.Tx) error {
		for _, to := range []string{far, far + "/Bob", "bob@field.net"} {
			if _, _, err := n.db.Queue("field").Put(tx, store.Entry{Kind: store.KindGroupchat, From: here + "/Alice", To: to, Stanza: []byte("<message/>")}, store.QueueLimits{}); err != nil {
				return err
			}
		}
		return tx.ArchivePut(here, store.ArchiveEntry{ID: n.db.ArchiveID(), Stanza: []byte("<message/>")}, store.ArchiveLimits{})
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Room("ops")
	if err != nil || r.Occupants != 3 || r.Here != 2 || r.Archive.Lines != 1 || time.Since(r.Archive.Newest) > time.Minute {
		t.Errorf("got %+v, %v", r, err)
	}
	if p := r.Federation.Peers; len(p) != 1 || p[0].Waiting != 2 || p[0].State != "joined" {
		t.Errorf("peers %+v", p)
	}
	n.rooms[here] = admin.RoomState{Peers: []admin.FarRoom{{Room: "ops@chat.gone.net", Side: "up", State: "idle"}}}
	if r, err = a.Room("ops"); err != nil || !strings.Contains(r.Federation.Peers[1].Fault, "no peer has the domain chat.gone.net") || r.Federation.Peers[0].Fault != "" {
		t.Errorf("peer taken out of the config: %+v, %v", r.Federation, err)
	}
	n.rooms[here] = admin.RoomState{Nodes: []admin.RoomNode{{Room: here, Nicks: []string{"Alice", "Ada"}}, {Room: far, Nicks: []string{"Bob"}}}, Peers: []admin.FarRoom{{Room: far, Side: "up", State: "joined"}}}
	if list, err := a.Rooms(); err != nil || len(list) != 1 || list[0].Occupants != 3 || list[0].Nodes != nil || list[0].Members != nil {
		t.Errorf("list %+v, %v", list, err)
	}
	if s, err := a.Status(); err != nil || !reflect.DeepEqual(s.Rooms, admin.RoomCount{Domains: []string{"chat.headquarters.net", "chat.second.net"}, Rooms: 1, Federated: 1, Joined: 1, Occupants: 3}) {
		t.Errorf("status %+v, %v", s.Rooms, err)
	}
}

const declares = `
[[room]]
address = "ops"
title = "Operations"
subject = "Shift change"
moderated = true
owners = ["alice"]
members = ["field.net"]
federation.with = "ops@chat.field.net"
[[room]]
address = "lounge"
federation.accept = ["*"]
`

// declareRooms applies a config's rooms to a store, and tells whether that wrote anything.
func declareRooms(t *testing.T, db *store.DB, path, text string) (wrote bool) {
	t.Helper()
	before := commits(t, path)
	if err := admin.DeclareRooms(db, load(t, doc+text), nil); err != nil {
		t.Fatal(err)
	}
	return commits(t, path) != before
}

func look(t *testing.T, db *store.DB, room string) (r store.Room, members map[string]store.RoomMember) {
	t.Helper()
	members = make(map[string]store.RoomMember)
	err := db.View(func(tx *store.Tx) (err error) {
		if r, err = tx.Room(room); err != nil {
			return err
		}
		return tx.RoomMembers(room, func(m store.RoomMember) error { members[m.JID] = m; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, members
}

func TestDeclaredRoomsAreWhatTheFileSays(t *testing.T) {
	db, path := database(t)
	const ops = "ops@chat.headquarters.net"
	if !declareRooms(t, db, path, declares) || declareRooms(t, db, path, declares) {
		t.Error("not written, or written twice")
	}
	r, m := look(t, db, ops)
	if r.Name != "Operations" || !r.Moderated || !r.Persistent || !r.Declared || string(r.Subject) != "<subject>Shift change</subject>" || len(r.Secret) != 32 ||
		!reflect.DeepEqual(r.Fed, store.RoomFed{Enabled: true, Node: "ops@chat.field.net", Mode: "pp", History: "since"}) {
		t.Errorf("made %+v", r)
	}
	if len(m) != 2 || m["alice@headquarters.net"].Affiliation != "owner" || m["field.net"].Affiliation != "member" || !m["field.net"].Declared {
		t.Errorf("members %+v", m)
	}
	if l, _ := look(t, db, "lounge@chat.headquarters.net"); !l.Fed.Enabled || l.Fed.Node != "" || !reflect.DeepEqual(l.Fed.Allow, []string{"*"}) {
		t.Errorf("lounge %+v", l.Fed)
	}

	// The subject is the file's as long as nobody has said another.
	declareRooms(t, db, path, strings.Replace(declares, "Shift change", "Convoy", 1))
	if r, _ = look(t, db, ops); string(r.Subject) != "<subject>Convoy</subject>" {
		t.Errorf("another subject: %s", r.Subject)
	}

	// An owner changes what the file says, and what it does not; somebody in the room gives standings.
	err := db.Update(func(tx *store.Tx) error {
		r.Moderated, r.MembersOnly, r.Description = false, true, "theirs"
		r.Subject, r.SubjectBy, r.SubjectAt = []byte("<subject>theirs</subject>"), "Al", time.Now()
		for _, m := range []store.RoomMember{{JID: "carol@field.net", Affiliation: "admin"}, {JID: "alice@headquarters.net", Affiliation: "member", Nick: "Al", Declared: true}} {
			if err := tx.PutRoomMember(ops, m); err != nil {
				return err
			}
		}
		return tx.PutRoom(r)
	})
	if err != nil {
		t.Fatal(err)
	}
	declareRooms(t, db, path, strings.Replace(declares, `members = ["field.net"]`, "", 1))
	r, m = look(t, db, ops)
	if !r.Moderated || !r.MembersOnly || r.Description != "theirs" || string(r.Subject) != "<subject>theirs</subject>" {
		t.Errorf("after an owner: %+v", r)
	}
	if len(m) != 2 || m["carol@field.net"].Affiliation != "admin" || m["alice@headquarters.net"] != (store.RoomMember{JID: "alice@headquarters.net", Affiliation: "owner", Nick: "Al", Declared: true}) {
		t.Errorf("members after an owner: %+v", m)
	}

	// Left out, it lives on; declared again, it is the file's again.
	declareRooms(t, db, path, "")
	if r, m = look(t, db, ops); r.Declared || !r.Moderated || m["alice@headquarters.net"].Declared || m["alice@headquarters.net"].Affiliation != "owner" || !r.Fed.Enabled {
		t.Errorf("left out: %+v, %+v", r, m)
	}
	if declareRooms(t, db, path, "") {
		t.Error("written again")
	}
	declareRooms(t, db, path, declares)
	if r, m = look(t, db, ops); !r.Declared || r.Description != "theirs" || !m["field.net"].Declared {
		t.Errorf("declared again: %+v, %+v", r, m)
	}
}

func TestARoomThatWasDestroyedIsMadeWhenItIsDeclared(t *testing.T) {
	db, path := database(t)
	err := db.Update(func(tx *store.Tx) error {
		return tx.PutRoom(store.Room{JID: "ops@chat.headquarters.net", Gone: true, Alternate: "x@chat.headquarters.net"})
	})
	if err != nil {
		t.Fatal(err)
	}
	declareRooms(t, db, path, declares)
	if r, m := look(t, db, "ops@chat.headquarters.net"); r.Gone || r.Alternate != "" || r.Name != "Operations" || len(m) != 2 {
		t.Errorf("got %+v, %+v", r, m)
	}
}

func TestDeclaredRoomsAreChangedInTheFile(t *testing.T) {
	n := start(t)
	n.cfg = load(t, doc+declares)
	a := admin.Running(n)
	if err := admin.DeclareRooms(n.db, n.cfg, n.UpdateRooms); err != nil {
		t.Fatal(err)
	}
	place := n.cfg.File + ", line 12"
	for name, f := range map[string]func() error{
		"configure": func() error { _, err := a.ConfigureRoom("ops", []string{"moderated=no"}); return err },
		"persist":   func() error { _, err := a.ConfigureRoom("ops", []string{"persistent=no"}); return err },
		"federate":  func() error { _, _, err := a.FederateRoom("ops", func(*config.RoomFederation) {}, true); return err },
		"member":    func() error { _, err := a.SetRoomMember("ops", "alice", "none", "", ""); return err },
		"destroy":   func() error { _, err := a.DestroyRoom("ops", "", ""); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), place) || name != "persist" && !strings.Contains(err.Error(), "there") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := a.ConfigureRoom("ops", []string{"description=ours"}); err != nil || r.Settings["description"] != "ours" || r.Declared != "by the config" {
		t.Errorf("what the file does not say: %+v, %v", r, err)
	}
	if _, err := os.Stat(n.cfg.File); err != nil {
		t.Error(err)
	}
}

func TestWhoGetsARemovedNameInheritsNoRoom(t *testing.T) {
	both(t, func(t *testing.T, a *admin.Admin) {
		if _, err := a.AddUser("alice", "secret"); err != nil {
			t.Fatal(err)
		}
		if _, err := a.CreateRoom("ops", nil, []string{"alice", "bob@field.net"}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.RemoveUser("alice"); err != nil {
			t.Fatal(err)
		}
		if r, err := a.Room("ops"); err != nil || len(r.Members) != 1 || r.Members[0].JID != "bob@field.net" {
			t.Errorf("members %+v, %v", r.Members, err)
		}
	})
}

// The rooms that somebody made are not counted against whoever gets the name later.
func TestARemovedNameHasMadeNoRoom(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "store.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *store.Tx) error {
		return errors.Join(
			tx.PutRoom(store.Room{JID: "a@chat.field.net", Creator: "alice@field.net"}),
			tx.PutRoom(store.Room{JID: "b@chat.field.net", Creator: "bob@field.net"}),
			admin.Forsake(tx, admin.AtRest(tx), jid.MustParse("alice@field.net")))
	})
	if err != nil {
		t.Fatal(err)
	}
	var by []string
	err = db.View(func(tx *store.Tx) error {
		return tx.Rooms(func(r store.Room) error { by = append(by, r.Creator); return nil })
	})
	if err != nil || len(by) != 2 || by[0] != "" || by[1] != "bob@field.net" {
		t.Errorf("made by %q, %v", by, err)
	}
}
