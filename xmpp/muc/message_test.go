package muc_test

import (
	"testing"

	"longwire/store"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stream"
)

// failed is a stanza error.
func failed(kind, condition, text string) string {
	if text != "" {
		text = "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>" + text + "</text>"
	}
	return "<error type='" + kind + "'><" + condition + " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" + text + "</error>"
}

func TestLineIsReflectedWholeToAllButForgeries(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob + `
	bob/phone  sends <message to='ops@chat.hq.net' type='groupchat' id='1' xml:lang='de'><body>Hallo</body><thread>t</thread><stanza-id xmlns='urn:xmpp:sid:0' by='ops@chat.hq.net' id='forged'/><stanza-id xmlns='urn:xmpp:sid:0' by='hq.net' id='other'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner'/></x><delay xmlns='urn:xmpp:delay' from='ops@chat.hq.net' stamp='2020-01-01T00:00:00Z'/><fmuc xmlns='http://isode.com/protocol/fmuc' from='x@y'/><new xmlns='urn:new'>z</new></message>
	alice/desk gets  <message from='ops@chat.hq.net/Bob' type='groupchat' id='1' xml:lang='de'><body>Hallo</body><thread>t</thread><stanza-id xmlns='urn:xmpp:sid:0' by='hq.net' id='other'/><new xmlns='urn:new'>z</new>{id}{stanza-id}</message>
	bob/phone  gets  <message from='ops@chat.hq.net/Bob' type='groupchat' id='1' xml:lang='de'><body>Hallo</body><thread>t</thread><stanza-id xmlns='urn:xmpp:sid:0' by='hq.net' id='other'/><new xmlns='urn:new'>z</new>{id}{stanza-id}</message>
	# What is of this moment only needs no commit, and has no place in the archive.
	bob/phone  quickly sends <message to='ops@chat.hq.net' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>
	alice/desk gets  <message from='ops@chat.hq.net/Bob' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/>{id}</message>
	bob/phone  gets  <message from='ops@chat.hq.net/Bob' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/>{id}</message>
	bob/phone  sends <message to='ops@chat.hq.net' type='groupchat'><body>Off the record</body><no-store xmlns='urn:xmpp:hints'/></message>
	alice/desk gets  <message from='ops@chat.hq.net/Bob' type='groupchat'><body>Off the record</body><no-store xmlns='urn:xmpp:hints'/>{id}</message>
	bob/phone  gets  <message from='ops@chat.hq.net/Bob' type='groupchat'><body>Off the record</body><no-store xmlns='urn:xmpp:hints'/>{id}</message>
	# Other messages are not for rooms.
	bob/phone  sends <message to='ops@chat.hq.net' type='chat' id='2'><body>x</body></message>
	bob/phone  gets  <message from='ops@chat.hq.net' type='error' id='2'>` + failed("modify", "bad-request", "messages to a room are of type groupchat") + `</message>
	bob/phone  sends <message to='chat.hq.net' id='3'><body>x</body></message>
	bob/phone  gets  <message from='chat.hq.net' type='error' id='3'>` + failed("cancel", "service-unavailable", "") + `</message>
	bob/phone  sends <message to='no@chat.hq.net' type='groupchat' id='4'><body>x</body></message>
	bob/phone  gets  <message from='no@chat.hq.net' type='error' id='4'>` + failed("cancel", "item-not-found", "") + `</message>
	`)
}

func TestPrivateMessages(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob + `
	bob/phone  sends <message to='ops@chat.hq.net/Alice' id='1'><body>Psst</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>
	alice/desk gets  <message from='ops@chat.hq.net/Bob' id='1'><body>Psst</body>{id}<x xmlns='http://jabber.org/protocol/muc#user'/></message>
	bob/phone  sends <message to='ops@chat.hq.net/Alice' type='groupchat' id='2'><body>x</body></message>
	bob/phone  gets  <message from='ops@chat.hq.net/Alice' type='error' id='2'>` + failed("modify", "bad-request", "groupchat is for the whole room") + `</message>
	bob/phone  sends <message to='ops@chat.hq.net/Nobody' type='chat' id='3'><body>x</body></message>
	bob/phone  gets  <message from='ops@chat.hq.net/Nobody' type='error' id='3'>` + failed("cancel", "item-not-found", "nobody has the nick") + `</message>
	# An error goes back the way the message came.
	alice/desk sends <message to='ops@chat.hq.net/Bob' type='error' id='1'>` + failed("cancel", "service-unavailable", "") + `</message>
	bob/phone  gets  <message from='ops@chat.hq.net/Alice' type='error' id='1'>` + failed("cancel", "service-unavailable", "") + `</message>
	# Who blocks somebody in the room hears nothing of it.
	alice      blocks ops@chat.hq.net/Bob
	bob/phone  sends <message to='ops@chat.hq.net/Alice' type='chat' id='4'><body>x</body></message>
	bob/phone  gets  <message from='ops@chat.hq.net/Alice' type='error' id='4'>` + failed("cancel", "service-unavailable", "") + `</message>
	`)
}

