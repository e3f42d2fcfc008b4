package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"longwire/firmware/config"
)

// faults parses a config that must be wrong.
func faults(t *testing.T, doc string) config.Faults {
	t.Helper()
	_, err := config.Parse("n.toml", []byte(doc))
	var f config.Faults
	if !errors.As(err, &f) {
		t.Fatalf("no faults found (%v) in\n%s", err, doc)
	}
	return f
}

func parse(t *testing.T, doc string) *config.Config {
	t.Helper()
	c, err := config.Parse("n.toml", []byte(doc))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, doc)
	}
	return c
}

// settings drops what only tells where a Config came from.
func settings(c *config.Config) config.Config {
	return config.Config{Domains: c.Domains, Data: c.Data, Control: c.Control, TLS: c.TLS, Clients: c.Clients, Store: c.Store, Log: c.Log, Links: c.Links, Peers: c.Peers, Users: c.Users,
		RoomService: c.RoomService, Archive: c.Archive, Rooms: c.Rooms, Pairing: c.Pairing,
		Precedence: c.Precedence, Air: c.Air, Delivery: c.Delivery, Attendant: c.Attendant, Telemetry: c.Telemetry, Budgets: c.Budgets}
}

func TestThreeFaultsAreAllNamed(t *testing.T) {
	got := faults(t, `domains = ["field.net"]
[clients]
resume_max = 600
listne = [":5222"]

[[link]]
name = "IP link hq-2-field"
remote_address = "203.0.113.7"
remote_port = 65536

[[peer]]
domains = ["headquarters.net"]
links = ["IP link hq-2-field"]
`)
	want := config.Faults{
		{File: "n.toml", Line: 3, Key: "clients.resume_max", Problem: "it must be a duration, not a number", Remedy: `if seconds are meant, write "600s"`},
		{File: "n.toml", Line: 4, Key: "clients.listne", Problem: "there is no such setting", Remedy: "did you mean listen?"},
		{File: "n.toml", Line: 9, Key: "link.remote_port", Problem: "65536 is out of range", Remedy: "choose 1 to 65535"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%v\nwant:\n%v", got, want)
	}
	if !strings.Contains(got.Error(), "n.toml:4: clients.listne: there is no such setting; did you mean listen?\n") {
		t.Errorf("as text:\n%v", got)
	}
}

func TestFaultsGoOnBehindSyntaxErrors(t *testing.T) {
	got := faults(t, `domains = [field.net]
# a comment
data = "/tmp/x

[clients]
listen = [":5222",
  ":5223"
max_stanza = 5
[log]
level = "loud"
`)
	var lines []int
	for _, f := range got {
		lines = append(lines, f.Line)
	}
	if !reflect.DeepEqual(lines, []int{1, 3, 6, 10}) {
		t.Errorf("faults at lines %v:\n%v", lines, got)
	}
}

func TestExampleMeansTheDefaults(t *testing.T) {
	got := parse(t, config.Example())
	if !reflect.DeepEqual(settings(got), settings(config.Default())) {
		t.Errorf("got  %+v\nwant %+v", settings(got), settings(config.Default()))
	}
}

func TestExampleWithEverySettingUncommentedIsTheDefaultsToo(t *testing.T) {
	// Samples that stand for an empty default.
	samples := regexp.MustCompile(`^#(class|windows|rate|cost_per_kib|cert|key|plaintext|pin_sha256|password|token|headquarters_key|phrases_file) =`)
	var doc strings.Builder
	for line := range strings.Lines(config.Example()) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") && !samples.MatchString(line) {
			line = rest
		}
		doc.WriteString(line)
	}
	got := parse(t, doc.String())
	want := config.Default()
	want.Domains = []string{"headquarters.net"}
	want.Data, want.Control = "/var/lib/longwire", "/var/lib/longwire/control.sock"
	l := config.DefaultLink("IP link hq-2-field")
	l.RemoteAddress, l.LocalAddress = "203.0.113.7", "192.0.2.1"
	p := config.DefaultPeer("field.net")
	p.Name, p.Domains, p.LocalDomains, p.Links = "field", []string{"field.net", "chat.field.net"}, []string{"headquarters.net", "chat.headquarters.net"}, []string{l.Name}
	p.Federation.Domains = []string{"chat.field.net"}
	p.Codec.Names = []string{"alice@headquarters.net", "bob@field.net", "ops@chat.headquarters.net"}
	p.Codec.Texts, p.Codec.Phrases = []string{"UNCLASSIFIED", "https://gajim.org"}, []string{"Request MEDEVAC, grid", "Nothing heard"}
	hf := config.DefaultLink("5066 link hq-2-field")
	hf.Type, hf.Class, hf.Local5066Address, p.S5066.Remote5066Address = config.LinkS5066, "hf-300", "1.1.0.1", "1.1.0.2"
	want.Links, want.Peers = []config.Link{l, hf}, []config.Peer{p}
	want.RoomService.Domains = []string{"chat.headquarters.net"}
	want.Rooms = []config.Room{{
		Address: "ops@chat.headquarters.net", Title: "Operations", Description: "What is going on now", Subject: "Shift change at 18:00", Nick: "{user}",
		Owners: []string{"alice@headquarters.net"}, Admins: []string{"bob@field.net"}, Members: []string{"field.net"}, Outcasts: []string{"mallory@field.net"},
		Autojoin: []string{"*"}, Federation: config.RoomFederation{With: "ops@chat.field.net", Mode: config.ModePP, Accept: []string{"chat.field.net"}, History: config.HistorySince},
		Archive: true, History: 20,
	}}
	states := config.FoldRule{Names: []string{"composing", "active", "gone", "paused", "inactive"}, Namespace: "http://jabber.org/protocol/chatstates",
		Scope: "message", Action: "strip", If: "always"}
	for _, f := range []*config.Fold{&want.Peers[0].Fold, &want.Peers[0].FoldIn} {
		f.Messages, f.Presence, f.Rooms, f.Rules = "strip", "minimal", []string{"chat.headquarters.net"}, []config.FoldRule{states}
	}
	want.Peers[0].Questions.Cross = []string{"vcard-temp"}
	want.Peers[0].Routes = []config.Route{{Precedence: []string{"routine"}, Kinds: []string{"presence"}, Links: []string{l.Name}}}
	want.Precedence.Rules = []config.PrecedenceRule{{From: "watch@field.net", To: "headquarters.net", Room: "hqroom1@chat.headquarters.net", LargerThan: 4096,
		Precedence: "priority", AtMost: "immediate"}}
	want.Budgets = []config.Budget{{Peer: "field", User: "alice@headquarters.net", Room: "hqroom1@chat.headquarters.net", Precedence: "routine", Kind: "message",
		Soft: 5 * time.Minute, Hard: 10 * time.Minute}}
	want.Telemetry.Prometheus = "127.0.0.1:9464"
	want.Users = []config.User{{Address: "alice@headquarters.net", Credentials: []string{pencil256, pencil1}}}
	a, b := reflect.ValueOf(settings(got)), reflect.ValueOf(settings(want))
	for i := range a.NumField() {
		if f := a.Type().Field(i); f.IsExported() && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", f.Name, a.Field(i), b.Field(i))
		}
	}
}

