package config_test

import (
	"reflect"
	"testing"

	"longwire/firmware/config"
)

func TestDiffNamesWhatChangedAndNothingElse(t *testing.T) {
	old := parse(t, "data = \"/d\"\n"+pair)
	if d := config.Diff(old, parse(t, "data = \"/d\"\n[log]\nlevel = \"info\"\n"+pair)); !d.Empty() {
		t.Errorf("writing out a default changed %v", d.Keys)
	}
	ops := "ops@" + old.RoomService.Domains[0]
	for _, c := range []struct {
		name, doc string
		want      config.Changes
	}{
		{"log", "data = \"/d\"\n[log]\nlevel = \"debug\"\n" + pair, config.Changes{Keys: []string{"log.level"}, Log: true}},
		{"listener", "data = \"/d\"\n[clients]\nlisten = [\":6222\"]\n" + pair, config.Changes{Keys: []string{"clients.listen"}, Listeners: true}},
		{"limit", "data = \"/d\"\n[clients]\nidle = \"1m\"\n" + pair, config.Changes{Keys: []string{"clients.idle"}, Limits: true}},
		{"domain", "data = \"/d\"\ndomains = [\"new.net\"]\n" + pair, config.Changes{Keys: []string{"domains", "rooms.domains"}, Domains: true, RoomService: true}},
		{"data", pair + "[store]\nmax_size = \"1GiB\"", config.Changes{Keys: []string{"control", "data", "store.max_size"}, Store: true, Fixed: []string{"data"}}},
		{"control", "data = \"/d\"\ncontrol = \"/run/lw\"\n" + pair, config.Changes{Keys: []string{"control"}, Fixed: []string{"control"}}},
		{"link and peer", "data = \"/d\"\n" + edit(`remote_address = "198.51.100.1"`, "remote_address = \"198.51.100.9\"\nzero_rtt = true"), config.Changes{
			Keys:  []string{`link "one" remote_address`, `link "one" zero_rtt`},
			Links: config.Named{Changed: []string{"one"}}}},
		{"lifetime", "data = \"/d\"\n" + edit(`links = ["one"]`, "links = [\"one\"]\nlifetimes.iq = \"1m\""), config.Changes{
			Keys: []string{`peer "hq.net" federation.join_timeout`, `peer "hq.net" lifetimes.iq`}, Peers: config.Named{Changed: []string{"hq.net"}}}},
		{"rooms", "data = \"/d\"\n[rooms]\ncreate = \"nobody\"\n" + pair, config.Changes{Keys: []string{"rooms.create"}, RoomService: true}},
		{"archive", "data = \"/d\"\n[archive.rooms]\nmax_messages = 7\n" + pair, config.Changes{Keys: []string{"archive.rooms.max_messages"}, Archive: true}},
		{"renamed", "data = \"/d\"\n" + edit(`links = ["one"]`, "links = [\"one\"]\nname = \"hq\""), config.Changes{
			Keys: []string{`peer "hq" added`, `peer "hq.net" removed`}, Peers: config.Named{Added: []string{"hq"}, Removed: []string{"hq.net"}}}},
		{"room", "data = \"/d\"\n[[room]]\naddress = \"ops\"\n" + pair, config.Changes{Keys: []string{`room "` + ops + `" added`}, Rooms: config.Named{Added: []string{ops}}}},
	} {
		d := config.Diff(old, parse(t, c.doc))
		if !reflect.DeepEqual(*d, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.name, *d, c.want)
		}
	}
}

// A room that the config declares no more is still there, with all that was said in it.
func TestDiffSaysThatARoomLivesOn(t *testing.T) {
	with := parse(t, "data = \"/d\"\n[[room]]\naddress = \"ops\"\n"+pair)
	d := config.Diff(with, parse(t, "data = \"/d\"\n"+pair))
	want := []string{`room "ops@` + with.RoomService.Domains[0] + `" not in the config any more; it lives on`}
	if !reflect.DeepEqual(d.Keys, want) {
		t.Errorf("got %q, want %q", d.Keys, want)
	}
}
