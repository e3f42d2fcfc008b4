package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"longwire/firmware/config"
)

const hf = `[[link]]
name = "5066 link hq-2-field"
type = "s5066"
local_5066_address = "1.1.0.1"
[[peer]]
domains = ["field.net"]
links = ["5066 link hq-2-field"]
s5066.remote_5066_address = "1.1.0.2"
`

// hfWith adds lines to the link and to the peer.
func hfWith(link, peer string) string {
	doc := strings.Replace(hf, "[[peer]]", link+"\n[[peer]]", 1)
	return doc + peer + "\n"
}

func TestEachFaultOfAnHFLinkIsTold(t *testing.T) {
	second := "[[peer]]\ndomains = [\"two.net\"]\nlinks = [\"5066 link hq-2-field\"]\n"
	for _, c := range []struct{ name, doc, want string }{
		{"setting of the other type", hfWith("remote_port = 65510", ""), `n.toml:5: link.remote_port: remote_port belongs to type ip, and this link is of type s5066; take it out, or set type = "ip"`},
		{"and the other way round", link(`remote_address = "198.51.100.1"`, `sap = 6`), `n.toml:4: link.sap: sap belongs to type s5066, and this link is of type ip; take it out, or set type = "s5066"`},
		{"table of the other type", link(`remote_address = "198.51.100.1"`, `priority.iq = 6`), `n.toml:4: link.priority: priority belongs to type s5066, and this link is of type ip; take it out, or set type = "s5066"`},
		{"no local address", strings.Replace(hf, "local_5066_address = \"1.1.0.1\"\n", "", 1), `n.toml:1: link.local_5066_address: link "5066 link hq-2-field" has no local_5066_address; write four numbers, as in "1.1.0.1"`},
		{"no remote address", strings.Replace(hf, "s5066.remote_5066_address = \"1.1.0.2\"\n", "", 1), `n.toml:5: peer.s5066.remote_5066_address: peer "field.net", reached by link "5066 link hq-2-field", has no remote_5066_address; write four numbers, as in "1.1.0.1"`},
		{"address in the wrong place", hfWith("", `remote_5066_address = "1.1.0.2"`), `n.toml:10: peer.remote_5066_address: there is no such setting; it belongs below [peer.s5066]`},
		{"no address", strings.Replace(hf, "1.1.0.1", "10.0.0.256", 1), `n.toml:4: link.local_5066_address: "10.0.0.256" is not a STANAG 5066 address; write four numbers, as in "1.1.0.1", from 0.0.0.1 to 15.255.255.255`},
		{"group", strings.Replace(hf, "1.1.0.2", "31.255.255.255", 1), `n.toml:8: peer.s5066.remote_5066_address: 31.255.255.255 is the address of a group of stations; the first number of a station is 15 at most`},
		{"nobody", strings.Replace(hf, "1.1.0.1", "0.0.0.0", 1), `n.toml:4: link.local_5066_address: 0.0.0.0 is nobody's address; write four numbers, as in "1.1.0.1"`},
		{"ourselves", strings.Replace(hf, "1.1.0.2", "1.1.0.1", 1), `n.toml:8: peer.s5066.remote_5066_address: 1.1.0.1 is the local_5066_address of link "5066 link hq-2-field"; write the address of the other side's SIS server`},
		{"two at one address", hf + second + `s5066.remote_5066_address = "1.1.0.2"`, `n.toml:12: peer.s5066.remote_5066_address: peer "field.net" (line 8) has the same address on link "5066 link hq-2-field"; put all domains into one peer, or correct one of the addresses`},
		{"SAP", hfWith("sap = 16", ""), `n.toml:5: link.sap: 16 is out of range; choose 0 to 15`},
		{"rank of a manager", hfWith("rank = 15", ""), `n.toml:5: link.rank: 15 is out of range; choose 0 to 14`},
		{"priority", hfWith("priority.presence = 16", ""), `n.toml:5: link.priority.presence: 16 is out of range; choose 0 to 15`},
		{"ttl", hfWith(`ttl = "1s"`, ""), `n.toml:5: link.ttl: 1s is out of range; choose 2s to 360h`},
		{"ack delay", hfWith(`ack_delay = "25h"`, ""), `n.toml:5: link.ack_delay: 25h is out of range; choose 1s to 24h`},
		{"time", hfWith(`time_scale = 0`, ""), `n.toml:5: link.time_scale: 0 is out of range; choose 1 to 1000`},
		{"server", hfWith(`server = "local host"`, ""), `n.toml:5: link.server: "local host" does not say where the SIS server is; write "host:port", "serial:/dev/ttyUSB0" or "vsock:2:5066"`},
		{"serial server", hfWith(`server = "serial:ttyUSB0"`, ""), `n.toml:5: link.server: "serial:ttyUSB0" does not say where the SIS server is; write`},
		{"baud of no line", hfWith(`server_baud = 9600`, ""), `n.toml:5: link.server_baud: the SIS server is not reached by a serial port; take it out, or name a port, as in server = "serial:/dev/ttyUSB0"`},
		{"baud", hfWith("server = \"serial:/dev/ttyS1\"\nserver_baud = 7", ""), `n.toml:6: link.server_baud: 7 is out of range; choose 300 to 4000000`},
		{"SAP taken", hf + "[[link]]\nname = \"two\"\ntype = \"s5066\"\nserver = \"localhost:5066\"\nlocal_5066_address = \"1.1.0.1\"\nsap = 6", `n.toml:14: link.sap: link "5066 link hq-2-field" (line 1) has SAP 6 of that server; give the peers of both to one link, or choose another SAP on both sides`},
		{"line taken", hfWith("server = \"serial:/dev/ttyS1\"", "") + "[[link]]\nname = \"two\"\ntype = \"s5066\"\nlocal_5066_address = \"1.1.0.1\"\nsap = 7\nserver = \"serial:/dev/ttyS1\"", `n.toml:16: link.server: link "5066 link hq-2-field" (line 5) has that line, which carries one client; give the peers of both to one link, or name another line`},
		{"mapping", hfWith("", `s5066.mapping = "slep"`), `n.toml:10: peer.s5066.mapping: "slep" is unknown; write one of: rcop, longwire`},
		{"confirm", hfWith("", `s5066.confirm = "nobody"`), `n.toml:10: peer.s5066.confirm: "nobody" is unknown; write one of: client, node`},
		{"setting of the other mapping", hfWith("", "s5066.mapping = \"longwire\"\ns5066.connection_id = 3"), `n.toml:11: peer.s5066.connection_id: this belongs to the mapping rcop; take it out, or set mapping = "rcop"`},
		{"blind without Longwire", hfWith("", `s5066.delivery = "non-arq"`), `n.toml:10: peer.s5066.delivery: this belongs to the mapping longwire; take it out, or set mapping = "longwire"`},
		{"repeats of arq", hfWith("", `s5066.repeats = 3`), `n.toml:10: peer.s5066.repeats: with arq a piece is repeated until it has arrived; take it out, or set delivery = "non-arq"`},
		{"application", hfWith("", `s5066.application_id = 0x10000`), `n.toml:10: peer.s5066.application_id: 65536 is out of range; choose 0 to 65535`},
		{"stanza", hfWith(`max_stanza = 9999`, ""), `n.toml:5: link.max_stanza: 9999 is out of range; choose 10000 to 64MiB`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := faults(t, c.doc)
			if len(got) != 1 || !strings.HasPrefix(got[0].String(), c.want) || got[0].Remedy == "" {
				t.Errorf("got:\n%v\nwant:\n%s\nin:\n%s", got, c.want, numbered(c.doc))
			}
		})
	}
}

