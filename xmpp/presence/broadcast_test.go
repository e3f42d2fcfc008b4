package presence_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/presence/plays"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// friends is a stage on which alice and bob see each other, and carol across the link sees and is seen by alice.
func friends(t testing.TB) *plays.Stage {
	s := plays.New(t)
	s.Item("alice", store.RosterItem{Contact: "bob@hq.net", To: true, From: true, InRoster: true})
	s.Item("bob", store.RosterItem{Contact: "alice@hq.net", To: true, From: true, InRoster: true})
	return s
}

func TestComingAndGoing(t *testing.T) {
	friends(t).Play(`
		alice/desk connects
		alice/desk sends <presence id='p1'><show>chat</show><priority>5</priority></presence>
		alice/desk gets  <presence id='p1' from='alice@hq.net/desk'><show>chat</show><priority>5</priority></presence>
		# bob is not there and never was
		alice/desk gets  <presence type='unavailable' from='bob@hq.net'/>

		bob/phone connects
		bob/phone sends <presence/>
		bob/phone gets  <presence from='bob@hq.net/phone'/>
		alice/desk gets <presence from='bob@hq.net/phone'/>
		bob/phone gets  <presence id='p1' from='alice@hq.net/desk'><show>chat</show><priority>5</priority></presence>

		# a later presence goes to those who see him, needs nothing durable and asks for nothing
		bob/phone quickly sends <presence><show>away</show></presence>
		bob/phone gets  <presence from='bob@hq.net/phone'><show>away</show></presence>
		alice/desk gets <presence from='bob@hq.net/phone'><show>away</show></presence>

		bob/phone sends <presence type='unavailable'><status>gone to lunch</status></presence>
		bob/phone gets  <presence type='unavailable' from='bob@hq.net/phone'><status>gone to lunch</status></presence>
		alice/desk gets <presence type='unavailable' from='bob@hq.net/phone'><status>gone to lunch</status></presence>
		# saying it twice says nothing
		bob/phone sends <presence type='unavailable'/>
		bob/phone hangs up

		alice/desk hangs up
		alice/desk connects
		alice/desk sends <presence/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		alice/desk gets  <presence type='unavailable' from='bob@hq.net'><status>gone to lunch</status><delay xmlns='urn:xmpp:delay' from='hq.net' stamp='*'/></presence>

		bob/phone connects
		bob/phone sends <presence/>
		bob/phone gets  <presence from='bob@hq.net/phone'/>
		bob/phone gets  <presence from='alice@hq.net/desk'/>
		alice/desk gets <presence from='bob@hq.net/phone'/>
		alice/desk hangs up
		bob/phone gets  <presence type='unavailable' from='alice@hq.net/desk'/>
	`)
}

func TestOwnResourcesSeeEachOther(t *testing.T) {
	plays.New(t).Play(`
		alice/desk connects
		alice/phone connects
		alice/pad connects
		alice/desk sends <presence/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		alice/phone sends <presence><priority>-1</priority></presence>
		alice/desk  gets  <presence from='alice@hq.net/phone'><priority>-1</priority></presence>
		alice/phone gets  <presence from='alice@hq.net/desk'/>
		alice/phone gets  <presence from='alice@hq.net/phone'><priority>-1</priority></presence>
		# pad never became available
		alice/phone quickly sends <presence><show>xa</show><priority>-1</priority></presence>
		alice/desk  gets  <presence from='alice@hq.net/phone'><show>xa</show><priority>-1</priority></presence>
		alice/phone gets  <presence from='alice@hq.net/phone'><show>xa</show><priority>-1</priority></presence>
		alice/phone hangs up
		alice/desk  gets  <presence type='unavailable' from='alice@hq.net/phone'/>
	`)
}

