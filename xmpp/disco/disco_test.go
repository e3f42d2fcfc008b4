package disco_test

import (
	"strings"
	"testing"

	"longwire/xmpp/disco"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/servicetest"
)

const (
	alice    = "alice@field.net/tent"
	stranger = "eve@headquarters.net/x"
	hqBob    = "bob@headquarters.net/desk"

	askInfo  = "<iq type='get' id='1' to='%'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
	askItems = "<iq type='get' id='1' to='%'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>"
)

func to(ask, who string) string { return strings.Replace(ask, "%", who, 1) }

func node(ask, node string) string {
	return strings.Replace(ask, "'/></iq>", "' node='"+node+"'/></iq>", 1)
}

func TestDisco(t *testing.T) {
	st := servicetest.New(t)
	st.Login(alice)
	st.Trust("alice@field.net", "bob@headquarters.net")
	rooms := []disco.Item{{JID: jid.MustParse("chat.field.net"), Name: "Rooms & more"}, {JID: jid.MustParse("pipe.field.net")}}
	disco.New(st.Host, disco.Options{Items: func(domain string) []disco.Item {
		if domain != "field.net" {
			t.Errorf("asked for the items of %q", domain)
		}
		return rooms
	}})
	st.Host.Feature(local.ForServer, "urn:xmpp:ping", "jabber:iq:version")
	st.Host.Feature(local.ForAccount, "vcard-temp")

	serverInfo := "<identity category='server' type='im' name='Longwire'/>" +
		"<feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>" +
		"<feature var='http://jabber.org/protocol/disco#items'/><feature var='jabber:iq:version'/><feature var='urn:xmpp:ping'/></query></iq>"
	accountInfo := "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='account' type='registered'/>" +
		"<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/><feature var='vcard-temp'/></query></iq>"
	fail := servicetest.Error
	st.Run(t, []servicetest.Case{
		{"server info", alice, to(askInfo, "field.net"),
			"<iq from='field.net' to='alice@field.net/tent' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#info'>" + serverInfo},
		{"server info to anyone", stranger, to(askInfo, "field.net"),
			"<iq from='field.net' to='eve@headquarters.net/x' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#info'>" + serverInfo},
		{"unknown node", alice, node(to(askInfo, "field.net"), "nope"), fail("field.net", alice, "1", "cancel", "item-not-found", "")},
		{"old caps node", alice, node(to(askInfo, "field.net"), "urn:x-longwire:node#AAAA"), fail("field.net", alice, "1", "cancel", "item-not-found", "")},
		{"server items", alice, to(askItems, "field.net"),
			"<iq from='field.net' to='alice@field.net/tent' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#items'>" +
				"<item jid='chat.field.net' name='Rooms &amp; more'/><item jid='pipe.field.net'/></query></iq>"},
		{"items of an unknown node", alice, node(to(askItems, "field.net"), "nope"), fail("field.net", alice, "1", "cancel", "item-not-found", "")},
		{"own account", alice, "<iq type='get' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
			"<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'>" + accountInfo},
		{"account asked by a subscriber", hqBob, to(askInfo, "alice@field.net"),
			"<iq from='alice@field.net' to='bob@headquarters.net/desk' type='result' id='1'>" + accountInfo},
		{"account items", hqBob, to(askItems, "alice@field.net"),
			"<iq from='alice@field.net' to='bob@headquarters.net/desk' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>"},
		{"node of an account", hqBob, node(to(askInfo, "alice@field.net"), "nope"), fail("alice@field.net", hqBob, "1", "cancel", "item-not-found", "")},
		{"node of an account's items", hqBob, node(to(askItems, "alice@field.net"), "nope"), fail("alice@field.net", hqBob, "1", "cancel", "item-not-found", "")},
		{"stranger", stranger, to(askInfo, "alice@field.net"), fail("alice@field.net", stranger, "1", "cancel", "service-unavailable", "")},
		{"stranger with a node", stranger, node(to(askInfo, "alice@field.net"), "n"), fail("alice@field.net", stranger, "1", "cancel", "service-unavailable", "")},
		{"stranger asks for items", stranger, to(askItems, "alice@field.net"), fail("alice@field.net", stranger, "1", "cancel", "service-unavailable", "")},
		{"no such account looks the same", stranger, to(askItems, "zoe@field.net"), fail("zoe@field.net", stranger, "1", "cancel", "service-unavailable", "")},
	})

	rooms = nil
	if got, want := st.Ask(alice, to(askItems, "field.net")), "<iq from='field.net' to='alice@field.net/tent' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>"; got != want {
		t.Errorf("no items:\n got %s\nwant %s", got, want)
	}
}

// What Caps announces can be asked for by its node, and changes with the features.
func TestCapsNodeAnswers(t *testing.T) {
	st := servicetest.New(t)
	st.Login(alice)
	contacts := map[string][]string{"admin-addresses": {"xmpp:admin@field.net", "mailto:a@field.net"}, "abuse-addresses": nil}
	d := disco.New(st.Host, disco.Options{Name: "Kit <7>", Node: "https://example.net/kit", Contacts: func() map[string][]string { return contacts }})
	caps := string(d.Caps())
	ver := caps[strings.Index(caps, "ver='")+5 : len(caps)-3]
	if want := "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://example.net/kit' ver='" + ver + "'/>"; caps != want || len(ver) != 28 {
		t.Errorf("caps %s", caps)
	}
	got := st.Ask(alice, node(to(askInfo, "field.net"), "https://example.net/kit#"+ver))
	want := "<iq from='field.net' to='alice@field.net/tent' type='result' id='1'>" +
		"<query xmlns='http://jabber.org/protocol/disco#info' node='https://example.net/kit#" + ver + "'>" +
		"<identity category='server' type='im' name='Kit &lt;7&gt;'/><feature var='http://jabber.org/protocol/caps'/>" +
		"<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/>" +
		"<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/network/serverinfo</value></field>" +
		"<field var='admin-addresses' type='list-multi'><value>mailto:a@field.net</value><value>xmpp:admin@field.net</value></field></x></query></iq>"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	st.Host.Feature(local.ForServer, "urn:xmpp:ping")
	if string(d.Caps()) == caps {
		t.Error("a new feature left the verification string as it was")
	}
}
