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

func discoInfo(to, node string) string {
	if node != "" {
		node = " node='" + node + "'"
	}
	return "<iq type='get' id='1' to='" + to + "'><query xmlns='http://jabber.org/protocol/disco#info'" + node + "/></iq>"
}

func discoItems(to, inner string) string {
	return "<iq type='get' id='1' to='" + to + "'><query xmlns='http://jabber.org/protocol/disco#items'>" + inner + "</query></iq>"
}

func features(names string) string {
	out := ""
	for _, n := range strings.Fields(names) {
		out += "<feature var='" + n + "'/>"
	}
	return out
}

func TestTheServiceTellsWhatItIs(t *testing.T) {
	s := newStage(t, muc.Options{Name: "Field rooms", Version: "1.2"})
	const muc = "http://jabber.org/protocol/muc"
	s.act(`
	alice/desk connects
	alice/desk sends ` + discoInfo("chat.hq.net", "") + `
	alice/desk gets  <iq from='chat.hq.net' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text' name='Field rooms'/>` +
		features("http://jabber.org/protocol/disco#info http://jabber.org/protocol/disco#items "+muc+" http://jabber.org/protocol/rsm jabber:iq:version urn:xmpp:occupant-id:0 urn:xmpp:ping urn:xmpp:time vcard-temp") + `</query></iq>
	alice/desk sends ` + discoInfo("chat.hq.net", "urn:x") + `
	alice/desk gets  <iq from='chat.hq.net' type='error' id='1'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	alice/desk sends <iq type='get' id='1' to='chat.hq.net'><query xmlns='jabber:iq:version'/></iq>
	alice/desk gets  <iq from='chat.hq.net' type='result' id='1'><query xmlns='jabber:iq:version'><name>Longwire</name><version>1.2</version></query></iq>
	alice/desk sends <iq type='get' id='1' to='chat.hq.net'><ping xmlns='urn:xmpp:ping'/></iq>
	alice/desk gets  <iq from='chat.hq.net' type='result' id='1'/>
	alice/desk sends <iq type='get' id='1' to='chat.hq.net'><vCard xmlns='vcard-temp'/></iq>
	alice/desk gets  <iq from='chat.hq.net' type='result' id='1'><vCard xmlns='vcard-temp'><FN>Field rooms</FN></vCard></iq>
	alice/desk sends <iq type='get' id='1' to='chat.hq.net'><query xmlns='jabber:iq:search'/></iq>
	alice/desk gets  <iq from='chat.hq.net' type='error' id='1'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	`)
	s.Play("bob/phone connects")
	s.Send("bob/phone", "<iq type='get' id='1' to='chat.hq.net'><time xmlns='urn:xmpp:time'/></iq>", true)
	if got := strings.Join(s.Client("bob/phone").Got(), ""); !strings.Contains(got, "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2") {
		t.Error(got)
	}
}

func TestARoomTellsWhatItIs(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{
		Name: "A Dark Cave", Description: "The place for all good witches!", Lang: "en", Contacts: []string{"crone@hq.net"}, ChangeSubject: true,
		Subject: []byte("<subject>Spells &amp; cats</subject>"), NonAnonymous: true, Moderated: true, History: 50,
	}, owned)
	const m = "http://jabber.org/protocol/muc"
	const common = m + " " + m + "#register " + m + "#request " + m + "#roomconfig " + m + "#roominfo " + m + "#self-ping-optimization " + m + "#stable_id "
	info := func(name, kinds, form string) string {
		return "<iq from='ops@chat.hq.net' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text' name='" + name + "'/>" +
			features("http://jabber.org/protocol/disco#info http://jabber.org/protocol/disco#items "+common+"jabber:iq:register "+kinds) +
			"<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#roominfo</value></field>" + form + "</x></query></iq>"
	}
	field := func(name, kind, label, value string) string {
		return "<field var='" + name + "' type='" + kind + "' label='" + label + "'><value>" + value + "</value></field>"
	}
	open := info("A Dark Cave", "muc_moderated muc_nonanonymous muc_open muc_persistent muc_public muc_unsecured urn:xmpp:mam:2 urn:xmpp:mam:2#extended urn:xmpp:occupant-id:0 urn:xmpp:ping urn:xmpp:sid:0 vcard-temp",
		field("muc#roominfo_description", "text-single", "Description", "The place for all good witches!")+
			field("muc#roominfo_contactjid", "jid-multi", "Contacts", "crone@hq.net")+
			field("muc#roominfo_lang", "text-single", "Language", "en")+
			field("muc#maxhistoryfetch", "text-single", "Lines of history for those who enter", "50")+
			field("muc#roomconfig_changesubject", "boolean", "Participants may change the subject", "1")+
			field("muc#roominfo_subjectmod", "boolean", "Participants may change the subject", "1")+
			field("muc#roominfo_subject", "text-single", "Subject", "Spells &amp; cats")+
			field("muc#roominfo_occupants", "text-single", "Occupants", "0"))
	s.act(`
	bob/phone  connects
	bob/phone  quickly sends ` + discoInfo("ops@chat.hq.net", "") + `
	bob/phone  gets  ` + open + `
	bob/phone  sends ` + discoInfo("ops@chat.hq.net", "http://jabber.org/protocol/muc#traffic") + `
	bob/phone  gets  {refused cancel service-unavailable}
	bob/phone  sends ` + discoInfo("ops@chat.hq.net", "urn:x") + `
	bob/phone  gets  {refused cancel item-not-found}
	bob/phone  sends ` + discoItems("ops@chat.hq.net", "") + `
	bob/phone  gets  <iq from='ops@chat.hq.net' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#items'></query></iq>
	bob/phone  sends ` + discoInfo("nowhere@chat.hq.net", "") + `
	bob/phone  gets  <iq from='nowhere@chat.hq.net' type='error' id='1'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	`)
	// What goes on in a room that is not for everybody stays there.
	s.enter("alice/desk")
	s.quiet("alice/desk", "{owner set}{submit}"+strings.NewReplacer(
		"{", "<field var='muc#roomconfig_", "=", "'><value>", "}", "</value></field>").Replace("{roomname=}{roomdesc=}{lang=}{publicroom=0}{membersonly=1}{roomsecret=x}{whois=moderators}{moderatedroom=0}{enablelogging=0}")+"</x>{/}")
	closed := field("muc#roominfo_contactjid", "jid-multi", "Contacts", "crone@hq.net") +
		field("muc#maxhistoryfetch", "text-single", "Lines of history for those who enter", "50") +
		field("muc#roomconfig_changesubject", "boolean", "Participants may change the subject", "1") +
		field("muc#roominfo_subjectmod", "boolean", "Participants may change the subject", "1")
	kinds := "muc_hidden muc_membersonly muc_passwordprotected muc_persistent muc_semianonymous muc_unmoderated urn:xmpp:occupant-id:0 urn:xmpp:ping urn:xmpp:sid:0 vcard-temp"
	s.act(`
	bob/phone  sends ` + discoInfo("ops@chat.hq.net", "") + `
	bob/phone  gets  ` + info("ops", kinds, closed) + `
	alice/desk sends ` + discoInfo("ops@chat.hq.net", "") + `
	alice/desk gets  ` + info("ops", kinds, closed+field("muc#roominfo_subject", "text-single", "Subject", "Spells &amp; cats")+field("muc#roominfo_occupants", "text-single", "Occupants", "1")) + `
	`)
}

