package muc_test

import (
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

// owned is alice's standing in her room.
var owned = store.RoomMember{JID: "alice@hq.net", Affiliation: "owner"}

// alice enters ops, which is hers.
const alice = `
	alice/desk connects
	alice/desk sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk 110 170]</presence>
	alice/desk gets  {no subject}
`

func TestJoinTellsWhoIsThereThenOneselfThenHistoryThenSubject(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + `
	alice/desk sends <message to='ops@chat.hq.net' type='groupchat' id='1'><body>Hello</body></message>
	alice/desk gets  <message from='ops@chat.hq.net/Alice' type='groupchat' id='1'><body>Hello</body>{id}{stanza-id}</message>
	bob/phone  connects
	bob/phone  sends <presence to='ops@chat.hq.net/Bob' id='j'>{muc}<show>away</show><priority>5</priority></presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'><show>away</show>[none participant bob@hq.net/phone]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' id='j'><show>away</show>[none participant bob@hq.net/phone 110 170]</presence>
	bob/phone  gets  <message from='ops@chat.hq.net/Alice' type='groupchat' id='1'><body>Hello</body>{id}{stanza-id}{delay}</message>
	bob/phone  gets  {no subject}
	`)
}

// refused is the answer at the door.
func refused(nick, kind, condition, text string) string {
	if text != "" {
		text = "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>" + text + "</text>"
	}
	return "<presence from='ops@chat.hq.net" + nick + "' type='error'>{muc}<error type='" + kind + "' by='ops@chat.hq.net'><" +
		condition + " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" + text + "</error></presence>"
}

func TestWhoMayNotEnter(t *testing.T) {
	for _, c := range []struct {
		name  string
		room  store.Room
		bob   store.RoomMember
		nick  string
		inX   string
		wants string
	}{
		{name: "no nick", wants: refused("", "modify", "jid-malformed", "the address lacks the nick")},
		{name: "no password", room: store.Room{Password: "s3"}, nick: "/Bob", wants: refused("/Bob", "auth", "not-authorized", "the room has a password")},
		{
			name: "wrong password", room: store.Room{Password: "s3"}, nick: "/Bob", inX: "<password>S3</password>",
			wants: refused("/Bob", "auth", "not-authorized", "the room has a password"),
		},
		{name: "banned", bob: store.RoomMember{Affiliation: "outcast"}, nick: "/Bob", wants: refused("/Bob", "auth", "forbidden", "")},
		{name: "not a member", room: store.Room{MembersOnly: true}, nick: "/Bob", wants: refused("/Bob", "auth", "registration-required", "")},
		{name: "nick in use", nick: "/Alice", wants: refused("/Alice", "cancel", "conflict", "the nick is in use")},
		{name: "nick of somebody away", nick: "/Al", wants: refused("/Al", "cancel", "conflict", "the nick is registered by somebody else")},
		{name: "being made", room: store.Room{Locked: true}, nick: "/Bob", wants: refused("/Bob", "cancel", "item-not-found", "the room is being made")},
		{name: "full", room: store.Room{MaxUsers: 1}, nick: "/Bob", wants: refused("/Bob", "wait", "service-unavailable", "the room is full")},
		{name: "nick too long", nick: "/" + strings.Repeat("n", 257), wants: refused("/"+strings.Repeat("n", 257), "modify", "not-acceptable", "the nick is too long")},
		{
			name: "history that is no history", nick: "/Bob", inX: "<history maxstanzas='-1'/>",
			wants: refused("/Bob", "modify", "bad-request", "maxstanzas of the history is no number"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, muc.Options{})
			mine := owned
			mine.Nick = "Al"
			c.bob.JID = "bob@hq.net"
			s.room(c.room, mine, c.bob)
			s.play(`
	alice/desk connects
	alice/desk sends <presence to='ops@chat.hq.net/Alice'><x xmlns='http://jabber.org/protocol/muc'><password>s3</password></x></presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk 110 170]</presence>
	alice/desk gets  {no subject}
	bob/phone  connects
	bob/phone  sends <presence to='ops@chat.hq.net` + c.nick + `'><x xmlns='http://jabber.org/protocol/muc'>` + c.inX + `</x></presence>
	bob/phone  gets  ` + c.wants)
		})
	}
}

