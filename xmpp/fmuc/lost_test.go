package fmuc_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc"
	"longwire/xmpp/fmuc/fmuctest"
	"longwire/xmpp/router"
	"longwire/xmpp/stream"
)

// After a start our occupants are gone. The peers hear of those who have not come back when it has settled.
func TestRestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{}, standard)
		alice := w.hq.Enter("alice", "ops", "Alice")
		w.field.Enter("bob", "ops", "Bob")
		w.field.Enter("carol", "ops", "Carol")
		w.Flow()
		w.Forget()
		w.field.Restart()
		w.Flow()
		if got := alice.Crowd(); got != "Alice, Bob, Carol" || len(w.link.Crossed) > 0 {
			t.Errorf("at once Alice sees %s; there crossed %v", got, w.link.Crossed)
		}
		bob := w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		if got := bob.Crowd(); got != "Alice, Bob" || len(w.link.Crossed) > 0 {
			t.Errorf("Bob, who is back, sees %s; there crossed %v", got, w.link.Crossed)
		}
		time.Sleep(61 * time.Second)
		w.Flow()
		if got := alice.Crowd(); got != "Alice, Bob" || len(w.link.Crossed) != 1 || !strings.Contains(w.link.Crossed[0].XML, "type='unavailable'") {
			t.Errorf("then Alice sees %s; there crossed %v", got, w.link.Crossed)
		}
		alice.Heard()
		bob.Say("back")
		w.Flow()
		want(t, "alice", alice.Heard(), "Bob: back")

		w.field.Restart() // and nobody comes back
		time.Sleep(61 * time.Second)
		w.Flow()
		if got := alice.Crowd(); got != "Alice" {
			t.Errorf("at last Alice sees %s", got)
		}
		if st := status(t, w.field); st.State != fmuc.Idle {
			t.Errorf("field: %+v", st)
		}
		w.hq.Restart()
		bob = w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		if got := bob.Crowd(); got != "Bob" {
			t.Errorf("after hq began anew, Bob sees %s", got)
		}
	})
}

// Who comes back from a start under another nick is there once, and under that.
func TestWhoComesBackByAnotherNickIsOne(t *testing.T) {
	for name, setup := range map[string]func(*pair){"longwire": func(*pair) {}, "standard": standard} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newPair(t, store.RoomFed{}, setup)
				alice := w.hq.Enter("alice", "ops", "Alice")
				w.field.Enter("bob", "ops", "Bob")
				w.field.Enter("dave", "ops", "Dave")
				w.Flow()
				w.field.Restart()
				bob := w.field.Enter("bob", "ops", "Bobby")
				w.Flow()
				if got := alice.Crowd(); got != "Alice, Bobby, Dave" {
					t.Errorf("at once Alice sees %s", got)
				}
				if got := bob.Crowd(); got != "Alice, Bobby" {
					t.Errorf("Bob sees %s", got)
				}
				alice.Got()
				bob.Say("back")
				w.Flow()
				want(t, "alice", alice.Heard(), "Bobby: back")
				w.field.Enter("eve", "ops", "Dave") // whose nick nobody has here
				w.Flow()
				time.Sleep(2 * time.Minute)
				w.Flow()
				if got := alice.Crowd(); got != "Alice, Bobby, Dave" {
					t.Errorf("at last Alice sees %s", got)
				}
			})
		})
	}
}

// Spec 6.9: the room is told once of a link that has long been down, without a word on the air.
func TestStaleNotice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice := w.hq.Enter("alice", "ops", "Alice")
		bob := w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		w.Forget()
		alice.Got()
		bob.Got()
		w.link.Cut()
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		want(t, "early", bob.Heard())
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		want(t, "bob", bob.Heard(), ": link to chat.hq.net down")
		want(t, "alice", alice.Heard(), ": link to chat.field.net down")
		w.link.Heal()
		time.Sleep(time.Minute)
		w.link.Cut()
		time.Sleep(7 * time.Minute)
		synctest.Wait()
		want(t, "the next outage", bob.Heard(), ": link to chat.hq.net down")
		w.link.Heal()
		w.Flow()
		if len(w.link.Crossed) > 0 || bob.Crowd() != "Alice, Bob" || len(w.hq.Archive("ops")) > 0 {
			t.Errorf("crossed %v, Bob sees %s, archived %q", w.link.Crossed, bob.Crowd(), w.hq.Archive("ops"))
		}
	})
}

