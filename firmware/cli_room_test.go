package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
)

const withPeer = quiet + `
[[link]]
name = "a"
remote_address = "127.0.0.1"
[[peer]]
name = "hq"
domains = ["hq.net", "chat.hq.net"]
links = ["a"]
`

// line runs a command line that has to succeed, and returns all that it says.
func line(t *testing.T, text string) string {
	t.Helper()
	code, out, errs := longwire(t, "", strings.Fields(text)...)
	if code != exitOK {
		t.Fatalf("%s: exit %d: %s%s", text, code, out, errs)
	}
	return out + errs
}

func TestRoomsByCommandWhileTheNodeIsStopped(t *testing.T) {
	use(t, withPeer)
	if out := line(t, "room list"); !strings.Contains(out, "'longwire room create NAME' makes one") {
		t.Errorf("%q", out)
	}
	if code, _, errs := longwire(t, "secret\n", "user", "add", "alice"); code != exitOK {
		t.Fatal(errs)
	}
	if out := line(t, "room create Ops title=Operations moderated=yes --owner alice --owner hq.net"); !strings.Contains(out, "No node is running here") || !strings.Contains(out, "ops@chat.field.net is made") {
		t.Errorf("%q", out)
	}
	line(t, "room configure ops muc#roomconfig_whois=anyone history=none")
	line(t, "room member ops bob@hq.net outcast --reason noise")
	if out := line(t, "room federate ops ops@chat.hq.net --mode pr --watch --accept chat.hq.net --last-n 50"); !strings.Contains(out, "ops@chat.field.net is federated: ops@chat.hq.net idle") {
		t.Errorf("%q", out)
	}
	out := line(t, "room show ops")
	for _, want := range []string{
		"room        ops@chat.field.net\n", "archive     empty\n", "members     owner alice@field.net\n", "owner hq.net\n", "outcast bob@hq.net (noise)\n",
		"settings    title=Operations  persistent=yes", "moderated=yes", "non_anonymous=yes", "history=0\n", "password=no",
		"federation  joins ops@chat.hq.net, pr, history since, also with nobody here\n", "federation  may be joined from chat.hq.net\n", "↑ ops@chat.hq.net: idle\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	var room admin.Room
	if err := json.Unmarshal([]byte(line(t, "room show ops@chat.field.net --json")), &room); err != nil || room.Federation.Mode != "pr" || !room.Federation.Watch || room.Federation.LastN != 50 {
		t.Errorf("%+v, %v", room.Federation, err)
	}
	line(t, "room federate ops --watch=no")
	if out := line(t, "room federate ops none"); !strings.Contains(out, "is federated: accepts chat.hq.net") {
		t.Errorf("%q", out)
	}
	if out := line(t, "room federate ops ops@chat.hq.net --accept none"); !strings.Contains(out, "is federated: ops@chat.hq.net idle") {
		t.Errorf("%q", out)
	}
	if out := line(t, "room list"); !strings.Contains(out, "ops@chat.field.net  Operations  0       0      ops@chat.hq.net idle  -") {
		t.Errorf("%s", out)
	}
	if code, out, _ := longwire(t, "", "status"); code != exitStopped || !strings.Contains(out, "rooms    1 at chat.field.net; 1 federated\n") {
		t.Errorf("%d: %s", code, out)
	}
	if out := line(t, "room federate ops --off"); !strings.Contains(out, "ops@chat.field.net is not federated any more") {
		t.Errorf("%q", out)
	}
	if out := line(t, "room destroy ops --yes"); !strings.Contains(out, "ops@chat.field.net is destroyed") {
		t.Errorf("%q", out)
	}
}

func TestRoomCommandsTellWhatIsWrong(t *testing.T) {
	use(t, withPeer+"[[room]]\naddress = \"hq\"\nmoderated = true\n")
	line(t, "room create ops")
	for text, want := range map[string]string{
		"room show nothing":                                   "there is no room nothing@chat.field.net; 'room list' shows all",
		"room create ops":                                     "'room configure' changes it",
		"room create a@hq.net":                                "hq.net is not a domain of this node's rooms; they are at: chat.field.net",
		"room configure ops":                                  "it needs NAME SETTING=VALUE",
		"room configure ops moderated":                        "write it as in moderated=yes",
		"room configure ops subject=x":                        "somebody in the room says it",
		"room configure hq moderated=no":                      "the config says moderated of room hq@chat.field.net",
		"room member ops bob":                                 "it needs NAME WHO AFFILIATION",
		"room member ops bob boss":                            "there are: owner, admin, member, none, outcast",
		"room federate ops":                                   "say which room of another node it joins",
		"room federate ops ops@chat.far.net":                  `no peer has the domain chat.far.net; add "chat.far.net" to the domains of the [[peer]] where that room lives`,
		"room federate ops ops@hq.net":                        `peer "hq" has no rooms at hq.net; its rooms are at: chat.hq.net`,
		"room federate ops ops@chat.hq.net --mode mm":         "write one of: pp, pr",
		"room federate ops ops@chat.hq.net --history x":       `write "since", "none", or a number`,
		"room federate ops ops@chat.hq.net --last-n x":        `"x" is no number`,
		"room federate ops ops@chat.hq.net --off":             "--off ends the federation; say nothing else",
		"room federate ops --off --mode pr":                   "--off ends the federation; say nothing else",
		"room federate ops --accept chat.hq.net --mode pr":    "are for the side that joins",
		"room federate ops ops@chat.hq.net --last-n -1":       "--last-n: -1 is out of range",
		"room create new --owner ghost":                       "there is no user ghost@field.net; 'user list' shows all, 'user add' makes one",
		"room member ops ghost admin":                         "there is no user ghost@field.net",
		"room member ops hq.net member --nick Al":             "a nick is one user's",
		"room federate hq --off":                              "the config declares room hq@chat.field.net",
		"room destroy ops":                                    "add --yes",
		"room destroy hq --yes":                               "take it out there and reload, then destroy it",
		"room federate ops ops@chat.hq.net --watch=perhaps":   "say yes or no",
		"room destroy ops --yes --alternate somewhere":        `"somewhere" is not a room's address`,
		"room configure ops muc#roomconfig_maxusers=-3":       "max_occupants cannot be",
		"room federate ops --accept ops@chat.field.net":       "is a domain of this node",
		"room member ops bob@hq.net/x owner":                  "neither a user nor a domain",
		"room federate ops ops@chat.hq.net --accept nobody@x": "no peer has the domain x",
	} {
		code, _, errs := longwire(t, "", strings.Fields(text)...)
		if code == exitOK || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %q; want %q", text, code, errs, want)
		}
	}
}

