package config_test

import (
	"slices"
	"strings"
	"testing"

	"longwire/firmware/config"
	"longwire/links/fold"
)

func TestPolicyOfAFold(t *testing.T) {
	rule := func(scope, action, space string, names ...string) config.FoldRule {
		return config.FoldRule{Names: names, Namespace: space, Scope: scope, Action: action}
	}
	states := rule("message", "strip", "http://jabber.org/protocol/chatstates", "composing", "active")
	for _, c := range []struct {
		name     string
		f        config.Fold
		class    string
		pubsub   bool
		messages fold.MessageMode
		presence fold.PresenceMode
		first    string // of the rules
		rules    int    // 0: any number
	}{
		{"a good network", config.Fold{Preset: "auto"}, "", true, fold.MessagesOff, fold.PresenceOff, "", 0},
		{"what is published ends everywhere", config.Fold{Preset: "none"}, "satcom", false, fold.MessagesStrip, fold.PresenceOff, "18: drop event", 1},
		{"by the link", config.Fold{Preset: "auto"}, "hf-300", true, fold.MessagesStrip, fold.PresenceAll, "1: strip active", 0},
		{"by name", config.Fold{Preset: "satcom"}, "hf-75", false, fold.MessagesStrip, fold.PresenceCoalesce, "1: strip active", 0},
		{"none", config.Fold{Preset: "none"}, "hf-75", true, fold.MessagesOff, fold.PresenceOff, "", 0},
		{"modes of the operator", config.Fold{Preset: "auto", Messages: "off", Presence: "minimal"}, "hf-75", true, fold.MessagesOff, fold.PresenceMinimal, "1: strip active", 0},
		{"rules of the operator come first", config.Fold{Preset: "auto", Rules: []config.FoldRule{rule("message", "keep", "urn:xmpp:receipts", "request", "received")}},
			"hf-300", true, fold.MessagesStrip, fold.PresenceAll, "0: keep request received", 0},
		{"a rule is applied", config.Fold{Preset: "auto", Rules: []config.FoldRule{states}}, "", true, fold.MessagesStrip, fold.PresenceOff, "0: strip composing active", 1},
		{"a rule for presence, too", config.Fold{Preset: "auto", Rules: []config.FoldRule{rule("presence", "strip", "", "priority")}}, "", true, fold.MessagesOff, fold.PresenceMatched, "0: strip priority", 1},
		{"the guide's words", config.Fold{Preset: "none", Messages: "strip all elements in the rule set", Presence: "do not pass the matched elements", Rules: []config.FoldRule{states}},
			"", true, fold.MessagesStrip, fold.PresenceMatched, "0: strip composing active", 1},
	} {
		p, err := c.f.Policy(c.class, c.pubsub)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		first := ""
		if len(p.Rules) > 0 {
			first = p.Rules[0].String()
		}
		if p.Messages != c.messages || p.Presence != c.presence || !strings.HasPrefix(first, c.first) || c.rules > 0 && len(p.Rules) != c.rules {
			t.Errorf("%s: messages %s, presence %s, %d rules, first %q", c.name, p.Messages, p.Presence, len(p.Rules), first)
		}
		if _, err := fold.New(p, false); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// "No rules" is about the operator's: what a preset takes out of presence does not make it pass.
func TestMatchedWithoutRulesPassesNoPresenceInAnyClass(t *testing.T) {
	for _, class := range append(fold.Classes(), "") {
		f := config.Fold{Preset: "auto", Presence: "matched", Subscriptions: true}
		p, err := f.Policy(class, false)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(p.Rules, func(r fold.Rule) bool { return r.Scope != fold.Messages && r.Action != fold.Keep }) {
			t.Errorf("%q: %v", class, p.Rules)
		}
		if _, err := fold.New(p, true); err == nil || !strings.Contains(err.Error(), "federated room") {
			t.Errorf("%q: %v", class, err)
		}
	}
}

func TestPolicyNamesWhatIsNoWord(t *testing.T) {
	for want, f := range map[string]config.Fold{
		`"hf-9"`:    {Preset: "hf-9"},
		`"most"`:    {Preset: "auto", Messages: "most"},
		`"some"`:    {Preset: "auto", Presence: "some"},
		`"burn"`:    {Preset: "auto", Rules: []config.FoldRule{{Names: []string{"a"}, Action: "burn"}}},
		`"iq"`:      {Preset: "auto", Rules: []config.FoldRule{{Names: []string{"a"}, Scope: "iq"}}},
		`"someday"`: {Preset: "auto", Rules: []config.FoldRule{{Names: []string{"a"}, If: "someday"}}},
	} {
		if _, err := f.Policy("", false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
