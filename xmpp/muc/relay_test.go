package muc_test

import (
	"regexp"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/muc"
)

// relayed is the id under which somebody was asked; asked is the question with * in its place.
func relayed(t *testing.T, got []string) (asked, id string) {
	t.Helper()
	if len(got) != 1 {
		t.Fatalf("got %q", got)
	}
	m := regexp.MustCompile(` id='([^']*)'`).FindStringSubmatch(got[0])
	return strings.Replace(got[0], m[0], " id='*'", 1), m[1]
}

func TestRequestsBetweenOccupants(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob)
	alice, bob := s.Client("alice/desk"), s.Client("bob/phone")

	s.Send("bob/phone", `<iq to='ops@chat.hq.net/Alice' type='get' id='v1'><query xmlns='jabber:iq:version'/></iq>`, true)
	asked, id := relayed(t, alice.Got())
	if asked != `<iq from='ops@chat.hq.net/Bob' type='get' id='*'><query xmlns='jabber:iq:version'/></iq>` {
		t.Error(asked)
	}
	// An answer of somebody else, and one under another id, go nowhere.
	s.Send("bob/phone", `<iq to='ops@chat.hq.net/Bob' type='result' id='`+id+`'/>`, true)
	s.Send("alice/desk", `<iq to='ops@chat.hq.net/Bob' type='result' id='v1'/>`, true)
	if got := bob.Got(); len(got) > 0 {
		t.Error(got)
	}
	s.Send("alice/desk", `<iq to='ops@chat.hq.net/Bob' type='result' id='`+id+`'><query xmlns='jabber:iq:version'><name>x</name></query></iq>`, true)
	want := `<iq from='ops@chat.hq.net/Alice' type='result' id='v1'><query xmlns='jabber:iq:version'><name>x</name></query></iq>`
	if got := bob.Got(); len(got) != 1 || got[0] != want {
		t.Error(got)
	}
	// There is one answer to a question.
	s.Send("alice/desk", `<iq to='ops@chat.hq.net/Bob' type='result' id='`+id+`'/>`, true)

	// A set goes the same way, an error comes back the same way.
	s.Send("alice/desk", `<iq to='ops@chat.hq.net/Bob' type='set' id='s1'><x xmlns='urn:x'/></iq>`, true)
	st := bob.Got()
	if len(st) != 1 || !strings.HasPrefix(st[0], `<iq from='ops@chat.hq.net/Alice' type='set' id='*'>`) { // plays hide ids of sets
		t.Errorf("%q", st)
	}
	s.play(`
	carol/pad  connects
	carol/pad  quickly sends <iq to='ops@chat.hq.net/Bob' type='get' id='q'><query xmlns='jabber:iq:version'/></iq>
	carol/pad  gets  <iq from='ops@chat.hq.net/Bob' type='error' id='q'>` + failed("cancel", "not-acceptable", "you are not in the room") + `</iq>
	carol/pad  quickly sends <iq to='ops@chat.hq.net/Bob' type='get' id='q'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
	carol/pad  gets  <iq from='ops@chat.hq.net/Bob' type='error' id='q'>` + failed("modify", "bad-request", "you are not in the room") + `</iq>
	carol/pad  quickly sends <iq to='nowhere@chat.hq.net/Bob' type='get' id='q'><query xmlns='jabber:iq:version'/></iq>
	carol/pad  gets  <iq from='nowhere@chat.hq.net/Bob' type='error' id='q'>` + failed("cancel", "item-not-found", "") + `</iq>
	bob/phone  quickly sends <iq to='ops@chat.hq.net/Nobody' type='get' id='q'><query xmlns='jabber:iq:version'/></iq>
	bob/phone  gets  <iq from='ops@chat.hq.net/Nobody' type='error' id='q'>` + failed("cancel", "item-not-found", "nobody has the nick") + `</iq>
	bob/phone  quickly sends <iq to='ops@chat.hq.net' type='get' id='q'><query xmlns='jabber:iq:version'/></iq>
	bob/phone  gets  <iq from='ops@chat.hq.net' type='error' id='q'>` + failed("cancel", "service-unavailable", "") + `</iq>
	bob/phone  quickly sends <iq to='ops@chat.hq.net/Alice' type='what' id='q'><query xmlns='jabber:iq:version'/></iq>
	bob/phone  gets  nothing
	`)
}