func TestPrivateMessagesMayBeRestricted(t *testing.T) {
	for _, c := range []struct {
		who                      string
		asksModerator, asksOther bool
	}{{"", true, true}, {"participants", true, false}, {"moderators", true, false}, {"none", false, false}} {
		s := newStage(t, muc.Options{})
		s.room(store.Room{AllowPM: c.who, Moderated: true}, owned)
		for _, j := range []string{"alice/desk", "bob/phone", "carol/pad"} {
			s.play(j + " connects")
			defer s.Client(j).Got()
		}
		for _, j := range []string{"alice/desk", "bob/phone", "carol/pad"} {
			s.Send(j, `<presence to='ops@chat.hq.net/`+j[:3]+`'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, false)
		}
		ask := func(nick string) bool {
			bob := s.Client("bob/phone")
			bob.Got()
			s.Send("bob/phone", `<message to='ops@chat.hq.net/`+nick+`' type='chat' id='1'><body>x</body></message>`, false)
			got := bob.Got()
			if len(got) > 0 && got[0] != `<message from='ops@chat.hq.net/`+nick+`' type='error' id='1'>`+failed("auth", "forbidden", "the room has no private messages")+`</message>` {
				t.Errorf("%s: %s", c.who, got)
			}
			return len(got) == 0
		}
		if got := ask("ali"); got != c.asksModerator {
			t.Errorf("allowpm %q: a visitor asks a moderator: %v", c.who, got)
		}
		if got := ask("car"); got != c.asksOther {
			t.Errorf("allowpm %q: a visitor asks a visitor: %v", c.who, got)
		}
	}
}

func TestSubject(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob + `
	bob/phone  sends <message to='ops@chat.hq.net' type='groupchat' id='1'><subject>Mine</subject></message>
	bob/phone  gets  <message from='ops@chat.hq.net' type='error' id='1'>` + failed("auth", "forbidden", "") + `</message>
	alice/desk sends <message to='ops@chat.hq.net' type='groupchat' id='2'><subject>Convoy</subject><subject xml:lang='de'>Konvoi</subject></message>
	alice/desk gets  <message from='ops@chat.hq.net/Alice' type='groupchat' id='2'><subject>Convoy</subject><subject xml:lang='de'>Konvoi</subject>{id}{stanza-id}</message>
	bob/phone  gets  <message from='ops@chat.hq.net/Alice' type='groupchat' id='2'><subject>Convoy</subject><subject xml:lang='de'>Konvoi</subject>{id}{stanza-id}</message>
	# A subject beside a body or a thread is only a line; the history has no subjects.
	bob/phone  sends <message to='ops@chat.hq.net' type='groupchat'><subject>Re</subject><body>x</body></message>
	alice/desk gets  <message from='ops@chat.hq.net/Bob' type='groupchat'><subject>Re</subject><body>x</body>{id}{stanza-id}</message>
	bob/phone  gets  <message from='ops@chat.hq.net/Bob' type='groupchat'><subject>Re</subject><body>x</body>{id}{stanza-id}</message>
	carol/pad  connects
	carol/pad  sends <presence to='ops@chat.hq.net/Carol'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>[none participant carol@hq.net/pad]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol'>[none participant]</presence>
	carol/pad  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	carol/pad  gets  <presence from='ops@chat.hq.net/Bob'>[none participant]</presence>
	carol/pad  gets  <presence from='ops@chat.hq.net/Carol'>[none participant carol@hq.net/pad 110 170]</presence>
	carol/pad  gets  <message from='ops@chat.hq.net/Bob' type='groupchat'><subject>Re</subject><body>x</body>{id}{stanza-id}{delay}</message>
	carol/pad  gets  <message from='ops@chat.hq.net/Alice' type='groupchat'><subject>Convoy</subject><subject xml:lang='de'>Konvoi</subject>{delay}</message>
	`)
}

func TestParticipantsMaySetTheSubjectWhereTheRoomSaysSo(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{ChangeSubject: true}, owned)
	s.play(alice + bob + `
	bob/phone  sends <message to='ops@chat.hq.net' type='groupchat'><subject/></message>
	alice/desk gets  <message from='ops@chat.hq.net/Bob' type='groupchat'><subject/>{id}{stanza-id}</message>
	bob/phone  gets  <message from='ops@chat.hq.net/Bob' type='groupchat'><subject/>{id}{stanza-id}</message>
	`)
}

func TestPings(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	const ping = `type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`
	notIn := failed("cancel", "not-acceptable", "you are not in the room")
	s.play(alice + bob + `
	carol/pad  connects
	bob/phone  quickly sends <iq to='ops@chat.hq.net/Bob' ` + ping + `
	bob/phone  gets  <iq from='ops@chat.hq.net/Bob' type='result' id='p'/>
	carol/pad  quickly sends <iq to='ops@chat.hq.net/Bob' ` + ping + `
	carol/pad  gets  <iq from='ops@chat.hq.net/Bob' type='error' id='p'>` + notIn + `</iq>
	carol/pad  quickly sends <iq to='nowhere@chat.hq.net/Carol' ` + ping + `
	carol/pad  gets  <iq from='nowhere@chat.hq.net/Carol' type='error' id='p'>` + notIn + `</iq>
	bob/phone  quickly sends <iq to='ops@chat.hq.net/Nobody' ` + ping + `
	bob/phone  gets  <iq from='ops@chat.hq.net/Nobody' type='error' id='p'>` + failed("cancel", "item-not-found", "nobody has the nick") + `</iq>
	bob/phone  quickly sends <iq to='ops@chat.hq.net' ` + ping + `
	bob/phone  gets  <iq from='ops@chat.hq.net' type='result' id='p'/>
	bob/phone  quickly sends <iq to='chat.hq.net' ` + ping + `
	bob/phone  gets  <iq from='chat.hq.net' type='result' id='p'/>
	`)
}

// An error answers something: it is no way to speak where one may not, or to whom one is blocked by.
func TestErrorsThatAnswerNothingGoNowhere(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{AllowPM: "none"}, owned)
	s.play(alice + bob + `
	bob/phone  sends <message to='ops@chat.hq.net/Alice' type='error' id='9'><body>Psst</body>` + failed("cancel", "service-unavailable", "") + `</message>
	alice/desk gets  nothing
	`)
	s = newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob + `
	alice/desk sends <message to='ops@chat.hq.net/Bob' type='chat' id='1'><body>Psst</body></message>
	bob/phone  gets  <message from='ops@chat.hq.net/Alice' type='chat' id='1'><body>Psst</body>{id}<x xmlns='http://jabber.org/protocol/muc#user'/></message>
	alice      blocks ops@chat.hq.net/Bob
	bob/phone  sends <message to='ops@chat.hq.net/Alice' type='error' id='1'>` + failed("cancel", "service-unavailable", "") + `</message>
	alice/desk gets  nothing
	`)
}

// However it is written: clients compare addresses, not letters.
func TestDelaysOfTheRoomAreTheRooms(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + `
	alice/desk sends <message to='ops@chat.hq.net' type='groupchat' id='1'><body>x</body><delay xmlns='urn:xmpp:delay' from='OPS@Chat.hq.net' stamp='2020-01-01T00:00:00Z'/></message>
	alice/desk gets  <message from='ops@chat.hq.net/Alice' type='groupchat' id='1'><body>x</body>{id}{stanza-id}</message>
	`)
}

// That a line did not reach one of many is nobody's business, even when our own node gave up on it.
func TestVerdictsOnLinesGoNowhere(t *testing.T) {
	s := newStage(t, muc.Options{Constrained: func(string) bool { return true }})
	s.room(store.Room{}, owned)
	s.play(alice)
	s.Act(expand("far.net sends <presence from='carol@far.net/x' to='ops@chat.hq.net/Carol'>{muc}</presence>"))
	s.Far("far.net")
	s.Client("alice/desk").Got()
	st, err := stream.ParseStanza([]byte("<message from='carol@far.net/x' to='ops@chat.hq.net/Alice' type='error' id='1'>" + failed("wait", "remote-server-timeout", "") + "</message>"))
	if err != nil {
		t.Fatal(err)
	}
	s.op(t, func(t *router.Turn) error {
		t.Verdict = true
		return s.Router.Route(t, st)
	})
	if got := s.Client("alice/desk").Got(); len(got) > 0 {
		t.Errorf("alice got %q", got)
	}
}
