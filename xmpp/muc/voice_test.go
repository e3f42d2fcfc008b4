package muc_test

import (
	"testing"

	"longwire/store"
)

const request = "{FORM_TYPE=http://jabber.org/protocol/muc#request}"

func TestVoiceIsAskedForAndGivenByForm(t *testing.T) {
	s := opsWith(t, store.Room{Moderated: true}, []store.RoomMember{standing("carol", "member")}, "bob/phone", "carol/pc")
	ask := "<x xmlns='jabber:x:data' type='form'><title>Request for voice</title><instructions>Tick the box and submit the form to let this person speak.</instructions>" +
		"<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#request</value></field>" +
		"<field var='muc#role' type='list-single' label='Requested role'><value>participant</value><option label='Participant'><value>participant</value></option></field>" +
		"<field var='muc#jid' type='jid-single' label='User'><value>bob@hq.net/phone</value></field>" +
		"<field var='muc#roomnick' type='text-single' label='Nick'><value>Bob</value></field>" +
		"<field var='muc#request_allow' type='boolean' label='Let this person speak'><value>0</value></field></x>"
	s.act(`
	bob/phone  sends {to ops}{submit}` + request + `{muc#role=participant}</x></message>
	alice/desk gets  {from ops}` + ask + `</message>
	# carol has no say in it.
	carol/pc   sends {to ops}{submit}` + request + `{muc#role=participant}{muc#jid=bob@hq.net/phone}{muc#roomnick=Bob}{muc#request_allow=true}</x></message>
	carol/pc   gets  {returned auth forbidden}
	alice/desk sends {to ops}{submit}` + request + `{muc#role=participant}{muc#jid=bob@hq.net/phone}{muc#roomnick=Bob}{muc#request_allow=0}</x></message>
	alice/desk sends {to ops}<x xmlns='jabber:x:data' type='cancel'>` + request + `</x></message>
	alice/desk sends {to ops}{submit}` + request + `{muc#role=participant}{muc#jid=bob@hq.net/phone}{muc#roomnick=Bob}{muc#request_allow=true}</x></message>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}</x></presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant'><actor nick='Alice'/></item></x></presence>
	# Again, from both: it is given already.
	alice/desk sends {to ops}{submit}` + request + `{muc#role=participant}{muc#roomnick=Bob}{muc#request_allow=true}</x></message>
	bob/phone  sends {to ops}{submit}` + request + `{muc#role=participant}</x></message>
	`)
}

func TestRequestsForVoiceThatAreRefused(t *testing.T) {
	s := opsWith(t, store.Room{Moderated: true}, nil, "bob/phone")
	s.act(`
	carol/pc   connects
	carol/pc   sends {to ops}{submit}` + request + `{muc#role=participant}</x></message>
	carol/pc   gets  {returned auth forbidden: you are not in the room}
	bob/phone  sends {to ops}{submit}` + request + `{muc#role=moderator}</x></message>
	bob/phone  gets  {returned modify bad-request: only the role participant can be asked for}
	bob/phone  sends {to ops}<x xmlns='jabber:x:data' type='form'>` + `<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#request</value></field></x></message>
	bob/phone  gets  {returned modify bad-request: the form is not filled in}
	bob/phone  sends {to ops}{submit}{FORM_TYPE=urn:x}</x></message>
	bob/phone  gets  {returned modify bad-request: messages to a room are of type groupchat}
	bob/phone  sends {to ops}<x xmlns='jabber:x:data'/></message>
	bob/phone  gets  {returned modify bad-request: a data form of no known type}
	alice/desk sends {to ops}{submit}` + request + `{muc#roomnick=Nobody}{muc#request_allow=1}</x></message>
	alice/desk gets  {returned cancel item-not-found: the one who asked is not in the room}
	alice/desk sends {to ops}{submit}` + request + `{muc#jid=carol@hq.net/pc}{muc#roomnick=Bob}{muc#request_allow=1}</x></message>
	alice/desk gets  {returned cancel item-not-found: the one who asked is not in the room}
	alice/desk sends {to ops}{submit}` + request + `{muc#jid=@}{muc#roomnick=Bob}{muc#request_allow=1}</x></message>
	alice/desk gets  {returned modify jid-malformed}
	alice/desk sends {to ops}{submit}` + request + `{muc#roomnick=Bob}{muc#request_allow=maybe}</x></message>
	alice/desk gets  {returned modify bad-request: muc#request_allow is neither true nor false}
	`)
}