func TestPriority(t *testing.T) {
	const refusal = `<presence type='error' id='p'><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
		`<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>the priority is a number from -128 to 127</text></error></presence>`
	for _, bad := range []string{"128", "-129", "high", "", "1.5", "99999999999999999999"} {
		plays.New(t).Play(`
			alice/desk connects
			alice/desk quickly sends <presence id='p'><priority>` + bad + `</priority></presence>
			alice/desk gets  ` + refusal + `
		`)
	}
	for text, want := range map[string]int8{"-128": -128, "127": 127, " 3 ": 3, "+4": 4, "0": 0} {
		s := plays.New(t)
		s.Play(`
			alice/desk connects
			alice/desk sends <presence><priority>` + text + `</priority></presence>
			alice/desk gets  <presence from='alice@hq.net/desk'><priority>` + text + `</priority></presence>
		`)
		if got := s.Client("alice/desk").Resource.Priority(); got != want {
			t.Errorf("priority %q read as %d, want %d", text, got, want)
		}
	}
}

func TestWhatIsNoPresence(t *testing.T) {
	refusal := func(text string) string {
		return `<presence type='error' id='x'><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
			`<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>` + text + `</text></error></presence>`
	}
	plays.New(t).Play(`
		alice/desk connects
		alice/desk quickly sends <presence id='x' type='invisible'/>
		alice/desk gets  ` + refusal("presence has no such type") + `
		alice/desk quickly sends <presence id='x' type='away'/>
		alice/desk gets  ` + refusal("presence has no such type") + `
		alice/desk quickly sends <presence id='x' type='probe'/>
		alice/desk gets  ` + refusal("a probe needs a to") + `
		alice/desk quickly sends <presence id='x' type='subscribe'/>
		alice/desk gets  ` + refusal("subscribe needs a to") + `
		# an error is never answered
		alice/desk quickly sends <presence id='x' type='error'/>
		# nor is what comes from elsewhere: the answer would tell that bob exists
		far.net sends <presence type='invisible' from='carol@far.net' to='bob@hq.net'/>
	`)
}

func TestOfflineMessagesComeWithNonNegativePriority(t *testing.T) {
	plays.New(t).Play(`
		far.net    sends <message type='chat' id='m1' from='carol@far.net/x' to='alice@hq.net'><body>hello</body></message>
		alice/desk connects
		alice/desk sends <presence><priority>-1</priority></presence>
		alice/desk gets  <presence from='alice@hq.net/desk'><priority>-1</priority></presence>
		alice/desk gets  nothing
		alice/desk sends <presence/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		alice/desk gets  <message type='chat' id='m1' from='carol@far.net/x'><body>hello</body><delay xmlns='urn:xmpp:delay' from='hq.net' stamp='*'/></message>
		alice/desk quickly sends <presence><show>dnd</show></presence>
		alice/desk gets  <presence from='alice@hq.net/desk'><show>dnd</show></presence>
	`)
}

func TestDirectedPresence(t *testing.T) {
	plays.New(t).Play(`
		# a client may join a room without being available to anybody
		alice/desk connects
		alice/desk quickly sends <presence to='ops@rooms.net/al'><x xmlns='http://jabber.org/protocol/muc'/></presence>
		rooms.net  gets  <presence from='alice@hq.net/desk' to='ops@rooms.net/al'><x xmlns='http://jabber.org/protocol/muc'/></presence>
		rooms.net  sends <presence from='ops@rooms.net/al' to='alice@hq.net/desk'/>
		alice/desk gets  <presence from='ops@rooms.net/al'/>
		rooms.net  sends <presence type='error' from='old@rooms.net/al' to='alice@hq.net/desk'/>
		alice/desk gets  <presence type='error' from='old@rooms.net/al'/>
		# what is for the bare JID reaches available clients only
		rooms.net  sends <presence from='ops@rooms.net/al' to='alice@hq.net'/>
		rooms.net  sends <presence type='error' from='ops@rooms.net/al' to='alice@hq.net'/>
		rooms.net  sends <presence from='ops@rooms.net/al' to='alice@hq.net/elsewhere'/>
		alice/desk gets  nothing

		alice/desk quickly sends <presence to='map@rooms.net/al'/>
		rooms.net  gets  <presence from='alice@hq.net/desk' to='map@rooms.net/al'/>
		alice/desk sends <presence to='carol@far.net/x'/>
		far.net    gets  <presence from='alice@hq.net/desk' to='carol@far.net/x'/>
		alice/desk quickly sends <presence type='unavailable' to='map@rooms.net/al'/>
		rooms.net  gets  <presence type='unavailable' from='alice@hq.net/desk' to='map@rooms.net/al'/>

		# at the end everybody hears of it who has not yet
		alice/desk hangs up
		rooms.net  gets  <presence type='unavailable' from='alice@hq.net/desk' to='ops@rooms.net/al'/>
		far.net    gets  <presence type='unavailable' from='alice@hq.net/desk' to='carol@far.net/x'/>
	`)
}

