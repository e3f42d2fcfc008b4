package fmuc_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc"
	"longwire/xmpp/fmuc/fmuctest"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

// row is nodes whose rooms join each other like the cars of a train: ship joins field joins hq.
func row(t *testing.T, setup ...func(n *fmuctest.Node)) (w *fmuctest.World, hq, field, ship *fmuctest.Node) {
	w = fmuctest.New(t)
	hq, field, ship = w.Node("hq"), w.Node("field"), w.Node("ship")
	w.Link(hq, field)
	w.Link(field, ship)
	hq.MakeRoom("ops", store.RoomFed{})
	field.MakeRoom("ops", store.RoomFed{Node: "ops@chat.hq.net", Allow: []string{"*"}})
	ship.MakeRoom("ops", store.RoomFed{Node: "ops@chat.field.net"})
	for _, n := range w.Nodes {
		for _, f := range setup {
			f(n)
		}
		n.Start()
	}
	return w, hq, field, ship
}

func TestTree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, hq, field, ship := row(t)
		alice := hq.Enter("alice", "ops", "Alice")
		carol := ship.Enter("carol", "ops", "Carol")
		w.Flow()
		// Nobody is at field, and yet it holds the two together.
		if got := alice.Crowd(); got != "Alice, Carol" || carol.Crowd() != got {
			t.Errorf("Alice sees %s, Carol %s", got, carol.Crowd())
		}
		bob := field.Enter("bob", "ops", "Bob")
		w.Flow()
		all := []*fmuctest.Client{alice, bob, carol}
		for _, c := range all {
			if got := c.Crowd(); got != "Alice, Bob, Carol" {
				t.Errorf("%s sees %s", c.Full, got)
			}
			c.Got()
		}
		w.Forget()
		for _, c := range all {
			c.Say("hello")
		}
		w.Flow()
		for _, c := range all {
			if got := c.Heard(); len(got) != 3 {
				t.Errorf("%s heard %q", c.Full, got)
			}
		}
		for _, l := range w.Links {
			if len(l.Crossed) != 3 {
				t.Errorf("a link carried %v", l.Crossed)
			}
		}
		carol.Whisper("Alice", "psst")
		alice.Whisper("Carol", "what?")
		alice.Whisper("Nobody", "hm")
		w.Flow()
		want(t, "alice", alice.Heard(), "!Nobody w", "~Carol: psst")
		want(t, "bob", bob.Heard())
		want(t, "carol", carol.Heard(), "~Alice: what?")
		carol.Rename("Caro")
		w.Flow()
		for _, c := range all {
			if got := c.Crowd(); got != "Alice, Bob, Caro" {
				t.Errorf("%s sees %s", c.Full, got)
			}
		}
		w.Forget()
		carol.Show("away")
		w.Flow()
		for _, l := range w.Links {
			if len(l.Crossed) != 0 { // Choice: not between rooms of our kind
				t.Errorf("how available somebody is crossed: %v", l.Crossed)
			}
		}
		carol.Leave()
		bob.Leave()
		w.Flow()
		if got := alice.Crowd(); got != "Alice" {
			t.Errorf("Alice sees %s", got)
		}
		if st := status(t, hq); st.State != fmuc.Idle || st.Told != 0 || st.Occupants != 0 {
			t.Errorf("hq: %+v", st)
		}
	})
}

// A private word to one who has gone comes back as an error, over two links.
func TestWhisperToOneWhoHasGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, hq, _, ship := row(t)
		alice := hq.Enter("alice", "ops", "Alice")
		carol := ship.Enter("carol", "ops", "Carol")
		dave := ship.Enter("dave", "ops", "Dave")
		w.Flow()
		carol.Leave()
		alice.Got()
		alice.Whisper("Carol", "psst")
		w.Flow()
		want(t, "alice", alice.Heard(), "!Carol w")
		want(t, "dave", dave.Heard()[1:])
	})
}

// Spec 6.10: both keep their nicks where they are.
func TestNicksMeet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, hq, field, ship := row(t)
		for _, l := range w.Links {
			l.Cut()
		}
		b1, b2, b3 := hq.Enter("bob", "ops", "Bob"), field.Enter("bob", "ops", "Bob"), ship.Enter("bob", "ops", "Bob")
		for _, l := range w.Links {
			l.Heal()
		}
		w.Flow()
		for c, seen := range map[*fmuctest.Client]string{
			b1: "Bob, Bob (field), Bob (ship)", b2: "Bob, Bob (hq), Bob (ship)", b3: "Bob, Bob (field), Bob (hq)",
		} {
			if got := c.Crowd(); got != seen {
				t.Errorf("%s sees %s, want %s", c.Full, got, seen)
			}
			c.Heard()
		}
		b1.Say("1")
		w.Flow()
		b2.Say("2")
		w.Flow()
		b3.Say("3")
		w.Flow()
		want(t, "at hq", b1.Heard(), "Bob: 1", "Bob (field): 2", "Bob (ship): 3")
		want(t, "at field", b2.Heard(), "Bob (hq): 1", "Bob: 2", "Bob (ship): 3")
		want(t, "at ship", b3.Heard(), "Bob (hq): 1", "Bob (field): 2", "Bob: 3")
		b3.Whisper("Bob (hq)", "psst")
		w.Flow()
		want(t, "at hq", b1.Heard(), "~Bob (ship): psst")
		want(t, "at field", b2.Heard())
		late := hq.Enter("eve", "ops", "Bob (ship)")
		if got := late.Got(); len(got) != 1 || !strings.Contains(got[0], "<conflict ") {
			t.Errorf("an alias is taken: %q", got)
		}
		kick(t, hq, "Bob (ship)", false)
		w.Flow()
		for c, seen := range map[*fmuctest.Client]string{b1: "Bob, Bob (field)", b2: "Bob, Bob (hq)", b3: ""} {
			if got := c.Crowd(); got != seen {
				t.Errorf("after the kick %s sees %s, want %s", c.Full, got, seen)
			}
		}
	})
}