func TestDestroyedRoomSaysWhereItIsNow(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{Gone: true, Alternate: "new@chat.hq.net", Reason: "Moved"})
	s.play(`
	bob/phone connects
	bob/phone sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	bob/phone gets  <presence from='ops@chat.hq.net/Bob' type='error'>{muc}<error type='cancel' by='ops@chat.hq.net'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:new@chat.hq.net?join</gone><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>Moved</text></error></presence>
	`)
}

func TestRoomThatIsMissingIsMadeForLocalUsersOnly(t *testing.T) {
	newStage(t, muc.Options{}).play(`
	alice/desk connects
	alice/desk sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk 110 170 201]</presence>
	alice/desk gets  {no subject}
	far.net    sends <presence from='carol@far.net/x' to='others@chat.hq.net/Carol'>{muc}</presence>
	far.net    gets  <presence from='others@chat.hq.net/Carol' to='carol@far.net/x' type='error'>{muc}<error type='cancel' by='others@chat.hq.net'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>rooms are made by others</text></error></presence>
	# Nobody gets into a room that its maker has not configured; when the maker leaves, it is gone.
	far.net    sends <presence from='carol@far.net/x' to='ops@chat.hq.net/Carol'>{muc}</presence>
	far.net    gets  <presence from='ops@chat.hq.net/Carol' to='carol@far.net/x' type='error'>{muc}<error type='cancel' by='ops@chat.hq.net'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>the room is being made</text></error></presence>
	alice/desk sends <presence to='ops@chat.hq.net/Alice' type='unavailable'/>
	alice/desk gets  <presence from='ops@chat.hq.net/Alice' type='unavailable'>{id}<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' role='none' jid='alice@hq.net/desk'/><destroy/><status code='110'/></x></presence>
	alice/desk sends <message to='ops@chat.hq.net' type='groupchat' id='m'><body>Hello?</body></message>
	alice/desk gets  <message from='ops@chat.hq.net' type='error' id='m'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	`)
}

func TestTwoClientsShareANick(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + `
	bob/phone  connects
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone 110 170]</presence>
	bob/phone  gets  {no subject}
	# The second gets the whole room, the others hear nothing.
	bob/pad    connects
	bob/pad    sends <presence to='ops@chat.hq.net/Bob'>{muc}<show>xa</show></presence>
	bob/pad    gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	bob/pad    gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone 110 170]</presence>
	bob/pad    gets  {no subject}
	alice/desk gets  nothing
	bob/phone  gets  nothing
	# What is said and whispered reaches both.
	alice/desk sends <message to='ops@chat.hq.net' type='groupchat'><body>Hi</body></message>
	alice/desk gets  <message from='ops@chat.hq.net/Alice' type='groupchat'><body>Hi</body>{id}{stanza-id}</message>
	bob/phone  gets  <message from='ops@chat.hq.net/Alice' type='groupchat'><body>Hi</body>{id}{stanza-id}</message>
	bob/pad    gets  <message from='ops@chat.hq.net/Alice' type='groupchat'><body>Hi</body>{id}{stanza-id}</message>
	alice/desk sends <message to='ops@chat.hq.net/Bob' type='chat' id='w'><body>Psst</body></message>
	bob/phone  gets  <message from='ops@chat.hq.net/Alice' type='chat' id='w'><body>Psst</body>{id}<x xmlns='http://jabber.org/protocol/muc#user'/></message>
	bob/pad    gets  <message from='ops@chat.hq.net/Alice' type='chat' id='w'><body>Psst</body>{id}<x xmlns='http://jabber.org/protocol/muc#user'/></message>
	# The one that leaves is shown to nobody while the other stays, but for what of it was seen.
	bob/phone  sends <presence to='ops@chat.hq.net/Bob' type='unavailable'/>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/phone 110]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'><show>xa</show>[none participant bob@hq.net/pad]</presence>
	bob/pad    gets  <presence from='ops@chat.hq.net/Bob'><show>xa</show>[none participant bob@hq.net/pad 110]</presence>
	bob/pad    hangs up
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/pad]</presence>
	`)
}

func TestJoinOfOneWhoIsInGivesTheRoomAnew(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob + `
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}<show>dnd</show></presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'><show>dnd</show>[none participant bob@hq.net/phone]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'><show>dnd</show>[none participant bob@hq.net/phone 110 170]</presence>
	bob/phone  gets  {no subject}
	`)
}

