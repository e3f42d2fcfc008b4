package fold_test

import (
	"slices"
	"strings"
	"testing"

	"longwire/links/fold"
)

func one(r fold.Rule) fold.Policy {
	return fold.Policy{Messages: fold.MessagesStrip, Presence: fold.PresenceCoalesce, Rules: []fold.Rule{r}}
}

func named(space string, names ...string) fold.Rule { return fold.Rule{Space: space, Names: names} }

func TestCheck(t *testing.T) {
	states := named("http://jabber.org/protocol/chatstates", "active", "composing", "paused", "inactive", "gone")
	drop := func(r fold.Rule) fold.Rule { r.Action, r.Scope = fold.Drop, fold.Messages; return r }
	refuse := func(r fold.Rule) fold.Rule { r.Action, r.Scope = fold.Refuse, fold.Messages; return r }
	for _, c := range []struct {
		name      string
		p         fold.Policy
		federated bool
		refused   bool
		why       string // part of the first finding; "": there is none
	}{
		{name: "the guide's rules", p: one(states)},
		{name: "nothing", p: fold.Policy{}},
		{name: "body", p: one(named("jabber:client", "body")), refused: true, why: "rule 101: <body/> is never taken out: it is what somebody wrote"},
		{name: "subject", p: one(named("", "thread", "subject")), refused: true, why: "<subject/>"},
		{name: "errors", p: one(named("", "error")), refused: true, why: "the sender waits for it"},
		{name: "anything of a message", p: one(fold.Rule{Space: "", Names: []string{"*"}, Scope: fold.Messages}), refused: true, why: "<body/>"},
		{name: "anything of a presence", p: one(fold.Rule{Space: "", Names: []string{"*"}, Scope: fold.Presences})},
		{name: "body of any namespace", p: one(named("*", "body")), refused: true, why: "<body/>"},
		{name: "x of any namespace", p: one(named("*", "x")), refused: true, why: "http://jabber.org/protocol/muc"},
		{name: "fmuc", p: one(named("http://isode.com/protocol/fmuc", "fmuc")), federated: true, refused: true, why: "a federated room cannot do without it"},
		{name: "fmuc, mangled", p: one(named("http://field.net/protocol/fmuc", "*")), refused: true, why: "a federated room cannot do without it"},
		{name: "our own", p: one(named("urn:x-longwire:fmuc:0", "s")), refused: true, why: "a federated room"},
		{name: "joins", p: one(named("http://jabber.org/protocol/muc", "x")), refused: true, why: "enters a room"},
		{name: "labels", p: one(named("urn:xmpp:sec-label:0", "securitylabel")), refused: true, why: "who may read"},
		{name: "signatures", p: one(named("jabber:x:signed", "x")), refused: true, why: "signature"},
		{name: "omemo", p: one(named("eu.siacs.conversations.axolotl", "encrypted")), refused: true, why: "nobody can read"},
		{name: "refusing omemo", p: one(refuse(named("eu.siacs.conversations.axolotl", "encrypted")))},
		{name: "refusing rooms", p: one(refuse(named("http://isode.com/protocol/fmuc", "fmuc"))), refused: true, why: "never refused"},
		{name: "refusing all", p: one(refuse(named("urn:a", "*"))), refused: true, why: "too much"},
		{name: "refusing words", p: one(refuse(named("", "body"))), refused: true, why: "too much"},
		{name: "kept", p: one(fold.Rule{Space: "", Names: []string{"body"}, Action: fold.Keep})},
		{name: "half a receipt", p: one(named("urn:xmpp:receipts", "received")), refused: true, why: "not delivered"},
		{name: "the other half", p: one(named("urn:xmpp:receipts", "request")), why: "nobody asks"},
		{name: "a whole receipt", p: one(named("urn:xmpp:receipts", "request", "received"))},
		{name: "corrections", p: one(named("urn:xmpp:message-correct:0", "*")), why: "without <replace/> of urn:xmpp:message-correct:0 corrections appear as new"},
		{name: "everything", p: one(named("*", "*")), why: "known or not"},
		{name: "mangled", p: one(named("http://field.net/protocol/chatstates", "active")), why: "there is no namespace http://field.net/protocol/chatstates; taken for http://jabber.org/protocol/chatstates"},
		{name: "no name", p: one(fold.Rule{Space: "urn:a"}), refused: true, why: `"*" is any`},
		{name: "empty name", p: one(named("urn:a", "")), refused: true, why: `"*" is any`},
		{name: "dropping presence", p: one(fold.Rule{Space: "urn:a", Names: []string{"x"}, Action: fold.Drop}), refused: true, why: "only messages can be dropped by a rule"},
		{name: "dropping html", p: one(drop(named("http://jabber.org/protocol/xhtml-im", "html"))), refused: true, why: "html"},
		{name: "deep with condition", p: one(fold.Rule{Space: "urn:a", Names: []string{"x"}, Deep: true, If: fold.OnlyIfEmpty}), refused: true, why: "without condition"},
		{name: "keep with condition", p: one(fold.Rule{Space: "urn:a", Names: []string{"x"}, Action: fold.Keep, If: fold.OnlyIfEmpty}), refused: true, why: "turn the condition round"},
		{name: "negative number", p: one(fold.Rule{Number: -1, Space: "urn:a", Names: []string{"x"}}), refused: true, why: "negative"},
		{name: "scope", p: one(fold.Rule{Space: "urn:a", Names: []string{"x"}, Scope: 9}), refused: true, why: `unknown scope mode 9; take "both", "message" and "presence"`},
		{name: "action", p: one(fold.Rule{Space: "urn:a", Names: []string{"x"}, Action: 9}), refused: true, why: "unknown action"},
		{name: "condition", p: one(fold.Rule{Space: "urn:a", Names: []string{"x"}, If: 9}), refused: true, why: "unknown condition"},
		{name: "message mode", p: fold.Policy{Messages: 9}, refused: true, why: "unknown message mode 9"},
		{name: "presence mode", p: fold.Policy{Presence: 9}, refused: true, why: "unknown presence mode 9"},
		{name: "window", p: fold.Policy{Window: -1}, refused: true, why: "-1ns"},
		{name: "rooms", p: fold.Policy{Rooms: []string{"ops@chat.field.net"}}, refused: true, why: "not a domain"},
		{name: "no domain", p: fold.Policy{Rooms: []string{""}}, refused: true, why: "not a domain"},
		{name: "subscriptions", p: fold.Policy{Presence: fold.PresenceAll, NoSubscriptions: true}, why: "stays on the other"},
		{name: "all presence", p: fold.Policy{Presence: fold.PresenceMatched}, why: "1:1 chat only"},
		{name: "all presence, with a federated room", p: fold.Policy{Presence: fold.PresenceMatched}, federated: true, refused: true, why: `take the mode "all"`},
		{name: "mode all, with a federated room", p: fold.Policy{Presence: fold.PresenceAll}, federated: true},
	} {
		found := fold.Check(c.p, c.federated)
		_, err := fold.New(c.p, c.federated)
		if (err != nil) != c.refused {
			t.Errorf("%s: New: %v", c.name, err)
		}
		switch {
		case c.why == "" && len(found) > 0:
			t.Errorf("%s: %v", c.name, found)
		case c.why != "" && (len(found) == 0 || found[0].Refused != c.refused || !strings.Contains(found[0].String(), c.why)):
			t.Errorf("%s: %v, want %q", c.name, found, c.why)
		}
	}
}