// kick is what a moderator of the node does, as the muc service carries it out.
func kick(t *testing.T, n *fmuctest.Node, nick string, ban bool) {
	t.Helper()
	mr := n.MUC.Room(n.Room("ops"))
	n.Update(func(tn *router.Turn) error {
		c := muc.Removal{Codes: []int{307}, Actor: "Mod", Reason: "noise"}
		if ban {
			c.Codes = []int{301}
		}
		o := mr.Next(tn).Occupant(nick)
		if o == nil {
			t.Fatalf("no %s at %s", nick, n.Name)
		}
		if !o.Ours() {
			if err := n.FMUC.Removing(tn, mr, o, c); err != nil {
				return err
			}
		}
		return mr.Remove(tn, nick, c)
	})
}

func TestKicksCross(t *testing.T) {
	for _, ban := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w, hq, field, ship := row(t)
			alice, bob := hq.Enter("alice", "ops", "Alice"), field.Enter("bob", "ops", "Bob")
			carol, dave := ship.Enter("carol", "ops", "Carol"), ship.Enter("dave", "ops", "Dave")
			w.Flow()
			carol.Got()
			kick(t, hq, "Carol", ban)
			if got := alice.Crowd(); got != "Alice, Bob, Dave" {
				t.Errorf("at once Alice sees %s", got)
			}
			w.Flow()
			for _, c := range []*fmuctest.Client{alice, bob, dave} {
				if got := c.Crowd(); got != "Alice, Bob, Dave" {
					t.Errorf("%s sees %s", c.Full, got)
				}
			}
			code := "<status code='307'/>"
			if ban {
				code = "<status code='301'/>"
			}
			standing := map[bool]string{false: "affiliation='none'", true: "affiliation='outcast'"}[ban]
			got := carol.Got()
			if len(got) != 1 || !strings.Contains(got[0], code) || !strings.Contains(got[0], "<reason>noise</reason>") || !strings.Contains(got[0], "<actor nick='Mod'/>") || !strings.Contains(got[0], standing) {
				t.Errorf("Carol got %q", got)
			}
			carol.Join("ops", "Carol") // it is for its own node to say whether it may
			w.Flow()
			if got := alice.Crowd(); got != "Alice, Bob, Carol, Dave" {
				t.Errorf("later Alice sees %s", got)
			}
			kick(t, ship, "Dave", ban) // one of its own
			w.Flow()
			if got := alice.Got(); !strings.Contains(got[len(got)-1], code) {
				t.Errorf("Alice got %q", got)
			}
			kick(t, hq, "Carol", ban) // the last of its node
			kick(t, hq, "Bob", ban)
			w.Flow()
			if got := alice.Crowd(); got != "Alice" {
				t.Errorf("in the end Alice sees %s", got)
			}
			time.Sleep(2 * time.Minute)
			w.Flow()
			for _, n := range []*fmuctest.Node{field, ship} {
				if st := status(t, n); st.State != fmuc.Idle {
					t.Errorf("%s: %+v", n.Name, st)
				}
			}
		})
	}
}

// Spec 6.6: a node that does not honour the kicks of a peer shows its occupant again.
func TestKickIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, hq, field, _ := row(t, func(n *fmuctest.Node) { n.Peer["hq"] = fmuc.Peer{} })
		alice, bob, dave := hq.Enter("alice", "ops", "Alice"), field.Enter("bob", "ops", "Bob"), field.Enter("dave", "ops", "Dave")
		w.Flow()
		kick(t, hq, "Bob", false)
		if got := alice.Crowd(); got != "Alice, Dave" {
			t.Errorf("at once Alice sees %s", got)
		}
		w.Flow()
		for _, c := range []*fmuctest.Client{alice, bob, dave} {
			if got := c.Crowd(); got != "Alice, Bob, Dave" {
				t.Errorf("%s sees %s", c.Full, got)
			}
		}
	})
}

