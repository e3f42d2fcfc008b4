package muc_test

import (
	"testing"

	"longwire/store"
	"longwire/xmpp/muc"
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
