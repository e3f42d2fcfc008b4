package muc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

// makes a room by entering it.
const alicesRoom = `
	alice/desk sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk 110 170 201]</presence>
	alice/desk gets  {no subject}
	`

// attempt does something as the operator, and tells how it went.
func (s *stage) attempt(f func(*router.Turn) error) error {
	var t router.Turn
	err := s.DB.Update(func(tx *store.Tx) error {
		t.Reset(tx)
		return f(&t)
	})
	if err == nil {
		t.Done()
	}
	return err
}

func TestAnInstantRoomOpensWithTheEmptyForm(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.act(`
	alice/desk connects
	bob/phone  connects
	` + alicesRoom + `
	bob/phone  sends <presence to='ops@chat.hq.net/Bob' id='1'>{muc}</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='error' id='1'>{muc}<error type='cancel' by='ops@chat.hq.net'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>the room is being made</text></error></presence>
	bob/phone  sends {owner get}{/}
	bob/phone  gets  {refused cancel item-not-found}
	bob/phone  sends <iq type='get' id='1' to='ops@chat.hq.net'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
	bob/phone  gets  {refused cancel item-not-found}
	alice/desk sends {owner set}{submit}</x>{/}
	alice/desk gets  {done}
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone 110 170]</presence>
	bob/phone  gets  {no subject}
	`)
}

func TestAReservedRoomOpensAsItWasConfigured(t *testing.T) {
	s := newStage(t, muc.Options{Default: store.Room{Persistent: true, ChangeSubject: true}})
	s.act("alice/desk connects\n" + alicesRoom + `
	alice/desk sends {owner set}{submit}` + configForm + `{muc#roomconfig_passwordprotectedroom=1}{muc#roomconfig_roomsecret=}</x>{/}
	alice/desk gets  {refused modify not-acceptable: muc#roomconfig_roomsecret: a password is needed}
	alice/desk sends {owner set}{submit}` + configForm + `{muc#roomconfig_roomname=A dark cave}{muc#roomconfig_roomowners=bob@hq.net}</x>{/}
	alice/desk gets  {done}
	alice/desk gets  {by ops}{user}<item affiliation='owner' jid='bob@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	alice/desk gets  {status}{104}</x></message>
	`)
	c := s.muc.Rooms()[0].State()
	if c.Config.Locked || c.Config.Name != "A dark cave" || !c.Config.Persistent || !c.Config.ChangeSubject ||
		c.Affiliation(jidOf("alice")) != muc.Owner || c.Affiliation(jidOf("bob")) != muc.Owner {
		t.Errorf("%+v", c)
	}
}

func TestARoomThatIsCancelledGoes(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.act("alice/desk connects\n" + alicesRoom + `
	alice/desk sends {owner set}<x xmlns='jabber:x:data' type='cancel'/>{/}
	alice/desk gets  <presence from='ops@chat.hq.net/Alice' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='alice@hq.net/desk'/><destroy/>{110}</x></presence>
	alice/desk gets  {done}
	` + alicesRoom)
}

func TestARoomWhoseOwnerLeavesBeforeConfiguringItGoes(t *testing.T) {
	s := newStage(t, muc.Options{Default: store.Room{Persistent: true}})
	s.act("alice/desk connects\n" + alicesRoom + `
	alice/desk sends <presence to='ops@chat.hq.net/Alice' type='unavailable'/>
	alice/desk gets  <presence from='ops@chat.hq.net/Alice' type='unavailable'>{id}{user}<item affiliation='owner' role='none' jid='alice@hq.net/desk'/><destroy/>{110}</x></presence>
	`)
	if rooms := s.muc.Rooms(); len(rooms) != 0 {
		t.Errorf("%v are left", rooms)
	}
}

func TestWhoMayCreateRooms(t *testing.T) {
	refused := "<presence from='ops@chat.hq.net/Alice' type='error'>{muc}<error type='cancel' by='ops@chat.hq.net'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" +
		"<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>rooms are made by others</text></error></presence>"
	for _, c := range []struct {
		create    string
		near, far bool
	}{{"anyone", true, true}, {"local", true, false}, {"", true, false}, {"nobody", false, false}} {
		s := newStage(t, muc.Options{Create: c.create})
		s.Play("alice/desk connects")
		if c.near {
			s.act(alicesRoom + `
			alice/desk sends {owner set}<destroy/>{/}
			alice/desk gets  <presence from='ops@chat.hq.net/Alice' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='alice@hq.net/desk'/><destroy/>{110}</x></presence>
			alice/desk gets  {done}`)
		} else {
			s.act("alice/desk sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>\nalice/desk gets " + refused)
		}
		far := strings.Replace(refused, "type='error'", "to='eve@far.net/x' type='error'", 1)
		if c.far {
			far = "<presence from='ops@chat.hq.net/Alice' to='eve@far.net/x'>[owner moderator eve@far.net/x 110 170 201]</presence>\n" +
				"far.net gets <message from='ops@chat.hq.net' to='eve@far.net/x' type='groupchat'><subject/></message>"
		}
		s.act("far.net sends <presence from='eve@far.net/x' to='ops@chat.hq.net/Alice'>{muc}</presence>\nfar.net gets " + far)
	}
}

