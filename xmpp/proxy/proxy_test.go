package proxy_test

import (
	"testing"

	"longwire/store"
	"longwire/xmpp/proxy"
)

func ask(to, inner string) string {
	return "alice/desk quickly sends <iq type='get' id='q' to='" + to + "'>" + inner + "</iq>"
}

const (
	info  = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
	items = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
	ping  = "<ping xmlns='urn:xmpp:ping'/>"
	vcard = "<vCard xmlns='vcard-temp'/>"
)

func result(from, inner string) string {
	return "alice/desk gets <iq type='result' id='q' from='" + from + "'>" + inner + "</iq>"
}

func TestTheFarDomainIsDescribed(t *testing.T) {
	r := newRig(t, field)
	r.Play(`alice/desk connects
		` + ask("field.net", info) + `
		` + result("field.net", "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='field.net'/>"+
		"<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/><feature var='urn:xmpp:ping'/></query>") + `
		` + ask("field.net", items) + `
		` + result("field.net", "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='chat.field.net' name='Rooms'/></query>") + `
		` + ask("field.net", vcard) + `
		alice/desk gets ` + refused("field.net", "cancel", "service-unavailable", stays))
	r.crosses()
}

func TestFarRoomsAreThoseOfTheFederation(t *testing.T) {
	r := newRig(t, field)
	r.rooms = append(r.rooms, proxy.Room{Far: r.rooms[0].Far, Ours: r.rooms[0].Ours, Name: "twice"})
	hidden := r.rooms[0]
	hidden.Far, hidden.Hidden = mustParse("secret@chat.field.net"), true
	r.rooms = append(r.rooms, hidden)
	features := "<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/>"
	r.Play(`alice/desk connects
		` + ask("chat.field.net", items) + `
		` + result("chat.field.net", "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='ops@chat.field.net' name='Operations'/></query>") + `
		` + ask("ops@chat.field.net", info) + `
		` + result("ops@chat.field.net", "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text' name='Operations'/>"+features+
		"<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#roominfo</value></field>"+
		"<field var='muc#roominfo_description' type='text-single' label='Description'><value>use hqroom@rooms.net, which acts as one with this room</value></field></x></query>") + `
		` + ask("secret@chat.field.net", info) + `
		alice/desk gets ` + refused("secret@chat.field.net", "cancel", "service-unavailable", "such questions to chat.field.net do not cross the link"))
	// Where presence crosses, rooms can be entered.
	r.set(state{Usable: true, By: "SatCom"})
	r.Play(ask("chat.field.net", info) + `
		` + result("chat.field.net", "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text' name='Rooms'/>"+features+
		"<feature var='http://jabber.org/protocol/muc'/><feature var='urn:xmpp:ping'/></query>"))
	r.crosses()
}

// Nobody is told that an account exists who could not know it from the account itself.
func TestAccountsAreKnownByTheirSubscribersOnly(t *testing.T) {
	r := newRig(t, field)
	r.Item("alice", store.RosterItem{Contact: "dan@field.net", From: true, PendOut: true, InRoster: true})
	r.Play(`alice/desk connects
		` + ask("carol@field.net", info) + `
		` + result("carol@field.net", "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='account' type='registered'/>"+
		"<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/></query>") + `
		` + ask("dan@field.net", info) + `
		alice/desk gets ` + refused("dan@field.net", "cancel", "service-unavailable", stays) + `
		` + ask("eve@field.net", ping) + `
		alice/desk gets ` + refused("eve@field.net", "cancel", "service-unavailable", stays))
	r.crosses()
}

