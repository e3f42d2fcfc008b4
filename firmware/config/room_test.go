package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"longwire/firmware/config"
	"longwire/xmpp/jid"
)

// node is a config with a peer that has rooms, and one whose rooms were forgotten.
const node = `domains = ["field.net", "second.net"]
[[link]]
name = "a"
remote_address = "127.0.0.1"
[[link]]
name = "b"
remote_address = "127.0.0.2"
[[peer]]
domains = ["hq.net", "chat.hq.net"]
links = ["a"]
[[peer]]
name = "far"
domains = ["far.net"]
links = ["b"]
`

func room(address string, keys ...string) string {
	return "[[room]]\naddress = \"" + address + "\"\n" + strings.Join(append(keys, ""), "\n")
}

func TestRoomsLiveBesideEachDomainUnlessToldOtherwise(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		want      []string
	}{
		{"usual", `domains = ["field.net", "second.net"]`, []string{"chat.field.net", "chat.second.net"}},
		{"localhost", `domains = ["localhost"]`, []string{"chat.localhost"}},
		{"address of IP", `domains = ["192.0.2.1", "[::1]"]`, nil},
		{"named", "domains = [\"field.net\"]\n[rooms]\ndomains = [\"Rooms.Field.net\"]", []string{"rooms.field.net"}},
		{"none", "domains = [\"field.net\"]\n[rooms]\ndomains = []", []string{}},
		{"has accounts", `domains = ["field.net", "chat.field.net"]`, []string{"chat.chat.field.net"}},
		{"a peer's", strings.Replace(node, `"chat.hq.net"`, `"chat.field.net"`, 1), []string{"chat.second.net"}},
	} {
		if got := parse(t, c.doc).RoomService.Domains; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	if c := parse(t, node); !reflect.DeepEqual(c.OurDomains(), []string{"field.net", "second.net", "chat.field.net", "chat.second.net"}) {
		t.Errorf("ours are %v", c.OurDomains())
	}
}