// Spec 6.5, 6.9: <left/> that nobody asked for ends the federation; after a while the room joins anew, and nothing that
// was said meanwhile is lost.
func TestUnexpectedLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, n := half(t, "hq", "field", store.RoomFed{Node: "ops@chat.hq.net"})
		bob := n.Enter("bob", "ops", "Bob")
		n.Arrive("hq", x("<presence from='ops@chat.hq.net/Alice' to='ops@chat.field.net'>{f alice@hq.net/x}</presence>"))
		n.Arrive("hq", x("<message from='ops@chat.hq.net' to='ops@chat.field.net' type='groupchat'>{f ops@chat.hq.net}<subject/></message>"))
		n.Arrive("hq", x("<message from='ops@chat.hq.net/Alice' to='ops@chat.field.net' type='groupchat' id='a1'>{f alice@hq.net/x}<body>hi</body></message>"))
		l.Take(n)
		bob.Got()
		n.Arrive("hq", x("<presence from='ops@chat.hq.net' to='ops@chat.field.net'>{left}</presence>"))
		if got := bob.Got(); len(got) != 1 || !strings.Contains(got[0], "<status code='333'/>") || !strings.Contains(got[0], "/Alice'") {
			t.Errorf("Bob got %q", got)
		}
		bob.Say("anybody?")
		queued(t, "while it is broken", l, n)
		time.Sleep(61 * time.Second)
		queued(t, "joining anew", l, n,
			"<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob'>{f bob@field.net/x}{history since='1999-12-31T23:59:58Z'}{i none participant}</presence>",
			"<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net' type='groupchat' id='bob-1'><body>anybody?</body>{f bob@field.net}<delay xmlns='urn:xmpp:delay' from='ops@chat.field.net' stamp='*'/></message>")
		if st := status(t, n); st.State != fmuc.Joining || st.Resyncs != 1 || st.Joins != 2 {
			t.Errorf("%+v", st)
		}
	})
}

// Spec 6.9: a peer that joins again has lost what it knew; whom it does not name again within a minute is gone.
func TestPeerJoinsAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, n := half(t, "field", "hq", store.RoomFed{})
		alice := n.Enter("alice", "ops", "Alice")
		join := func(who string) string {
			return x("<presence from='ops@chat.field.net/" + who + "' to='ops@chat.hq.net/" + who + "'>{f " + strings.ToLower(who) + "@field.net/x}{history maxchars='0'}{i none participant}</presence>")
		}
		n.Arrive("field", join("Bob"))
		for _, who := range []string{"Carol", "Dave"} {
			n.Arrive("field", x("<presence from='ops@chat.field.net/"+who+"' to='ops@chat.hq.net/"+who+"'>{f "+strings.ToLower(who)+"@field.net/x}{muc}{i none participant}</presence>"))
		}
		l.Take(n)
		n.Arrive("field", join("Carol"))
		queued(t, "the whole answer again", l, n,
			"<presence from='ops@chat.hq.net/Alice' to='ops@chat.field.net'>{f alice@hq.net/x}{i none participant}</presence>",
			"<presence from='ops@chat.hq.net/Carol' to='ops@chat.field.net'>{f carol@field.net/x}{i none participant}</presence>",
			"<message from='ops@chat.hq.net' to='ops@chat.field.net' type='groupchat'><subject/>{f ops@chat.hq.net}</message>")
		n.Arrive("field", x("<presence from='ops@chat.field.net/Dave' to='ops@chat.hq.net/Dave'>{f dave@field.net/x}{muc}{i none participant}</presence>"))
		if got := alice.Crowd(); got != "Alice, Bob, Carol, Dave" {
			t.Errorf("at once Alice sees %s", got)
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if got := alice.Crowd(); got != "Alice, Carol, Dave" {
			t.Errorf("then Alice sees %s", got)
		}
		if st := status(t, n); st.Resyncs != 1 || st.Occupants != 2 {
			t.Errorf("%+v", st)
		}
	})
}

