package muc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
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
	alice/desk gets  {by ops}{user}<item affiliation='member' jid='bob@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	# Who is a member may still have a nick.
	bob/phone  sends {register set}` + registration + `{muc#register_roomnick=Bob}</x>{/}
	bob/phone  gets  {done}
	`)
	var more strings.Builder
	for i := range 500 {
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

// BenchmarkVoice200 is a moderator's request that changes one of 200, from the stanza to the bytes for each client, less the
// commit.
func BenchmarkVoice200(b *testing.B) {
	c := newCrowd(b, 200, store.Room{})
	c.join()
	r := c.muc.Rooms()[0]
	c.op(func(t *router.Turn) error { return muc.Cast(t, r, "user0", "moderator") })
	c.op(func(t *router.Turn) error {
		return c.muc.SetMember(t, r, store.RoomMember{JID: "user0@hq.net", Affiliation: "admin"})
	})
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		role := []string{"visitor", "participant"}[i%2]
		c.send(0, "<iq to='ops@chat.hq.net' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='user7' role='"+role+"'/></query></iq>")
	}
}

// BenchmarkMember2000 adds and removes a member of a room that remembers two thousand.
func BenchmarkMember2000(b *testing.B) {
	c := newCrowd(b, 2, store.Room{})
	c.join()
	r := c.muc.Rooms()[0]
	c.op(func(t *router.Turn) error {
		var errs []error
		for i := range 1990 {
			errs = append(errs, c.muc.SetMember(t, r, store.RoomMember{JID: fmt.Sprintf("u%d@far.net", i), Affiliation: "member"}))
		}
		return errors.Join(errs...)
	})
	b.ReportAllocs()
	for b.Loop() {
		for _, a := range []string{"member", "none"} {
			c.op(func(t *router.Turn) error {
				return c.muc.SetMember(t, r, store.RoomMember{JID: "user1@hq.net", Affiliation: a})
			})
		}
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

func TestPacingForgetsTheIdleAndWhatIsUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, muc.Options{})
		var p muc.Pacing
		bob := jidOf("bob")
		no := errors.New("no")
		take := func(who jid.JID, n int, then error) error {
			return s.attempt(func(t *router.Turn) error {
				if err := p.Take(t, who, n); err != nil {
					return err
				}
				return then
			})
		}
		tooMany := &stanza.Err{Condition: stanza.PolicyViolation, Type: "wait"}
		for i, c := range []struct {
			n    int
			then error
			want error
		}{{21, nil, tooMany}, {20, no, no}, {20, no, no}, {20, nil, nil}, {1, nil, tooMany}} {
			if err := take(bob, c.n, c.then); !errors.Is(err, c.want) {
				t.Errorf("step %d: %v, want %v", i, err, c.want)
			}
		}
		// A crowd of others does not take his place, and does not grow for ever.
		err := s.attempt(func(t *router.Turn) error {
			var errs []error
			for i := range 5000 {
				errs = append(errs, p.Take(t, jid.MustParse(fmt.Sprintf("u%d@far.net", i)), 1))
				time.Sleep(time.Second)
			}
			return errors.Join(errs...)
		})
		if err != nil {
			t.Error(err)
		}
		if err := take(bob, 20, nil); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

func TestARoomThatIsBeingMadeIsNotThereForOthers(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.act("alice/desk connects\nbob/phone connects\n" + alicesRoom + `
	bob/phone  sends <message to='ops@chat.hq.net' type='groupchat' id='1'><body>Hello?</body></message>
	bob/phone  gets  {returned cancel item-not-found}
	bob/phone  sends {to ops}{user}<decline to='alice@hq.net'/></x></message>
	bob/phone  gets  {returned cancel item-not-found}
	`)
}

// A list of members given at once must not fill the outboxes of all who are inside, nor a link with invitations.
func TestNobodyIsToldOfAWholeListOfAbsentUsers(t *testing.T) {
	for n, want := range map[int]int{muc.MaxTold: muc.MaxTold, 500: 0} {
		c := newCrowd(t, 2, store.Room{NonAnonymous: true})
		c.join()
		r := c.muc.Rooms()[0]
		c.op(func(t *router.Turn) error {
			return c.muc.SetMember(t, r, store.RoomMember{JID: "user0@hq.net", Affiliation: "owner"})
		})
		var items strings.Builder
		for i := range n {
			fmt.Fprintf(&items, "<item affiliation='member' jid='x%d@far.net'/>", i)
		}
		before := c.sinks[1].n
		c.send(0, "<iq to='ops@chat.hq.net' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'>"+items.String()+"</query></iq>")
		if got := c.sinks[1].n - before; got != want || len(r.State().Members) != n+1 {
			t.Errorf("%d members: told of %d, %d remembered", n, got, len(r.State().Members))
		}
	}
}

func TestItemsOfOneRequestAreBounded(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice)
	for n, refused := range map[int]bool{500: false, 501: true} {
		s.Send("alice/desk", "<iq to='ops@chat.hq.net' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'>"+
			strings.Repeat("<item affiliation='member' jid='x@hq.net' nick='X'/>", n)+"</query></iq>", false)
		if got := s.Client("alice/desk").Got(); len(got) == 0 || strings.Contains(got[0], "policy-violation") != refused {
			t.Errorf("%d items: %q", n, got)
		}
	}
}

// Making somebody a member again and again is no way around the bound on invitations.
func TestInvitationsByAffiliationAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, muc.Options{})
		s.room(store.Room{MembersOnly: true}, owned)
		s.play(alice)
		s.Connect("bob/phone")
		s.Send("bob/phone", "<presence/>", false)
		s.Client("bob/phone").Got()
		r := s.muc.Room(jid.MustParse("ops@chat.hq.net"))
		for range 40 {
			for _, a := range []string{"member", "none"} {
				s.Send("alice/desk", "<iq to='ops@chat.hq.net' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='"+a+"' jid='bob@hq.net'><reason>Buy now</reason></item></query></iq>", false)
			}
		}
		s.Client("alice/desk").Got()
		if n := len(s.Client("bob/phone").Got()); n != 20 || r.State().Affiliation(jid.MustParse("bob@hq.net")) != muc.NoAffiliation {
			t.Errorf("bob got %d messages, and is %s", n, r.State().Affiliation(jid.MustParse("bob@hq.net")))
		}
	})
}

// Whom other nodes show, however many and as whom they like, takes no place from our users.
func TestOtherNodesCannotLockOurUsersOut(t *testing.T) {
	for _, fill := range []struct {
		name string
		real func(i int) string
	}{
		{"strangers", func(i int) string { return fmt.Sprintf("u%d@far.net/x", i) }},
		{"the user's own name", func(i int) string { return fmt.Sprintf("bob@hq.net/x%d", i) }},
	} {
		t.Run(fill.name, func(t *testing.T) {
			s := newStage(t, muc.Options{MaxOccupants: 10, MaxSessions: 3})
			s.room(store.Room{MaxUsers: 5}, owned)
			r := s.muc.Rooms()[0]
			for i := range 20 {
				o := far(fmt.Sprint("Far", i))
				o.Real = jid.MustParse(fill.real(i))
				s.op(t, func(t *router.Turn) error { return r.Enter(t, o) })
			}
			s.enter("bob/phone")
			if o := r.State().Occupant("Bob"); o == nil || !o.Ours() {
				t.Error("bob is not in")
			}
		})
	}
}
