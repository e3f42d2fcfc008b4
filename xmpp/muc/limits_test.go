package muc_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

func TestStonesOfDestroyedRoomsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, muc.Options{MaxRooms: 2})
		err := s.attempt(func(t *router.Turn) error {
			for i := range muc.MaxStones + 10 {
				r, err := s.muc.Create(t, store.Room{JID: fmt.Sprintf("r%03d@chat.hq.net", i)}, nil)
				if err != nil {
					return err
				}
				if err := s.muc.Destroy(t, r, jid.MustParse("other@chat.hq.net"), ""); err != nil {
					return err
				}
				time.Sleep(time.Second)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		rooms := s.muc.Rooms()
		if len(rooms) != muc.MaxStones || rooms[0].JID().Local() != "r010" {
			t.Errorf("%d stones, the first is %s", len(rooms), rooms[0].JID())
		}
		// They are no rooms: there is place for another.
		s.act("alice/desk connects\n" + alicesRoom)
	})
}

func TestSomePlacesForMembersAreTheAdmins(t *testing.T) {
	var members []store.RoomMember
	for i := range muc.MaxRegistered {
		members = append(members, store.RoomMember{JID: fmt.Sprintf("u%d@far.net", i), Affiliation: "member"})
	}
	s := opsWith(t, store.Room{}, members[1:])
	s.act(`
	bob/phone  connects
	bob/phone  sends {register set}` + registration + `{muc#register_roomnick=Bob}</x>{/}
	bob/phone  gets  {refused wait resource-constraint: the room has too many members}
	alice/desk sends {admin set}<item affiliation='member' jid='bob@hq.net'/>{/}
	alice/desk gets  {done}
	alice/desk gets  {by ops}{user}<item affiliation='member' jid='bob@hq.net' role='none'/></x></message>
	# Who is a member may still have a nick.
	bob/phone  sends {register set}` + registration + `{muc#register_roomnick=Bob}</x>{/}
	bob/phone  gets  {done}
	`)
	var more strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&more, "<item affiliation='member' jid='v%d@far.net'/>", i)
	}
	s.act(`
	alice/desk sends {admin set}` + more.String() + `{/}
	alice/desk gets  {refused wait resource-constraint: the room has too many members}
	`)
}

func TestAdminsFindAPlaceInAFullRoom(t *testing.T) {
	s := opsWith(t, store.Room{MaxUsers: 1}, []store.RoomMember{standing("carol", "admin")})
	s.act(`
	bob/phone  connects
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='error'>{muc}<error type='wait' by='ops@chat.hq.net'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>the room is full</text></error></presence>
	`)
	s.enter("carol/pc")
	if s.muc.Rooms()[0].State().Occupant("Carol") == nil {
		t.Error("carol is not in")
	}
}

func TestARegisteredNickIsTakenOnWhereNicksAreLocked(t *testing.T) {
	s := newStage(t, muc.Options{LockNicks: true})
	s.room(store.Room{}, owned)
	s.enter("alice/desk", "bob/phone")
	s.act(`
	bob/phone  sends {register set}` + registration + `{muc#register_roomnick=Robert}</x>{/}
	bob/phone  gets  {done}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[member participant bob@hq.net/phone 110]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[member participant bob@hq.net/phone =Robert 110 303]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Robert'>[member participant bob@hq.net/phone 110 210]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[member participant bob@hq.net/phone]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[member participant bob@hq.net/phone =Robert 303]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Robert'>[member participant bob@hq.net/phone 210]</presence>
	`)
}

func BenchmarkBanAndPardon(b *testing.B) {
	var members []store.RoomMember
	for i := range 500 {
		members = append(members, store.RoomMember{JID: fmt.Sprintf("u%d@far.net", i), Affiliation: "member"})
	}
	s := opsWith(b, store.Room{}, members)
	r := s.muc.Rooms()[0]
	b.ReportAllocs()
	for b.Loop() {
		if err := s.attempt(func(t *router.Turn) error {
			if err := s.muc.SetMember(t, r, store.RoomMember{JID: "bob@hq.net", Affiliation: "outcast"}); err != nil {
				return err
			}
			return s.muc.SetMember(t, r, store.RoomMember{JID: "bob@hq.net", Affiliation: "none"})
		}); err != nil {
			b.Fatal(err)
		}
		s.Client("alice/desk").Got()
	}
}

func BenchmarkConfigurationForm(b *testing.B) {
	s := opsWith(b, store.Room{}, nil)
	get := requests.Replace("{owner get}{/}")
	b.ReportAllocs()
	for b.Loop() {
		s.Send("alice/desk", get, true)
		s.Client("alice/desk").Got()
	}
}
