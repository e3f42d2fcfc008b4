package muc_test

import (
	"testing"

	"longwire/store"
	"longwire/xmpp/muc"
)

const registerForm = "<x xmlns='jabber:x:data' type='form'><title>Registration with ops</title><instructions>Nobody else can use the nick that you register.</instructions>" +
	"<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#register</value></field>" +
	"<field var='muc#register_roomnick' type='text-single' label='Nick'><required/>"

const registration = "{submit}{FORM_TYPE=http://jabber.org/protocol/muc#register}"

func TestARegisteredNickIsOnesOwn(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	s.act(`
	carol/pc   connects
	carol/pc   sends {register get}{/}
	carol/pc   gets  {register}` + registerForm + `</field></x>{/}
	bob/phone  sends {register get}{/}
	bob/phone  gets  {register}` + registerForm + `<value>Bob</value></field></x>{/}
	bob/phone  sends <iq type='get' id='1' to='ops@chat.hq.net'><query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/></iq>
	bob/phone  gets  <iq from='ops@chat.hq.net' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'></query></iq>
	bob/phone  sends {register set}` + registration + `{muc#register_roomnick=Bobby}</x>{/}
	bob/phone  gets  {done}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[member participant bob@hq.net/phone 110]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[member participant bob@hq.net/phone]</presence>
	bob/phone  sends {register get}{/}
	bob/phone  gets  {register}<registered/><username>Bobby</username>{/}
	bob/phone  sends <iq type='get' id='1' to='ops@chat.hq.net'><query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/></iq>
	bob/phone  gets  <iq from='ops@chat.hq.net' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'><identity category='conference' type='text' name='Bobby'/></query></iq>
	carol/pc   sends {register set}` + registration + `{muc#register_roomnick=Bobby}</x>{/}
	carol/pc   gets  {refused cancel conflict: the nick is registered by somebody else}
	carol/pc   sends {register set}` + registration + `{muc#register_roomnick=Bob}</x>{/}
	carol/pc   gets  {refused cancel conflict: the nick is in use}
	carol/pc   sends <presence to='ops@chat.hq.net/Bobby'>{muc}</presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bobby' type='error'>{muc}<error type='cancel' by='ops@chat.hq.net'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>the nick is registered by somebody else</text></error></presence>
	# He thinks again.
	bob/phone  sends {register set}` + registration + `{muc#register_roomnick=Bert}</x>{/}
	bob/phone  gets  {done}
	bob/phone  sends {register set}<remove/>{/}
	bob/phone  gets  {done}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone 110]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone]</presence>
	bob/phone  sends {register set}<remove/>{/}
	bob/phone  gets  {refused auth registration-required}
	carol/pc   sends {register set}` + registration + `{muc#register_roomnick=Bert}</x>{/}
	carol/pc   gets  {done}
	alice/desk gets  {by ops}{user}<item affiliation='member' jid='carol@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	`)
}

func TestRegistrationsThatAreRefused(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("bob", "outcast")})
	s.act(`
	bob/phone  connects
	bob/phone  sends {register get}{/}
	bob/phone  gets  {refused cancel not-allowed}
	bob/phone  sends {register set}` + registration + `{muc#register_roomnick=Bob}</x>{/}
	bob/phone  gets  {refused cancel not-allowed}
	carol/pc   connects
	carol/pc   sends {register set}{/}
	carol/pc   gets  {refused modify bad-request: a data form is missing}
	carol/pc   sends {register set}{submit}{muc#register_roomnick=Carol}</x>{/}
	carol/pc   gets  {refused modify bad-request: muc#register_roomnick is missing}
	carol/pc   sends {register set}` + registration + `{muc#register_roomnick=}</x>{/}
	carol/pc   gets  {refused modify bad-request: muc#register_roomnick is missing}
	carol/pc   sends {register set}<x xmlns='jabber:x:data' type='cancel'/>{/}
	carol/pc   gets  {done}
	carol/pc   sends <iq type='get' id='1' to='nowhere@chat.hq.net'><query xmlns='jabber:iq:register'/></iq>
	carol/pc   gets  <iq from='nowhere@chat.hq.net' type='error' id='1'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	carol/pc   sends <iq type='get' id='1' to='chat.hq.net'><query xmlns='jabber:iq:register'/></iq>
	carol/pc   gets  <iq from='chat.hq.net' type='error' id='1'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	`)
}

func TestNobodyRegistersItsWayIntoAMembersOnlyRoom(t *testing.T) {
	s := opsWith(t, store.Room{MembersOnly: true}, []store.RoomMember{standing("bob", "member")}, "bob/phone")
	s.act(`
	carol/pc   connects
	carol/pc   sends {register get}{/}
	carol/pc   gets  {refused cancel not-allowed}
	carol/pc   sends {register set}` + registration + `{muc#register_roomnick=Carol}</x>{/}
	carol/pc   gets  {refused cancel not-allowed}
	# A member may have a nick; who gives up the membership goes.
	bob/phone  sends {register set}` + registration + `{muc#register_roomnick=Bob}</x>{/}
	bob/phone  gets  {done}
	bob/phone  sends {register set}<remove/>{/}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/phone 110 321]</presence>
	bob/phone  gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/phone 321]</presence>
	`)
}

func TestAnOwnerKeepsItsStandingWhenItUnregisters(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	s.act(`
	alice/desk sends {register set}` + registration + `{muc#register_roomnick=Alice}</x>{/}
	alice/desk gets  {done}
	alice/desk sends {register set}<remove/>{/}
	alice/desk gets  {done}
	`)
	if st := s.muc.Rooms()[0].State(); st.Affiliation(jidOf("alice")) != muc.Owner || st.ReservedNick(jidOf("alice")) != "" {
		t.Errorf("%+v", st.Members)
	}
}