func TestEverySettingIsExplained(t *testing.T) {
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		documented := false
		for i := range typ.NumField() {
			f := typ.Field(i)
			key := f.Tag.Get("toml")
			if key == "" || key == "-" {
				continue
			}
			documented = documented || f.Tag.Get("doc") != ""
			// A setting without words of its own belongs to the one above it; the first has none above.
			if i == 0 && f.Tag.Get("doc") == "" && !strings.HasSuffix(path, "lifetimes.") {
				t.Errorf("%s%s has no comment", path, key)
			}
			e := f.Type
			if e.Kind() == reflect.Slice {
				e = e.Elem()
			}
			if e.Kind() == reflect.Struct {
				walk(e, path+key+".")
			}
		}
	}
	walk(reflect.TypeFor[config.Config](), "")
}

func TestValuesAreReadAsPeopleWriteThem(t *testing.T) {
	c := parse(t, `
domains = ["Field.NET"]
data = "d"
[clients]
max_stanza = "1 MiB"
max_stanza_unauthenticated = 20_000
login_time = "1m30s"
outbox_bytes = "10MB"
plaintext = ["localhost:5224", "[::1]:5224", "127.0.0.1:5225"]
[[link]]
name = "a"
remote_address = "198.51.100.1"
tls = "direct"
local_port = 65511
pin_sha256 = ["AA:BBaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
[[peer]]
domains = ["Headquarters.Net"]
links = ["a"]
[peer.lifetimes]
message = "0s"
[[peer]]
domains = ["x.net"]
lifetimes = { message = "2h", iq = "90s" }
links = ["b"]
[[link]]
name = "b"
remote_address = "198.51.100.2"
`)
	dir, _ := os.Getwd()
	for _, x := range []struct{ what, got, want any }{
		{"domain", c.Domains[0], "field.net"},
		{"data", c.Data, filepath.Join(dir, "d")},
		{"control", c.Control, filepath.Join(dir, "d", "control.sock")},
		{"max_stanza", c.Clients.MaxStanza, config.Size(1 << 20)},
		{"unauthenticated", c.Clients.MaxStanzaUnauthenticated, config.Size(20000)},
		{"login_time", c.Clients.LoginTime, 90 * time.Second},
		{"outbox", c.Clients.OutboxBytes, config.Size(10e6)},
		{"pin", c.Links[0].PinSHA256[0][:6], "aabbaa"},
		{"peer's name", c.Peers[0].Name, "headquarters.net"},
		{"lifetime for ever", c.Peers[0].Lifetimes.Message, time.Duration(0)},
		{"lifetime left alone", c.Peers[0].Lifetimes.Groupchat, 6 * time.Hour},
		{"inline lifetime", c.Peers[1].Lifetimes.IQ, 90 * time.Second},
		{"link default", c.Links[1].LocalPort, 65510},
	} {
		if !reflect.DeepEqual(x.got, x.want) {
			t.Errorf("%s: got %v, want %v", x.what, x.got, x.want)
		}
	}
}