func TestUnavailableEndsDirectedPresenceToo(t *testing.T) {
	friends(t).Play(`
		bob/phone connects
		bob/phone sends <presence/>
		bob/phone gets  <presence from='bob@hq.net/phone'/>
		bob/phone gets  <presence type='unavailable' from='alice@hq.net'/>
		bob/phone quickly sends <presence to='alice@hq.net'/>
		bob/phone quickly sends <presence to='ops@rooms.net/b'/>
		rooms.net gets  <presence from='bob@hq.net/phone' to='ops@rooms.net/b'/>
		bob/phone sends <presence type='unavailable'><status>bye</status></presence>
		bob/phone gets  <presence type='unavailable' from='bob@hq.net/phone'><status>bye</status></presence>
		rooms.net gets  <presence type='unavailable' from='bob@hq.net/phone' to='ops@rooms.net/b'><status>bye</status></presence>
		bob/phone hangs up
	`)
}

func TestDirectedPresenceIsBounded(t *testing.T) {
	s := plays.New(t)
	s.Play(`alice/desk connects`)
	c := s.Client("alice/desk")
	for i := range 1024 {
		if !c.Resource.Directed().Add(jid.MustParse(fmt.Sprintf("r%d@rooms.net/a", i))) {
			t.Fatalf("full after %d", i)
		}
	}
	s.Play(`
		alice/desk quickly sends <presence id='x' to='more@rooms.net/a'/>
		alice/desk gets <presence id='x' type='error' from='more@rooms.net/a'><error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>presence was sent to too many</text></error></presence>
		rooms.net gets nothing
	`)
}

func TestProbes(t *testing.T) {
	s := friends(t)
	s.Account("eve")
	s.Item("eve", store.RosterItem{Contact: "bob@hq.net", To: true, InRoster: true})
	s.Play(`
		bob/phone connects
		bob/pad connects
		bob/phone sends <presence><show>dnd</show></presence>
		bob/phone gets  <presence from='bob@hq.net/phone'><show>dnd</show></presence>
		bob/phone gets  <presence type='unavailable' from='alice@hq.net'/>
		alice/desk connects
		alice/desk quickly sends <presence type='probe' to='bob@hq.net'/>
		alice/desk gets  <presence from='bob@hq.net/phone'><show>dnd</show></presence>
		alice/desk quickly sends <presence type='probe' to='bob@hq.net/phone'/>
		alice/desk gets  <presence from='bob@hq.net/phone'><show>dnd</show></presence>
		alice/desk quickly sends <presence type='probe' to='bob@hq.net/pad'/>
		alice/desk gets  <presence type='unavailable' from='bob@hq.net/pad'/>
		bob/pad    quickly sends <presence type='probe' to='bob@hq.net'/>
		bob/pad    gets  <presence from='bob@hq.net/phone'><show>dnd</show></presence>

		# nobody there, nobody known
		alice/desk quickly sends <presence type='probe' to='nobody@hq.net'/>
		alice/desk quickly sends <presence type='probe' to='hq.net'/>

		# eve believes that she may see bob; she is put right
		eve/x connects
		eve/x sends <iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='1'/></iq>
		eve/x gets  <iq type='result' id='r' from='eve@hq.net'/>
		eve/x sends <presence/>
		eve/x gets  <presence from='eve@hq.net/x'/>
		eve/x gets  <presence type='unsubscribed' from='bob@hq.net'/>
		eve/x gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='2'><item jid='bob@hq.net' subscription='none'/></query></iq>

		# while bob has not answered her, a probe does not answer in his place
		eve/x sends <presence type='subscribe' to='bob@hq.net'/>
		eve/x gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='3'><item jid='bob@hq.net' subscription='none' ask='subscribe'/></query></iq>
		bob/phone gets <presence type='subscribe' from='eve@hq.net'/>
		eve/x quickly sends <presence type='probe' to='bob@hq.net'/>
		eve/x gets nothing
	`)
}