func TestPresetsAreAccepted(t *testing.T) {
	for _, class := range fold.Classes() {
		p, ok := fold.Preset(class)
		if !ok {
			t.Fatal(class)
		}
		for _, federated := range []bool{false, true} {
			if _, err := fold.New(p, federated); err != nil {
				t.Errorf("%s: %v", class, err)
			}
		}
		// What it says of its own rules is no more than that one of them takes what is unknown.
		for _, f := range fold.Check(p, true) {
			if f.Refused || f.Rule != 25 {
				t.Errorf("%s: %s", class, f)
			}
		}
		for n := 1; n <= 25; n++ {
			if class != "satcom" && class != "hf-2400" || n != 25 {
				if !slices.ContainsFunc(p.Rules, func(r fold.Rule) bool { return r.Number == n }) {
					t.Errorf("%s: no rule %d", class, n)
				}
			}
		}
	}
	if _, ok := fold.Preset("hf-9600"); ok {
		t.Error("there is a preset for no class")
	}
}

func TestPresetsAreTheCallersToChange(t *testing.T) {
	a, _ := fold.Preset("hf-75")
	for i := range a.Rules {
		a.Rules[i] = fold.Rule{}
	}
	b, _ := fold.Preset("hf-75")
	if b.Rules[0].Number != 1 {
		t.Error("one caller's change is another's preset")
	}
}

