package pep_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/pep"
	"longwire/xmpp/stanza"
)

// Whatever a client asks is answered once.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		publish("n", "<item id='a'>[tune]</item>"), with(publish("m", "<item>[tune]</item>"), options("access_model=open", "max_items=max")),
		"get [pubsub><items node='n' max_items='1'><item id='a'/></items></pubsub>",
		"get [pubsub><items node='n'/><set xmlns='http://jabber.org/protocol/rsm'><max>1</max><before/></set></pubsub>",
		"set [pubsub><retract node='n' notify='1'><item id='a'/></retract></pubsub>", "set [owner><delete node='n'/></pubsub>",
		"set [pubsub><create/><configure>" + config("roster_groups_allowed=a,b", "access_model=roster") + "</configure></pubsub>",
		"set [owner><configure node='m'>" + config("persist_items=0", "deliver_payloads=0") + "</configure></pubsub>",
		"set [owner><purge node='m'/></pubsub>", "get [owner><default/></pubsub>",
		"set [pubsub><subscribe node='m' jid='alice@hq.net/desk'/></pubsub>", "get [pubsub><affiliations/></pubsub>",
		publish("urn:xmpp:bookmarks:1", item("a@b", conference(" autojoin='1'", "<nick>x</nick>"))), publish("storage:bookmarks", item("", storage(old("c@d", "", "")))),
	} {
		typ, inner, _ := strings.Cut(short.Replace(s), " ")
		f.Add(typ == stanza.Set, inner)
	}
	s := newStage(f, pep.Options{})
	s.online("alice/desk n m", bob)
	f.Fuzz(func(t *testing.T, set bool, inner string) {
		s.On(t)
		for _, who := range []string{alice, bob} {
			typ := stanza.Get
			if set {
				typ = stanza.Set
			}
			st, ok := s.TryParse("<iq type='" + typ + "' id='q' to='alice@hq.net'>" + inner + "</iq>")
			if !ok {
				return
			}
			s.Drain()
			s.Route(who, st)
			answers := 0
			for _, x := range s.Client(who).Got() {
				if strings.HasPrefix(x, "<iq") {
					answers++
				}
			}
			if answers != 1 {
				t.Fatalf("%s got %d answers to %s", who, answers, inner)
			}
		}
	})
}

// A publish of an item that 50 contacts, each with two clients, are told of.
func BenchmarkPublish(b *testing.B) {
	for _, contacts := range []int{0, 50} {
		b.Run(fmt.Sprintf("contacts=%d", contacts), func(b *testing.B) {
			s := newStage(b, pep.Options{})
			s.online("alice/desk urn:tune")
			for i := range contacts {
				name := fmt.Sprintf("c%d", i)
				s.Account(name)
				s.Item("alice", store.RosterItem{Contact: name + "@hq.net", From: true, To: true, InRoster: true})
				s.Item(name, store.RosterItem{Contact: "alice@hq.net", From: true, To: true, InRoster: true})
				for _, r := range []string{"/a", "/b"} {
					s.comes(name + r + " urn:tune urn:mood")
				}
			}
			st, _ := s.TryParse(short.Replace("<iq type='set' id='q'>" + publish("urn:tune", "<item>[tune]</item>")[4:] + "</iq>"))
			s.Drain()
			b.ReportAllocs()
			for b.Loop() {
				s.Route(alice, st)
				b.StopTimer()
				s.Drain()
				b.StartTimer()
			}
		})
	}
}

// A client that comes online and wants the last items of 50 contacts.
func BenchmarkLastItems(b *testing.B) {
	s := newStage(b, pep.Options{})
	for i := range 50 {
		name := fmt.Sprintf("c%d", i)
		s.Account(name)
		s.Item("alice", store.RosterItem{Contact: name + "@hq.net", From: true, To: true, InRoster: true})
		s.Item(name, store.RosterItem{Contact: "alice@hq.net", From: true, To: true, InRoster: true})
		s.comes(name + "/a urn:mood")
		s.Send(name+"/a", short.Replace("<iq type='set' id='q'>"+publish("urn:tune", "<item>[tune]</item>")[4:]+"</iq>"), false)
	}
	s.comes("alice/desk urn:tune")
	r, p := s.Client(alice).Resource, s.Client(alice).Resource.Presence()
	s.Drain()
	b.ReportAllocs()
	for b.Loop() {
		s.pep.Down(r)
		s.pep.Up(r, p)
		b.StopTimer()
		if n := len(s.Client(alice).Got()); n != 50 {
			b.Fatalf("%d last items", n)
		}
		b.StartTimer()
	}
}