func TestAnHFLinkServesManyPeers(t *testing.T) {
	c := parse(t, hf+`[[peer]]
domains = ["two.net"]
links = ["5066 link hq-2-field"]
[peer.lifetimes]
iq = "1h"
presence = "1h"
[peer.s5066]
remote_5066_address = "1.1.0.3"
mapping = "longwire"
delivery = "non-arq"
repeats = 3
`)
	if len(c.Warnings) != 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
	if got, want := c.Peers[0].Lifetimes, (config.Lifetimes{Message: 72 * time.Hour, Groupchat: 24 * time.Hour, IQ: 30 * time.Minute, Presence: 6 * time.Hour}); got != want {
		t.Errorf("defaults over HF are %v, want %v", got, want)
	}
	// What is written counts, even where it is the default of another link.
	if got, want := c.Peers[1].Lifetimes, (config.Lifetimes{Message: 72 * time.Hour, Groupchat: 24 * time.Hour, IQ: time.Hour, Presence: time.Hour}); got != want {
		t.Errorf("lifetimes are %v, want %v", got, want)
	}
	if got, want := c.Peers[0].S5066, (config.PeerS5066{Remote5066Address: "1.1.0.2", Mapping: "rcop", ApplicationID: 0x8001, Confirm: "client", Delivery: "arq", Repeats: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestServersAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]config.Server{
		"localhost":            {Network: "tcp", Address: "localhost:5066"},
		"192.0.2.7:5067":       {Network: "tcp", Address: "192.0.2.7:5067"},
		"::1":                  {Network: "tcp", Address: "[::1]:5066"},
		"[::1]:5067":           {Network: "tcp", Address: "[::1]:5067"},
		"[::1]":                {Network: "tcp", Address: "[::1]:5066"},
		"serial:/dev/ttyS1":    {Network: "serial", Address: "/dev/ttyS1"},
		"vsock:host":           {Network: "vsock", Address: "2:5066"},
		"vsock:local:7":        {Network: "vsock", Address: "1:7"},
		"vsock:2":              {Network: "vsock", Address: "2:5066"},
		"vsock:4294967295:065": {Network: "vsock", Address: "4294967295:65"},
		"":                     {},
		"host:0":               {},
		"host:65536":           {},
		"host:x":               {},
		"vsock:":               {},
		"vsock:2:x":            {},
		"vsock:4294967296":     {},
		"serial:":              {},
		"a b:5066":             {},
		"10.0.0.256":           {},
	} {
		got, err := config.ParseServer(text)
		if got != want || (err == nil) != (want != config.Server{}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestHFSettingsThatDoNothingAreWarnedOf(t *testing.T) {
	w := parse(t, link(`remote_address = "127.0.0.1"`)+"s5066.remote_5066_address = \"1.1.0.2\"\n").Warnings
	if len(w) != 1 || !strings.Contains(w.Error(), `n.toml:7: peer.s5066: peer "hq.net" is reached by link "one" of type ip, which does not look at this`) {
		t.Errorf("%v", w)
	}
	if w := parse(t, hfWith("time_scale = 20", "")).Warnings; len(w) != 1 || !strings.Contains(w.Error(), "n.toml:5: link.time_scale: ") {
		t.Errorf("%v", w)
	}
}

func TestDiffNamesHFSettings(t *testing.T) {
	old := parse(t, "data = \"/d\"\n"+hf)
	d := config.Diff(old, parse(t, "data = \"/d\"\n"+hfWith("sap = 7\npriority.iq = 9\nemcon = true", `s5066.mapping = "longwire"`)))
	want := config.Changes{
		Keys: []string{`link "5066 link hq-2-field" emcon`, `link "5066 link hq-2-field" priority.iq`, `link "5066 link hq-2-field" sap`,
			`peer "field.net" fold.shorten_ids`, `peer "field.net" s5066.mapping`}, // whose peers are of our kind
		Links: config.Named{Changed: []string{"5066 link hq-2-field"}}, Peers: config.Named{Changed: []string{"field.net"}},
	}
	if !reflect.DeepEqual(*d, want) {
		t.Errorf("got  %+v\nwant %+v", *d, want)
	}
	if d := config.Diff(old, parse(t, "data = \"/d\"\n"+hfWith("sap = 6", `s5066.mapping = "rcop"`))); !d.Empty() {
		t.Errorf("writing out a default changed %v", d.Keys)
	}
}

func TestExampleShowsBothTypes(t *testing.T) {
	_, hf, found := strings.Cut(config.Example(), "#[[link]]\n")
	ip, hf, two := strings.Cut(hf, "#[[link]]\n")
	hf, _, _ = strings.Cut(hf, "#[[peer]]")
	if !found || !two {
		t.Fatal("there are not two links")
	}
	for _, c := range []struct{ name, doc, has, lacks string }{
		{"ip", ip, "#name = \"IP link hq-2-field\"\n|#type = \"ip\"\n|#remote_port = 65510\n|#max_stanza = ", "#sap|#server|#[link.priority]"},
		{"s5066", hf, "#name = \"5066 link hq-2-field\"\n|#type = \"s5066\"\n|#sap = 6\n|#server = \"localhost\"\n|#local_5066_address = \"1.1.0.1\"\n|#max_stanza = |#[link.priority]\n", "#remote_port|#tls|#ack_every"},
	} {
		for want := range strings.SplitSeq(c.has, "|") {
			if !strings.Contains(c.doc, want) {
				t.Errorf("%s: no %q", c.name, want)
			}
		}
		for not := range strings.SplitSeq(c.lacks, "|") {
			if strings.Contains(c.doc, not) {
				t.Errorf("%s: %q is there", c.name, not)
			}
		}
	}
}
