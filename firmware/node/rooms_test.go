package node_test

import (
	"strings"
	"testing"

	"longwire/firmware/admin"
	"longwire/firmware/node"
	"longwire/store"
)

// withRooms is a node with a door for clients and what a test adds.
const withRooms = `
domains = ["field.net"]
data = "data"
[clients]
listen = []
direct_tls = []
plaintext = ["127.0.0.1:0"]
`

func reload(t *testing.T, n *node.Node, dir, text string) {
	t.Helper()
	if err := n.Reload(write(t, dir, text)); err != nil {
		t.Fatal(err)
	}
}

// enter brings a client into a room, until it has the subject, which ends a join.
func (c *chatter) enter(room, nick string) {
	c.tb.Helper()
	c.send("<presence to='" + room + "/" + nick + "'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	c.until("code='110'")
	c.until("<subject")
	c.until("</message>")
}

func shown(t *testing.T, n *node.Node, room string) admin.Room {
	t.Helper()
	r, err := admin.Running(n).Room(room)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDeclaredRoomsFollowTheConfigUnderTheirOccupants(t *testing.T) {
	dir := t.TempDir()
	ops := "[[room]]\naddress = \"ops\"\ntitle = \"Operations\"\nsubject = \"Shift change\"\nowners = [\"alice\"]\n"
	n := start(t, write(t, dir, withRooms+ops))
	alice, bob := online(t, n, "alice", "field.net"), online(t, n, "bob", "field.net")

	alice.send("<iq type='get' id='d' to='field.net'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>")
	alice.until("<item jid='chat.field.net'")
	alice.send("<presence to='ops@chat.field.net/Alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	alice.until("affiliation='owner'")
	alice.until("<subject>Shift change</subject>")
	bob.enter("ops@chat.field.net", "Bob")

	// What the file changes is told to those inside, and nobody is put out.
	reload(t, n, dir, withRooms+ops+"moderated = true\nadmins = [\"bob\"]\n")
	bob.until("affiliation='admin'")
	if r := shown(t, n, "ops"); r.Occupants != 2 || r.Settings["moderated"] != true || r.Title != "Operations" || r.Declared == "" {
		t.Errorf("after the reload: %+v", r)
	}
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m1'><body>Still here</body></message>")
	alice.until("<body>Still here</body>")

	// Left out, it lives on.
	reload(t, n, dir, withRooms)
	if r := shown(t, n, "ops"); r.Occupants != 2 || r.Declared != "" || r.Archive.Lines != 1 {
		t.Errorf("left out: %+v", r)
	}
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m2'><body>And here</body></message>")
	alice.until("<body>And here</body>")
}

func TestRoomsByCommandOnARunningNode(t *testing.T) {
	n := start(t, write(t, t.TempDir(), withRooms))
	a := admin.Running(n)
	alice, bob := online(t, n, "alice", "field.net"), online(t, n, "bob", "field.net")
	if _, err := a.CreateRoom("ops", []string{"title=Operations"}, []string{"alice"}); err != nil {
		t.Fatal(err)
	}
	alice.enter("ops@chat.field.net", "Alice")
	bob.enter("ops@chat.field.net", "Bob")
	if _, err := a.ConfigureRoom("ops", []string{"non_anonymous=yes"}); err != nil {
		t.Fatal(err)
	}
	bob.until("<status code='172'/>")
	if r, err := a.SetRoomMember("ops", "bob", "outcast", "", "noise"); err != nil || r.Occupants != 1 || r.Here != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	bob.until("code='301'")
	if s, err := a.Status(); err != nil || s.Rooms.Rooms != 1 || s.Rooms.Occupants != 1 {
		t.Errorf("status %+v, %v", s.Rooms, err)
	}
	if _, err := a.DestroyRoom("ops", "day@chat.field.net", "new day"); err != nil {
		t.Fatal(err)
	}
	alice.until("<destroy jid='day@chat.field.net'><reason>new day</reason></destroy>")
	if r := shown(t, n, "ops"); !r.Gone || r.Alternate != "day@chat.field.net" {
		t.Errorf("destroyed: %+v", r)
	}
	if _, err := a.DestroyRoom("ops", "", ""); err != nil { // the sign, too
		t.Error(err)
	}
	if list, err := a.Rooms(); err != nil || len(list) != 0 {
		t.Errorf("left: %+v, %v", list, err)
	}
}

func TestRoomsOutliveTheNodeAndItsPeopleAreTold(t *testing.T) {
	dir := t.TempDir()
	cfg := write(t, dir, withRooms+"[[room]]\naddress = \"ops\"\n")
	n, stop := launch(t, cfg)
	alice := online(t, n, "alice", "field.net")
	alice.enter("ops@chat.field.net", "Alice")
	alice.send("<message to='ops@chat.field.net' type='groupchat' id='m1'><body>Convoy left</body></message>")
	alice.until("<body>Convoy left</body>")
	go stop()
	alice.until("<status code='332'/>") // XEP-0045 §17.3
	alice.until("</stream:stream>")
	stop()

	n = start(t, cfg)
	alice = online(t, n, "alice", "field.net")
	alice.send("<presence to='ops@chat.field.net/Alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	alice.until("<body>Convoy left</body>")
	alice.until("<delay ")
}

func TestRoomsMoveToOtherDomainsByAReload(t *testing.T) {
	dir := t.TempDir()
	n := start(t, write(t, dir, withRooms))
	alice := online(t, n, "alice", "field.net")
	ping := func(id, to, want string) {
		t.Helper()
		alice.send("<iq type='get' id='" + id + "' to='" + to + "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
		alice.until("id='" + id + "'")
		alice.until(want)
	}
	ping("1", "chat.field.net", "category='conference'")
	reload(t, n, dir, withRooms+"[rooms]\ndomains = [\"talk.field.net\"]\n")
	ping("2", "chat.field.net", "<remote-server-not-found ")
	ping("3", "talk.field.net", "category='conference'")
	// A domain goes from rooms to accounts, and back.
	reload(t, n, dir, strings.Replace(withRooms, `["field.net"]`, `["field.net", "talk.field.net"]`, 1))
	ping("4", "talk.field.net", "category='server'")
	reload(t, n, dir, withRooms+"[rooms]\ndomains = [\"talk.field.net\"]\n")
	ping("5", "talk.field.net", "category='conference'")
	reload(t, n, dir, withRooms+"[rooms]\ndomains = []\n")
	ping("6", "talk.field.net", "<remote-server-not-found ")
}

func TestReloadWhoseRoomsCannotBeMadeChangesNothing(t *testing.T) {
	dir := t.TempDir()
	n := start(t, write(t, dir, withRooms+"[store]\nmax_size = \"1MiB\"\n"))
	fill(t, n)
	err := n.Reload(write(t, dir, withRooms+"[store]\nmax_size = \"1MiB\"\n[rooms]\ndomains = [\"talk.field.net\"]\n[[room]]\naddress = \"ops\"\n"))
	if err == nil {
		t.Fatal("applied")
	}
	if d := n.Config().RoomService.Domains; len(d) != 1 || d[0] != "chat.field.net" {
		t.Errorf("in force: %q, after %v", d, err)
	}
	if list, err := admin.Running(n).Rooms(); err != nil || len(list) != 0 {
		t.Errorf("rooms: %+v, %v", list, err)
	}
}

func TestConversationsAreKeptAsTheConfigSays(t *testing.T) {
	dir := t.TempDir()
	n := start(t, write(t, dir, withRooms))
	alice, bob := online(t, n, "alice", "field.net"), online(t, n, "bob", "field.net")
	lines := func(who string) (s store.ArchiveStats) {
		t.Helper()
		if err := n.Store().View(func(tx *store.Tx) error { s = tx.ArchiveStats(who); return nil }); err != nil {
			t.Fatal(err)
		}
		return s
	}
	say := func(id string) {
		alice.send("<message to='bob@field.net' type='chat' id='" + id + "'><body>x</body></message>")
		bob.until("id='" + id + "'")
		for _, c := range []*chatter{alice, bob} { // a question stands behind what is being kept
			c.send("<iq type='set' id='a" + id + "'><query xmlns='urn:xmpp:mam:2'/></iq>")
			c.until("</fin></iq>")
		}
	}
	say("m1")
	if a, b := lines("alice@field.net").Entries, lines("bob@field.net").Entries; a != 1 || b != 1 {
		t.Errorf("kept %d and %d, want one each", a, b)
	}
	reload(t, n, dir, withRooms+"[archive]\naccounts = false\n")
	say("m2")
	reload(t, n, dir, withRooms+"[archive]\nmax_messages = 2\n")
	say("m3")
	say("m4")
	if a := lines("alice@field.net").Entries; a != 2 {
		t.Errorf("%d are kept, want the last two", a)
	}
}

func TestARemovedAccountIsNoOwnerAnyMore(t *testing.T) {
	n := start(t, write(t, t.TempDir(), withRooms+"[[room]]\naddress = \"declared\"\nowners = [\"alice\"]\n"))
	a := admin.Running(n)
	alice, bob := online(t, n, "alice", "field.net"), online(t, n, "bob", "field.net")
	if _, err := a.CreateRoom("ops", nil, []string{"alice"}); err != nil {
		t.Fatal(err)
	}
	alice.enter("ops@chat.field.net", "Alice")
	bob.enter("ops@chat.field.net", "Bob")
	if _, err := a.RemoveUser("alice"); err != nil {
		t.Fatal(err)
	}
	bob.until("<presence from='ops@chat.field.net/Alice' to='bob@field.net/x' type='unavailable'")
	if r := shown(t, n, "ops"); len(r.Members) != 0 {
		t.Errorf("members %+v", r.Members)
	}
	if r := shown(t, n, "declared"); len(r.Members) != 1 {
		t.Errorf("the config's: %+v", r.Members)
	}
}

// A node whose flash is full starts all the same, with the rooms that it has; those that were not meant to stay are gone.
func TestNodeStartsOnAFullStoreWithItsRooms(t *testing.T) {
	dir := t.TempDir()
	text := withRooms + "[store]\nmax_size = \"1MiB\"\n"
	cfg := write(t, dir, text)
	n, stop := launch(t, cfg)
	err := n.Store().Update(func(tx *store.Tx) error {
		for _, r := range []store.Room{{JID: "kept@chat.field.net", Persistent: true}, {JID: "passing@chat.field.net"}} {
			if err := tx.PutRoom(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, n)
	stop()
	n = start(t, write(t, dir, text+"[[room]]\naddress = \"ops\"\nautojoin = [\"*\"]\n"))
	list, err := admin.Running(n).Rooms()
	if err != nil || len(list) == 0 || list[0].JID != "kept@chat.field.net" {
		t.Errorf("rooms: %+v, %v", list, err)
	}
	for _, r := range list {
		if r.JID == "passing@chat.field.net" {
			t.Error("a room that was not meant to stay is still there")
		}
	}
}
