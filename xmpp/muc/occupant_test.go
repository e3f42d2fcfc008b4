package muc_test

import (
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stream"
)

func TestNickChangeIsAFarewellAndAnEntry(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned, store.RoomMember{JID: "carol@hq.net", Affiliation: "member", Nick: "Carol"})
	s.play(alice + bob + `
	bob/phone  sends <presence to='ops@chat.hq.net/Robert'><show>away</show></presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none participant bob@hq.net/phone =Robert 303]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Robert'><show>away</show>[none participant bob@hq.net/phone]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none participant bob@hq.net/phone =Robert 110 303]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Robert'><show>away</show>[none participant bob@hq.net/phone 110]</presence>
	# A nick that somebody uses, or has registered, is refused; everything stays as it is.
	bob/phone  sends <presence to='ops@chat.hq.net/Alice'/>
	bob/phone  gets  ` + refused("/Alice", "cancel", "conflict", "the nick is in use") + `
	bob/phone  sends <presence to='ops@chat.hq.net/Carol'/>
	bob/phone  gets  ` + refused("/Carol", "cancel", "conflict", "the nick is registered by somebody else") + `
	# Those who see no addresses see none in a farewell either.
	alice/desk sends <presence to='ops@chat.hq.net/Al'/>
	alice/desk gets  <presence from='ops@chat.hq.net/Alice' type='unavailable'>[owner moderator alice@hq.net/desk =Al 110 303]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Al'>[owner moderator alice@hq.net/desk 110]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice' type='unavailable'>[owner moderator =Al 303]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Al'>[owner moderator]</presence>
	`)
}

func TestOneOfTwoClientsTakesANickOfItsOwn(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob + `
	bob/pad    connects
	bob/pad    sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	bob/pad    gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	bob/pad    gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone 110 170]</presence>
	bob/pad    gets  {no subject}
	bob/pad    sends <presence to='ops@chat.hq.net/Pad'/>
	bob/pad    gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none participant bob@hq.net/phone =Pad 110 303]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Pad'>[none participant bob@hq.net/pad]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Pad'>[none participant]</presence>
	bob/pad    gets  <presence from='ops@chat.hq.net/Bob'>[none participant]</presence>
	bob/pad    gets  <presence from='ops@chat.hq.net/Pad'>[none participant bob@hq.net/pad 110]</presence>
	# And back again.
	bob/pad    sends <presence to='ops@chat.hq.net/Bob'/>
	bob/pad    gets  <presence from='ops@chat.hq.net/Pad' type='unavailable'>[none participant bob@hq.net/pad =Bob 110 303]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Pad' type='unavailable'>[none participant bob@hq.net/pad =Bob 303]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Pad' type='unavailable'>[none participant =Bob 303]</presence>
	bob/pad    gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone 110]</presence>
	`)
}

func TestAvailabilityIsShownWhole(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob + `
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'><show>away</show><status>Lunch</status><priority>1</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner'/></x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/></presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'><show>away</show><status>Lunch</status><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>[none participant bob@hq.net/phone]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'><show>away</show><status>Lunch</status><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>[none participant bob@hq.net/phone 110]</presence>
	# The same again is told to nobody else.
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'><show>away</show><status>Lunch</status><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'><show>away</show><status>Lunch</status><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>[none participant bob@hq.net/phone 110]</presence>
	bob/phone  sends <presence to='ops@chat.hq.net/Bob' type='probe'/>
	bob/phone  sends <presence to='ops@chat.hq.net/Bob' type='unavailable'><status>Bye</status></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'><status>Bye</status>[none none bob@hq.net/phone 110]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'><status>Bye</status>[none none bob@hq.net/phone]</presence>
	`)
}

func TestWhoIsNotInIsToldSo(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	const notIn = `<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='none'/><status code='110'/><status code='307'/><status code='333'/></x>`
	s.play(`
	bob/phone  connects
	bob/phone  quickly sends <presence to='ops@chat.hq.net/Bob' id='p'><show>away</show></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable' id='p'>` + notIn + `</presence>
	bob/phone  quickly sends <presence to='nowhere@chat.hq.net/Bob'/>
	bob/phone  gets  <presence from='nowhere@chat.hq.net/Bob' type='unavailable'>` + notIn + `</presence>
	bob/phone  quickly sends <presence to='ops@chat.hq.net/Bob' type='unavailable'/>
	bob/phone  quickly sends <presence to='ops@chat.hq.net/Bob' type='error'/>
	bob/phone  quickly sends <message to='ops@chat.hq.net' type='groupchat' id='m'><body>Hi</body></message>
	bob/phone  gets  <message from='ops@chat.hq.net' type='error' id='m'><error type='modify'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>you are not in the room</text></error></message>
	bob/phone  quickly sends <message to='ops@chat.hq.net/Bob' type='chat' id='m'><body>Hi</body></message>
	bob/phone  gets  <message from='ops@chat.hq.net/Bob' type='error' id='m'><error type='modify'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>you are not in the room</text></error></message>
	`)
}

