package fmuc_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc"
	"longwire/xmpp/fmuc/fmuctest"
)

var replica = store.RoomFed{Mode: "pr"}

// Spec 6.4: the same order everywhere, because the replica waits for the echo.
func TestReplicaHearsInThePrimarysOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, replica)
		alice := w.hq.Enter("alice", "ops", "Alice")
		bob := w.field.Enter("bob", "ops", "Bob")
		if got := bob.Got(); len(got) != 0 {
			t.Errorf("before the answer, Bob got %q", got)
		}
		w.Flow()
		if got := bob.Crowd(); got != "Alice, Bob" {
			t.Errorf("Bob sees %s", got)
		}
		alice.Heard()
		bob.Heard()
		bob.Say("one")
		alice.Say("two")
		if got := bob.Heard(); len(got) != 0 {
			t.Errorf("before the echo, Bob heard %q", got)
		}
		w.Forget()
		w.Flow()
		want(t, "alice", alice.Heard(), "Alice: two", "Bob: one")
		want(t, "bob", bob.Heard(), "Alice: two", "Bob: one")
		if n := len(w.link.Crossed); n != 3 { // one there, one back, one down
			t.Errorf("%d crossings: %v", n, w.link.Crossed)
		}
		echo := w.link.Crossed[len(w.link.Crossed)-1].XML
		if !strings.Contains(echo, "<body>one</body>") || strings.Contains(echo, "occupant-id") || strings.Contains(echo, "stanza-id") || strings.Contains(echo, "delay") {
			t.Errorf("the echo is %s", echo)
		}
		want(t, "archives", w.field.Archive("ops"), w.hq.Archive("ops")...)
	})
}

// Spec 6.4: while the primary cannot be reached nothing is said; it goes on afterwards.
func TestReplicaIsSilentWhileCutOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, replica)
		alice := w.hq.Enter("alice", "ops", "Alice")
		bob := w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		bob.Got()
		alice.Got()
		w.link.Cut()
		bob.Say("lost?")
		want(t, "bob", bob.Got(), x("<message from='ops@chat.field.net' to='bob@field.net/x' type='error' id='bob-1'><error type='wait'>"+
			"<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>"+
			"the room that this one follows cannot be reached</text></error></message>"))
		carol := w.field.Enter("carol", "ops", "Carol")
		if got := bob.Crowd(); got != "Alice, Bob, Carol" || carol.Crowd() != got {
			t.Errorf("presence still works here: Bob sees %s, Carol %s", got, carol.Crowd())
		}
		alice.Say("meanwhile")
		w.link.Heal()
		bob.Say("again")
		w.Flow()
		want(t, "alice", alice.Heard(), "Alice: meanwhile", "Bob: again")
		want(t, "bob", bob.Heard(), "Alice: meanwhile", "Bob: again")
	})
}

// Spec 6.3: the user gets the room, or an error, when the answer is complete, or does not come.
func TestReplicaLetsUsersWait(t *testing.T) {
	const refusal = "<presence from='ops@chat.field.net/Bob' to='bob@field.net/x' type='error'><x xmlns='http://jabber.org/protocol/muc'/>" +
		"<error type='TYPE' by='ops@chat.field.net'><COND xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" +
		"<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>TEXT</text></error></presence>"
	refused := func(typ, cond, text string) string {
		return strings.NewReplacer("TYPE", typ, "COND", cond, "TEXT", text).Replace(refusal)
	}
	for _, c := range []struct {
		name string
		play func(l *fmuctest.Link, n *fmuctest.Node)
		want string
	}{
		{"no answer", func(l *fmuctest.Link, n *fmuctest.Node) {
			time.Sleep(19 * time.Minute)
			synctest.Wait()
			if got := n.World.Nodes[0].Archive("ops"); len(got) > 0 {
				t.Error(got)
			}
			time.Sleep(2 * time.Minute)
		}, refused("wait", "remote-server-timeout", "the room that this one follows does not answer")},
		{"rejected", func(l *fmuctest.Link, n *fmuctest.Node) {
			n.Arrive("hq", x("<presence from='ops@chat.hq.net' to='ops@chat.field.net'>{reject}</presence>"))
		}, refused("cancel", "service-unavailable", "the room that this one follows does not take part")},
		{"rejected as Openfire does", func(l *fmuctest.Link, n *fmuctest.Node) {
			n.Arrive("hq", x("<presence from='ops@chat.hq.net' to='ops@chat.field.net/Bob'>{reject}</presence>"))
		}, refused("cancel", "service-unavailable", "the room that this one follows does not take part")},
		{"the join is lost", func(l *fmuctest.Link, n *fmuctest.Node) {
			n.Arrive("hq", x("<presence from='ops@chat.hq.net/Bob' to='ops@chat.field.net/Bob' type='error'>{error cancel remote-server-not-found}</presence>"))
		}, refused("wait", "remote-server-timeout", "the room that this one follows cannot be reached")},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l, n := half(t, "hq", "field", store.RoomFed{Node: "ops@chat.hq.net", Mode: "pr"})
				bob := n.Enter("bob", "ops", "Bob")
				queued(t, "the join", l, n,
					"<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob'><fmuc xmlns='http://isode.com/protocol/fmuc' from='bob@field.net/x' mode='pr'/>{history maxstanzas='20'}{i none participant}</presence>")
				if got := bob.Got(); len(got) > 0 {
					t.Errorf("Bob got %q", got)
				}
				c.play(l, n)
				synctest.Wait()
				want(t, "bob", bob.Got(), c.want)
			})
		})
	}
}

func TestUserGoesAwayWhileItWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, replica)
		w.hq.Enter("alice", "ops", "Alice")
		bob := w.field.Enter("bob", "ops", "Bob")
		bob.Leave()
		w.Flow()
		time.Sleep(2 * time.Minute)
		w.Flow()
		if st := status(t, w.field); st.State != fmuc.Idle || st.Told != 0 {
			t.Errorf("field: %+v", st)
		}
		if st := status(t, w.hq); st.State != fmuc.Idle || st.Occupants != 0 {
			t.Errorf("hq: %+v", st)
		}
		bob.Join("ops", "Bob")
		w.Flow()
		if got := bob.Crowd(); got != "Alice, Bob" {
			t.Errorf("later Bob sees %s; %+v", got, w.link.Crossed)
		}
	})
}

// A node in the middle that follows another passes lines up before they are said, from below too.
func TestReplicasInARow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := fmuctest.New(t)
		hq, field, ship := w.Node("hq"), w.Node("field"), w.Node("ship")
		w.Link(hq, field)
		w.Link(field, ship)
		hq.MakeRoom("ops", store.RoomFed{})
		field.MakeRoom("ops", store.RoomFed{Node: "ops@chat.hq.net", Mode: "pr", Allow: []string{"chat.ship.net"}})
		ship.MakeRoom("ops", store.RoomFed{Node: "ops@chat.field.net", Mode: "pr"})
		for _, n := range w.Nodes {
			n.Start()
		}
		alice := hq.Enter("alice", "ops", "Alice")
		bob := field.Enter("bob", "ops", "Bob")
		w.Flow()
		carol := ship.Enter("carol", "ops", "Carol")
		w.Flow()
		all := []*fmuctest.Client{alice, bob, carol}
		for _, c := range all {
			if got := c.Crowd(); got != "Alice, Bob, Carol" {
				t.Errorf("%s sees %s", c.Full, got)
			}
			c.Heard()
		}
		carol.Say("c1")
		bob.Say("b1")
		alice.Say("a1")
		carol.Say("c2")
		w.Flow()
		order := alice.Heard()
		if len(order) != 4 {
			t.Fatalf("alice heard %q", order)
		}
		want(t, "bob", bob.Heard(), order...)
		want(t, "carol", carol.Heard(), order...)
		w.Links[0].Cut() // the middle is cut off; who is below hears of it at once
		carol.Say("c3")
		w.Flow()
		want(t, "carol", carol.Heard(), "! carol-3")
		w.Links[0].Heal()
		carol.Say("c4")
		w.Flow()
		for _, c := range all {
			want(t, c.Full.String(), c.Heard(), "Carol: c4")
		}
	})
}

// A line that was lost on its way is refused when a later one of the same node comes back, as the room above keeps the order; and
// what is refused there is told to its own author.
func TestReplicaTellsWhatWasLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, replica)
		w.hq.Enter("alice", "ops", "Alice")
		bob := w.field.Enter("bob", "ops", "Bob")
		carol := w.field.Enter("carol", "ops", "Carol")
		w.Flow()
		bob.Heard()
		carol.Heard()
		bob.Say("one")
		w.link.Lose(w.field)
		bob.Say("two")
		w.Flow()
		want(t, "bob", bob.Heard(), "! bob-1", "Bob: two")
		carol.Heard()

		for _, c := range []*fmuctest.Client{bob, carol} {
			c.Do("<message to='ops@chat.field.net' type='groupchat' id='same'><body>%s</body></message>", c.Nick())
		}
		w.link.Lose(w.field)
		w.field.Arrive("hq", x("<message from='ops@chat.hq.net' to='ops@chat.field.net/Carol' type='error' id='same'>{error wait service-unavailable}</message>"))
		want(t, "bob", bob.Heard())
		want(t, "carol", carol.Heard(), "! same")
	})
}