func TestRemoteProbeOfSomeoneAbsent(t *testing.T) {
	s := plays.New(t)
	s.Item("bob", store.RosterItem{Contact: "carol@far.net", From: true, InRoster: true})
	s.Play(`
		far.net sends <presence type='probe' from='carol@far.net/x' to='bob@hq.net'/>
		far.net gets  <presence type='unavailable' from='bob@hq.net' to='carol@far.net/x'/>
		bob/phone connects
		bob/phone sends <presence/>
		bob/phone gets  <presence from='bob@hq.net/phone'/>
		far.net   gets  <presence from='bob@hq.net/phone' to='carol@far.net'/>
		bob/phone hangs up
		far.net   gets  <presence type='unavailable' from='bob@hq.net/phone' to='carol@far.net'/>
		far.net   sends <presence type='probe' from='carol@far.net' to='bob@hq.net'/>
		far.net   gets  <presence type='unavailable' from='bob@hq.net' to='carol@far.net'><delay xmlns='urn:xmpp:delay' from='hq.net' stamp='*'/></presence>
	`)
}

func TestBlocking(t *testing.T) {
	s := friends(t)
	s.Item("alice", store.RosterItem{Contact: "carol@far.net", To: true, From: true, InRoster: true})
	const refusal = `<error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/></error></presence>`
	s.Play(`
		bob/phone connects
		bob/phone sends <presence/>
		bob/phone gets  <presence from='bob@hq.net/phone'/>
		bob/phone gets  <presence type='unavailable' from='alice@hq.net'/>
		alice/desk connects
		alice/desk sends <presence/>
		alice/desk gets <presence from='alice@hq.net/desk'/>
		alice/desk gets <presence from='bob@hq.net/phone'/>
		bob/phone gets  <presence from='alice@hq.net/desk'/>
		far.net   gets  <presence from='alice@hq.net/desk' to='carol@far.net'/>
		far.net   gets  <presence type='probe' from='alice@hq.net/desk' to='carol@far.net'/>
		alice/desk quickly sends <presence to='bob@hq.net/phone'/>
		bob/phone gets  <presence from='alice@hq.net/desk'/>

		alice     blocks bob@hq.net
		bob/phone gets  <presence type='unavailable' from='alice@hq.net/desk'/>
		bob/phone gets  <presence type='unavailable' from='alice@hq.net/desk'/>
		alice/desk sends <presence><show>away</show></presence>
		alice/desk gets <presence from='alice@hq.net/desk'><show>away</show></presence>
		far.net   gets  <presence from='alice@hq.net/desk' to='carol@far.net'><show>away</show></presence>
		bob/phone quickly sends <presence><show>xa</show></presence>
		bob/phone gets  <presence from='bob@hq.net/phone'><show>xa</show></presence>
		bob/phone quickly sends <presence type='probe' to='alice@hq.net'/>
		bob/phone quickly sends <presence type='unsubscribe' to='carol@hq.net'/>
		alice/desk quickly sends <presence id='d' to='bob@hq.net'/>
		alice/desk gets <presence type='error' id='d' from='bob@hq.net'>` + refusal + `
		alice/desk quickly sends <presence type='subscribe' id='d' to='bob@hq.net'/>
		alice/desk gets <presence type='error' id='d' from='bob@hq.net'>` + refusal + `
		bob/phone gets  nothing

		alice     unblocks bob@hq.net
		bob/phone gets  <presence from='alice@hq.net/desk'><show>away</show></presence>
		alice/desk gets <presence from='bob@hq.net/phone'><show>xa</show></presence>

		# a whole domain
		alice     blocks far.net
		far.net   gets  <presence type='unavailable' from='alice@hq.net/desk' to='carol@far.net'/>
		far.net   sends <presence from='carol@far.net/x' to='alice@hq.net'/>
		far.net   sends <presence type='subscribe' from='dan@far.net' to='alice@hq.net'/>
		alice     unblocks far.net
		far.net   gets  <presence from='alice@hq.net/desk' to='carol@far.net'><show>away</show></presence>
		far.net   gets  <presence type='probe' from='alice@hq.net/desk' to='carol@far.net'/>

		# one resource of a contact
		alice     blocks bob@hq.net/phone
		bob/phone gets  <presence type='unavailable' from='alice@hq.net/desk'/>
	`)
}