func TestSizesPrintAsTheyAreRead(t *testing.T) {
	for s, want := range map[config.Size]string{0: "0", 10000: "10000", 65536: "64KiB", 8 << 20: "8MiB", 1<<20 + 1: "1048577", 1 << 30: "1GiB"} {
		if s.String() != want {
			t.Errorf("%d prints as %s, want %s", int64(s), s, want)
		}
		if back, err := config.ParseSize(s.String()); err != nil || back != s {
			t.Errorf("%s reads as %d, %v", s, back, err)
		}
	}
	for _, bad := range []string{"", "KiB", "-1", "1.5MiB", "9999999999GiB", "64 kibibytes"} {
		if n, err := config.ParseSize(bad); err == nil {
			t.Errorf("%q reads as %d", bad, n)
		}
	}
}

func TestConfigIsSearchedInOrder(t *testing.T) {
	t.Setenv("LONGWIRE_CONFIG", "/from/env")
	if got := config.Search("/named"); got != "/named" {
		t.Error(got)
	}
	if got := config.Search(""); got != "/from/env" {
		t.Error(got)
	}
}

func TestDataFolderOfSystemdWins(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "/var/lib/private/longwire:/other")
	if c := config.Default(); c.Data != "/var/lib/private/longwire" || c.Control != "/var/lib/private/longwire/control.sock" {
		t.Errorf("%s, %s", c.Data, c.Control)
	}
}

func TestFileThatCannotBeReadIsOneFault(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.toml"): "no such file",
		dir:                             "this is a folder",
	} {
		c, err := config.Load(path)
		var f config.Faults
		if c != nil || !errors.As(err, &f) || !strings.Contains(err.Error(), want) || f[0].Remedy == "" {
			t.Errorf("%s: %v, %v", path, c, err)
		}
	}
	big := filepath.Join(dir, "big.toml")
	if err := os.WriteFile(big, []byte("#"+strings.Repeat("x", 2<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(big); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Error(err)
	}
}
