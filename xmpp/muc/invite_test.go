package muc_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/muc"
)

func TestAnInvitationIsPassedOn(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	s.act(`
	carol/pc   connects
	carol/pc   sends <presence/>
	carol/pc   gets  <presence from='carol@hq.net/pc'/>
	bob/phone  sends {to ops}{user}<invite to='carol@hq.net'><reason>Come &amp; see</reason></invite></x></message>
	carol/pc   gets  {from ops}{user}<invite from='bob@hq.net'><reason>Come &amp; see</reason></invite></x></message>
	# Going on from a chat of two; a client is named, and somebody far away.
	bob/phone  sends {to ops}{user}<invite to='carol@hq.net/pc'><continue thread='e0ffe4'/></invite><invite to='eve@far.net'><reason>You too</reason><continue/></invite></x></message>
	carol/pc   gets  {from ops}{user}<invite from='bob@hq.net'><continue thread='e0ffe4'/></invite></x></message>
	far.net    gets  <message from='ops@chat.hq.net' to='eve@far.net' id='1'>{user}<invite from='bob@hq.net'><reason>You too</reason><continue/></invite></x></message>
	`)
	// An open room makes nobody a member by that.
	if st := s.muc.Rooms()[0].State(); len(st.Members) != 1 {
		t.Errorf("%+v", st.Members)
	}
}

func TestInvitationsThatAreRefused(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("carol", "outcast"), standing("dave", "admin")}, "bob/phone")
	s.Account("dave")
	s.act(`
	dave/x     connects
	carol/pc   connects
	carol/pc   sends {to ops}{user}<invite to='bob@hq.net'/></x></message>
	carol/pc   gets  {returned auth forbidden: you are not in the room}
	bob/phone  sends {to ops}{user}<invite to='carol@hq.net'/></x></message>
	bob/phone  gets  {returned cancel not-allowed: carol@hq.net is banned from this room}
	bob/phone  sends {to ops}{user}<invite to='eve@far.net'/><invite to='nobody@hq.net'/></x></message>
	bob/phone  gets  {returned cancel item-not-found}
	bob/phone  sends {to ops}{user}<invite to='@'/></x></message>
	bob/phone  gets  {returned modify jid-malformed}
	bob/phone  sends {to ops}{user}<invite/></x></message>
	bob/phone  gets  {returned modify jid-malformed}
	bob/phone  sends {to ops}{user}<invite to='eve@far.net'><reason>` + strings.Repeat("x", 1025) + `</reason></invite></x></message>
	bob/phone  gets  {returned modify policy-violation: the reason is too long}
	bob/phone  sends {to ops}{user}<status code='110'/></x></message>
	bob/phone  gets  {returned modify bad-request: messages to a room are of type groupchat}
	bob/phone  sends <message to='nowhere@chat.hq.net' id='1'>{user}<invite to='eve@far.net'/></x></message>
	bob/phone  gets  <message from='nowhere@chat.hq.net' type='error' id='1'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	# An admin need not be inside.
	dave/x     sends {to ops}{user}<invite to='eve@far.net'/></x></message>
	far.net    gets  <message from='ops@chat.hq.net' to='eve@far.net' id='1'>{user}<invite from='dave@hq.net'/></x></message>
	`)
}

func TestAnInvitationToAMembersOnlyRoomMakesAMember(t *testing.T) {
	s := opsWith(t, store.Room{MembersOnly: true}, []store.RoomMember{standing("bob", "member")}, "bob/phone")
	s.quiet("alice/desk", "{owner set}{submit}<field var='muc#roomconfig_roomsecret'><value>p&amp;w</value></field></x>{/}")
	s.act(`
	carol/pc   connects
	carol/pc   sends <presence/>
	carol/pc   gets  <presence from='carol@hq.net/pc'/>
	bob/phone  sends {to ops}{user}<invite to='carol@hq.net'/></x></message>
	bob/phone  gets  {returned auth forbidden: you may not invite to this room}
	alice/desk sends {to ops}{user}<invite to='carol@hq.net'/></x></message>
	alice/desk gets  {by ops}{user}<item affiliation='member' jid='carol@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	carol/pc   gets  {from ops}{user}<invite from='alice@hq.net'/><password>p&amp;w</password></x></message>
	`)
	if a := s.muc.Rooms()[0].State().Affiliation(jidOf("carol")); a != muc.Member {
		t.Errorf("carol is %v", a)
	}
	// Where members may invite, they do.
	s.quiet("alice/desk", "{owner set}{submit}<field var='muc#roomconfig_allowinvites'><value>1</value></field></x>{/}")
	s.act(`
	bob/phone  sends {to ops}{user}<invite to='eve@far.net'/></x></message>
	alice/desk gets  {by ops}{user}<item affiliation='member' jid='eve@far.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	far.net    gets  <message from='ops@chat.hq.net' to='eve@far.net' id='1'>{user}<invite from='bob@hq.net'/><password>p&amp;w</password></x></message>
	`)
}

