package main

import (
	"reflect"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

func TestMerge(t *testing.T) {
	const made = `
domains = ["field.net"]
[log]
level = "info"
[[link]]
name = "5066 link"
type = "s5066"
[[link]]
name = "IP link"
type = "ip"
`
	for name, c := range map[string]struct {
		wrote, want string
		shared      bool
	}{
		"a value": {wrote: `quiet = true`, want: "quiet = true\n" + made},
		"a value in a table": {wrote: "[log]\nformat = \"json\"", want: `
domains = ["field.net"]
log = { level = "info", format = "json" }
link = [{ name = "5066 link", type = "s5066" }, { name = "IP link", type = "ip" }]`},
		"a list of values is replaced": {wrote: `domains = ["a.net", "b.net"]`, want: `
domains = ["a.net", "b.net"]
log = { level = "info" }
link = [{ name = "5066 link", type = "s5066" }, { name = "IP link", type = "ip" }]`},
		"by name": {wrote: "[[link]]\nname = \"IP link\"\nidle_close = \"1m\"", want: `
domains = ["field.net"]
log = { level = "info" }
link = [{ name = "5066 link", type = "s5066" }, { name = "IP link", type = "ip", idle_close = "1m" }]`},
		"to all": {wrote: "[[link]]\nmax_stanza = 20000", want: `
domains = ["field.net"]
log = { level = "info" }
link = [{ name = "5066 link", type = "s5066", max_stanza = 20000 }, { name = "IP link", type = "ip", max_stanza = 20000 }]`},
		"to all of a type": {wrote: "[[link]]\ntype = \"s5066\"\nrank = 3", want: `
domains = ["field.net"]
log = { level = "info" }
link = [{ name = "5066 link", type = "s5066", rank = 3 }, { name = "IP link", type = "ip" }]`},
		"a new one": {wrote: "[[link]]\nname = \"to the ship\"\ntype = \"ip\"", want: `
domains = ["field.net"]
log = { level = "info" }
link = [{ name = "5066 link", type = "s5066" }, { name = "IP link", type = "ip" }, { name = "to the ship", type = "ip" }]`},
		"to none, when shared": {shared: true, wrote: "[[link]]\ntype = \"vsock\"\nrank = 3", want: made},
		"a list that twin knows nothing of": {wrote: "[[link]]\nname = \"IP link\"\n[[link.rule]]\nelement = \"a\"\n[[link.rule]]\nelement = \"b\"\n[[room]]\nx = 1\n[[room]]\nx = 2", want: `
domains = ["field.net"]
log = { level = "info" }
room = [{ x = 1 }, { x = 2 }]
link = [{ name = "5066 link", type = "s5066" }, { name = "IP link", type = "ip", rule = [{ element = "a" }, { element = "b" }] }]`},
	} {
		m, w, want := table{}, table{}, table{}
		for _, d := range []struct {
			text string
			to   *table
		}{{made, &m}, {c.wrote, &w}, {c.want, &want}} {
			if err := toml.Unmarshal([]byte(d.text), d.to); err != nil {
				t.Fatal(name, err)
			}
		}
		if err := merge(m, w, "", c.shared); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := normal(m), normal(want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", name, got, want)
		}
	}
}

// normal turns lists of tables into one type.
func normal(v any) any {
	switch x := v.(type) {
	case table:
		m := map[string]any{}
		for k, e := range x {
			m[k] = normal(e)
		}
		return m
	case []table:
		var l []any
		for _, e := range x {
			l = append(l, normal(e))
		}
		return l
	case []any:
		var l []any
		for _, e := range x {
			l = append(l, normal(e))
		}
		return l
	}
	return v
}

// What one end was told must not show at another, though all start from the same shared tables.
func TestSharedSettingsStayShared(t *testing.T) {
	inHouse(t, pairDoc+"[kit.node.clients]\nidle = \"3m\"\n[all.node.clients]\nresume_max = \"5m\"\n[[all.node.room]]\nname = \"ops\"\n[[kit.node.room]]\nname = \"ops\"\nx = 1\n")
	write(t)
	hq, field := settings(t, got(t, "headquarters", "").Docs.Node), settings(t, got(t, "field", "").Docs.Node)
	if at(t, hq, "clients", "idle") != nil || at(t, hq, "clients", "resume_max") != "5m" || at(t, field, "clients", "idle") != "3m" || at(t, field, "clients", "resume_max") != "5m" {
		t.Errorf("%v\n%v", hq["clients"], field["clients"])
	}
	if at(t, hq, "room", 0, "x") != nil || at(t, field, "room", 0, "x") != int64(1) {
		t.Errorf("%v\n%v", hq["room"], field["room"])
	}
}