func TestMangled(t *testing.T) {
	for in, want := range map[string]string{
		"http://field.net/protocol/chatstates":   "http://jabber.org/protocol/chatstates",
		"http://field.net/protocol/xhtml-im":     "http://jabber.org/protocol/xhtml-im",
		"https://field.net/protocol/muc#user":    "http://jabber.org/protocol/muc#user",
		"http://field.net/protocol/fmuc":         "http://isode.com/protocol/fmuc",
		"http://jabber.org/protocol/fmuc":        "http://isode.com/protocol/fmuc",
		"http://jabber.org/protocol/chatstates":  "",
		"http://isode.com/protocol/fmuc":         "",
		"http://field.net/protocol/own":          "",
		"http://field.net/a/protocol/chatstates": "",
		"urn:xmpp:receipts":                      "",
		"*":                                      "",
		"":                                       "",
	} {
		got, mangled := fold.Mangled(in)
		if want == "" && (mangled || got != in) || want != "" && (!mangled || got != want) {
			t.Errorf("%s: %s, %t", in, got, mangled)
		}
	}
}

func TestMangledRulesWork(t *testing.T) {
	f := folder(t, one(named("http://field.net/protocol/chatstates", "active")))
	if got := inner(f.Fold(now, message(t, body+`<active`+chats))); got != body {
		t.Error(got)
	}
}

func TestWords(t *testing.T) {
	var m fold.MessageMode
	var p fold.PresenceMode
	var a fold.Action
	if err := m.UnmarshalText([]byte("strip all elements in the rule set")); err != nil || m != fold.MessagesStrip {
		t.Error(m, err)
	}
	if err := p.UnmarshalText([]byte("do not pass the matched elements")); err != nil || p != fold.PresenceMatched {
		t.Error(p, err)
	}
	for i, w := range []string{"off", "coalesce", "minimal", "all", "matched"} {
		if err := p.UnmarshalText([]byte(w)); err != nil || p != fold.PresenceMode(i) || p.String() != w {
			t.Error(w, p, err)
		}
	}
	err := p.UnmarshalText([]byte("most"))
	if err == nil || err.Error() != `fold: there is no presence mode "most", only "off", "coalesce", "minimal", "all", "matched" and "do not pass the matched elements"` || p != fold.PresenceMatched {
		t.Error(p, err)
	}
	if err := a.UnmarshalText([]byte("Strip")); err == nil {
		t.Error("words are lower case")
	}
}

func TestRulesCanBeRead(t *testing.T) {
	p, _ := fold.Preset("hf-75")
	var all []string
	for _, r := range p.Rules {
		all = append(all, r.String())
	}
	for _, want := range []string{
		"1: strip active composing paused inactive gone of http://jabber.org/protocol/chatstates, message",
		"9: strip delay of urn:xmpp:delay, unless-late", "19: drop reactions of urn:xmpp:reactions:0, message",
		"20: strip status of jabber:client, presence, only-if-empty", "25: strip * of *, message",
	} {
		if !slices.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(all, "\n"))
		}
	}
	if got := (fold.Rule{Number: 101, Names: []string{"y"}, Space: "urn:a", Deep: true}).String(); got != "101: strip y of urn:a, deep" {
		t.Error(got)
	}
}