// Peer: an Openfire-like room: joins without <history/>, lines to full addresses, no nick changes, and no second join
// without a farewell.
func TestForeignPeer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, n := half(t, "field", "hq", store.RoomFed{}, func(n *fmuctest.Node) { n.Peer["field"] = fmuc.Peer{Foreign: true} })
		alice := n.Enter("alice", "ops", "Alice")
		join := func(who string) {
			n.Arrive("field", x("<presence from='ops@chat.field.net/"+who+"' to='ops@chat.hq.net/"+who+"'>{muc}{i none participant}{f "+strings.ToLower(who)+"@field.net/x}</presence>"))
		}
		join("Bob")
		if got := l.Take(n); len(got) != 3 {
			t.Errorf("the answer is %q", got)
		}
		join("Carol")
		queued(t, "a further occupant", l, n)
		join("Carol") // it has begun anew
		if got := l.Take(n); len(got) != 3 {
			t.Errorf("the second answer is %q", got)
		}
		n.Arrive("field", x("<message from='ops@chat.field.net/Carol' to='ops@chat.hq.net/Carol' type='groupchat' id='1'>{f carol@field.net/x}<body>hi</body></message>"))
		want(t, "alice", alice.Heard()[1:], "Carol: hi")
	})
	bubble(t, func(t *testing.T) {
		l, n := half(t, "hq", "field", store.RoomFed{Node: "ops@chat.hq.net"}, func(n *fmuctest.Node) { n.Peer["hq"] = fmuc.Peer{Foreign: true} })
		bob := n.Enter("bob", "ops", "Bob")
		answer := func() {
			n.Arrive("hq", x("<message from='ops@chat.hq.net' to='ops@chat.field.net' type='groupchat'>{f ops@chat.hq.net}<subject/></message>"))
		}
		answer()
		l.Take(n)
		bob.Rename("Rob")
		queued(t, "the only one takes another nick", l, n,
			"<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob' type='unavailable'>{f bob@field.net/x}{i none none}</presence>",
			"<presence from='ops@chat.field.net/Rob' to='ops@chat.hq.net/Rob'>{f bob@field.net/x}{history maxstanzas='20'}{i none participant}</presence>")
		n.Arrive("hq", x("<presence from='ops@chat.hq.net' to='ops@chat.field.net'>{left}</presence>"))
		answer()
		if st := status(t, n); st.State != fmuc.Joined {
			t.Errorf("%+v", st)
		}
		n.Arrive("hq", x("<message from='ops@chat.hq.net' to='ops@chat.field.net/Rob' type='error' id='9'>{error cancel remote-server-not-found}</message>"))
		time.Sleep(61 * time.Second)
		queued(t, "a farewell first", l, n,
			"<presence from='ops@chat.field.net/Rob' to='ops@chat.hq.net/Rob' type='unavailable'>{f bob@field.net/x}{i none none}</presence>")
		n.Arrive("hq", x("<presence from='ops@chat.hq.net' to='ops@chat.field.net'>{left}</presence>"))
		queued(t, "then the join", l, n,
			"<presence from='ops@chat.field.net/Rob' to='ops@chat.hq.net/Rob'>{f bob@field.net/x}{history maxstanzas='20'}{i none participant}</presence>")
		n.Arrive("hq", x("<presence from='ops@chat.hq.net/Rob' to='ops@chat.field.net/Rob' type='error'>{error cancel conflict}</presence>"))
		if st := status(t, n); st.State != fmuc.Joining || st.Told != 0 {
			t.Errorf("Rob is for those of ours only: %+v", st)
		}
	})
}

