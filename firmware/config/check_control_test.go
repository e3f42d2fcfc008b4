package config_test

import (
	"strings"
	"testing"

	"longwire/firmware/config"
)

// two is a node with a fast link and a slow one, both to one peer. Its last table is the peer's.
const two = `domains = ["hq.net"]
rooms.domains = ["chat.hq.net"]
[[link]]
name = "SatCom"
remote_address = "127.0.0.1"
zero_rtt = true
[[link]]
name = "HF"
type = "s5066"
local_5066_address = "1.1.0.1"
[[room]]
address = "ops"
federation.accept = ["chat.field.net"]
[[peer]]
name = "field"
domains = ["field.net", "chat.field.net"]
links = ["SatCom", "HF"]
s5066 = { remote_5066_address = "1.1.0.2", mapping = "longwire" }
`

// Each case has exactly one fault, in exactly these words. What is added to two begins at line 19.
func TestFaultsOfLinksUnderControl(t *testing.T) {
	states := "[[peer.fold.rule]]\nnames = [\"composing\"]\nnamespace = \"http://jabber.org/protocol/chatstates\"\n"
	swap := func(old, new string) string {
		if !strings.Contains(two, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(two, old, new, 1)
	}
	for _, c := range []struct{ name, doc, want string }{
		// Links.
		{"class", swap(`type = "s5066"`, "type = \"s5066\"\nclass = \"hf300\""), `n.toml:10: link.class: there is no class of links "hf300"; did you mean "hf-300"? There are: satcom, hf-2400, hf-300, hf-75`},
		{"direction", swap(`type = "s5066"`, "type = \"s5066\"\ndirection = \"in\""), `n.toml:10: link.direction: there is no direction "in"; there are: both, inbound`},
		{"rate", swap(`type = "s5066"`, "type = \"s5066\"\nrate = -1"), `n.toml:10: link.rate: -1 is out of range; choose 0 to 1000000000`},
		{"cost", swap(`type = "s5066"`, "type = \"s5066\"\ncost_per_kib = -0.5"), `n.toml:10: link.cost_per_kib: -0.5 is out of range; choose 0 to 1000000`},
		{"cost in words", swap(`type = "s5066"`, "type = \"s5066\"\ncost_per_kib = \"dear\""), `n.toml:10: link.cost_per_kib: it must be a number, not text; as in cost_per_kib = 0.5`},
		{"window that never opens", swap(`type = "s5066"`, "type = \"s5066\"\nwindows = [\"06:00-18:00\",\n \"06:00-06:00\"]"), `n.toml:11: link.windows: window "06:00-06:00": it never opens; write "06:00-18:00" or "mon-fri 22:00-02:00", by UTC`},

		// The order of links.
		{"no such link", swap(`["SatCom", "HF"]`, `["SatCom", "HV"]`), `n.toml:17: peer.links: there is no link "HV"; did you mean "HF"?`},
		{"link twice", swap(`["SatCom", "HF"]`, `["SatCom", "HF", "HF"]`), `n.toml:17: peer.links: link "HF" stands there twice; keep one of the two`},
		{"order in a circle", swap(`["SatCom", "HF"]`, `["SatCom", "HF", "SatCom"]`), `n.toml:17: peer.links: the order of the links goes in a circle: SatCom → HF → SatCom; name each link once, the best first`},
		{"failover at once", two + "failover.after = \"0s\"", `n.toml:19: peer.failover.after: 0s is out of range; choose 1s to 24h`},
		{"hold-down that shrinks", two + "failover.back_max = \"1m\"", `n.toml:19: peer.failover.back_max: 1m is out of range; choose 2m to 168h`},

		// Routes.
		{"route to a strange link", two + "[[peer.route]]\nlinks = [\"SatCon\"]", `n.toml:20: peer.route.links: peer "field" has no link "SatCon"; did you mean "SatCom"? There are: SatCom, HF`},
		{"route to nowhere", two + "[[peer.route]]\nprecedence = [\"routine\"]", `n.toml:19: peer.route.links: the route leads nowhere; name some of the peer's, as in links = ["SatCom"]`},
		{"route with a bad word", two + "[[peer.route]]\nprecedence = [\"rutine\"]\nlinks = [\"HF\"]", `n.toml:20: peer.route.precedence: there is no precedence "rutine"; did you mean "routine"? There are: flash, immediate, priority, routine`},
		{"route with a bad kind", two + "[[peer.route]]\nkinds = [\"iq\", \"chat\"]\nlinks = [\"HF\"]", `n.toml:20: peer.route.kinds: there is no kind "chat"; there are: message, groupchat, iq, presence, receipt`},
		{"route that can send nothing", swap(`type = "s5066"`, "type = \"s5066\"\ndirection = \"inbound\"") + "[[peer.route]]\nlinks = [\"HF\"]", `n.toml:21: peer.route.links: only inbound links are named, so what fits would wait for ever; name one that may transmit, or set wait`},

		// Folding.
		{"message mode", two + "[peer.fold]\nmessages = \"stripp\"", `n.toml:20: peer.fold.messages: there is no mode of message folding "stripp"; did you mean "strip"? There are: off, strip`},
		{"presence mode", two + "[peer.fold]\npresence = \"none\"", `n.toml:20: peer.fold.presence: there is no mode of presence folding "none"; there are: off, coalesce, minimal, all, matched`},
		{"preset", two + "[peer.fold]\npreset = \"hf\"", `n.toml:20: peer.fold.preset: there is no preset "hf"; there are: auto, none, lean, satcom, hf-2400, hf-300, hf-75`},
		{"matched without rules and with a federated room", two + "[peer.fold]\npresence = \"do not pass the matched elements\"", `n.toml:20: peer.fold.presence: presence mode "matched" without a rule for presence passes none, subscriptions and rooms included, which suits 1:1 chat only; this peer has a federated room: take the mode "all", or add rules`},
		{"rule that breaks rooms", two + "[[peer.fold.rule]]\nnames = [\"fmuc\"]\nnamespace = \"http://isode.com/protocol/fmuc\"", `n.toml:19: peer.fold.rule: <fmuc/> of http://isode.com/protocol/fmuc is never taken out: a federated room cannot do without it; take the name out of the rule`},
		{"rule that breaks joins", two + "[[peer.fold.rule]]\nnames = [\"x\"]\nnamespace = \"http://jabber.org/protocol/muc\"\nscope = \"presence\"", `n.toml:19: peer.fold.rule: <x/> of http://jabber.org/protocol/muc is never taken out: without it nobody enters a room, is invited, or writes privately in one; take the name out of the rule`},
		{"rule that takes what somebody wrote", two + states + "[[peer.fold.rule]]\nnames = [\"body\"]", `n.toml:22: peer.fold.rule: <body/> is never taken out: it is what somebody wrote; take the name out of the rule`},
		{"half a receipt", two + "[[peer.fold.rule]]\nnames = [\"request\"]\nnamespace = \"urn:xmpp:receipts\"\naction = \"keep\"", `n.toml:19: peer.fold: it takes <received/> of urn:xmpp:receipts but leaves <request/>: clients would show all messages as not delivered; take both, or none`},
		{"rule about nothing", two + "[[peer.fold.rule]]\nnamespace = \"urn:x\"", `n.toml:19: peer.fold.rule: it names no element; "*" is any`},
		{"scope", two + states + "scope = \"messages\"", `n.toml:22: peer.fold.rule.scope: there is no scope "messages"; did you mean "message"? There are: message, presence, both`},
		{"action", two + states + "action = \"remove\"", `n.toml:22: peer.fold.rule.action: there is no action "remove"; there are: strip, keep, drop, refuse`},
		{"condition", two + states + "if = \"late\"", `n.toml:22: peer.fold.rule.if: there is no condition "late"; there are: always, unless-reply, unless-late, only-if-empty, only-in-notes`},
		{"domain of rooms", two + "[peer.fold]\nrooms = [\"a@b\"]", `n.toml:19: peer.fold: "a@b" is not a domain; take that of the rooms, as in chat.field.net`},
		{"what comes in", two + "[peer.fold_in]\nmessages = \"on\"", `n.toml:20: peer.fold_in.messages: there is no mode of message folding "on"; there are: off, strip`},

		// What our users see of theirs.
		{"questions", two + "questions.mode = \"remote\"", `n.toml:19: peer.questions.mode: there is no mode "remote"; there are: auto, local, cross`},
		{"synthetic", two + "presence.synthetic = \"yes\"", `n.toml:19: peer.presence.synthetic: there is no mode "yes"; there are: auto, on, off`},
		{"question", two + "questions.cross = [\"\"]", `n.toml:19: peer.questions.cross: "" is no namespace; write one as in "vcard-temp"`},

		// Precedence.
		{"precedence", two + "[[precedence.rule]]\nprecedence = \"urgent\"", `n.toml:20: precedence.rule.precedence: there is no precedence "urgent"; there are: flash, immediate, priority, routine`},
		{"ceiling", two + "[[precedence.rule]]\nat_most = \"prio\"", `n.toml:20: precedence.rule.at_most: there is no precedence "prio"; there are: flash, immediate, priority, routine`},
		{"rule that says nothing", two + "[[precedence.rule]]\nfrom = \"field.net\"", `n.toml:19: precedence.rule: the rule says nothing about how urgent its messages are; set precedence, or at_most, or both`},
		{"floor above the ceiling", two + "[[precedence.rule]]\nprecedence = \"flash\"\nat_most = \"priority\"", `n.toml:20: precedence.rule.precedence: flash is more than at_most, which is priority; write "priority" or less, or raise at_most`},
		{"nobody's address", two + "[[precedence.rule]]\nfrom = \"@field.net\"\nat_most = \"routine\"", `n.toml:20: precedence.rule.from: "@field.net" is neither an address nor a domain; write alice@field.net, field.net, or "*" for any`},

		// Budgets.
		{"budget of zero", two + "[[budget]]\nhard = \"0s\"", `n.toml:20: budget.hard: a budget of zero lets nothing pass; leave it out for no limit; to send nothing at all set emcon = true for the link`},
		{"budget without limit", two + "[[budget]]\nkind = \"presence\"", `n.toml:19: budget: the budget has no limit; set soft, or hard, or both, as in hard = "10m"`},
		{"soft above hard", two + "[[budget]]\nsoft = \"10m\"\nhard = \"5m\"", `n.toml:20: budget.soft: soft is 10m and hard (line 21) only 5m, so nobody would be warned; make it less than hard`},
		{"more than an hour in an hour", two + "[[budget]]\nhard = \"61m\"", `n.toml:20: budget.hard: 61m is out of range; choose 1s to 1h`},
		{"negative budget", two + "[[budget]]\nsoft = \"-1m\"", `n.toml:20: budget.soft: -60s is out of range; choose 1s to 1h`},
		{"budget of a strange peer", two + "[[budget]]\npeer = \"fields\"\nhard = \"1m\"", `n.toml:20: budget.peer: there is no peer "fields"; did you mean "field"? There are: field`},
		{"the same budget", two + "[[budget]]\nhard = \"1m\"\n[[budget]]\nhard = \"2m\"", `n.toml:21: budget: budget 1 (line 19) is about the same; join the two`},
		{"hold", two + "[air]\nhold = \"2h\"", `n.toml:20: air.hold: 2h is out of range; choose 0s to 1h`},

		// Delivery, attendant, telemetry.
		{"receipts", two + "[delivery]\nreceipts = \"node\"", `n.toml:20: delivery.receipts: there is no way of receipts "node"; there are: hop, client`},
		{"fates", two + "[delivery]\nmax = 0", `n.toml:20: delivery.max: 0 is out of range; choose 1 to 100000`},
		{"attendant's name", two + "[attendant]\nname = \"a@b\"", `n.toml:20: attendant.name: "a@b" cannot stand before the @ of an address; write it as in name = "node"`},
		{"attendant and user", two + "[attendant]\nenabled = true\n[[user]]\naddress = \"node\"\npassword = \"x\"", `n.toml:19: attendant.name: node@hq.net is a user (line 22); choose another name for one of them`},
		{"telemetry's size", two + "[telemetry]\nmax_size = \"1KiB\"", `n.toml:20: telemetry.max_size: 1KiB is out of range; choose 64KiB to 1024GiB`},
		{"telemetry's folder", two + "[telemetry]\nfolder = \".\"", `n.toml:20: telemetry.folder: "." is the folder of everything else; name one of its own, as in folder = "telemetry"`},
		{"prometheus", two + "[telemetry]\nprometheus = \"9464\"", `n.toml:20: telemetry.prometheus: "9464" is not an address to listen on; write address:port, as in "192.0.2.1:5222", "[::1]:5222" or ":5222"`},
	} {
		if got := faults(t, c.doc); got.Error() != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Each case has exactly one warning.
func TestDoubtfulControlIsWarnedOf(t *testing.T) {
	swap := func(old, new string) string { return strings.Replace(two, old, new, 1) }
	for _, c := range []struct{ name, doc, want string }{
		{"a guide's namespace", two + "[[peer.fold.rule]]\nnames = [\"composing\"]\nnamespace = \"http://field.net/protocol/chatstates\"", `n.toml:21: peer.fold.rule.namespace: there is no namespace http://field.net/protocol/chatstates; taken for http://jabber.org/protocol/chatstates, with whose domain a guide seems to have replaced it`},
		{"no subscriptions", two + "fold.subscriptions = false", `n.toml:19: peer.fold.subscriptions: subscriptions do not cross: a contact that is removed on one side stays on the other`},
		{"corrections", two + "[[peer.fold.rule]]\nnames = [\"replace\"]\nnamespace = \"urn:xmpp:message-correct:0\"", `n.toml:19: peer.fold.rule: without <replace/> of urn:xmpp:message-correct:0 corrections appear as new messages beside what they correct`},
		{"nothing is ever sent", strings.Replace(strings.ReplaceAll(two, "name = \"HF\"", "name = \"HF\"\ndirection = \"inbound\""), "name = \"SatCom\"", "name = \"SatCom\"\ndirection = \"inbound\"", 1), `n.toml:19: peer.links: every link of peer "field" is inbound, so nothing is ever sent to it; add one that may transmit, or set direction = "both"`},
		{"numbers of its own", swap("zero_rtt = true", ""), `n.toml:17: peer.links: peer "field" may get messages twice when another link takes over: link "SatCom" has numbers of its own; if it runs Longwire, set zero_rtt = true and mapping = "longwire" on both sides; else its server has to drop repeats by their id`},
		{"route behind all", two + "[[peer.route]]\nlinks = [\"HF\"]\n[[peer.route]]\nkinds = [\"iq\"]\nlinks = [\"HF\"]", `n.toml:21: peer.route: route 1 (line 19) takes everything, so this one is never asked; put it before that one, or take it out`},
		{"rule behind all", two + "[[precedence.rule]]\nat_most = \"priority\"\n[[precedence.rule]]\nfrom = \"hq.net\"\nprecedence = \"flash\"", `n.toml:21: precedence.rule: rule 1 (line 19) fits every message, so this one is never asked; put it before that one, or take it out`},
		{"hold without warning", two + "[air]\nwarn_after = \"0s\"\nhold = \"10s\"", `n.toml:21: air.hold: nothing is held, as warn_after is 0s; set warn_after, or take it out`},
		{"figures for all", two + "[telemetry]\nprometheus = \":9464\"", `n.toml:20: telemetry.prometheus: anybody who reaches :9464 can read who talks to whom how much; use a loopback address such as 127.0.0.1 unless the network itself is safe`},
	} {
		if got := parse(t, c.doc).Warnings; got.Error() != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Without a federated room it is a matter of taste: 1:1 chat alone.
func TestMatchedWithoutRulesSuitsOneToOneChat(t *testing.T) {
	alone := strings.Replace(two, `federation.accept = ["chat.field.net"]`, "", 1)
	c := parse(t, alone+"[peer.fold]\npresence = \"do not pass the matched elements\"\nmessages = \"strip all elements in the rule set\"")
	if p := c.Peers[0].Fold; p.Presence != "matched" || p.Messages != "strip" {
		t.Errorf("folding %+v", p)
	}
	if w := c.Warnings.Error(); !strings.Contains(w, "which suits 1:1 chat only") {
		t.Errorf("warnings %s", w)
	}
	// With a rule for presence it does what it says, also beside a federated room.
	parse(t, two+"[peer.fold]\npresence = \"matched\"\n[[peer.fold.rule]]\nnames = [\"c\"]\nnamespace = \"http://jabber.org/protocol/caps\"\nscope = \"presence\"")
}

func TestLinksOfEveryKindForOnePeer(t *testing.T) {
	c := parse(t, two)
	if len(c.Warnings) != 0 {
		t.Errorf("warnings %v", c.Warnings)
	}
	if c.Links[0].Class != "" || c.Links[1].Class != "hf-300" {
		t.Errorf("classes %q and %q", c.Links[0].Class, c.Links[1].Class)
	}
	// HF may have to carry it, so it may wait as long as HF can be closed.
	if got := c.Peers[0].Lifetimes.Message.Hours(); got != 72 {
		t.Errorf("messages wait for %v h", got)
	}
	if c := parse(t, strings.Replace(two, `type = "s5066"`, "type = \"s5066\"\nclass = \"\"", 1)); c.Links[1].Class != "" {
		t.Errorf("class %q", c.Links[1].Class)
	}
}

// Rooms may be federated by command. Both ways round it is found: folding first, and federation first.
func TestFoldingSparesRoomsThatAreNotInTheFile(t *testing.T) {
	c := parse(t, strings.Replace(two, `federation.accept = ["chat.field.net"]`, "", 1)+"[peer.fold]\npresence = \"matched\"")
	want := `n.toml:20: peer.fold.presence: presence mode "matched" without a rule for presence passes none, subscriptions and rooms included, which suits 1:1 chat only; this peer has a federated room: take the mode "all", or add rules`
	far := config.RoomFederation{With: "ops@chat.field.net", Mode: config.ModePP, History: config.HistorySince}
	if err := c.CheckFolding(map[string]config.RoomFederation{"a@chat.hq.net": far}); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if _, err := c.CheckFederation("a@chat.hq.net", &far); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	for _, rooms := range []map[string]config.RoomFederation{nil, {"a@chat.hq.net": {}}, {"a@chat.hq.net": {Accept: []string{"chat.other.net"}}}} {
		if err := c.CheckFolding(rooms); err != nil {
			t.Errorf("%v: %v", rooms, err)
		}
	}
}