func TestRoomIsDeclaredInAFewWords(t *testing.T) {
	c := parse(t, node+"[rooms.defaults]\nmembers_only = true\nhistory = 5\n"+room("Ops",
		`title = "Operations"`, `moderated = true`, `owners = ["Alice"]`, `admins = ["bob@hq.net"]`, `members = ["hq.net", "field.net"]`,
		`autojoin = ["alice", "carol@second.net"]`, `nick = "{user} (field)"`, `federation.with = "Ops@chat.hq.net"`, `federation.accept = ["chat.hq.net"]`))
	want := config.Room{
		Address: "ops@chat.field.net", Title: "Operations", MembersOnly: true, Moderated: true, Archive: true, History: 5, Nick: "{user} (field)",
		Owners: []string{"alice@field.net"}, Admins: []string{"bob@hq.net"}, Members: []string{"hq.net", "field.net"}, Autojoin: []string{"alice@field.net", "carol@second.net"},
		Federation: config.RoomFederation{With: "ops@chat.hq.net", Mode: config.ModePP, Accept: []string{"chat.hq.net"}, History: config.HistorySince},
	}
	got := c.Declared("ops@chat.field.net")
	if got == nil || !reflect.DeepEqual(*got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	for key, says := range map[string]bool{"moderated": true, "title": true, "members_only": false, "federation.with": true, "federation.mode": false} {
		if c.RoomSays("ops@chat.field.net", key) != says {
			t.Errorf("%s: says %v", key, !says)
		}
	}
	alice, bob := jid.MustParse("alice@field.net"), jid.MustParse("bob@field.net")
	if !got.AutojoinFor(alice) || got.AutojoinFor(bob) || got.NickOf(alice) != "alice (field)" {
		t.Error("not who enters, or not as who")
	}
}

func TestEachFaultOfARoomIsToldWithItsRemedy(t *testing.T) {
	ops := func(keys ...string) string { return room("ops", keys...) }
	for _, c := range []struct{ name, doc, want string }{
		{"no address", "[[room]]\ntitle = \"x\"\n", `15: room.address: it has no address; write it as in address = "ops"`},
		{"a nick in it", room("ops@chat.field.net/Bob"), `16: room.address: "ops@chat.field.net/Bob" is not a room's address; write it as in ops, or ops@chat.field.net`},
		{"domain of accounts", room("ops@field.net"), `16: room.address: field.net is not a domain of this node's rooms; ours are: chat.field.net, chat.second.net`},
		{"room of another", room("ops@chat.hq.net"), `16: room.address: chat.hq.net is not a domain of this node's rooms; ours are:`},
		{"no rooms here", "[rooms]\ndomains = []\n" + room("ops"), `18: room.address: this node has no domain for rooms; name one` /* and that is all */},
		{"twice", ops() + room("OPS@chat.field.net"), `18: room.address: ops@chat.field.net is declared already (line 16); join the two`},
		{"one bracket", "[room]\naddress = \"ops\"\n", `15: room: there can be several; write [[room]] with two brackets`},
		{"plural", "[[rooms]]\naddress = \"ops\"\n", `15: rooms: this table is for all of them, and there is one; write [[room]] for each`},
		{"rooms at accounts", "[rooms]\ndomains = [\"field.net\"]\n", `16: rooms.domains: field.net is a domain of accounts (line 1); give the rooms a domain of their own, as chat.field.net`},
		{"rooms at a peer", "[rooms]\ndomains = [\"chat.hq.net\"]\n", `9: peer.domains: chat.hq.net is where this node's rooms are; take it out here or from the domains below [rooms] (line 16)`},
		{"who creates", "[rooms]\ncreate = \"all\"\n", `16: rooms.create: "all" is unknown; write one of: anyone, local, nobody`},
		{"flood", ops("history = 100000"), `17: room.history: 100000 is out of range; choose 0 to 200`},
		{"age", "[archive.rooms]\nmax_age = 90\n", `16: archive.rooms.max_age: it must be a duration, not a number; if seconds are meant, write "90s"`},
		{"novel", ops(`title = "` + strings.Repeat("x", 300) + `"`), `17: room.title: it has 300 bytes; use at most 200 bytes`},

		{"member with a resource", ops(`members = ["bob@field.net/x"]`), `17: room.members: "bob@field.net/x" is neither a user nor a domain; write`},
		{"owner and outcast", ops(`owners = ["bob"]`, `outcasts = ["bob@field.net"]`), `18: room.outcasts: bob@field.net stands among the owners already; keep one of the two`},
		{"bookmark of a stranger", ops(`autojoin = ["bob@hq.net"]`), `17: room.autojoin: hq.net is not a domain of this node; only users of this node get bookmarks; ours are: field.net, second.net`},
		{"all and one", ops(`autojoin = ["*", "bob"]`), `17: room.autojoin: "*" is everybody already; keep it alone, or take it out`},
		{"one nick for all", ops(`autojoin = ["*"]`, `nick = "field"`), `18: room.nick: everybody would be called "field"; put {user} into it`},
		{"no nick", ops(`nick = " "`), `17: room.nick: " " will not do as a nick; write it as in "{user}", or "{user} HQ"`},

		{"no room", ops(`federation.with = "chat.hq.net"`), `17: room.federation.with: "chat.hq.net" is not a room's address; write it as in ops@chat.headquarters.net`},
		{"ourselves", ops(`federation.with = "x@chat.second.net"`), `17: room.federation.with: chat.second.net is a domain of this node; name a room of another node; on this one`},
		{"stranger", ops(`federation.with = "ops@chat.nowhere.net"`), `17: room.federation.with: no peer has the domain chat.nowhere.net; add "chat.nowhere.net" to the domains of the [[peer]] where that room lives`},
		{"forgotten domain", ops(`federation.with = "ops@chat.far.net"`), `17: room.federation.with: no peer has the domain chat.far.net; add "chat.far.net" to the domains of peer "far" (line 13)`},
		{"mode of nothing", ops(`federation.mode = "pr"`), `17: room.federation.mode: it is for the side that joins, and room ops@chat.field.net joins none; name the room that is joined, as in with =`},
		{"watch of nothing", ops(`federation.accept = ["*"]`, `federation.watch = true`), `18: room.federation.watch: it is for the side that joins`},
		{"mode", ops(`federation.with = "ops@chat.hq.net"`, `federation.mode = "mm"`), `18: room.federation.mode: "mm" is unknown; write one of: pp, pr`},
		{"history", ops(`federation.with = "ops@chat.hq.net"`, `federation.history = "all"`), `18: room.federation.history: "all" is unknown; write "since", "none", or a number from 1 to 200 in quotes`},
		{"two ways", ops(`federation.with = "ops@chat.hq.net"`, `federation.accept = ["ops@chat.hq.net"]`), `18: room.federation.accept: room ops@chat.field.net joins ops@chat.hq.net, which then cannot join it; leave it with one of the two`},
		{"accepts a stranger", ops(`federation.accept = ["chat.nowhere.net"]`), `17: room.federation.accept: no peer has the domain chat.nowhere.net;`},
		{"accounts' domain", room("ops", `federation.accept = ["hq.net"]`), `17: room.federation.accept: peer "hq.net" has no rooms at hq.net; its rooms are at: chat.hq.net`},
		{"accounts only", room("ops", `federation.with = "ops@far.net"`), `17: room.federation.with: peer "far" has no rooms at far.net, as far as is known; add the domain of its rooms to its domains (line 13), usually "chat.far.net"`},
		{"rooms elsewhere", strings.Replace(ops(), "[[room]]", "[peer.federation]\ndomains = [\"talk.far.net\"]\n[[room]]", 1), `16: peer.federation.domains: talk.far.net is not a domain of peer "far"; add it to the peer's domains, too`},
		{"accepts a nick", ops(`federation.accept = ["a@chat.hq.net/b"]`), `17: room.federation.accept: "a@chat.hq.net/b" is neither a room nor a domain; write`},
		{"two upstreams", ops(`federation.with = "ops@chat.hq.net"`, `federation.with = "ops@chat.far.net"`), `18: room.federation.with: line 17 has set it already; keep one of the two`},
		{"list of upstreams", ops(`federation.with = ["ops@chat.hq.net"]`), `17: room.federation.with: it must be text in quotes, not a list; as in with = "…"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := node + c.doc
			got := faults(t, doc)
			if len(got) != 1 || !strings.HasPrefix(got[0].String(), "n.toml:"+c.want) || got[0].Remedy == "" {
				t.Errorf("got:\n%v\nwant:\n%s\nin:\n%s", got, c.want, numbered(doc))
			}
		})
	}
}

// A peer that may not talk to the rooms cannot be told from a dead one.
func TestFederationNeedsALocalDomainToTalkTo(t *testing.T) {
	doc := strings.Replace(node, "links = [\"a\"]", "links = [\"a\"]\nlocal_domains = [\"field.net\"]", 1) + room("ops", `federation.with = "ops@chat.hq.net"`)
	const want = `n.toml:11: peer.local_domains: peer "hq.net" may not talk to chat.field.net, where room ops@chat.field.net lives; add "chat.field.net", or leave local_domains out`
	if got := faults(t, doc); len(got) != 1 || got[0].String() != want {
		t.Errorf("got:\n%v", got)
	}
	parse(t, strings.Replace(doc, `["field.net"]`, `["field.net", "chat.field.net"]`, 1))
}

func TestRoomsThatAreProbablyNotMeantAreWarnedOf(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"peer without rooms", room("ops", `federation.accept = ["*"]`), `13: peer.domains: no room of peer "far" can join room ops@chat.field.net, as its rooms are not among its domains; add the domain of its rooms, usually "chat.far.net"`},
		{"switched off", "[rooms.federation]\nenabled = false\n" + room("ops", `federation.with = "ops@chat.hq.net"`), `19: room.federation: room ops@chat.field.net is not federated, as no room of this node is (line 16)`},
		{"bookmark of no member", room("ops", `members_only = true`, `autojoin = ["bob"]`), `18: room.autojoin: room ops@chat.field.net is for members only, and bob@field.net is none; add them to its members`},
		{"bookmarks of no members", room("ops", `members_only = true`, `autojoin = ["*"]`), `18: room.autojoin: room ops@chat.field.net is for members only, and not everybody is one; add "field.net" to its members`},
	} {
		if got := parse(t, node+c.doc).Warnings; len(got) != 1 || !strings.HasPrefix(got[0].String(), "n.toml:"+c.want) {
			t.Errorf("%s: got:\n%v\nwant:\n%s", c.name, got, c.want)
		}
	}
	if got := parse(t, node+room("ops", `members_only = true`, `members = ["field.net"]`, `autojoin = ["bob"]`)).Warnings; len(got) > 0 {
		t.Errorf("warned: %v", got)
	}
}

func TestRoomsOfAPeerAreToldFromItsUsers(t *testing.T) {
	for _, c := range []struct {
		domains, says string
		want          []string
	}{
		{`"hq.net", "chat.hq.net", "upload.hq.net"`, "", []string{"chat.hq.net", "upload.hq.net"}},
		{`"conference.hq.net"`, "", []string{"conference.hq.net"}},
		{`"hq.net"`, "", nil},
		{`"chat"`, "", nil},
		{`"hq.net", "chat.hq.net", "upload.hq.net"`, `domains = ["chat.hq.net"]`, []string{"chat.hq.net"}},
		{`"hq.net", "talk.net"`, `domains = ["Talk.net"]`, []string{"talk.net"}},
	} {
		cfg := parse(t, strings.Replace(strings.Replace(node, `"hq.net", "chat.hq.net"`, `"one.net"`, 1), `"far.net"`, c.domains, 1)+"[peer.federation]\n"+c.says+"\n")
		if got := cfg.Peers[1].Federation.Domains; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.domains, got, c.want)
		}
	}
	c := parse(t, node)
	if p := c.RoomsOf("chat.hq.net"); p == nil || p.Name != "hq.net" || c.RoomsOf("hq.net") != nil || c.RoomsOf("nowhere.net") != nil {
		t.Error("not whose rooms they are")
	}
}

func TestFederationIsPatientOverHF(t *testing.T) {
	c := parse(t, node+"[peer.lifetimes]\niq = \"1m\"\n")
	if f := c.Peers[0].Federation; f.Stale != 5*time.Minute || f.JoinTimeout != 20*time.Minute || !f.HonourKicks {
		t.Errorf("over IP: %+v", f)
	}
	if f := c.Peers[1].Federation; f.JoinTimeout != 2*time.Minute {
		t.Errorf("with another lifetime: %+v", f)
	}
	if f := parse(t, hf).Peers[0].Federation; f.Stale != 30*time.Minute || f.JoinTimeout != time.Hour {
		t.Errorf("over HF: %+v", f)
	}
}

func TestARoomsPasswordIsASecret(t *testing.T) {
	all, err := config.Flatten([]byte(room("ops", `password = "open sesame"`)))
	if err != nil || len(all) != 2 || all[1].Of != `room "ops"` || !all[1].Secret {
		t.Errorf("%+v, %v", all, err)
	}
	d := config.Diff(parse(t, node+room("ops", `password = "a"`)), parse(t, node+room("ops", `password = "b"`, "federation.with = \"ops@chat.hq.net\"")))
	want := []string{`room "ops@chat.field.net" federation.with`, `room "ops@chat.field.net" password`}
	if !reflect.DeepEqual(d.Keys, want) || !d.Rooms.Touches("ops@chat.field.net") || d.RoomService {
		t.Errorf("got %+v", d)
	}
}
