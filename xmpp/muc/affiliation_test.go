package muc_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/muc"
)

func TestABanRemovesAndStays(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{{JID: "bob@hq.net", Affiliation: "member", Nick: "Bob"}}, "bob/phone", "carol/pc")
	s.act(`
	alice/desk sends {admin set}<item affiliation='outcast' jid='bob@hq.net/phone'><reason>Treason</reason></item>{/}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='outcast' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/><reason>Treason</reason></item>{110}{301}</x></presence>
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='outcast' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/><reason>Treason</reason></item>{301}</x></presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='outcast' role='none'><actor nick='Alice'/><reason>Treason</reason></item>{301}</x></presence>
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='error'>{muc}<error type='auth' by='ops@chat.hq.net'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
	alice/desk sends {admin get}<item affiliation='outcast'/>{/}
	alice/desk gets  {admin list}<item affiliation='outcast' jid='bob@hq.net'><reason>Treason</reason></item>{/}
	carol/pc   sends {admin get}<item affiliation='outcast'/>{/}
	carol/pc   gets  {refused auth forbidden}
	# His nick is free.
	carol/pc   sends <presence to='ops@chat.hq.net/Bob'/>
	carol/pc   gets  <presence from='ops@chat.hq.net/Carol' type='unavailable'>[none participant carol@hq.net/pc =Bob 110 303]</presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>[none participant carol@hq.net/pc 110]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol' type='unavailable'>[none participant carol@hq.net/pc =Bob 303]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[none participant carol@hq.net/pc]</presence>
	`)
}

func TestBansThatAreRefused(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("bob", "admin"), standing("dave", "admin")}, "bob/phone", "carol/pc")
	s.act(`
	carol/pc   sends {admin set}<item affiliation='outcast' jid='bob@hq.net'/>{/}
	carol/pc   gets  {refused auth forbidden}
	bob/phone  sends {admin set}<item affiliation='outcast' jid='alice@hq.net'/>{/}
	bob/phone  gets  {refused cancel not-allowed: only an owner bans an admin or owner}
	bob/phone  sends {admin set}<item affiliation='outcast' jid='dave@hq.net'/>{/}
	bob/phone  gets  {refused cancel not-allowed: only an owner bans an admin or owner}
	bob/phone  sends {admin set}<item affiliation='outcast' jid='bob@hq.net'/>{/}
	bob/phone  gets  {refused cancel conflict: you cannot ban yourself}
	alice/desk sends {admin set}<item affiliation='outcast' jid='alice@hq.net/elsewhere'/>{/}
	alice/desk gets  {refused cancel conflict: you cannot ban yourself}
	bob/phone  sends {admin set}<item affiliation='outcast'/>{/}
	bob/phone  gets  {refused modify bad-request: an affiliation belongs to a bare JID}
	bob/phone  sends {admin set}<item affiliation='outcast' jid='@'/>{/}
	bob/phone  gets  {refused modify jid-malformed}
	bob/phone  sends {admin set}<item affiliation='king' jid='carol@hq.net'/>{/}
	bob/phone  gets  {refused modify bad-request: there is no affiliation king}
	bob/phone  sends {admin set}<item affiliation='member' jid='ops@chat.hq.net/Carol'/>{/}
	bob/phone  gets  {refused modify not-acceptable: ops@chat.hq.net is the room itself}
	bob/phone  sends {admin set}<item affiliation='outcast' jid='carol@hq.net'><reason>` + strings.Repeat("x", 1025) + `</reason></item>{/}
	bob/phone  gets  {refused modify policy-violation: the reason is too long}
	alice/desk sends {admin set}<item affiliation='admin' jid='hq.net'/>{/}
	alice/desk gets  {refused modify not-acceptable: hq.net is no user}
	`)
}

