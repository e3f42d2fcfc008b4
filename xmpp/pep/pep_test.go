package pep_test

import (
	"slices"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/disco"
	"longwire/xmpp/pep"
	"longwire/xmpp/presence/plays"
	"longwire/xmpp/private"
	"longwire/xmpp/vcard"
)

// Shorthands of the plays, replaced before they are acted out.
var short = strings.NewReplacer(
	"[pubsub", "<pubsub xmlns='http://jabber.org/protocol/pubsub'",
	"[owner", "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'",
	"[event", "<event xmlns='http://jabber.org/protocol/pubsub#event'",
	"[tune]", "<tune xmlns='urn:tune'><title>Introduction</title></tune>",
	"[song]", "<tune xmlns='urn:tune'><title>Finale</title></tune>",
	"[late]", "<delay xmlns='urn:xmpp:delay' from='alice@hq.net' stamp='*'/>",
)

// refusal is the <error/> of an answer: "cancel conflict precondition-not-met: a text", the last two if there are any.
func refusal(spec string) string {
	spec, text, _ := strings.Cut(spec, ": ")
	f := strings.Fields(spec)
	b := "<error type='" + f[0] + "'><" + f[1] + " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
	if text != "" {
		b += "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>" + text + "</text>"
	}
	if len(f) > 2 {
		b += "<" + f[2] + " xmlns='http://jabber.org/protocol/pubsub#errors'"
		if len(f) > 3 {
			b += " feature='" + f[3] + "'"
		}
		b += "/>"
	}
	return b + "</error>"
}

type stage struct {
	*plays.Stage
	pep *pep.Service
}

// newStage is a stage with personal eventing, on which alice and bob see each other, and dora sees nobody.
func newStage(t testing.TB, o pep.Options) *stage {
	s := &stage{Stage: plays.New(t)}
	s.Account("dora")
	s.Item("alice", store.RosterItem{Contact: "bob@hq.net", To: true, From: true, InRoster: true, Groups: []string{"Friends"}})
	s.Item("bob", store.RosterItem{Contact: "alice@hq.net", To: true, From: true, InRoster: true})
	o.Renew = s.Engine.Renew
	s.pep = pep.New(s.Host, s.Roster, o)
	s.Engine.Watch(s.pep)
	disco.New(s.Host, disco.Options{}).Use(s.pep)
	private.New(s.Host).Keep(s.pep.Storage())
	vcard.New(s.Host, nil).Use(s.pep)
	return s
}

func (s *stage) Play(script string) { s.Stage.Play(short.Replace(script)) }

// online brings clients online, each with what it wants: "alice/desk urn:tune urn:mood". What anybody gets by it is read.
func (s *stage) online(clients ...string) {
	for _, c := range clients {
		s.comes(c)
		s.Drain()
	}
}

// comes brings a client online.
func (s *stage) comes(client string) (who string) {
	s.Drain()
	who, wants, _ := strings.Cut(client, " ")
	s.Stage.Play(who + " connects")
	s.Stage.Play(who + " wants " + wants)
	s.Send(who, "<presence>{caps}</presence>", false)
	return who
}

// events are the messages that a client has got, in the shorthand of plays; what else it got is read, too.
func (s *stage) events(who string) (all []string) {
	for _, x := range s.Client(who).Got() {
		if strings.HasPrefix(x, "<message") {
			all = append(all, x)
		}
	}
	return all
}

