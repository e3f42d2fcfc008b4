package amend_test

import (
	"strings"
	"testing"

	"longwire/firmware/amend"
	"longwire/firmware/config"
)

const file = `# The kit of the third platoon.
domains = ["field.net"] # ours

[[link]]
name = "SatCom"   # on the roof
remote_address = "203.0.113.7"
# Spare: 203.0.113.8

# Over HF.
[[link]]
name = "HF"
type = "s5066"
local_5066_address = "1.1.0.1"
windows = [ # by UTC
  "06:00-12:00", # [morning]
  "18:00-22:00",
]

[[peer]]
  name = "hq"
  domains = ["hq.net"]
  links = ["SatCom"]
  lifetimes.iq = "1m"

[log]
level = "debug"
`

func open(t *testing.T, text string) *amend.File {
	t.Helper()
	f, err := amend.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAmendments(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*amend.File) error
		old    string // a part of the file, and what becomes of it
		new    string
	}{
		{"a value, and its comment stays", func(f *amend.File) error { return f.Set("link[0].name", `"Satellite"`) },
			`name = "SatCom"   # on the roof`, `name = "Satellite"   # on the roof`},
		{"a list on several lines", func(f *amend.File) error { return f.Set("link[1].windows", `["00:00-24:00"]`) },
			"windows = [ # by UTC\n  \"06:00-12:00\", # [morning]\n  \"18:00-22:00\",\n]\n", "windows = [\"00:00-24:00\"]\n"},
		{"another setting of a table", func(f *amend.File) error { return f.Set("link[0].rate", "9600") },
			"remote_address = \"203.0.113.7\"\n", "remote_address = \"203.0.113.7\"\nrate = 9600\n"},
		{"indented like its neighbours", func(f *amend.File) error { return f.Set("peer[0].pubsub", "true") },
			"  lifetimes.iq = \"1m\"\n", "  lifetimes.iq = \"1m\"\n  pubsub = true\n"},
		{"dotted like its neighbours", func(f *amend.File) error { return f.Set("peer[0].lifetimes.message", `"1h"`) },
			"  lifetimes.iq = \"1m\"\n", "  lifetimes.iq = \"1m\"\n  lifetimes.message = \"1h\"\n"},
		{"a table below an element", func(f *amend.File) error { return f.Set("peer[0].fold.presence", `"all"`) },
			"\n[log]", "\n[peer.fold]\npresence = \"all\"\n\n[log]"},
		{"a table at the end", func(f *amend.File) error { return f.Set("telemetry.enabled", "false") },
			"level = \"debug\"\n", "level = \"debug\"\n\n[telemetry]\nenabled = false\n"},
		{"a table below one that is there", func(f *amend.File) error { return f.Set("rooms.federation.enabled", "false") },
			"level = \"debug\"\n", "level = \"debug\"\n\n[rooms.federation]\nenabled = false\n"},
		{"a setting of the whole", func(f *amend.File) error { return f.Set("data", `"d"`) },
			"domains = [\"field.net\"] # ours\n", "domains = [\"field.net\"] # ours\ndata = \"d\"\n"},
		{"another link behind the others", func(f *amend.File) error {
			return f.Add("link", []amend.Setting{{"name", `"LTE"`}, {"rate", "1000000"}})
		}, "  \"18:00-22:00\",\n]\n", "  \"18:00-22:00\",\n]\n\n[[link]]\nname = \"LTE\"\nrate = 1000000\n"},
		{"the first of a list of an element", func(f *amend.File) error {
			return f.Add("peer[0].route", []amend.Setting{{"links", `["HF"]`}})
		}, "\n[log]", "\n[[peer.route]]\nlinks = [\"HF\"]\n\n[log]"},
		{"the first of a list of the whole", func(f *amend.File) error { return f.Add("budget", []amend.Setting{{"hard", `"1m"`}}) },
			"level = \"debug\"\n", "level = \"debug\"\n\n[[budget]]\nhard = \"1m\"\n"},
		{"an element goes with what is said of it", func(f *amend.File) error { return f.Remove("link[1]") },
			file[strings.Index(file, "# Over HF"):strings.Index(file, "[[peer]]")], ""},
		{"the first goes, the second's comment stays", func(f *amend.File) error { return f.Remove("link[0]") },
			file[strings.Index(file, "[[link]]"):strings.Index(file, "# Over HF")], ""},
		{"the last of the file", func(f *amend.File) error { _, err := f.Unset("log.level"); return err }, "level = \"debug\"\n", ""},
	} {
		f := open(t, file)
		if err := c.change(f); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !strings.Contains(file, c.old) {
			t.Fatalf("%s: no %q", c.name, c.old)
		}
		if got, want := string(f.Bytes()), strings.Replace(file, c.old, c.new, 1); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, want)
		}
	}
}

// The example's own lines, behind a #, take what is set.
func TestTheExampleIsFilledIn(t *testing.T) {
	f := open(t, config.Example())
	for _, s := range [][2]string{{"domains", `["hq.net"]`}, {"data", `"/d"`}, {"log.level", `"warn"`}, {"rooms.federation.enabled", "false"}, {"archive.rooms.max_messages", "7"}} {
		if err := f.Set(s[0], s[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := strings.Count(string(f.Bytes()), "\n"), strings.Count(config.Example(), "\n"); got != want {
		t.Errorf("%d lines became %d", want, got)
	}
	for range 2 {
		if err := f.Add("link", []amend.Setting{{"name", `"SatCom"`}, {"remote_address", `"127.0.0.1"`}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Add("peer", []amend.Setting{{"domains", `["field.net"]`}, {"links", `["SatCom"]`}}); err != nil {
		t.Fatal(err)
	}
	if err := f.Set("peer[0].fold.presence", `"all"`); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove("link[1]"); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("n.toml", f.Bytes())
	if err != nil {
		t.Fatalf("%v\n%s", err, f.Bytes())
	}
	if len(c.Links) != 1 || c.Peers[0].Fold.Presence != "all" || c.RoomService.Federation.Enabled || c.Log.Level != "warn" || c.Archive.Rooms.MaxMessages != 7 {
		t.Errorf("%+v", c)
	}
	// A file of which the samples of a link and its peer are in use.
	f = open(t, strings.NewReplacer("#[[link]]\n", "[[link]]\n", "#[[peer]]\n", "[[peer]]\n").Replace(config.Example()))
	if err := f.Set("peer[0].fold.messages", `"off"`); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(string(f.Bytes()), "\n"), strings.Count(config.Example(), "\n"); got != want {
		t.Errorf("%d lines became %d", want, got)
	}
}

func TestWhatCannotBeChangedFromHere(t *testing.T) {
	f := open(t, "[precedence]\nrule = [{ from = \"a.net\" }]\nx = { y = 1 }\n")
	for _, err := range []error{
		f.Add("precedence.rule", nil), f.Set("precedence.rule[0].from", `"b.net"`), f.Remove("precedence.rule[0]"), f.Set("precedence.x.y", "2"),
	} {
		if err == nil || !strings.Contains(err.Error(), "in braces: write it as a table of its own") {
			t.Errorf("%v", err)
		}
	}
	if err := f.Set("peer[3].pubsub", "true"); err == nil {
		t.Error("a peer that is not there was changed")
	}
	if err := f.Remove("peer[0]"); err == nil {
		t.Error("a peer that is not there was removed")
	}
}