// Spec 6.8: two rooms that join each other, and three in a circle, do not become a circle.
func TestCirclesAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := fmuctest.New(t)
		a, b := w.Node("a"), w.Node("b")
		w.Link(a, b)
		a.MakeRoom("ops", store.RoomFed{Node: "ops@chat.b.net", Allow: []string{"*"}})
		b.MakeRoom("ops", store.RoomFed{Node: "ops@chat.a.net", Allow: []string{"*"}})
		a.Start()
		b.Start()
		alice, bob := a.Enter("alice", "ops", "Alice"), b.Enter("bob", "ops", "Bob")
		w.Flow()
		for _, n := range w.Nodes {
			if st := status(t, n); st.State != fmuc.Refused || st.Rejects != 2 {
				t.Errorf("%s: %+v", n.Name, st)
			}
		}
		alice.Say("alone")
		w.Flow()
		want(t, "alice", alice.Heard()[1:], "Alice: alone")
		want(t, "bob", bob.Heard()[1:])
	})
	bubble(t, func(t *testing.T) {
		w := fmuctest.New(t)
		a, b, c := w.Node("a"), w.Node("b"), w.Node("c")
		w.Link(a, b)
		w.Link(b, c)
		w.Link(c, a)
		for n, to := range map[*fmuctest.Node]string{a: "b", b: "c", c: "a"} {
			n.MakeRoom("ops", store.RoomFed{Node: "ops@chat." + to + ".net", Allow: []string{"*"}})
		}
		for _, n := range w.Nodes {
			n.Start()
		}
		alice := a.Enter("alice", "ops", "Alice")
		w.Flow()
		bob, carol := b.Enter("bob", "ops", "Bob"), c.Enter("carol", "ops", "Carol")
		w.Flow()
		all := []*fmuctest.Client{alice, bob, carol}
		for _, c := range all {
			if got := c.Crowd(); got != "Alice, Bob, Carol" {
				t.Errorf("%s sees %s", c.Full, got)
			}
			c.Heard()
		}
		for _, c := range all {
			c.Say("once")
		}
		w.Flow()
		for _, c := range all {
			if got := c.Heard(); len(got) != 3 {
				t.Errorf("%s heard %q", c.Full, got)
			}
		}
	})
}

// Two that join at the same moment over a circle of three: lines go round at most once, and nobody hears one twice.
func TestCircleThatClosedUnseen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := fmuctest.New(t)
		a, b, c := w.Node("a"), w.Node("b"), w.Node("c")
		w.Link(a, b)
		w.Link(b, c)
		w.Link(c, a)
		for n, to := range map[*fmuctest.Node]string{a: "b", b: "c", c: "a"} {
			n.MakeRoom("ops", store.RoomFed{Node: "ops@chat." + to + ".net", Allow: []string{"*"}})
		}
		for _, n := range w.Nodes {
			n.Start()
		}
		all := []*fmuctest.Client{a.Enter("alice", "ops", "Alice"), b.Enter("bob", "ops", "Bob"), c.Enter("carol", "ops", "Carol")}
		w.Flow()
		for _, c := range all {
			c.Heard()
		}
		for _, c := range all {
			c.Say("once")
		}
		w.Flow()
		for _, c := range all {
			if got := c.Heard(); len(got) != 3 {
				t.Errorf("%s heard %q", c.Full, got)
			}
			if got := c.Crowd(); got != "Alice, Bob, Carol" {
				t.Errorf("%s sees %s", c.Full, got)
			}
		}
	})
}

// Spec 6.5: a room that is watched stays federated with nobody in it; nobody sees that.
func TestWatchedRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{Watch: true})
		alice := w.hq.Enter("alice", "ops", "Alice")
		w.Flow()
		if st := status(t, w.field); st.State != fmuc.Joined || st.Told != 1 || st.Occupants != 1 {
			t.Fatalf("%+v", st)
		}
		alice.Heard()
		alice.Say("for the record")
		w.Flow()
		want(t, "field's archive", w.field.Archive("ops"), "Alice: for the record")
		bob := w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		if got := alice.Crowd(); got != "Alice, Bob" || bob.Crowd() != got {
			t.Errorf("Alice sees %s, Bob %s", got, bob.Crowd())
		}
		if st := status(t, w.field); st.Told != 1 {
			t.Errorf("with Bob there the node does not stand for itself: %+v", st)
		}
		bob.Leave()
		w.Flow()
		if got := alice.Crowd(); got != "Alice" {
			t.Errorf("Alice sees %s", got)
		}
		if st := status(t, w.field); st.State != fmuc.Joined || st.Joins != 1 {
			t.Errorf("%+v", st)
		}
		for _, n := range []*fmuctest.Node{w.field, w.hq} {
			n.Restart()
			synctest.Wait()
			time.Sleep(2 * time.Minute)
			w.Flow()
		}
		alice = w.hq.Enter("alice", "ops", "Alice")
		alice.Say("still?")
		w.Flow()
		want(t, "field's archive", w.field.Archive("ops"), "Alice: for the record", "Alice: still?")
	})
}