// bob enters ops, where alice is.
const bob = `
	bob/phone  connects
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone 110 170]</presence>
	bob/phone  gets  {no subject}
`

func TestEverybodySeesAddressesWhereTheRoomIsNotAnonymous(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{NonAnonymous: true, NoArchive: true}, owned)
	s.play(`
	alice/desk connects
	alice/desk sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk 110 100]</presence>
	alice/desk gets  {no subject}
	bob/phone  connects
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone 110 100]</presence>
	bob/phone  gets  {no subject}
	`)
}

func TestRolesThatAreNotBroadcastAreSeenByThemselvesOnly(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{Moderated: true, Broadcast: []string{"moderator", "participant"}}, owned)
	s.play(alice + `
	bob/phone  connects
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[none visitor bob@hq.net/phone 110 170]</presence>
	bob/phone  gets  {no subject}
	bob/phone  sends <message to='ops@chat.hq.net' type='groupchat' id='v'><body>May I?</body></message>
	bob/phone  gets  <message from='ops@chat.hq.net' type='error' id='v'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>visitors do not speak</text></error></message>
	bob/phone  hangs up
	`)
}

func TestRegisteredNickIsAssignedWhereNicksAreLocked(t *testing.T) {
	s := newStage(t, muc.Options{LockNicks: true})
	s.room(store.Room{}, owned, store.RoomMember{JID: "bob@hq.net", Affiliation: "member", Nick: "Bob"})
	s.play(`
	bob/phone connects
	bob/phone sends <presence to='ops@chat.hq.net/Robert'>{muc}</presence>
	bob/phone gets  <presence from='ops@chat.hq.net/Bob'>[member participant bob@hq.net/phone 110 170 210]</presence>
	bob/phone gets  {no subject}
	bob/phone sends <presence to='ops@chat.hq.net/Robert'/>
	bob/phone gets  <presence from='ops@chat.hq.net/Robert' type='error'>{muc}<error type='cancel' by='ops@chat.hq.net'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>you have registered another nick</text></error></presence>
	`)
}

func TestUserIsNotInTooManyPlaces(t *testing.T) {
	s := newStage(t, muc.Options{MaxJoinedPerUser: 2, MaxSessions: 1})
	s.room(store.Room{}, owned)
	s.play(alice + `
	alice/pad connects
	alice/pad sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>
	alice/pad gets  ` + refused("/Alice", "wait", "resource-constraint", "too many clients share the nick") + `
	alice/pad sends <presence to='ops@chat.hq.net/Alice2'>{muc}</presence>
	alice/pad gets  ` + refused("/Alice2", "wait", "resource-constraint", "you have too many nicks here") + `
	alice/pad sends <presence to='a@chat.hq.net/Alice'>{muc}</presence>
	alice/pad gets  <presence from='a@chat.hq.net/Alice'>[owner moderator alice@hq.net/pad 110 170 201]</presence>
	alice/pad gets  <message from='a@chat.hq.net' type='groupchat'><subject/></message>
	alice/pad sends <presence to='ops@chat.hq.net/Al'>{muc}</presence>
	alice/pad gets  ` + refused("/Al", "wait", "resource-constraint", "you have too many nicks here") + `
	alice/pad sends <presence to='b@chat.hq.net/Alice'>{muc}</presence>
	alice/pad gets  ` + strings.ReplaceAll(refused("/Alice", "wait", "resource-constraint", "you are in too many rooms"), "ops@", "b@"))
}

// A room that the operator made, not to stay, waits for its first occupant; who is not let in does not end it.
func TestRefusalAtTheDoorEndsNoRoom(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.op(t, func(t *router.Turn) error {
		_, err := s.muc.Create(t, store.Room{JID: "brief@chat.hq.net", MembersOnly: true}, []store.RoomMember{owned})
		return err
	})
	s.Connect("bob/phone")
	s.Send("bob/phone", "<presence to='brief@chat.hq.net/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>", false)
	s.Client("bob/phone").Got()
	if s.muc.Room(jid.MustParse("brief@chat.hq.net")) == nil {
		t.Error("the room is gone")
	}
}
