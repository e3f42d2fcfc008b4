package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"longwire/links/pair"
	"longwire/tools/organisation"
)

// mirrored checks every fact of the links and peers of two ends, one against the other.
func mirrored(t *testing.T, hqName, kitName string) {
	t.Helper()
	hq, kit := got(t, hqName, ""), got(t, kitName, "")
	a, b := settings(t, hq.Docs.Node), settings(t, kit.Docs.Node)
	pa, pb := named(t, a["peer"], kitName), named(t, b["peer"], hqName)
	if pa == nil || pb == nil {
		t.Fatalf("%s and %s are no peers of each other", hqName, kitName)
	}
	same := func(what string, x, y any) {
		t.Helper()
		if !reflect.DeepEqual(x, y) {
			t.Errorf("%s/%s: %s: %v here, %v there", hqName, kitName, what, x, y)
		}
	}
	for _, side := range []struct {
		me, peer table
	}{{a, pb}, {b, pa}} {
		domains, _ := side.peer["domains"].([]any)
		own, _ := side.me["domains"].([]any)
		same("domains", domains[:len(own)], own)
	}
	same("links", pa["links"], pb["links"])
	same("codec", pa["codec"], pb["codec"])
	same("phrases", hq.Docs.Phrases, kit.Docs.Phrases)
	links, _ := pa["links"].([]any)
	for _, name := range links {
		la, lb := named(t, a["link"], name.(string)), named(t, b["link"], name.(string))
		if la == nil || lb == nil {
			t.Errorf("link %v is not at both ends", name)
			continue
		}
		for _, key := range []string{"name", "type", "sap", "compress", "stream_management", "zero_rtt", "tls"} {
			same(key, la[key], lb[key])
		}
		if la["type"] == linkS5066 {
			same("address of headquarters", la["local_5066_address"], at(t, pb, "s5066", "remote_5066_address"))
			same("address of the kit", lb["local_5066_address"], at(t, pa, "s5066", "remote_5066_address"))
			for _, key := range []string{"mapping", "connection_id", "application_id"} {
				same(key, at(t, pa, "s5066", key), at(t, pb, "s5066", key))
			}
			same("token", at(t, pa, "pairing", "token"), at(t, pb, "pairing", "token"))
			if text, ok := at(t, a, "pairing", "key").(string); ok {
				k, err := pair.ParsePrivateKey(text)
				if err != nil {
					t.Error(err)
				}
				same("headquarters' key", k.Public().String(), at(t, pb, "pairing", "headquarters_key"))
			}
			same("headquarters' key at headquarters", at(t, pa, "pairing", "headquarters_key"), nil)
			continue
		}
		same("port of headquarters", la["local_port"], lb["remote_port"])
		same("port of the kit", lb["local_port"], la["remote_port"])
		if la["dial"] != lb["listen"] || lb["dial"] != la["listen"] {
			t.Errorf("%v: %v/%v here, %v/%v there", name, la["dial"], la["listen"], lb["dial"], lb["listen"])
		}
		if la["tls"] == "direct" {
			for _, side := range []struct {
				cert []byte
				pins any
			}{{hq.Docs.TLSCert, lb["pin_sha256"]}, {kit.Docs.TLSCert, la["pin_sha256"]}} {
				pin, err := organisation.Pin(side.cert)
				if err != nil {
					t.Error(err)
				}
				same("certificate", []any{pin}, side.pins)
			}
		}
	}
}

func TestEndsAreMirrored(t *testing.T) {
	inHouse(t, pairDoc)
	write(t)
	mirrored(t, "headquarters", "field")

	inHouse(t, starDoc(9))
	write(t)
	for i := range 9 {
		mirrored(t, "headquarters", fmt.Sprintf("kit%d", i))
	}
	hq := settings(t, got(t, "headquarters", "").Docs.Node)
	if list, _ := tables(hq["link"]); len(list) != 1+6 {
		t.Errorf("headquarters has %d links; want one over HF, and one for each kit over IP", len(list))
	}

	inHouse(t, exampleText)
	write(t)
	mirrored(t, "headquarters", "field")
	mirrored(t, "headquarters", "ship")
}