func TestARefusalReachesWhoInvited(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	s.act(`
	bob/phone  sends <presence/>
	bob/phone  gets  <presence from='bob@hq.net/phone'/>
	carol/pc   connects
	carol/pc   sends {to ops}{user}<decline to='bob@hq.net'><reason>Too busy</reason></decline></x></message>
	bob/phone  gets  {from ops}{user}<decline from='carol@hq.net'><reason>Too busy</reason></decline></x></message>
	carol/pc   sends {to ops}{user}<decline to='ops@chat.hq.net/Bob'/></x></message>
	bob/phone  gets  {from ops}{user}<decline from='carol@hq.net'/></x></message>
	far.net    sends <message from='eve@far.net/x' to='ops@chat.hq.net' id='1'>{user}<decline to='bob@hq.net/phone'/></x></message>
	bob/phone  gets  {from ops}{user}<decline from='eve@far.net'/></x></message>
	# A room is no way to write to strangers.
	carol/pc   sends {to ops}{user}<decline to='eve@far.net'/></x></message>
	carol/pc   gets  {returned cancel item-not-found}
	carol/pc   sends {to ops}{user}<decline to='ops@chat.hq.net/Eve'/></x></message>
	carol/pc   gets  {returned cancel item-not-found}
	`)
}

func TestARoomIsNoWayAroundABlockList(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	s.act(`
	carol/pc   connects
	carol/pc   sends <presence/>
	carol/pc   gets  <presence from='carol@hq.net/pc'/>
	carol      blocks bob@hq.net
	bob/phone  sends {to ops}{user}<invite to='carol@hq.net'/></x></message>
	`)
}

func TestADirectInvitationIsJustRouted(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	s.act(`
	carol/pc   connects
	carol/pc   sends <presence/>
	carol/pc   gets  <presence from='carol@hq.net/pc'/>
	bob/phone  sends <message to='carol@hq.net'><x xmlns='jabber:x:conference' jid='ops@chat.hq.net' reason='Come'/></message>
	carol/pc   gets  <message from='bob@hq.net/phone'><x xmlns='jabber:x:conference' jid='ops@chat.hq.net' reason='Come'/></message>
	`)
}

func TestInvitationsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := opsWith(t, store.Room{}, nil, "bob/phone")
		invite := "<message to='ops@chat.hq.net' id='1'><x xmlns='http://jabber.org/protocol/muc#user'>" + strings.Repeat("<invite to='eve@far.net'/>", 10) + "</x></message>"
		for range 2 {
			s.Send("bob/phone", invite, false)
		}
		if got := s.Client("bob/phone").Got(); len(got) > 0 {
			t.Errorf("bob got %s", got)
		}
		refused := "{returned wait policy-violation: too many at once}"
		s.act(strings.Repeat("far.net gets <message from='ops@chat.hq.net' to='eve@far.net' id='1'>{user}<invite from='bob@hq.net'/></x></message>\n", 20))
		s.act("bob/phone sends {to ops}{user}<invite to='eve@far.net'/></x></message>\nbob/phone gets " + refused)
		time.Sleep(16 * time.Second)
		s.act(`
		bob/phone  sends {to ops}{user}<invite to='eve@far.net'/></x></message>
		far.net    gets  <message from='ops@chat.hq.net' to='eve@far.net' id='1'>{user}<invite from='bob@hq.net'/></x></message>
		bob/phone  sends {to ops}{user}<invite to='eve@far.net'/></x></message>
		bob/phone  gets  ` + refused + `
		# Others are not meant.
		alice/desk sends {to ops}{user}<invite to='eve@far.net'/></x></message>
		far.net    gets  <message from='ops@chat.hq.net' to='eve@far.net' id='1'>{user}<invite from='alice@hq.net'/></x></message>
		`)
	})
}