func wantEvents(t *testing.T, who string, got []string, want ...string) {
	t.Helper()
	for i := range want {
		want[i] = short.Replace(want[i])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s got\n %s\nwant\n %s", who, strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
}

// ask sends a request to alice's account and returns what is inside the answer. A request is "get …" or "set …".
func (s *stage) ask(who, request string) string {
	s.Drain()
	typ, inner, _ := strings.Cut(request, " ")
	s.Send(who, short.Replace("<iq type='"+typ+"' id='q' to='alice@hq.net'>"+inner+"</iq>"), false)
	for _, x := range s.Client(who).Got() {
		if !strings.HasPrefix(x, "<iq") {
			continue
		}
		x = strings.TrimPrefix(x, "<iq from='alice@hq.net' type='")
		x = strings.TrimSuffix(x, "</iq>")
		x = strings.Replace(x, "result' id='q'/>", "done", 1)
		return strings.Replace(strings.Replace(x, "result' id='q'>", "", 1), "error' id='q'>", "", 1)
	}
	return "nothing"
}

// A question is what is asked by whom, and what is inside the answer: markup, "done", or "! " and a refusal.
type question struct{ name, who, ask, want string }

func (s *stage) run(t *testing.T, questions []question) {
	t.Helper()
	for _, q := range questions {
		want := short.Replace(q.want)
		if spec, ok := strings.CutPrefix(q.want, "! "); ok {
			want = refusal(spec)
		}
		if got := s.ask(q.who, q.ask); got != want {
			t.Errorf("%s: %s asked %s\n got %s\nwant %s", q.name, q.who, q.ask, got, want)
		}
	}
}

const published = `<message from='alice@hq.net' type='headline' id='*'>[event><items node='urn:tune'><item id='current'>[tune]</item></items></event></message>`

// The play of XEP-0163 §1.2: who is there and wants it hears of it at once, who comes later gets the last item.
func TestEventsReachWhoWantsThem(t *testing.T) {
	s := newStage(t, pep.Options{})
	s.online("alice/desk urn:tune", "alice/old urn:mood", "bob/phone urn:tune", "bob/pad urn:mood", "dora/desk urn:tune")
	s.Play(`
		alice/desk sends <iq type='set' id='1'>[pubsub><publish node='urn:tune'><item>[tune]</item></publish></pubsub></iq>
		alice/desk gets  ` + published + `
		alice/desk gets  <iq from='alice@hq.net' type='result' id='1'>[pubsub><publish node='urn:tune'><item id='current'/></publish></pubsub></iq>
		bob/phone  gets  ` + published + `
	`)
	const late = `<message from='alice@hq.net' type='headline' id='*'>[event><items node='urn:tune'><item id='current'>[tune]</item></items></event>[late]</message>`
	for _, c := range []string{"bob/late urn:mood urn:tune", "alice/late urn:tune"} {
		who := s.comes(c)
		wantEvents(t, who, s.events(who), late)
	}
	s.comes("dora/late urn:tune")
	wantEvents(t, "dora/late", s.events("dora/late"))
	// Presence that says the same again brings nothing; one that shows more interest brings what is new.
	s.Drain()
	s.Send("bob/late", "<presence><show>away</show>{caps}</presence>", false)
	wantEvents(t, "bob/late", s.events("bob/late"))
	s.Drain()
	s.Stage.Play("bob/pad wants urn:mood urn:tune urn:x")
	s.Send("bob/pad", "<presence>{caps}</presence>", false)
	wantEvents(t, "bob/pad", s.events("bob/pad"), late)
	// One without caps takes nothing back.
	s.Send("bob/pad", "<presence/>", false)
	s.Drain()
	s.Send("alice/desk", short.Replace(`<iq type='set' id='2'>[pubsub><publish node='urn:tune'><item>[song]</item></publish></pubsub></iq>`), false)
	wantEvents(t, "bob/pad", s.events("bob/pad"), strings.ReplaceAll(published, "[tune]", "[song]"))
}

func TestWhoIsLetSeeGetsTheLastItem(t *testing.T) {
	s := newStage(t, pep.Options{})
	s.online("alice/desk", "dora/desk urn:tune")
	s.Send("alice/desk", short.Replace(`<iq type='set' id='1'>[pubsub><publish node='urn:tune'><item>[tune]</item></publish></pubsub></iq>`), false)
	s.Send("dora/desk", "<presence type='subscribe' to='alice@hq.net'/>", false)
	wantEvents(t, "dora/desk", s.events("dora/desk"))
	s.Send("alice/desk", "<presence type='subscribed' to='dora@hq.net'/>", false)
	wantEvents(t, "dora/desk", s.events("dora/desk"),
		`<message from='alice@hq.net' type='headline' id='*'>[event><items node='urn:tune'><item id='current'>[tune]</item></items></event>[late]</message>`)
}

func TestNobodyBlockedHearsAnything(t *testing.T) {
	for _, block := range []string{"alice blocks bob@hq.net", "bob blocks alice@hq.net"} {
		s := newStage(t, pep.Options{})
		s.online("alice/desk urn:tune", "bob/phone urn:tune")
		who, whom, _ := strings.Cut(block, " blocks ")
		s.Block(who, whom)
		s.Drain()
		s.Send("alice/desk", short.Replace(`<iq type='set' id='1'>[pubsub><publish node='urn:tune'><item>[tune]</item></publish></pubsub></iq>`), false)
		wantEvents(t, "bob/phone", s.events("bob/phone"))
		wantEvents(t, "alice/desk", s.events("alice/desk"), published)
		who = s.comes("bob/late urn:tune")
		wantEvents(t, who, s.events(who))
	}
}

func TestFarContactsHearNothingAndAreNotAnswered(t *testing.T) {
	s := newStage(t, pep.Options{})
	s.Item("alice", store.RosterItem{Contact: "carol@far.net", To: true, From: true, InRoster: true})
	s.online("alice/desk urn:tune")
	s.Play(`
		alice/desk sends <iq type='set' id='1'>[pubsub><publish node='urn:tune'><item>[tune]</item></publish></pubsub></iq>
		alice/desk gets  ` + published + `
		alice/desk gets  <iq from='alice@hq.net' type='result' id='1'>[pubsub><publish node='urn:tune'><item id='current'/></publish></pubsub></iq>
		far.net    gets  nothing
		far.net    sends <iq type='get' id='2' from='carol@far.net/x' to='alice@hq.net'>[pubsub><items node='urn:tune'/></pubsub></iq>
		far.net    gets  <iq type='error' id='2' to='carol@far.net/x' from='alice@hq.net'>` + refusal("cancel service-unavailable") + `</iq>
		far.net    sends <presence from='carol@far.net/x' to='alice@hq.net'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:far' ver='x'/></presence>
		alice/desk gets  <presence from='carol@far.net/x'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:far' ver='x'/></presence>
		# and nobody is asked what that means
		far.net    gets  nothing
	`)
	// Unless the operator lets them.
	s = newStage(t, pep.Options{Peers: func(domain string) bool { return domain == "far.net" }})
	s.Item("alice", store.RosterItem{Contact: "carol@far.net", To: true, From: true, InRoster: true})
	s.online("alice/desk")
	s.Send("alice/desk", short.Replace(`<iq type='set' id='1'>[pubsub><publish node='urn:tune'><item>[tune]</item></publish></pubsub></iq>`), false)
	s.Drain()
	s.Play(`
		far.net    sends <iq type='get' id='2' from='carol@far.net/x' to='alice@hq.net'>[pubsub><items node='urn:tune'/></pubsub></iq>
		far.net    gets  <iq type='result' id='2' to='carol@far.net/x' from='alice@hq.net'>[pubsub><items node='urn:tune'><item id='current'>[tune]</item></items></pubsub></iq>
		far.net    sends <iq type='set' id='3' from='carol@far.net/x' to='alice@hq.net'>[pubsub><subscribe node='urn:tune' jid='carol@far.net'/></pubsub></iq>
		far.net    gets  <iq type='error' id='3' to='carol@far.net/x' from='alice@hq.net'>` + refusal("cancel feature-not-implemented unsupported subscribe") + `</iq>
	`)
}