func TestTrust(t *testing.T) {
	s := friends(t)
	s.Play(`
		alice/desk connects
		alice/desk quickly sends <presence to='ops@rooms.net/al'/>
		rooms.net  gets <presence from='alice@hq.net/desk' to='ops@rooms.net/al'/>
	`)
	for other, want := range map[string]bool{
		"alice@hq.net": true, "alice@hq.net/pad": true, "bob@hq.net/phone": true, "ops@rooms.net/someone": true,
		"map@rooms.net/al": false, "rooms.net": false, "carol@far.net": false, "hq.net": false,
	} {
		var turn router.Turn
		got, err := s.Engine.Trusted(&turn, jid.MustParse("alice@hq.net"), jid.MustParse(other))
		if got != want || err != nil {
			t.Errorf("%s trusted: %t, %v; want %t", other, got, err, want)
		}
	}
}

func TestReplacedClientStaysOnline(t *testing.T) {
	s := friends(t)
	s.Play(`
		bob/phone connects
		bob/phone sends <presence/>
		bob/phone gets  <presence from='bob@hq.net/phone'/>
		bob/phone gets  <presence type='unavailable' from='alice@hq.net'/>
		alice/desk connects
		alice/desk sends <presence/>
		alice/desk gets <presence from='alice@hq.net/desk'/>
		alice/desk gets <presence from='bob@hq.net/phone'/>
		bob/phone  gets <presence from='alice@hq.net/desk'/>
		alice/desk quickly sends <presence to='old@rooms.net/a'/>
		rooms.net  gets <presence from='alice@hq.net/desk' to='old@rooms.net/a'/>
		alice/desk quickly sends <presence to='both@rooms.net/a'/>
		rooms.net  gets <presence from='alice@hq.net/desk' to='both@rooms.net/a'/>
	`)
	old := s.Client("alice/desk").Resource
	s.Play(`
		alice/desk connects
		alice/desk sends <presence><show>chat</show></presence>
		alice/desk gets <presence from='alice@hq.net/desk'><show>chat</show></presence>
		alice/desk gets <presence from='bob@hq.net/phone'/>
		bob/phone  gets <presence from='alice@hq.net/desk'><show>chat</show></presence>
		alice/desk quickly sends <presence to='both@rooms.net/a'/>
		rooms.net  gets <presence from='alice@hq.net/desk' to='both@rooms.net/a'/>
	`)
	// The old stream's end is noticed late.
	update(t, s, func(turn *router.Turn) error { return s.Engine.Gone(turn, old, "replaced") })
	s.Play(`
		rooms.net  gets <presence type='unavailable' from='alice@hq.net/desk' to='old@rooms.net/a'><status>replaced</status></presence>
		bob/phone  gets nothing
	`)
}