func TestVCardsOfOccupantsComeFromTheirAccounts(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice)
	s.play(`
	far.net    sends <presence from='carol@far.net/x' to='ops@chat.hq.net/Carol'>{muc}</presence>
	far.net    gets  <presence from='ops@chat.hq.net/Alice' to='carol@far.net/x'>[owner moderator]</presence>
	far.net    gets  <presence from='ops@chat.hq.net/Carol' to='carol@far.net/x'>[none participant carol@far.net/x 110 170]</presence>
	far.net    gets  <message from='ops@chat.hq.net' to='carol@far.net/x' type='groupchat'><subject/></message>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>[none participant carol@far.net/x]</presence>
	`)
	s.Send("alice/desk", `<iq to='ops@chat.hq.net/Carol' type='get' id='v'><vCard xmlns='vcard-temp'/></iq>`, false)
	asked, id := relayed(t, s.Far("far.net"))
	if asked != `<iq from='ops@chat.hq.net/Alice' to='carol@far.net' type='get' id='*'><vCard xmlns='vcard-temp'/></iq>` {
		t.Error(asked)
	}
	s.play(`
	far.net    sends <iq from='carol@far.net' to='ops@chat.hq.net/Alice' type='error' id='` + id + `'>` + failed("cancel", "item-not-found", "") + `</iq>
	alice/desk gets  <iq from='ops@chat.hq.net/Carol' type='error' id='v'>` + failed("cancel", "item-not-found", "") + `</iq>`)
}

func TestWhoAsksTooMuchAtOnceIsRefused(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob)
	for range 64 {
		s.Send("bob/phone", `<iq to='ops@chat.hq.net/Alice' type='get' id='v1'><query xmlns='jabber:iq:version'/></iq>`, true)
	}
	if got := len(s.Client("alice/desk").Got()); got != 64 {
		t.Errorf("%d were asked", got)
	}
	s.play(`
	bob/phone quickly sends <iq to='ops@chat.hq.net/Alice' type='get' id='q'><query xmlns='jabber:iq:version'/></iq>
	bob/phone gets <iq from='ops@chat.hq.net/Alice' type='error' id='q'>` + failed("wait", "resource-constraint", "too many requests wait for an answer") + `</iq>`)
}

// XEP-0191 §3.3: who blocks an occupant is not asked by it either.
func TestWhoIsBlockedAsksNothing(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob + `
	alice      blocks ops@chat.hq.net/Bob
	bob/phone  sends <iq to='ops@chat.hq.net/Alice' type='get' id='v1'><query xmlns='jabber:iq:version'/></iq>
	alice/desk gets  nothing
	bob/phone  gets  <iq from='ops@chat.hq.net/Alice' type='error' id='v1'>` + failed("cancel", "service-unavailable", "") + `</iq>
	`)
}

// The clients of one user together have 64 requests under way, so that few users cannot take all places.
func TestRequestsUnderWayAreBoundedByUser(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob)
	s.Connect("bob/desk")
	s.Send("bob/desk", `<presence to='ops@chat.hq.net/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, false)
	s.Client("bob/desk").Got()
	for range 64 {
		s.Send("bob/phone", `<iq to='ops@chat.hq.net/Alice' type='get' id='v'><query xmlns='jabber:iq:version'/></iq>`, false)
	}
	if n := len(s.Client("alice/desk").Got()); n != 64 {
		t.Errorf("%d asked", n)
	}
	s.Send("bob/desk", `<iq to='ops@chat.hq.net/Alice' type='get' id='v'><query xmlns='jabber:iq:version'/></iq>`, false)
	if n := len(s.Client("alice/desk").Got()); n != 0 {
		t.Error("another client of the same user asks on")
	}
	s.Client("bob/desk").Got()
}