// A room that ends, or whose configuration changes, while it is federated.
func TestDestroyedAndConfiguredAnew(t *testing.T) {
	configure := func(n *fmuctest.Node, f func(*store.RoomFed)) {
		mr := n.MUC.Room(n.Room("ops"))
		n.Update(func(tn *router.Turn) error {
			return n.MUC.Configure(tn, mr, func(c *store.Room) { f(&c.Fed) })
		})
	}
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		configure(w.hq, func(f *store.RoomFed) { f.Allow = []string{"chat.ship.net"} })
		w.Flow()
		if alice.Crowd() != "Alice" || bob.Crowd() != "Bob" {
			t.Errorf("dismissed: Alice sees %s, Bob %s", alice.Crowd(), bob.Crowd())
		}
		time.Sleep(2 * time.Minute)
		w.Flow()
		if st := status(t, w.field); st.State != fmuc.Refused {
			t.Errorf("%+v", st)
		}
		configure(w.hq, func(f *store.RoomFed) { f.Allow = nil })
		time.Sleep(16 * time.Minute)
		w.Flow()
		if alice.Crowd() != "Alice, Bob" || bob.Crowd() != "Alice, Bob" {
			t.Errorf("asked again: Alice sees %s, Bob %s", alice.Crowd(), bob.Crowd())
		}
		configure(w.field, func(f *store.RoomFed) { f.Node = "" })
		w.Flow()
		if alice.Crowd() != "Alice" || bob.Crowd() != "Bob" {
			t.Errorf("on its own: Alice sees %s, Bob %s", alice.Crowd(), bob.Crowd())
		}
		configure(w.field, func(f *store.RoomFed) { f.Node = "ops@chat.hq.net" })
		w.Flow()
		if alice.Crowd() != "Alice, Bob" {
			t.Errorf("back again: Alice sees %s", alice.Crowd())
		}
		configure(w.field, func(f *store.RoomFed) { f.Enabled = false })
		w.Flow()
		if st := status(t, w.field); !st.Peer.IsZero() || alice.Crowd() != "Alice" {
			t.Errorf("switched off: %+v; Alice sees %s", st, alice.Crowd())
		}
	})
	for _, side := range []string{"joined", "joining"} {
		bubble(t, func(t *testing.T) {
			w := newPair(t, store.RoomFed{})
			alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
			w.Flow()
			n, stays := w.hq, bob
			if side == "joining" {
				n, stays = w.field, alice
			}
			n.Update(func(tn *router.Turn) error {
				return n.MUC.Destroy(tn, n.MUC.Room(n.Room("ops")), n.Room("other"), "moved")
			})
			w.Flow()
			if got := stays.Crowd(); strings.Contains(got, ",") {
				t.Errorf("the %s room was destroyed, and %s sees %s", side, stays.Full, got)
			}
			stays.Heard()
			stays.Say("alone")
			w.Flow()
			time.Sleep(10 * time.Minute)
			w.Flow()
			want(t, "who stays", stays.Heard(), stays.Nick()+": alone")
		})
	}
}

// Whatever an operation does in memory is taken back with it.
func TestMemoryFollowsTheFile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newChaos(t, 1, store.RoomFed{Watch: true}, nil)
		fail := errors.New("on purpose")
		rnd := rand.New(rand.NewPCG(7, 7))
		// Each stanza that crosses is tried once in vain.
		for range 250 {
			c.step(true, false)
			for _, l := range c.Links {
				for _, n := range c.Nodes {
					q := l.Queued(n)
					if len(q) == 0 || rnd.IntN(3) > 0 || !l.Up() {
						continue
					}
					far := l.Far(n)
					st, err := stream.ParseStanza([]byte(q[0]))
					if err != nil {
						t.Fatal(err)
					}
					tn := new(router.Turn)
					err = far.DB.Update(func(tx *store.Tx) error {
						tn.Reset(tx)
						if err := far.Peers.Peer(n.Name).Deliver(tn, st); err != nil {
							return err
						}
						return fail
					})
					if !errors.Is(err, fail) {
						t.Fatal(err)
					}
					if err := far.FMUC.Check(); err != nil {
						t.Fatalf("after %s: %v", q[0], err)
					}
				}
			}
		}
		c.rest()
		for _, n := range c.Nodes {
			if len(c.clients[n]) == 0 {
				c.come(n)
			}
		}
		c.rest()
		c.checkCrowds()
	})
}