func TestRoomIsShownWithAllThatGoesOn(t *testing.T) {
	var out, errs buffer
	c := &call{std: std{out: &out, err: &errs}}
	room := admin.Room{
		JID: "ops@chat.field.net", Title: "Operations", Subject: "Shift\x1b[2J", Declared: "by the config", Created: time.Now(), Occupants: 3, Here: 1,
		Archive:  admin.RoomArchive{Lines: 2, Bytes: 500, Oldest: time.Now().Add(-time.Hour), Newest: time.Now().Add(-time.Minute)},
		Nodes:    []admin.RoomNode{{Room: "ops@chat.field.net", Nicks: []string{"Bob"}}, {Room: "ops@chat.hq.net", Nicks: []string{"Alice", "Ada"}}},
		Members:  []admin.RoomMember{{JID: "alice@hq.net", Affiliation: "owner", Nick: "Al", Declared: true}},
		Settings: map[string]any{"moderated": true},
		Federation: &admin.RoomFederation{With: "ops@chat.hq.net", Mode: "pp", History: "since", Peers: []admin.FarRoom{
			{Room: "ops@chat.hq.net", Side: "up", State: admin.Joined, Since: time.Now().Add(-2 * time.Hour), LastLine: time.Now().Add(-time.Minute), Longwire: true, Waiting: 2},
			{Room: "ops@conference.open.fire", Side: "down", State: "refused", Fault: "circular"},
		}},
	}
	if err := c.roomDetail(room); err != nil {
		t.Fatal(err)
	}
	if err := c.rooms([]admin.Room{room}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"subject     Shift·[2J\n", "declared by the config\n", "2 lines in 500 B, the first 1h00m ago, the last 1m00s ago\n",
		"people      ops@chat.field.net: Bob\n", "            ops@chat.hq.net: Alice, Ada\n", `owner alice@hq.net, nick "Al", by the config`,
		"↑ ops@chat.hq.net: joined since 2h00m ago, last line 1m00s ago, 2 stanzas waiting\n", "↓ ops@conference.open.fire: refused (circular)\n",
		"ops@chat.field.net  Operations  3 (1 here)  2      ops@chat.hq.net joined, ops@conference.open.fire refused  by the config\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