func TestASetOfChangesIsMadeWholeOrNotAtAll(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("bob", "admin")}, "bob/phone", "carol/pc")
	before := fmt.Sprint(s.muc.Rooms()[0].State().Members)
	s.act(`
	bob/phone  sends {admin set}<item affiliation='member' jid='dave@hq.net'/><item nick='Carol' role='none'/><item affiliation='outcast' jid='alice@hq.net'/>{/}
	bob/phone  gets  {refused cancel not-allowed: only an owner bans an admin or owner}
	alice/desk sends {admin set}<item affiliation='owner' jid='dave@hq.net'/><item affiliation='none' jid='dave@hq.net'/><item affiliation='none' jid='alice@hq.net'/>{/}
	alice/desk gets  {refused cancel conflict: a room has an owner}
	`)
	st := s.muc.Rooms()[0].State()
	if after := fmt.Sprint(st.Members); after != before || st.Occupant("Carol") == nil {
		t.Errorf("it was %s, it is %s", before, after)
	}
	err := s.DB.View(func(tx *store.Tx) error {
		return tx.RoomMembers("ops@chat.hq.net", func(m store.RoomMember) error {
			if m.JID == "dave@hq.net" {
				t.Errorf("%+v is kept", m)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
	// Two changes of one occupant are one.
	s.act(`
	alice/desk sends {admin set}<item affiliation='member' jid='carol@hq.net'/><item nick='Carol' role='moderator'/><item affiliation='outcast' jid='dave@hq.net'/>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='member' role='moderator' jid='carol@hq.net/pc'><actor nick='Alice'/></item></x></presence>
	alice/desk gets  {by ops}{user}<item affiliation='outcast' jid='dave@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='member' role='moderator' jid='carol@hq.net/pc'><actor nick='Alice'/></item></x></presence>
	bob/phone  gets  {by ops}{user}<item affiliation='outcast' jid='dave@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	carol/pc   gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='member' role='moderator' jid='carol@hq.net/pc'><actor nick='Alice'/></item>{110}</x></presence>
	# A moderator learns who the others are.
	carol/pc   gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk]</presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>[admin moderator bob@hq.net/phone]</presence>
	carol/pc   gets  {by ops}{user}<item affiliation='outcast' jid='dave@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	`)
}

func TestMembershipIsGrantedAndRevoked(t *testing.T) {
	s := opsWith(t, store.Room{Moderated: true}, nil, "bob/phone")
	s.act(`
	bob/phone  sends {admin set}<item affiliation='member' jid='bob@hq.net'/>{/}
	bob/phone  gets  {refused auth forbidden}
	alice/desk sends {admin set}<item affiliation='member' jid='bob@hq.net' nick='Bobby'><reason>Worthy</reason></item>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='member' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/><reason>Worthy</reason></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='member' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/><reason>Worthy</reason></item>{110}</x></presence>
	alice/desk sends {admin get}<item affiliation='member'/>{/}
	alice/desk gets  {admin list}<item affiliation='member' jid='bob@hq.net' nick='Bobby'/>{/}
	# A new nick alone is no news for the others; an empty one takes it back.
	alice/desk sends {admin set}<item affiliation='member' jid='bob@hq.net' nick='Bert'/>{/}
	alice/desk gets  {done}
	alice/desk sends {admin set}<item affiliation='member' jid='bob@hq.net' nick=''/>{/}
	alice/desk gets  {done}
	alice/desk sends {admin get}<item affiliation='member'/>{/}
	alice/desk gets  {admin list}<item affiliation='member' jid='bob@hq.net'/>{/}
	alice/desk sends {admin set}<item affiliation='member' jid='bob@hq.net' nick='Alice'/>{/}
	alice/desk gets  {refused cancel conflict: the nick is in use}
	alice/desk sends {admin set}<item affiliation='none' jid='bob@hq.net'/>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}</x></presence>
	`)
}

func TestWhoIsNoMemberAnyLongerLeavesAMembersOnlyRoom(t *testing.T) {
	s := opsWith(t, store.Room{MembersOnly: true}, []store.RoomMember{standing("bob", "member")}, "bob/phone")
	s.act(`
	alice/desk sends {admin set}<item affiliation='none' jid='bob@hq.net'/>{/}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}{321}</x></presence>
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{321}</x></presence>
	`)
}

func TestANewMemberOfAMembersOnlyRoomIsInvited(t *testing.T) {
	s := opsWith(t, store.Room{MembersOnly: true, NonAnonymous: true}, []store.RoomMember{standing("carol", "member")})
	s.quiet("alice/desk", "{owner set}{submit}<field var='muc#roomconfig_roomsecret'><value>pw</value></field></x>{/}")
	s.act(`
	bob/phone  connects
	bob/phone  sends <presence/>
	bob/phone  gets  <presence from='bob@hq.net/phone'/>
	alice/desk sends {admin set}<item affiliation='member' jid='bob@hq.net'><reason>Welcome</reason></item><item affiliation='admin' jid='carol@hq.net'/><item affiliation='member' jid='eve@far.net'/>{/}
	alice/desk gets  {done}
	alice/desk gets  {by ops}{user}<item affiliation='member' jid='bob@hq.net' role='none'><reason>Welcome</reason></item></x><no-store xmlns='urn:xmpp:hints'/></message>
	alice/desk gets  {by ops}{user}<item affiliation='admin' jid='carol@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	alice/desk gets  {by ops}{user}<item affiliation='member' jid='eve@far.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	bob/phone  gets  {by ops}{user}<invite from='alice@hq.net'><reason>Welcome</reason></invite><password>pw</password></x></message>
	far.net    gets  <message from='ops@chat.hq.net' to='eve@far.net'>{user}<invite from='alice@hq.net'/><password>pw</password></x></message>
	`)
}

func TestTheAbsentAreToldOfTheirStanding(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "carol/pc")
	s.act(`
	bob/phone  connects
	bob/phone  sends <presence/>
	bob/phone  gets  <presence from='bob@hq.net/phone'/>
	alice/desk sends {admin set}<item affiliation='admin' jid='bob@hq.net'/><item affiliation='member' jid='eve@far.net'/>{/}
	alice/desk gets  {done}
	# carol may not know real addresses; nothing crosses the link.
	alice/desk gets  {by ops}{user}<item affiliation='admin' jid='bob@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	alice/desk gets  {by ops}{user}<item affiliation='member' jid='eve@far.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	bob/phone  gets  {by ops}{user}<item affiliation='admin' role='none'/>{101}</x></message>
	`)
}

func TestOwnersAndAdminsAreMadeAndUnmadeByOwners(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("bob", "admin")}, "bob/phone")
	both := func(item string) string {
		return `
		alice/desk gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item ` + item + ` jid='bob@hq.net/phone'><actor nick='Alice'/></item></x></presence>
		bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item ` + item + ` jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}</x></presence>
		`
	}
	s.act(`
	bob/phone  sends {admin set}<item affiliation='admin' jid='carol@hq.net'/>{/}
	bob/phone  gets  {refused auth forbidden: only an owner makes and unmakes admins and owners}
	bob/phone  sends {admin get}<item affiliation='owner'/>{/}
	bob/phone  gets  {refused auth forbidden}
	bob/phone  sends {admin get}<item affiliation='admin'/>{/}
	bob/phone  gets  {refused auth forbidden}
	alice/desk sends {admin get}<item affiliation='admin'/>{/}
	alice/desk gets  {admin list}<item affiliation='admin' jid='bob@hq.net'/>{/}
	alice/desk sends {admin set}<item affiliation='owner' jid='bob@hq.net'/>{/}
	alice/desk gets  {done}` + both("affiliation='owner' role='moderator'") + `
	bob/phone  sends {admin get}<item affiliation='owner'/>{/}
	bob/phone  gets  {admin list}<item affiliation='owner' jid='alice@hq.net'/><item affiliation='owner' jid='bob@hq.net'/>{/}
	alice/desk sends {admin set}<item affiliation='admin' jid='bob@hq.net'/>{/}
	alice/desk gets  {done}` + both("affiliation='admin' role='moderator'") + `
	alice/desk sends {admin set}<item affiliation='none' jid='bob@hq.net'/>{/}
	alice/desk gets  {done}` + both("affiliation='none' role='participant'"))
}

func TestTheLastOwnerStays(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("bob", "admin")}, "bob/phone")
	for _, a := range []string{"admin", "member", "none"} {
		s.act("alice/desk sends {admin set}<item affiliation='" + a + "' jid='alice@hq.net'/>{/}\nalice/desk gets {refused cancel conflict: a room has an owner}")
	}
	// With another owner, she may go; by the same request, even.
	s.quiet("alice/desk", "{admin set}<item affiliation='none' jid='alice@hq.net'/><item affiliation='owner' jid='bob@hq.net'/>{/}")
	st := s.muc.Rooms()[0].State()
	if st.Affiliation(jidOf("alice")) != muc.NoAffiliation || st.Affiliation(jidOf("bob")) != muc.Owner || st.Occupant("Alice").Role != muc.Participant {
		t.Errorf("%+v", st.Members)
	}
}

