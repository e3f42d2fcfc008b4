package muc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

func TestAKickAndABanOfOneAreABan(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	s.act(`
	alice/desk sends {admin set}<item nick='Bob' role='none'/><item jid='bob@hq.net' affiliation='outcast'><reason>Out</reason></item>{/}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='outcast' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/><reason>Out</reason></item>{110}{301}</x></presence>
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='outcast' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/><reason>Out</reason></item>{301}</x></presence>
	`)
}

func TestWhoIsKickedByARequestIsNotThereForTheRestOfIt(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	s.act(`
	alice/desk sends {admin set}<item nick='Bob' role='none'/><item nick='Bob' role='visitor'/>{/}
	alice/desk gets  {refused cancel item-not-found: Bob is not in the room}
	`)
	if s.muc.Rooms()[0].State().Occupant("Bob") == nil {
		t.Error("bob is gone")
	}
}

func TestRoleThenAffiliationIsOneChange(t *testing.T) {
	s := opsWith(t, store.Room{Moderated: true}, nil, "bob/phone")
	s.act(`
	alice/desk sends {admin set}<item nick='Bob' role='moderator'/><item jid='bob@hq.net' affiliation='member'/>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='member' role='moderator' jid='bob@hq.net/phone'><actor nick='Alice'/></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='member' role='moderator' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}</x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk]</presence>
	`)
}

func TestAllNicksOfAUserFollowItsAffiliation(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	s.Play("bob/pad connects")
	s.quiet("bob/pad", "<presence to='ops@chat.hq.net/Bert'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	s.Client("bob/pad").Got()
	gone := func(nick, client, code string) string {
		return "<presence from='ops@chat.hq.net/" + nick + "' type='unavailable'>{id}{user}<item affiliation='outcast' role='none' jid='bob@hq.net/" + client + "'><actor nick='Alice'/></item>" + code + "{301}</x></presence>"
	}
	s.act(`
	alice/desk sends {admin set}<item jid='bob@hq.net' affiliation='outcast'/>{/}
	bob/phone  gets  ` + gone("Bob", "phone", "{110}") + `
	bob/pad    gets  ` + gone("Bert", "pad", "{110}") + `
	alice/desk gets  {done}
	alice/desk gets  ` + gone("Bob", "phone", "") + `
	alice/desk gets  ` + gone("Bert", "pad", "") + `
	`)
}

func TestAChangeThatIsNotCommittedNeverHappened(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	r := s.muc.Rooms()[0]
	before := fmt.Sprint(r.State().Members)
	no := errors.New("no")
	err := s.attempt(func(t *router.Turn) error {
		return errors.Join(
			s.muc.SetMember(t, r, standing("bob", "outcast")),
			s.muc.Configure(t, r, func(c *store.Room) { c.Name = "Other" }), no)
	})
	if !errors.Is(err, no) {
		t.Fatal(err)
	}
	for who, n := range map[string]int{"alice/desk": 0, "bob/phone": 0} {
		if got := s.Client(who).Got(); len(got) != n {
			t.Errorf("%s got %s", who, got)
		}
	}
	s.quiet("alice/desk", "{admin set}<item nick='Bob' role='visitor'/>{/}")
	st := r.State()
	if after := fmt.Sprint(st.Members); after != before || st.Config.Name != "" || st.Occupant("Bob").Affiliation != muc.NoAffiliation {
		t.Errorf("%s, %+v", after, st.Config)
	}
}

func TestTheLastToGoTakesATemporaryRoomAlong(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	s.quiet("alice/desk", "{owner set}{submit}<field var='muc#roomconfig_persistentroom'><value>0</value></field></x>{/}")
	s.op(t, func(t *router.Turn) error {
		return s.muc.SetMember(t, s.muc.Rooms()[0], standing("alice", "outcast"))
	})
	if got := strings.Join(s.Client("alice/desk").Got(), ""); !strings.Contains(got, "'301'") {
		t.Error(got)
	}
	if len(s.muc.Rooms()) != 0 {
		t.Error("the room is still there")
	}
}

func TestMembersOnlyAndShownRolesAtOnce(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("carol", "member")}, "bob/phone", "carol/pc")
	// Bob becomes a visitor in the same moment in which visitors are no longer shown.
	s.act(`
	alice/desk sends {owner set}{submit}{muc#roomconfig_presencebroadcast=moderator}{muc#roomconfig_moderatedroom=1}</x>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/phone]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol' type='unavailable'>[member none carol@hq.net/pc]</presence>
	alice/desk gets  {status}{104}</x></message>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[none visitor bob@hq.net/phone 110]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol' type='unavailable'>[member none]</presence>
	bob/phone  gets  {status}{104}</x></message>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none]</presence>
	carol/pc   gets  {status}{104}</x></message>
	`)
}