// One room in the file is a federated room at each end that has it.
func TestRoomsAreOneOnAllEnds(t *testing.T) {
	inHouse(t, starDoc(3)+`
[[room]]
name = "ops"
title = "Operations"
mode = "pr"
autojoin = true
node = { subject = "Shift change", federation.last_n = 50 }
[[room]]
name = "two"
kits = ["kit2"]
watch = true
`)
	write(t)
	node := func(end string) table { return settings(t, got(t, end, "").Docs.Node) }
	both := []any{"chat.headquarters.net", "chat.hq.example"}
	hq, kit1, kit2 := node("headquarters"), node("kit1"), node("kit2")
	if got := at(t, hq, "rooms", "domains"); !reflect.DeepEqual(got, both) {
		t.Errorf("rooms of headquarters are at %v", got)
	}
	if p := named(t, kit1["peer"], "headquarters"); !reflect.DeepEqual(at(t, p, "federation", "domains"), both) || !strings.Contains(fmt.Sprint(p["domains"]), "chat.headquarters.net") {
		t.Errorf("kit1 knows of headquarters' rooms: %v", p)
	}
	list := func(t table) (rooms []table) { rooms, _ = tables(t["room"]); return rooms }
	h, k1, k2 := list(hq), list(kit1), list(kit2)
	if len(h) != 2 || len(k1) != 1 || len(k2) != 2 {
		t.Fatalf("%d, %d and %d rooms", len(h), len(k1), len(k2))
	}
	same := func(got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
	auto := []any{"*"}
	same(h[0], table{"address": "ops@chat.headquarters.net", "title": "Operations", "autojoin": auto, "subject": "Shift change",
		"federation": table{"accept": []any{"ops@chat.kit0.net", "ops@chat.kit1.net", "ops@chat.kit2.net"}, "last_n": int64(50)}})
	same(k1[0], table{"address": "ops@chat.kit1.net", "title": "Operations", "autojoin": auto, "subject": "Shift change",
		"federation": table{"with": "ops@chat.headquarters.net", "mode": "pr", "last_n": int64(50)}})
	same(h[1]["federation"], table{"accept": []any{"two@chat.kit2.net"}})
	same(k2[1]["federation"], table{"with": "two@chat.headquarters.net", "watch": true})
}

func TestOwnServerServesTheNode(t *testing.T) {
	inHouse(t, pairDoc)
	write(t)
	c := got(t, "field", "")
	node, sis := settings(t, c.Docs.Node), settings(t, c.Docs.SIS)
	if server, listen := at(t, node, "link", 0, "server"), at(t, sis, "clients", "listen"); !reflect.DeepEqual(listen, []any{server}) {
		t.Errorf("the node looks for %v at %v", listen, server)
	}
	if sis["address"] != "1.1.0.2" || at(t, node, "link", 0, "local_5066_address") != "1.1.0.2" || at(t, sis, "modem", "port") != "/dev/ttyS1" {
		t.Errorf("%v", sis)
	}
	if c := got(t, "headquarters", ""); c.Docs.SIS != "" {
		t.Errorf("headquarters has a server elsewhere and got one: %s", c.Docs.SIS)
	}
}

func TestPairingCanBeLeftOut(t *testing.T) {
	inHouse(t, "s5066.pairing = false\n"+pairDoc)
	write(t)
	for _, name := range []string{"headquarters", "field"} {
		node := settings(t, got(t, name, "").Docs.Node)
		if node["pairing"] != nil || at(t, node, "peer", 0, "pairing") != nil {
			t.Errorf("%s pairs", name)
		}
	}
}

func TestLinksOverIPWithoutTLS(t *testing.T) {
	inHouse(t, `
[ip]
tls = false
dial = "headquarters"
[headquarters]
domains = ["headquarters.net"]
ip = { address = "203.0.113.1" }
[[kit]]
name = "field"
domains = ["field.net"]
links = ["ip"]
ip = { address = "198.51.100.1" }
`)
	write(t)
	mirrored(t, "headquarters", "field")
	hq, field := got(t, "headquarters", ""), got(t, "field", "")
	if l := at(t, settings(t, hq.Docs.Node), "link", 0).(table); l["dial"] != true || l["listen"] != false || l["remote_address"] != "198.51.100.1" || l["tls"] != nil {
		t.Errorf("headquarters: %v", l)
	}
	if hq.Docs.TLSCert != nil || field.Docs.TLSKey != nil {
		t.Error("certificates for nothing")
	}
}

// A kit may have several links, and both ends fold alike.
func TestSeveralLinksAndFoldingAreMirrored(t *testing.T) {
	inHouse(t, strings.NewReplacer("#[[all.node.peer]]", "[[all.node.peer]]", "#failover", "failover", "#[all.node.peer.fold]", "[all.node.peer.fold]",
		"#preset", "preset", "#shorten_ids", "shorten_ids", `links = ["ip"]`, "links = [\"ip\", \"s5066\"]\nsis = { address = \"1.1.0.3\", server = \"192.0.2.11:5066\" }").Replace(exampleText))
	write(t)
	mirrored(t, "headquarters", "ship")
	ship := named(t, settings(t, got(t, "ship", "").Docs.Node)["peer"], "headquarters")
	hq := named(t, settings(t, got(t, "headquarters", "").Docs.Node)["peer"], "ship")
	for _, p := range []table{ship, hq} {
		if got := at(t, p, "links"); !reflect.DeepEqual(got, []any{"IP link headquarters-2-ship", "5066 link"}) {
			t.Errorf("links %v", got)
		}
		if fold := at(t, p, "fold"); !reflect.DeepEqual(fold, table{"preset": "auto", "shorten_ids": true}) || at(t, p, "failover", "after") != "60s" {
			t.Errorf("folding %v", fold)
		}
	}
}