func TestADomainCanBeAMemberOrBanned(t *testing.T) {
	s := opsWith(t, store.Room{MembersOnly: true}, nil)
	s.act(`
	alice/desk sends {admin set}<item affiliation='member' jid='hq.net'/><item affiliation='outcast' jid='carol@hq.net'/>{/}
	alice/desk gets  {done}
	alice/desk gets  {by ops}{user}<item affiliation='outcast' jid='carol@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	alice/desk sends {admin get}<item affiliation='member'/>{/}
	alice/desk gets  {admin list}<item affiliation='member' jid='hq.net'/>{/}
	`)
	s.enter("bob/phone")
	if o := s.muc.Rooms()[0].State().Occupant("Bob"); o == nil || o.Affiliation != muc.Member {
		t.Errorf("bob: %+v", o)
	}
	s.act(`
	carol/pc   connects
	carol/pc   sends <presence to='ops@chat.hq.net/Carol'>{muc}</presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Carol' type='error'>{muc}<error type='auth' by='ops@chat.hq.net'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
	# The owner has a standing of her own, the others go.
	alice/desk sends {admin set}<item affiliation='outcast' jid='hq.net'/>{/}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='outcast' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}{301}</x></presence>
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='outcast' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{301}</x></presence>
	`)
}

func TestWhoGetsTheLists(t *testing.T) {
	list := map[string]string{
		"owner": "<item affiliation='owner' jid='alice@hq.net'/>", "admin": "<item affiliation='admin' jid='bob@hq.net'/>",
		"member": "<item affiliation='member' jid='carol@hq.net'/>", "outcast": "",
	}
	for _, c := range []struct {
		about string
		cfg   store.Room
		who   string
		may   string // the lists
	}{
		{"owner", store.Room{}, "alice/desk", "owner admin member outcast"},
		{"admin", store.Room{}, "bob/phone", "member outcast"},
		{"member of a semi-anonymous room", store.Room{}, "carol/pc", ""},
		{"stranger", store.Room{NonAnonymous: true}, "dave/x", ""},
		{"member of a non-anonymous room", store.Room{NonAnonymous: true}, "carol/pc", "owner admin member"},
		{"admin of a non-anonymous room", store.Room{NonAnonymous: true}, "bob/phone", "owner admin member outcast"},
		{"member where moderators may ask", store.Room{NonAnonymous: true, MemberList: []string{"moderator"}}, "carol/pc", ""},
		{"admin where nobody else may ask", store.Room{NonAnonymous: true, MemberList: []string{"none"}}, "bob/phone", "member outcast"},
	} {
		t.Run(c.about, func(t *testing.T) {
			s := newStage(t, muc.Options{})
			s.Account("dave")
			s.room(c.cfg, owned, standing("bob", "admin"), standing("carol", "member"))
			s.Play(c.who + " connects")
			for name, items := range list {
				want := "{refused auth forbidden}"
				if strings.Contains(c.may, name) {
					want = "{admin list}" + items + "{/}"
				}
				s.act(c.who + " sends {admin get}<item affiliation='" + name + "'/>{/}\n" + c.who + " gets " + want)
			}
		})
	}
}

func TestListsThatDoNotExist(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	s.act(`
	alice/desk sends {admin get}{/}
	alice/desk gets  {refused modify bad-request: an item is missing}
	alice/desk sends {admin get}<item/>{/}
	alice/desk gets  {refused modify bad-request: an item has either an affiliation or a role}
	alice/desk sends {admin get}<item affiliation='none'/>{/}
	alice/desk gets  {refused modify bad-request: there is no list of the affiliation none}
	alice/desk sends {admin get}<item role='none'/>{/}
	alice/desk gets  {refused modify bad-request: there is no list of the role none}
	alice/desk sends {admin get}<item role='visitor'/><item role='moderator'/>{/}
	alice/desk gets  {refused modify bad-request: one list at a time}
	`)
}