// Spec 6.7.
func TestHistory(t *testing.T) {
	for _, c := range []struct {
		history string
		lastN   int
		want    []string // what field gets of a, b, c, which were said before it first joined, and of d, e, f, said while it was away
	}{
		{"", 0, []string{"Alice: a", "Alice: b", "Alice: c", "Alice: d", "Alice: e", "Alice: f"}},
		{"since", 0, []string{"Alice: a", "Alice: b", "Alice: c", "Alice: d", "Alice: e", "Alice: f"}},
		{"2", 0, []string{"Alice: b", "Alice: c", "Alice: e", "Alice: f"}},
		{"none", 0, nil},
		{"since", 1, []string{"Alice: c", "Alice: f"}},
	} {
		for _, kind := range []func(*pair){standard, func(*pair) {}} {
			bubble(t, func(t *testing.T) {
				w := newPair(t, store.RoomFed{History: c.history, LastN: c.lastN}, kind)
				alice := w.hq.Enter("alice", "ops", "Alice")
				say := func(lines ...string) {
					for _, l := range lines {
						alice.Say(l)
						time.Sleep(time.Minute)
					}
				}
				say("a", "b", "c")
				bob := w.field.Enter("bob", "ops", "Bob")
				w.Flow()
				bob.Leave()
				w.Flow()
				say("d", "e", "f")
				bob.Join("ops", "Bob")
				w.Flow()
				what := fmt.Sprintf("with %q, %d, field's archive", c.history, c.lastN)
				if w.Standard {
					what += " by the standard"
				}
				want(t, what, w.field.Archive("ops"), c.want...)
				want(t, "nothing comes back to hq", w.hq.Archive("ops"), "Alice: a", "Alice: b", "Alice: c", "Alice: d", "Alice: e", "Alice: f")
			})
		}
	}
}

// A line that comes again with the history is known, by whatever clock it was stamped.
func TestHistoryDoublesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, n := half(t, "hq", "field", store.RoomFed{Node: "ops@chat.hq.net"})
		bob := n.Enter("bob", "ops", "Bob")
		bob.Say("mine")
		l.Take(n)
		for _, s := range []string{
			"<message from='ops@chat.hq.net/Alice' to='ops@chat.field.net' type='groupchat' id='a1'>{f alice@hq.net/x}<body>one</body></message>",
			"<message from='ops@chat.hq.net/Alice' to='ops@chat.field.net' type='groupchat'>{f alice@hq.net/x}<body>no id</body><delay xmlns='urn:xmpp:delay' stamp='1999-12-01T00:00:00Z'/></message>",
		} {
			n.Arrive("hq", x(s))
		}
		time.Sleep(time.Hour)
		for _, s := range []string{
			"<message from='ops@chat.hq.net/Alice' to='ops@chat.field.net' type='groupchat' id='a1'>{f alice@hq.net}<body>one</body><delay xmlns='urn:xmpp:delay' stamp='1999-12-31T00:00:00Z'/></message>",
			"<message from='ops@chat.hq.net/Bob' to='ops@chat.field.net' type='groupchat' id='bob-1'>{f bob@field.net}<body>mine</body><delay xmlns='urn:xmpp:delay' stamp='1999-12-31T00:00:00Z'/></message>",
			"<message from='ops@chat.hq.net/Alice' to='ops@chat.field.net' type='groupchat'>{f alice@hq.net}<body>no id</body><x xmlns='urn:xmpp:delay' stamp='19991201T00:00:00'/></message>",
			"<message from='ops@chat.hq.net/Alice' to='ops@chat.field.net' type='groupchat' id='a2'>{f alice@hq.net}<body>two</body><delay xmlns='urn:xmpp:delay' stamp='2100-12-31T00:00:00Z'/></message>",
		} {
			n.Arrive("hq", x(s))
		}
		want(t, "bob", bob.Heard()[1:], "Bob: mine", "Alice: one", "+Alice: no id", "+Alice: two")
		if st := status(t, n); st.Duplicates != 3 {
			t.Errorf("%+v", st.Counters)
		}
	})
}

func TestSubjects(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{}, standard)
		for _, n := range w.Nodes {
			mr := n.MUC.Room(n.Room("ops"))
			n.Update(func(tn *router.Turn) error {
				return n.MUC.Configure(tn, mr, func(c *store.Room) { c.ChangeSubject = true })
			})
		}
		alice := w.hq.Enter("alice", "ops", "Alice")
		alice.Subject("Ops")
		time.Sleep(time.Minute)
		bob := w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		want(t, "bob", bob.Heard(), " = ", "+Alice = Ops")
		bob.Subject("Convoy")
		w.Flow()
		want(t, "alice", alice.Heard(), " = ", "Alice = Ops", "Bob = Convoy")
		want(t, "bob", bob.Heard(), "Bob = Convoy")
		bob.Leave()
		w.Flow()
		bob.Join("ops", "Bob")
		w.Flow()
		want(t, "nothing new", bob.Heard(), "+Bob = Convoy")
		if got := string(w.field.MUC.Room(w.field.Room("ops")).State().Config.Subject); got != "<subject>Convoy</subject>" {
			t.Error(got)
		}
	})
}