func TestClientThatHangsUpLeaves(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob + `
	bob/phone  sends <presence to='ops@chat.hq.net/Robert'/>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none participant bob@hq.net/phone =Robert 303]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Robert'>[none participant bob@hq.net/phone]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none participant bob@hq.net/phone =Robert 110 303]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Robert'>[none participant bob@hq.net/phone 110]</presence>
	bob/phone  hangs up
	alice/desk gets  <presence from='ops@chat.hq.net/Robert' type='unavailable'>[none none bob@hq.net/phone]</presence>
	`)
}

func TestClientThatVanishesIsTakenOutWhenItIsMissed(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob)
	s.Host.Unbind(s.Client("bob/phone").Resource)
	s.Send("alice/desk", "<message to='ops@chat.hq.net' type='groupchat'><body>Bob?</body></message>", false)
	s.DB.Update(func(*store.Tx) error { return nil }) // what was submitted before is done now
	s.play(`
	alice/desk gets  <message from='ops@chat.hq.net/Alice' type='groupchat'><body>Bob?</body>{id}{stanza-id}</message>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/phone 333]</presence>`)
}

func TestServiceThatGoesDownSaysSo(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob)
	if err := s.muc.Shutdown(); err != nil {
		t.Fatal(err)
	}
	s.play(`
	alice/desk gets <presence from='ops@chat.hq.net/Alice' type='unavailable'>[owner none alice@hq.net/desk 110 332]</presence>
	bob/phone  gets <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/phone 110 332]</presence>`)
}

func TestUsersFromAfarAreServedThroughTheQueue(t *testing.T) {
	s := newStage(t, muc.Options{Constrained: func(d string) bool { return d == "far.net" }})
	s.room(store.Room{}, owned)
	s.play(alice + `
	far.net    sends <presence from='carol@far.net/x' to='ops@chat.hq.net/Carol'>{muc}</presence>
	far.net    gets  <presence from='ops@chat.hq.net/Alice' to='carol@far.net/x'>[owner moderator]</presence>
	far.net    gets  <presence from='ops@chat.hq.net/Carol' to='carol@far.net/x'>[none participant carol@far.net/x 110 170]</presence>
	far.net    gets  <message from='ops@chat.hq.net' to='carol@far.net/x' type='groupchat'><subject/></message>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>[none participant carol@far.net/x]</presence>
	# They get no stanza-id, as the archive is far from them.
	alice/desk sends <message to='ops@chat.hq.net' type='groupchat'><body>Hi</body></message>
	far.net    gets  <message from='ops@chat.hq.net/Alice' to='carol@far.net/x' type='groupchat'><body>Hi</body>{id}</message>
	alice/desk gets  <message from='ops@chat.hq.net/Alice' type='groupchat'><body>Hi</body>{id}{stanza-id}</message>
	# An error of one line is nobody's business, one about a whisper is the whisperer's.
	far.net    sends <message from='carol@far.net/x' to='ops@chat.hq.net/Alice' type='error'><error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	alice/desk sends <message to='ops@chat.hq.net/Carol' type='chat' id='w'><body>Psst</body></message>
	far.net    gets  <message from='ops@chat.hq.net/Alice' to='carol@far.net/x' type='chat' id='w'><body>Psst</body>{id}<x xmlns='http://jabber.org/protocol/muc#user'/></message>
	far.net    sends <message from='carol@far.net/x' to='ops@chat.hq.net/Alice' type='error' id='w'><error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	alice/desk gets  <message from='ops@chat.hq.net/Carol' type='error' id='w'><error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	# But one that says that the user is gone is the end.
	far.net    sends <message from='carol@far.net/x' to='ops@chat.hq.net/Alice' type='error' id='w'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	far.net    gets  <presence from='ops@chat.hq.net/Carol' to='carol@far.net/x' type='unavailable'>[none none carol@far.net/x 110 333]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol' type='unavailable'>[none none carol@far.net/x 333]</presence>
	`)
}

