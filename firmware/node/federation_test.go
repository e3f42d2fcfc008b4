package node_test

import (
	"fmt"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/firmware/node"
	"longwire/links/linktest"
	"longwire/store"
)

// oneSide is a node of a pair whose rooms are one: what half says, with the rooms of the peer, and a declared room.
func oneSide(domain, peer string, local, remote int, link, room string) string {
	text := strings.Replace(half(domain, peer, local, remote, "ack_timeout = \"2s\"\n"+link), fmt.Sprintf("domains = [%q]\nlinks", peer), fmt.Sprintf("domains = [%q, %q]\nlinks", peer, "chat."+peer), 1)
	return text + "[[room]]\naddress = \"ops\"\ntitle = \"Operations\"\nautojoin = [\"*\"]\n" + room
}

// far waits until the room on a node has a far room in that state.
func far(t *testing.T, n *node.Node, state string) admin.FarRoom {
	t.Helper()
	var last admin.Room
	linktest.Eventually(t, 20*time.Second, "the far room is "+state, func() bool {
		last = shown(t, n, "ops")
		return len(last.Federation.Peers) == 1 && last.Federation.Peers[0].State == state
	})
	return last.Federation.Peers[0]
}

func TestTwoNodesHaveOneRoom(t *testing.T) {
	hqPort, fieldPort := freePort(t), freePort(t)
	hqDir, fieldDir := t.TempDir(), t.TempDir()
	const joins = "federation.with = \"ops@chat.headquarters.net\"\n"
	hq := start(t, write(t, hqDir, oneSide("headquarters.net", "field.net", hqPort, fieldPort, "", "federation.accept = [\"chat.field.net\"]\n")))
	fieldCfg := write(t, fieldDir, oneSide("field.net", "headquarters.net", fieldPort, hqPort, "dial = false", joins))
	field, stop := launch(t, fieldCfg)
	alice := online(t, hq, "alice", "headquarters.net")
	bob := online(t, field, "bob", "field.net")

	alice.enter("ops@chat.headquarters.net", "Alice")
	if q := hq.Store().Queue("field.net").Stats(); q.Entries != 0 {
		t.Errorf("%d stanzas cross the link for a room with nobody on the other side", q.Entries)
	}
	bob.enter("ops@chat.field.net", "Bob")
	alice.until("<presence from='ops@chat.headquarters.net/Bob'")
	alice.send("<message to='ops@chat.headquarters.net' type='groupchat' id='m1'><body>Convoy left</body></message>")
	bob.until("<body>Convoy left</body>")
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m2'><body>Seen</body></message>")
	alice.until("<body>Seen</body>")

	if p := far(t, field, admin.Joined); p.Side != "up" || !p.Reach {
		t.Errorf("at the kit: %+v", p)
	}
	if p := far(t, hq, admin.Joined); p.Side != "down" {
		t.Errorf("at headquarters: %+v", p)
	}
	r := shown(t, hq, "ops")
	if r.Occupants != 2 || r.Here != 1 || len(r.Nodes) != 2 || r.Nodes[0].Room != "ops@chat.headquarters.net" || r.Nodes[1].Room != "ops@chat.field.net" {
		t.Errorf("people at headquarters: %+v", r.Nodes)
	}

	// The kit's node ends and comes back; what was said meanwhile is there, once, and bob is in the room again.
	stop()
	alice.send("<message to='ops@chat.headquarters.net' type='groupchat' id='m3'><body>Meanwhile</body></message>")
	alice.until("<body>Meanwhile</body>")
	field = start(t, fieldCfg)
	bob = login(t, address(t, field, "clients in plaintext"), "bob", "field.net")
	bob.send("<presence/>")
	bob.send("<presence to='ops@chat.field.net/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	bob.until("code='110'")
	bob.until("<body>Meanwhile</body>")
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m4'><body>Back again</body></message>")
	alice.until("<body>Back again</body>")
	linktest.Eventually(t, 10*time.Second, "four lines on each side", func() bool {
		return shown(t, hq, "ops").Archive.Lines == 4 && shown(t, field, "ops").Archive.Lines == 4
	})

	// The switch ends it on a running node, and no room is changed.
	text := oneSide("field.net", "headquarters.net", fieldPort, hqPort, "dial = false", joins)
	reload(t, field, fieldDir, text+"[rooms.federation]\nenabled = false\n")
	alice.until("<presence from='ops@chat.headquarters.net/Bob' to='alice@headquarters.net/x' type='unavailable'")
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m5'><body>Alone</body></message>")
	bob.until("<body>Alone</body>")
	if r := shown(t, field, "ops"); !r.Federation.Off || r.Federation.With != "ops@chat.headquarters.net" {
		t.Errorf("switched off: %+v", r.Federation)
	}
}

func TestBookmarksOfDeclaredRoomsComeAndGo(t *testing.T) {
	dir := t.TempDir()
	const ask = "<iq type='get' id='%d'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'/></pubsub></iq>"
	n := start(t, write(t, dir, withRooms))
	alice := online(t, n, "alice", "field.net")
	asked := 0
	bookmarks := func(c *chatter) string {
		t.Helper()
		asked++
		c.got = ""
		c.send(fmt.Sprintf(ask, asked))
		c.until(fmt.Sprintf("id='%d'", asked))
		c.send(fmt.Sprintf("<iq type='get' id='p%d'><ping xmlns='urn:xmpp:ping'/></iq>", asked))
		for !strings.Contains(c.got, fmt.Sprintf("id='p%d'", asked)) {
			b := make([]byte, 4096)
			n, err := c.nc.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			c.got += string(b[:n])
		}
		return c.got
	}
	ops := "[[room]]\naddress = \"ops\"\ntitle = \"Operations\"\nautojoin = [\"*\"]\nnick = \"{user} (field)\"\n"
	reload(t, n, dir, withRooms+ops)
	const want = "<item id='ops@chat.field.net'>"
	if got := bookmarks(alice); !strings.Contains(got, want) || !strings.Contains(got, "name='Operations'") || !strings.Contains(got, "autojoin='true'") || !strings.Contains(got, "<nick>alice (field)</nick>") {
		t.Errorf("alice has %s", got)
	}
	// An account that is made later gets it, too.
	if _, err := admin.Running(n).AddUser("carol", "secret"); err != nil {
		t.Fatal(err)
	}
	carol := login(t, address(t, n, "clients in plaintext"), "carol", "field.net")
	if got := bookmarks(carol); !strings.Contains(got, want) {
		t.Errorf("carol has %s", got)
	}
	// Who removes it is left alone.
	alice.send("<iq type='set' id='r'><pubsub xmlns='http://jabber.org/protocol/pubsub'><retract node='urn:xmpp:bookmarks:1'><item id='ops@chat.field.net'/></retract></pubsub></iq>")
	alice.until("id='r'")
	reload(t, n, dir, withRooms+ops+"description = \"x\"\n")
	if got := bookmarks(alice); strings.Contains(got, want) {
		t.Errorf("alice has it again: %s", got)
	}
	reload(t, n, dir, withRooms)
	if got := bookmarks(carol); strings.Contains(got, want) {
		t.Errorf("carol still has it: %s", got)
	}
}

// bodies are the lines in an archive, with how often each is there.
func bodies(t *testing.T, db *store.DB, room string) map[string]int {
	t.Helper()
	all := make(map[string]int)
	err := db.View(func(tx *store.Tx) error {
		return tx.ArchiveScan(room, 0, 0, false, func(e store.ArchiveEntry) (bool, error) {
			_, rest, _ := strings.Cut(string(e.Stanza), "<body>")
			body, _, _ := strings.Cut(rest, "</body>")
			all[body]++
			return true, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A replica is silent while it is cut off, and says so; then it goes on.
func TestReplicaIsSilentWhileItIsCutOff(t *testing.T) {
	t.Parallel()
	hqPort, fieldPort := freePort(t), freePort(t)
	hqCfg := write(t, t.TempDir(), oneSide("headquarters.net", "field.net", hqPort, fieldPort, "", "federation.accept = [\"chat.field.net\"]\n"))
	hq, stop := launch(t, hqCfg)
	field := start(t, write(t, t.TempDir(), oneSide("field.net", "headquarters.net", fieldPort, hqPort, "dial = false",
		"federation.with = \"ops@chat.headquarters.net\"\nfederation.mode = \"pr\"\n")))
	alice := online(t, hq, "alice", "headquarters.net")
	alice.enter("ops@chat.headquarters.net", "Alice")
	bob := online(t, field, "bob", "field.net")
	bob.enter("ops@chat.field.net", "Bob")
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m1'><body>With an echo</body></message>")
	alice.until("<body>With an echo</body>")
	bob.until("<body>With an echo</body>")

	stop()
	linktest.Eventually(t, 20*time.Second, "the kit knows that it is cut off", func() bool { return !far(t, field, admin.Joined).Reach })
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m2'><body>Nobody hears it</body></message>")
	bob.until("type='error' id='m2'><error type='wait'><service-unavailable ")

	hq = start(t, hqCfg)
	linktest.Eventually(t, 20*time.Second, "the link is back", func() bool { return far(t, field, admin.Joined).Reach })
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m3'><body>Again with an echo</body></message>")
	bob.until("<body>Again with an echo</body>")
	if b := bodies(t, hq.Store(), "ops@chat.headquarters.net"); b["Nobody hears it"] != 0 || b["Again with an echo"] != 1 {
		t.Errorf("at headquarters: %v", b)
	}
}

// What takes the connections and answers nothing is no headquarters: a proxy on the way, or a port that is forwarded.
func TestReplicaIsNotDeceivedByWhatOnlyConnects(t *testing.T) {
	t.Parallel()
	hqPort, fieldPort := freePort(t), freePort(t)
	hq, stop := launch(t, write(t, t.TempDir(), oneSide("headquarters.net", "field.net", hqPort, fieldPort, "dial = false", "federation.accept = [\"chat.field.net\"]\n")))
	field := start(t, write(t, t.TempDir(), oneSide("field.net", "headquarters.net", fieldPort, hqPort, "backoff_max = \"1s\"",
		"federation.with = \"ops@chat.headquarters.net\"\nfederation.mode = \"pr\"\n")))
	alice := online(t, hq, "alice", "headquarters.net")
	alice.enter("ops@chat.headquarters.net", "Alice")
	bob := online(t, field, "bob", "field.net")
	bob.enter("ops@chat.field.net", "Bob")
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m1'><body>With an echo</body></message>")
	bob.until("<body>With an echo</body>")
	stop()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", hqPort))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m2'><body>On its way</body></message>")
	linktest.Eventually(t, 20*time.Second, "the kit knows that it is cut off", func() bool { return !far(t, field, admin.Joined).Reach })
	bob.send("<message to='ops@chat.field.net' type='groupchat' id='m3'><body>Nobody hears it</body></message>")
	bob.until("type='error' id='m3'><error type='wait'><service-unavailable ")
}

// Over HF both sides go on under radio silence, and are level when it is over; with the link that may lose a stanza, too.
func TestFederatedRoomOverHF(t *testing.T) {
	t.Parallel()
	for _, mapping := range []string{"longwire", "rcop"} {
		t.Run(mapping, func(t *testing.T) {
			t.Parallel()
			air := newAir(t)
			side := func(domain, peer, local, remote string, s *station, federation string) *node.Node {
				text := strings.Replace(hfPeer(peer, remote, mapping), fmt.Sprintf("[%q]", peer), fmt.Sprintf("[%q, %q]", peer, "chat."+peer), 1)
				return start(t, write(t, t.TempDir(), hfHead(domain, local, s)+text+"[[room]]\naddress = \"ops\"\n"+federation))
			}
			hq := side("headquarters.net", "field.net", hqAddress, fieldAddress, onAir(t, air, hqAddress), "federation.accept = [\"chat.field.net\"]\n")
			field := side("field.net", "headquarters.net", fieldAddress, hqAddress, onAir(t, air, fieldAddress), "federation.with = \"ops@chat.headquarters.net\"\n")
			alice, bob := online(t, hq, "alice", "headquarters.net"), online(t, field, "bob", "field.net")
			alice.enter("ops@chat.headquarters.net", "Alice")
			bob.enter("ops@chat.field.net", "Bob")
			said := func(c *chatter, room, body string) {
				t.Helper()
				c.send("<message to='" + room + "' type='groupchat' id='" + body + "'><body>" + body + "</body></message>")
				c.until("<body>" + body + "</body>")
			}
			said(bob, "ops@chat.field.net", "before")
			alice.until("<body>before</body>")
			far(t, field, admin.Joined)
			if err := field.SetEMCON("5066 link", true); err != nil {
				t.Fatal(err)
			}
			linktest.Eventually(t, 20*time.Second, "the kit is silent", func() bool { return !far(t, field, admin.Joined).Reach })
			said(bob, "ops@chat.field.net", "in silence")
			said(alice, "ops@chat.headquarters.net", "to the silent")
			if err := field.SetEMCON("5066 link", false); err != nil {
				t.Fatal(err)
			}
			alice.until("<body>in silence</body>")
			bob.until("<body>to the silent</body>")
			there, here := bodies(t, hq.Store(), "ops@chat.headquarters.net"), bodies(t, field.Store(), "ops@chat.field.net")
			if !maps.Equal(there, here) || len(here) != 3 {
				t.Errorf("at headquarters %v, at the kit %v", there, here)
			}
		})
	}
}

// Nothing but commands, on nodes that run: made, federated, and parted again.
func TestRoomsAreFederatedByCommandWithoutAReload(t *testing.T) {
	t.Parallel()
	hqPort, fieldPort := freePort(t), freePort(t)
	side := func(domain, peer string, local, remote int, link string) *node.Node {
		text, _, _ := strings.Cut(oneSide(domain, peer, local, remote, link, ""), "[[room]]")
		n := start(t, write(t, t.TempDir(), text))
		if _, err := admin.Running(n).CreateRoom("ops", nil, nil); err != nil {
			t.Fatal(err)
		}
		return n
	}
	hq, field := side("headquarters.net", "field.net", hqPort, fieldPort, ""), side("field.net", "headquarters.net", fieldPort, hqPort, "dial = false")
	alice, bob := online(t, hq, "alice", "headquarters.net"), online(t, field, "bob", "field.net")
	alice.enter("ops@chat.headquarters.net", "Alice")
	bob.enter("ops@chat.field.net", "Bob")
	federate := func(n *node.Node, change func(*config.RoomFederation), off bool) {
		t.Helper()
		if _, _, err := admin.Running(n).FederateRoom("ops", change, off); err != nil {
			t.Fatal(err)
		}
	}
	federate(hq, func(f *config.RoomFederation) { f.Accept = []string{"chat.field.net"} }, false)
	federate(field, func(f *config.RoomFederation) { f.With = "ops@chat.headquarters.net" }, false)
	alice.until("<presence from='ops@chat.headquarters.net/Bob'")
	bob.until("<presence from='ops@chat.field.net/Alice'")
	federate(field, func(*config.RoomFederation) {}, true)
	alice.until("<presence from='ops@chat.headquarters.net/Bob' to='alice@headquarters.net/x' type='unavailable'")
	bob.until("<presence from='ops@chat.field.net/Alice' to='bob@field.net/x' type='unavailable'")
}
