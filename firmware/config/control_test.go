package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"longwire/firmware/config"
)

func TestTablesBelowATableBelongToTheLast(t *testing.T) {
	c := parse(t, pair+`
[peer.failover]
after = "30s"
[[peer.route]]
precedence = ["routine"]
links = ["two"]
wait = "1h"
[[peer.route]]
links = ["two"]
[peer.fold]
preset = "hf-75"
[[peer.fold.rule]]
names = ["q"]
namespace = "urn:q"
[[budget]]
user = "*"
hard = "1m"
[precedence]
rule = [{ from = "a.net", at_most = "priority" }]
`)
	p := c.Peers[1]
	if p.Failover.After != 30*time.Second || p.Failover.BackAfter != 2*time.Minute {
		t.Errorf("failover %+v", p.Failover)
	}
	if want := []config.Route{{Precedence: []string{"routine"}, Links: []string{"two"}, Wait: time.Hour}, {Links: []string{"two"}}}; !reflect.DeepEqual(p.Routes, want) {
		t.Errorf("routes %+v", p.Routes)
	}
	if want := []config.FoldRule{{Names: []string{"q"}, Namespace: "urn:q", Scope: "message", Action: "strip", If: "always"}}; !reflect.DeepEqual(p.Fold.Rules, want) {
		t.Errorf("rules %+v", p.Fold.Rules)
	}
	if p.Fold.Preset != "hf-75" || p.FoldIn.Preset != "none" || !p.Fold.Subscriptions {
		t.Errorf("folding %+v and %+v", p.Fold, p.FoldIn)
	}
	if want := []config.Budget{{User: "*", Hard: time.Minute}}; !reflect.DeepEqual(c.Budgets, want) {
		t.Errorf("budgets %+v", c.Budgets)
	}
	if want := []config.PrecedenceRule{{From: "a.net", AtMost: "priority"}}; !reflect.DeepEqual(c.Precedence.Rules, want) {
		t.Errorf("rules %+v", c.Precedence.Rules)
	}
}

func TestDiffSeesWhatStandsInTablesBelowTables(t *testing.T) {
	rule := func(name string) string {
		return pair + "[[peer.fold.rule]]\nnames = [\"" + name + "\"]\nnamespace = \"urn:q\"\n[[budget]]\nhard = \"1m\"\n"
	}
	d := config.Diff(parse(t, rule("a")), parse(t, rule("b")))
	if want := []string{`peer "other.net" fold.rule`}; !reflect.DeepEqual(d.Keys, want) || !reflect.DeepEqual(d.Peers.Changed, []string{"other.net"}) {
		t.Errorf("changes %+v", d)
	}
	d = config.Diff(parse(t, rule("a")), parse(t, strings.Replace(rule("a"), `"1m"`, `"2m"`, 1)))
	if want := []string{"budget"}; !reflect.DeepEqual(d.Keys, want) || !d.Budgets || d.Peers.Any() {
		t.Errorf("changes %+v", d)
	}
}