// update runs a Turn in a transaction.
func update(t *testing.T, s *plays.Stage, fs ...func(*router.Turn) error) {
	t.Helper()
	turns := make([]*router.Turn, len(fs))
	err := s.DB.Update(func(tx *store.Tx) error {
		for i, f := range fs {
			turns[i] = new(router.Turn)
			turns[i].Reset(tx)
			if err := f(turns[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, turn := range turns {
		turn.Done()
	}
}

// Several Turns of a client may be planned before the first of them is committed.
func TestTurnsOfOneCommit(t *testing.T) {
	send := func(s *plays.Stage, who, xml string) func(*router.Turn) error {
		st, err := stream.ParseStanza([]byte(xml))
		if err != nil {
			t.Fatal(err)
		}
		return func(turn *router.Turn) error { return s.FromClient(turn, s.Client(who), st) }
	}
	gone := func(s *plays.Stage, who string) func(*router.Turn) error {
		r := s.Client(who).Resource
		return func(turn *router.Turn) error {
			s.Host.Unbind(r)
			return s.Engine.Gone(turn, r, "")
		}
	}
	stage := func(t *testing.T) *plays.Stage {
		s := friends(t)
		s.Item("alice", store.RosterItem{Contact: "carol@far.net", From: true, InRoster: true})
		s.Play(`
			bob/phone connects
			alice/desk connects
		`)
		return s
	}
	t.Run("both come at once", func(t *testing.T) {
		s := stage(t)
		update(t, s, send(s, "alice/desk", `<presence/>`), send(s, "bob/phone", `<presence/>`))
		s.Play(`
			far.net    gets <presence from='alice@hq.net/desk' to='carol@far.net'/>
			alice/desk gets <presence from='alice@hq.net/desk'/>
			alice/desk gets <presence type='unavailable' from='bob@hq.net'/>
			alice/desk gets <presence from='bob@hq.net/phone'/>
			bob/phone  gets <presence from='bob@hq.net/phone'/>
			bob/phone  gets <presence from='alice@hq.net/desk'/>
		`)
	})
	t.Run("in and out in one breath", func(t *testing.T) {
		s := stage(t)
		update(t, s, send(s, "alice/desk", `<presence/>`), send(s, "alice/desk", `<presence to='ops@rooms.net/a'/>`),
			gone(s, "alice/desk"))
		s.Play(`
			far.net    gets <presence from='alice@hq.net/desk' to='carol@far.net'/>
			rooms.net  gets <presence from='alice@hq.net/desk' to='ops@rooms.net/a'/>
			far.net    gets <presence type='unavailable' from='alice@hq.net/desk' to='carol@far.net'/>
			rooms.net  gets <presence type='unavailable' from='alice@hq.net/desk' to='ops@rooms.net/a'/>
		`)
	})
	t.Run("the farewell is said once", func(t *testing.T) {
		s := stage(t)
		s.Item("bob", store.RosterItem{Contact: "alice@hq.net", InRoster: true})
		s.Play(`
			alice/desk sends <presence/>
			far.net    gets <presence from='alice@hq.net/desk' to='carol@far.net'/>
			alice/desk gets <presence from='alice@hq.net/desk'/>
			alice/desk gets <presence type='unsubscribed' from='bob@hq.net'/>
		`)
		update(t, s, send(s, "alice/desk", `<presence type='unavailable'><status>bye</status></presence>`), gone(s, "alice/desk"))
		s.Play(`
			far.net    gets <presence type='unavailable' from='alice@hq.net/desk' to='carol@far.net'><status>bye</status></presence>
			alice/desk gets <presence type='unavailable' from='alice@hq.net/desk'><status>bye</status></presence>
			far.net    sends <presence type='probe' from='carol@far.net' to='alice@hq.net'/>
			far.net    gets <presence type='unavailable' from='alice@hq.net' to='carol@far.net'><status>bye</status><delay xmlns='urn:xmpp:delay' from='hq.net' stamp='*'/></presence>
		`)
	})
	t.Run("nothing comes behind the farewell", func(t *testing.T) {
		s := stage(t)
		update(t, s, gone(s, "alice/desk"), send(s, "alice/desk", `<presence/>`), send(s, "alice/desk", `<presence to='ops@rooms.net/a'/>`))
	})
	t.Run("out and in again asks again", func(t *testing.T) {
		s := stage(t)
		s.Play(`
			alice/desk sends <presence/>
			far.net    gets <presence from='alice@hq.net/desk' to='carol@far.net'/>
			alice/desk gets <presence from='alice@hq.net/desk'/>
			alice/desk gets <presence type='unavailable' from='bob@hq.net'/>
		`)
		update(t, s, send(s, "alice/desk", `<presence type='unavailable'/>`), send(s, "alice/desk", `<presence/>`))
		s.Play(`
			far.net    gets <presence type='unavailable' from='alice@hq.net/desk' to='carol@far.net'/>
			far.net    gets <presence from='alice@hq.net/desk' to='carol@far.net'/>
			alice/desk gets <presence type='unavailable' from='alice@hq.net/desk'/>
			alice/desk gets <presence from='alice@hq.net/desk'/>
			alice/desk gets <presence type='unavailable' from='bob@hq.net'/>
		`)
	})
	t.Run("in, approved, seen across the link", func(t *testing.T) {
		s := stage(t)
		s.Item("alice", store.RosterItem{Contact: "dan@far.net", PendIn: true})
		update(t, s, send(s, "alice/desk", `<presence/>`), send(s, "alice/desk", `<presence type='subscribed' to='dan@far.net'/>`))
		s.Play(`
			far.net    gets <presence from='alice@hq.net/desk' to='carol@far.net'/>
			far.net    gets <presence type='subscribed' from='alice@hq.net' to='dan@far.net'/>
			far.net    gets <presence from='alice@hq.net/desk' to='dan@far.net'/>
			alice/desk gets <presence from='alice@hq.net/desk'/>
			alice/desk gets <presence type='unavailable' from='bob@hq.net'/>
		`)
	})
	t.Run("a transaction that fails was never there", func(t *testing.T) {
		s, broken := stage(t), errors.New("broken")
		in, c := send(s, "alice/desk", `<presence/>`), s.Client("alice/desk")
		var turn router.Turn
		err := s.DB.Update(func(tx *store.Tx) error {
			turn.Reset(tx)
			if err := in(&turn); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		s.Play(`far.net sends <presence type='probe' from='carol@far.net' to='alice@hq.net'/>
			far.net gets <presence type='unavailable' from='alice@hq.net' to='carol@far.net'/>`)
		update(t, s, in)
		if got := strings.Join(c.Got(), "\n"); got != "<presence from='alice@hq.net/desk'/>\n<presence from='bob@hq.net' type='unavailable'/>" {
			t.Errorf("alice got\n%s", got)
		}
	})
}

func TestStanzaIsNotChangedUnderway(t *testing.T) {
	s := friends(t)
	s.Play(`alice/desk connects`)
	st := &stanza.Stanza{Kind: stanza.Presence, Type: stanza.Subscribe, To: jid.MustParse("bob@hq.net/x"), From: jid.MustParse("alice@hq.net")}
	before := string(st.Bytes())
	update(t, s, func(turn *router.Turn) error {
		return s.Engine.FromClient(turn, s.Client("alice/desk").Resource, st)
	})
	if got := string(st.Bytes()); got != before {
		t.Errorf("the stanza became %s, was %s", got, before)
	}
}

func TestOddAddressees(t *testing.T) {
	s := plays.New(t)
	s.Item("alice", store.RosterItem{Contact: "hq.net", To: true, From: true, InRoster: true})
	s.Item("alice", store.RosterItem{Contact: "nobody@hq.net", To: true, From: true, InRoster: true})
	s.Item("alice", store.RosterItem{Contact: "alice@hq.net", To: true, From: true, InRoster: true})
	s.Item("alice", store.RosterItem{Contact: "rooms.net", From: true, InRoster: true})
	const unknown = `<error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`
	s.Play(`
		alice/desk connects
		alice/desk sends <presence/>
		rooms.net  gets  <presence from='alice@hq.net/desk' to='rooms.net'/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>

		# to oneself, it arrives once, wherever one is available
		alice/desk quickly sends <presence to='alice@hq.net'/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		alice/desk quickly sends <presence to='alice@hq.net/desk'/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		alice/desk quickly sends <presence to='alice@hq.net/elsewhere'/>
		alice/desk quickly sends <presence to='hq.net'/>
		alice/desk quickly sends <presence to='nobody@hq.net'/>
		alice/desk quickly sends <presence id='d' to='x@nowhere.net'/>
		alice/desk gets  <presence type='error' id='d' from='x@nowhere.net'>` + unknown + `
		# an error is passed on to one client, and not answered
		rooms.net  sends <presence type='error' from='ops@rooms.net/a' to='alice@hq.net/desk'/>
		alice/desk gets  <presence type='error' from='ops@rooms.net/a'/>
		alice/desk quickly sends <presence type='error' to='ops@rooms.net/a'/>
		rooms.net  gets  <presence type='error' from='alice@hq.net/desk' to='ops@rooms.net/a'/>
		alice/desk quickly sends <presence type='error' to='x@nowhere.net'/>
	`)
}