func TestOccupantIDIsTheSameForAllNicksAndAnotherInEachRoom(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob)
	ops := s.muc.Room(jid.MustParse("ops@chat.hq.net"))
	id := muc.IDOf(ops.State().Occupant("Bob"))
	s.Send("bob/phone", `<presence to='ops@chat.hq.net/Robert'/>`, false)
	s.Send("bob/phone", `<presence to='other@chat.hq.net/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, false)
	if again := muc.IDOf(ops.State().Occupant("Robert")); again != id || len(id) != 43 {
		t.Errorf("the id was %s and is %s", id, again)
	}
	other := s.muc.Room(jid.MustParse("other@chat.hq.net")).State().Occupant("Bob")
	if muc.IDOf(other) == id {
		t.Error("two rooms give the same id")
	}
	if muc.IDOf(ops.State().Occupant("Alice")) == id {
		t.Error("two users have the same id")
	}
}

func TestOccupantThatNothingReachesIsTakenOut(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice)
	st, err := stream.ParseStanza([]byte("<presence from='zoe@gone.net/x' to='ops@chat.hq.net/Zoe'><x xmlns='http://jabber.org/protocol/muc'/></presence>"))
	if err != nil {
		t.Fatal(err)
	}
	s.op(t, func(turn *router.Turn) error { return s.Router.Route(turn, st) }) // nobody answers for gone.net
	s.op(t, func(*router.Turn) error { return nil })                           // what was submitted before is done now
	s.op(t, func(*router.Turn) error { return muc.Check(s.muc) })
	s.play(`
	alice/desk gets <presence from='ops@chat.hq.net/Zoe'>[none participant zoe@gone.net/x]</presence>
	alice/desk gets <presence from='ops@chat.hq.net/Zoe' type='unavailable'>[none none zoe@gone.net/x 333]</presence>
	`)
}

func TestWhatTheNodeGaveUpOnSaysNothingAboutAnOccupantBehindABadLink(t *testing.T) {
	for _, constrained := range []bool{true, false} {
		s := newStage(t, muc.Options{Constrained: func(string) bool { return constrained }})
		s.room(store.Room{}, owned)
		s.play(alice + `
	far.net    sends <presence from='carol@far.net/x' to='ops@chat.hq.net/Carol'>{muc}</presence>
	far.net    gets  <presence from='ops@chat.hq.net/Alice' to='carol@far.net/x'>[owner moderator]</presence>
	far.net    gets  <presence from='ops@chat.hq.net/Carol' to='carol@far.net/x'>[none participant carol@far.net/x 110 170]</presence>
	far.net    gets  <message from='ops@chat.hq.net' to='carol@far.net/x' type='groupchat'><subject/></message>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>[none participant carol@far.net/x]</presence>
	`)
		st, err := stream.ParseStanza([]byte("<message from='carol@far.net/x' to='ops@chat.hq.net/Alice' type='error'>" + failed("wait", "remote-server-timeout", "") + "</message>"))
		if err != nil {
			t.Fatal(err)
		}
		s.op(t, func(turn *router.Turn) error {
			turn.Verdict = true // as when a stanza in the peer's queue grows too old
			return s.Router.Route(turn, st)
		})
		if got := s.muc.Room(jid.MustParse("ops@chat.hq.net")).State().Occupant("Carol") != nil; got != constrained {
			t.Errorf("behind a bad link %v: she is there %v", constrained, got)
		}
		s.Far("far.net")
		s.Client("alice/desk").Got()
	}
}

func TestNickThatIsSharedByTooManyIsNotTaken(t *testing.T) {
	s := newStage(t, muc.Options{MaxSessions: 2, MaxJoinedPerUser: 3})
	s.room(store.Room{}, owned)
	s.play("bob/a connects\nbob/b connects\nbob/c connects")
	for _, c := range []string{"a Bob", "b Bob", "c Pad"} {
		s.Send("bob/"+c[:1], "<presence to='ops@chat.hq.net/"+c[2:]+"'><x xmlns='http://jabber.org/protocol/muc'/></presence>", false)
	}
	for _, c := range []string{"a", "b", "c"} {
		s.Client("bob/" + c).Got()
	}
	s.play(`
	bob/b sends <presence to='ops@chat.hq.net/Own'/>
	bob/b gets  ` + refused("/Own", "wait", "resource-constraint", "you have too many nicks here") + `
	bob/c sends <presence to='ops@chat.hq.net/Bob'/>
	bob/c gets  ` + refused("/Bob", "wait", "resource-constraint", "too many clients share the nick") + `
	bob/b sends <presence to='ops@chat.hq.net/Bob' type='unavailable'/>
	bob/b gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/a 110]</presence>
	bob/c sends <presence to='ops@chat.hq.net/Bob'/>
	bob/c gets  <presence from='ops@chat.hq.net/Pad' type='unavailable'>[none participant bob@hq.net/c =Bob 110 303]</presence>
	bob/a gets  <presence from='ops@chat.hq.net/Pad' type='unavailable'>[none participant =Bob 303]</presence>
	bob/c gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/a 110]</presence>
	`)
}