func TestRoomsAreBounded(t *testing.T) {
	s := newStage(t, muc.Options{MaxRooms: 4, MaxRoomsPerUser: 2})
	s.Play("alice/desk connects")
	s.Play("bob/phone connects")
	s.Play("carol/pc connects")
	try := func(who, room, want string) {
		t.Helper()
		s.Send(who, "<presence to='"+room+"@chat.hq.net/x'><x xmlns='http://jabber.org/protocol/muc'/></presence>", false)
		got := strings.Join(s.Client(who).Got(), "")
		if want == "" && !strings.Contains(got, "'201'") || want != "" && !strings.Contains(got, "<error type='wait' by='"+room+"@chat.hq.net'><resource-constraint") ||
			!strings.Contains(got, want) {
			t.Errorf("%s makes %s: %s", who, room, got)
		}
	}
	try("alice/desk", "a1", "")
	try("alice/desk", "a2", "")
	try("alice/desk", "a3", "you have made too many rooms")
	// Nor when they are somebody else's.
	err := s.attempt(func(t *router.Turn) error {
		var errs []error
		for _, m := range []store.RoomMember{{JID: "carol@hq.net", Affiliation: "owner"}, {JID: "alice@hq.net", Affiliation: "none"}} {
			errs = append(errs, s.muc.SetMember(t, s.muc.Room(jid.MustParse("a2@chat.hq.net")), m))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	try("alice/desk", "a3", "you have made too many rooms")
	try("bob/phone", "b1", "")
	try("bob/phone", "b2", "")
	try("carol/pc", "c1", "there are too many rooms")
	// A room that goes makes place for another.
	s.Send("alice/desk", "<presence to='a1@chat.hq.net/x' type='unavailable'/>", false)
	s.Client("alice/desk").Got()
	try("carol/pc", "c1", "")
	// The operator is not bounded.
	err = s.attempt(func(t *router.Turn) error {
		_, err := s.muc.Create(t, store.Room{JID: "c2@chat.hq.net"}, nil)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheOperatorMakesAndChangesRooms(t *testing.T) {
	s := newStage(t, muc.Options{Create: "nobody"})
	create := func(cfg store.Room, members ...store.RoomMember) error {
		return s.attempt(func(t *router.Turn) error {
			_, err := s.muc.Create(t, cfg, members)
			return err
		})
	}
	for jid, want := range map[string]string{
		"chat.hq.net": "no address of a room here", "ops@chat.hq.net/x": "no address of a room here", "ops@hq.net": "no address of a room here", "@": "creating a room",
	} {
		if err := create(store.Room{JID: jid}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", jid, err)
		}
	}
	if err := create(store.Room{JID: "OPS@chat.hq.net", Name: "Ops", Persistent: true}, owned); err != nil {
		t.Fatal(err)
	}
	if err := create(store.Room{JID: "ops@chat.hq.net"}); err == nil || err.Error() != "muc: creating ops@chat.hq.net: it exists" {
		t.Error(err)
	}
	s.enter("alice/desk", "bob/phone")
	r := s.muc.Room(jid.MustParse("ops@chat.hq.net"))
	if r == nil || r.State().Config.Locked || len(r.State().Config.Secret) != 32 {
		t.Fatalf("%+v", r)
	}
	do := func(f func(*router.Turn) error) {
		t.Helper()
		if err := s.attempt(f); err != nil {
			t.Error(err)
		}
	}
	do(func(t *router.Turn) error { return s.muc.Configure(t, r, func(c *store.Room) { c.MembersOnly = true }) })
	s.act(`
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/phone 110 322]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/phone 322]</presence>
	alice/desk gets  {status}{104}</x></message>
	`)
	do(func(t *router.Turn) error { return s.muc.SetMember(t, r, standing("bob", "member")) })
	s.act(`
	alice/desk gets  {by ops}{user}<item affiliation='member' jid='bob@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	bob/phone  sends <presence/>
	bob/phone  gets  <presence from='bob@hq.net/phone'/>
	bob/phone  gets  <message from='ops@chat.hq.net'>{user}<invite from='ops@chat.hq.net'/></x><delay xmlns='urn:xmpp:delay' from='hq.net' stamp='*'/></message>
	`)
	do(func(t *router.Turn) error { return s.muc.SetMember(t, r, standing("alice", "none")) })
	s.act(`
	alice/desk gets  <presence from='ops@chat.hq.net/Alice' type='unavailable'>[none none alice@hq.net/desk 110 321]</presence>
	`)
	for _, f := range []func(*router.Turn) error{
		func(t *router.Turn) error { return s.muc.SetMember(t, r, store.RoomMember{JID: "@"}) },
		func(t *router.Turn) error { return s.muc.SetMember(t, r, standing("bob", "king")) },
	} {
		if err := s.attempt(f); err == nil {
			t.Error("no error")
		}
	}
	do(func(t *router.Turn) error { return s.muc.Destroy(t, r, jid.JID{}, "") })
	for _, f := range []func(*router.Turn) error{
		func(t *router.Turn) error { return s.muc.SetMember(t, r, standing("bob", "owner")) },
		func(t *router.Turn) error { return s.muc.Configure(t, r, func(*store.Room) {}) },
		func(t *router.Turn) error { return s.muc.Destroy(t, r, jid.JID{}, "") },
	} {
		if err := s.attempt(f); err == nil || !strings.HasSuffix(err.Error(), "there is no such room") {
			t.Error(err)
		}
	}
	if fmt.Sprint(s.muc.Rooms()) != "[]" {
		t.Error("the room is still there")
	}
}

// What the operator's file says that the room is about is told as a subject is, not as a change of its configuration; and that a room is
// in the file is told to nobody.
func TestTheOperatorsSubjectIsTold(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	r := s.muc.Rooms()[0]
	for _, f := range []func(*store.Room){
		func(c *store.Room) { c.Declared = true },
		func(c *store.Room) { c.Subject = []byte("<subject>Convoy</subject>") },
	} {
		if err := s.attempt(func(t *router.Turn) error { return s.muc.Configure(t, r, f) }); err != nil {
			t.Fatal(err)
		}
	}
	s.act(`
	alice/desk gets  <message from='ops@chat.hq.net' type='groupchat'><subject>Convoy</subject></message>
	`)
}