func TestAnOccupantIsNotAskedFromOutside(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	s.act(`
	bob/phone  connects
	bob/phone  sends ` + discoInfo("ops@chat.hq.net/Alice", "") + `
	bob/phone  gets  <iq from='ops@chat.hq.net/Alice' type='error' id='1'><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>you are not in the room</text></error></iq>
	`)
}

func TestOnlyPublicRoomsAreListed(t *testing.T) {
	s := newStage(t, muc.Options{})
	list := func(items string) string {
		return "<iq from='chat.hq.net' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#items'>" + items + "</query></iq>"
	}
	s.act(`
	alice/desk connects
	alice/desk sends ` + discoItems("chat.hq.net", "") + `
	alice/desk gets  ` + list("") + alicesRoom + `
	alice/desk sends ` + discoItems("chat.hq.net", "") + `
	alice/desk gets  ` + list("") + `
	`)
	for _, cfg := range []store.Room{{JID: "b@chat.hq.net", Name: "Bees & wasps"}, {JID: "a@chat.hq.net", MembersOnly: true}, {JID: "c@chat.hq.net", Hidden: true}} {
		if err := s.attempt(func(t *router.Turn) error {
			_, err := s.muc.Create(t, cfg, nil)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	two := "<item jid='a@chat.hq.net'/><item jid='b@chat.hq.net' name='Bees &amp; wasps'/>"
	set := "<set xmlns='http://jabber.org/protocol/rsm'>"
	s.act(`
	alice/desk quickly sends ` + discoItems("chat.hq.net", "") + `
	alice/desk gets  ` + list(two) + `
	alice/desk sends ` + discoItems("chat.hq.net", set+"<max>0</max></set>") + `
	alice/desk gets  ` + list(set+"<count>2</count></set>") + `
	alice/desk sends ` + discoItems("chat.hq.net", set+"<max>1</max></set>") + `
	alice/desk gets  ` + list("<item jid='a@chat.hq.net'/>"+set+"<first index='0'>a@chat.hq.net</first><last>a@chat.hq.net</last><count>2</count></set>") + `
	alice/desk sends ` + discoItems("chat.hq.net", set+"<max>x</max></set>") + `
	alice/desk gets  <iq from='chat.hq.net' type='error' id='1'><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>max: not a number</text></error></iq>
	`)
}

func (s *stage) manyRooms(tb testing.TB, n int) {
	tb.Helper()
	err := s.attempt(func(t *router.Turn) error {
		var errs []error
		for i := range n {
			_, err := s.muc.Create(t, store.Room{JID: fmt.Sprintf("r%03d@chat.hq.net", i)}, nil)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func TestManyRoomsAreListedPageByPage(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.manyRooms(t, 230)
	s.Play("alice/desk connects")
	after, pages := "", []int{}
	for range 4 {
		inner := ""
		if after != "" {
			inner = "<set xmlns='http://jabber.org/protocol/rsm'><after>" + after + "</after></set>"
		}
		s.Send("alice/desk", discoItems("chat.hq.net", inner), true)
		got := strings.Join(s.Client("alice/desk").Got(), "")
		pages = append(pages, strings.Count(got, "<item "))
		_, last, _ := strings.Cut(got, "<last>")
		after, _, _ = strings.Cut(last, "</last>")
		if !strings.Contains(got, "<count>230</count>") {
			t.Fatal(got)
		}
		if after == "" {
			break
		}
	}
	if fmt.Sprint(pages) != "[100 100 30 0]" {
		t.Error(pages)
	}
}

func BenchmarkListRooms(b *testing.B) {
	s := newStage(b, muc.Options{})
	s.manyRooms(b, 200)
	s.Play("alice/desk connects")
	b.ReportAllocs()
	for b.Loop() {
		s.Send("alice/desk", discoItems("chat.hq.net", ""), true)
		s.Client("alice/desk").Got()
	}
}