func TestPingTellsOfTheLink(t *testing.T) {
	r := newRig(t, field)
	r.Play(`alice/desk connects
		` + ask("field.net", ping) + `
		alice/desk gets <iq type='result' id='q' from='field.net'/>
		` + ask("carol@field.net", ping) + `
		alice/desk gets <iq type='result' id='q' from='carol@field.net'/>
		` + ask("carol@field.net/phone", ping) + `
		alice/desk gets ` + refused("carol@field.net/phone", "cancel", "service-unavailable", stays))
	r.set(state{Silent: true})
	r.Play(ask("field.net", ping) + `
		alice/desk gets ` + refused("field.net", "wait", "remote-server-timeout", "no link to field.net is usable now"))
	r.crosses()
}

// XEP-0410: a client learns whether it is still in a far room without a question that crosses.
func TestSelfPingOfAFarRoom(t *testing.T) {
	r := newRig(t, field)
	r.set(state{Usable: true, By: "SatCom"})
	join := "<presence from='alice@hq.net/desk' to='map@chat.field.net/al'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
	out := "alice/desk gets " + refused("map@chat.field.net/al", "cancel", "not-acceptable", "you are not in this room")
	r.Play(`alice/desk connects
		` + ask("map@chat.field.net/al", ping) + "\n" + out + `
		alice/desk sends <presence to='map@chat.field.net/al'><x xmlns='http://jabber.org/protocol/muc'/></presence>
		` + ask("map@chat.field.net/al", ping) + `
		alice/desk gets <iq type='result' id='q' from='map@chat.field.net/al'/>`)
	r.crosses(join)
	r.set(state{By: "SatCom"})
	r.Play(ask("map@chat.field.net/al", ping) + `
		alice/desk gets ` + refused("map@chat.field.net/al", "wait", "remote-server-timeout", "no link to chat.field.net is usable now"))
	r.hears("<presence type='unavailable' from='map@chat.field.net/al' to='alice@hq.net/desk'><x xmlns='http://jabber.org/protocol/muc#user'><status code='307'/></x></presence>")
	r.Play(`alice/desk gets <presence type='unavailable' from='map@chat.field.net/al'><x xmlns='http://jabber.org/protocol/muc#user'><status code='307'/></x></presence>
		` + ask("map@chat.field.net/al", ping) + "\n" + out)
}

func TestAClientIsWhatItsPresenceStandsFor(t *testing.T) {
	r := newRig(t, field)
	r.set(state{Usable: true, By: "SatCom"})
	r.info["v1"] = "<identity category='client' type='phone'/><feature var='urn:xmpp:jingle:1'/>"
	caps := "<presence from='carol@field.net/phone'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:c' ver='v1'/></presence>"
	r.Play(`alice/desk connects
		alice/desk sends <presence/>
		alice/desk gets <presence from='alice@hq.net/desk'/>`)
	r.crossed = nil
	r.hears(caps[:len("<presence")] + " to='alice@hq.net'" + caps[len("<presence"):])
	no := "alice/desk gets " + refused("carol@field.net/phone", "cancel", "service-unavailable", stays)
	r.Play("alice/desk gets " + caps + `
		` + ask("carol@field.net/phone", info) + `
		` + result("carol@field.net/phone", "<query xmlns='http://jabber.org/protocol/disco#info'>"+r.info["v1"]+"</query>") + `
		` + ask("carol@field.net/phone", "<query xmlns='http://jabber.org/protocol/disco#info' node='urn:c#v1'/>") + `
		` + result("carol@field.net/phone", "<query xmlns='http://jabber.org/protocol/disco#info' node='urn:c#v1'>"+r.info["v1"]+"</query>") + `
		` + ask("carol@field.net/phone", "<query xmlns='http://jabber.org/protocol/disco#info' node='urn:c#v2'/>") + "\n" + no + `
		` + ask("carol@field.net/pad", info) + `
		alice/desk gets ` + refused("carol@field.net/pad", "cancel", "service-unavailable", stays))
	r.hears("<presence type='unavailable' from='carol@field.net/phone' to='alice@hq.net'/>")
	r.Play(`alice/desk gets <presence type='unavailable' from='carol@field.net/phone'/>
		` + ask("carol@field.net/phone", info) + "\n" + no)
	r.crosses()
}
