package fmuc_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc"
	"longwire/xmpp/fmuc/fmuctest"
	"longwire/xmpp/router"
)

// numbers of the lines in a node's archive of ops, as "ORIGIN n".
func numbers(n *fmuctest.Node) (all []string) {
	n.World.TB.Helper()
	err := n.DB.View(func(tx *store.Tx) error {
		return tx.ArchiveScan(n.Room("ops").String(), 0, 0, false, func(e store.ArchiveEntry) (bool, error) {
			all = append(all, fmt.Sprint(e.Origin, " ", e.Seq))
			return true, nil
		})
	})
	if err != nil {
		n.World.TB.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// level asserts that nodes hold the same lines under the same numbers, and so many of them.
func level(t *testing.T, count int, nodes ...*fmuctest.Node) {
	t.Helper()
	want, text := numbers(nodes[0]), slices.Sorted(slices.Values(nodes[0].Archive("ops")))
	if len(want) != count {
		t.Errorf("%s has %d lines, want %d: %q", nodes[0].Name, len(want), count, text)
	}
	for _, n := range nodes[1:] {
		if got := numbers(n); !slices.Equal(got, want) {
			t.Errorf("%s has %q, %s %q", n.Name, got, nodes[0].Name, want)
		}
		if got := slices.Sorted(slices.Values(n.Archive("ops"))); !slices.Equal(got, text) {
			t.Errorf("%s has %q, %s %q", n.Name, got, nodes[0].Name, text)
		}
	}
}

// sayMany says n lines.
func sayMany(c *fmuctest.Client, n int) {
	for range n {
		c.Say(fmt.Sprintf("%s %d", c.Full.Local(), c.Lines()+1))
	}
}

func TestFirstContactBringsTheLastTwenty(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice := w.hq.Enter("alice", "ops", "Alice")
		sayMany(alice, 30)
		bob := w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		if got := w.field.Archive("ops"); len(got) != 20 || got[0] != "Alice: alice 11" {
			t.Errorf("field has %d lines: %q", len(got), got)
		}
		sayMany(alice, 1)
		sayMany(bob, 1)
		w.Flow()
		if got := w.field.Archive("ops"); len(got) != 22 {
			t.Errorf("field has %d lines: %q", len(got), got)
		}
		if got := numbers(w.hq); len(got) != 32 || !slices.Equal(got[:1], numbers(w.hq)[:1]) {
			t.Errorf("hq has %d lines", len(got))
		}
	})
}

func TestRestoredBackupIsBroughtLevel(t *testing.T) {
	for _, which := range []string{"hq", "field", "both"} {
		t.Run(which, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newPair(t, store.RoomFed{})
				alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
				w.Flow()
				sayMany(alice, 3)
				sayMany(bob, 3)
				w.Flow()
				var restore []func()
				for _, n := range []*fmuctest.Node{w.hq, w.field} {
					if which == n.Name || which == "both" {
						restore = append(restore, n.Backup())
					}
				}
				alice, bob = w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
				w.Flow()
				for range 4 {
					alice.Say("from hq")
					bob.Say("from field")
					w.Flow()
				}
				for _, f := range restore {
					f()
				}
				lost := 0
				if which == "both" {
					lost = 8 // nobody has them any more
				}
				alice, bob = w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
				alice.Say("back")
				bob.Say("back")
				w.Flow()
				level(t, 6+8-lost+2, w.hq, w.field)
				for _, c := range []*fmuctest.Client{alice, bob} {
					if got := c.Crowd(); got != "Alice, Bob" {
						t.Errorf("%s sees %s", c.Full, got)
					}
				}
			})
		})
	}
}

func TestWeeksApart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{}, func(w *pair) {
			w.hq.Lifetimes.Groupchat, w.field.Lifetimes.Groupchat = 6*time.Hour, 6*time.Hour
		})
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		w.link.Cut()
		for range 21 {
			time.Sleep(24 * time.Hour)
			sayMany(alice, 25)
			sayMany(bob, 2)
		}
		time.Sleep(7 * time.Hour)
		if got := len(w.link.Queued(w.hq)); got > 1 {
			t.Errorf("%d stanzas wait for a link that has been down for weeks", got)
		}
		w.Forget()
		w.link.Heal()
		w.Flow()
		level(t, 21*27, w.hq, w.field)
		if n, most := len(w.link.Crossed), 21*27+12; n > most {
			t.Errorf("%d stanzas for %d lines", n, 21*27)
		}
		if bob.Heard(); len(bob.Crowd()) == 0 {
			t.Error("nobody is there")
		}
	})
}

func TestOnlyTheLastLinesAreWanted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{LastN: 5}, func(w *pair) { w.hq.Lifetimes.Groupchat = time.Hour })
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		w.link.Cut()
		sayMany(alice, 40)
		time.Sleep(2 * time.Hour)
		w.link.Heal()
		w.Flow()
		bob.Heard()
		if got := w.field.Archive("ops"); len(got) != 5 || got[0] != "Alice: alice 36" {
			t.Errorf("field has %q", got)
		}
		sayMany(alice, 2)
		w.Flow()
		want(t, "bob", bob.Heard(), "Alice: alice 41", "Alice: alice 42")
	})
}

func TestPrunedLinesAreForgone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{}, func(w *pair) { w.hq.Lifetimes.Groupchat = time.Hour })
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		w.link.Cut()
		sayMany(alice, 10)
		time.Sleep(2 * time.Hour)
		prune := func(keep int) {
			w.hq.Update(func(t2 *router.Turn) error {
				_, err := t2.Tx.ArchivePrune(w.hq.Room("ops").String(), store.ArchiveLimits{Entries: keep}, time.Now(), 100)
				return err
			})
		}
		prune(4)
		w.link.Heal()
		w.Flow()
		bob.Heard()
		if got := w.field.Archive("ops"); len(got) != 4 || got[0] != "Alice: alice 7" {
			t.Errorf("field has %q", got)
		}
		w.link.Cut()
		sayMany(alice, 3)
		time.Sleep(2 * time.Hour)
		w.hq.Update(func(t2 *router.Turn) error { return t2.Tx.DeleteArchive(w.hq.Room("ops").String()) })
		w.link.Heal()
		w.Flow()
		sayMany(alice, 1)
		w.Flow()
		heard := slices.DeleteFunc(bob.Heard(), func(l string) bool { return strings.HasPrefix(l, ": link to") }) // which was down for long
		want(t, "bob", heard, "Alice: alice 14")
		if st := status(t, w.field); st.Gaps != 0 {
			t.Errorf("%d gaps", st.Gaps)
		}
	})
}

func TestNothingIsLostThatALinkDrops(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		w.link.Cut()
		sayMany(alice, 3)
		sayMany(bob, 2)
		w.hq.Enter("carol", "ops", "Carol")
		w.link.Lose(w.hq)
		w.link.Lose(w.field)
		w.link.Heal()
		alice.Say("again")
		bob.Say("again")
		w.Flow()
		level(t, 7, w.hq, w.field)
		want(t, "bob", bob.Heard()[1:], "Bob: bob 1", "Bob: bob 2", "Bob: again", "+Alice: alice 1", "+Alice: alice 2", "+Alice: alice 3", "+Alice: again")
		if got := bob.Crowd(); got != "Alice, Bob, Carol" {
			t.Errorf("Bob sees %s", got)
		}
	})
}

func TestComingAndGoingWhileCutCostsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		w.link.Cut()
		for range 5 {
			c := w.field.Enter("carol", "ops", "Carol")
			d := w.field.Enter("dave", "ops", "Dave")
			d.Rename("David")
			c.Leave()
			d.Leave()
		}
		if got := w.link.Queued(w.field); len(got) != 0 {
			t.Errorf("what came to nothing waits: %q", got)
		}
		w.field.Enter("erin", "ops", "Erin")
		w.field.Enter("frank", "ops", "Frank")
		if got := w.link.Queued(w.field); len(got) != 1 || !strings.Contains(got[0], "+Erin\n+Frank<") {
			t.Errorf("two who came: %q", got)
		}
		w.link.Heal()
		w.Flow()
		if got := alice.Crowd(); got != "Alice, Bob, Erin, Frank" || bob.Crowd() != got {
			t.Errorf("Alice sees %s, Bob %s", got, bob.Crowd())
		}
	})
}

func TestNobodyThereHearsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		bob := w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		w.Forget()
		sayMany(bob, 3)
		carol := w.field.Enter("carol", "ops", "Carol")
		w.Flow()
		if n := len(w.link.Crossed); n != 0 {
			t.Errorf("nobody is at hq, and yet there crossed %v", w.link.Crossed)
		}
		alice := w.hq.Enter("alice", "ops", "Alice")
		w.Flow()
		level(t, 3, w.field, w.hq)
		if got := alice.Crowd(); got != "Alice, Bob, Carol" || carol.Crowd() != got {
			t.Errorf("Alice sees %s, Carol %s", got, carol.Crowd())
		}
	})
}

func TestWhoComesBackAfterARestartIsNotTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice, _ := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.field.Enter("carol", "ops", "Carol")
		w.Flow()
		alice.Got()
		w.field.Restart()
		w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		if got := alice.Got(); len(got) != 0 {
			t.Errorf("Alice got %q", got)
		}
		time.Sleep(2 * time.Minute)
		w.Flow()
		if got := alice.Crowd(); got != "Alice, Bob" {
			t.Errorf("Alice sees %s", got)
		}
	})
}

// A peer that the operator calls foreign gets standard stanzas, and its numbers are not read.
func TestForeignPeerGetsTheStandard(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{}, func(w *pair) {
			w.hq.Peer["field"] = fmuc.Peer{Foreign: true}
			w.field.Peer["hq"] = fmuc.Peer{Foreign: true}
		})
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		sayMany(alice, 2)
		sayMany(bob, 2)
		w.Flow()
		for _, c := range w.link.Crossed {
			if strings.Contains(c.XML, "urn:x-longwire") || strings.Contains(c.XML, " n='") {
				t.Errorf("%s", c.XML)
			}
		}
		if a, b := w.hq.Archive("ops"), w.field.Archive("ops"); len(a) != 4 || len(b) != 4 {
			t.Errorf("%q, %q", a, b)
		}
	})
}

func TestALineTooBigForTheLinkStopsNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		bob.Heard()
		alice.Say("one")
		alice.Say(strings.Repeat("x", 70_000))
		alice.Say("three")
		w.Flow()
		want(t, "bob", bob.Heard(), "Alice: one", "Alice: three")
		if st := status(t, w.field); st.Gaps != 0 {
			t.Errorf("%d gaps", st.Gaps)
		}
	})
}

func TestFirstContactBringsTheSubject(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := fmuctest.New(t)
		hq, field := w.Node("hq"), w.Node("field")
		w.Link(hq, field)
		old := func(c *store.Room) {
			c.Subject, c.SubjectBy, c.SubjectAt = []byte("<subject>Convoy</subject>"), "Alice", time.Now().Add(-time.Hour)
		}
		hq.MakeRoom("ops", store.RoomFed{}, old)
		field.MakeRoom("ops", store.RoomFed{Node: "ops@chat.hq.net"})
		hq.Start()
		field.Start()
		bob := field.Enter("bob", "ops", "Bob")
		w.Flow()
		if got := strings.Join(bob.Heard(), "\n"); !strings.Contains(got, "Alice = Convoy") {
			t.Errorf("Bob heard %q", got)
		}
		w.Forget()
		bob.Leave()
		bob.Join("ops", "Bob")
		w.Flow()
		for _, c := range w.Links[0].Crossed {
			if strings.Contains(c.XML, "subject") {
				t.Errorf("it came again: %s", c.XML)
			}
		}
	})
}

// What the file says that a room is about nobody has said, and at no time.
func TestFirstContactBringsTheDeclaredSubject(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := fmuctest.New(t)
		hq, field := w.Node("hq"), w.Node("field")
		w.Link(hq, field)
		for _, name := range []string{"ops", "ops2", "ops3"} { // the second joins a node that is known to be of our kind
			hq.MakeRoom(name, store.RoomFed{}, func(c *store.Room) { c.Subject = []byte("<subject>Convoy</subject>") })
			field.MakeRoom(name, store.RoomFed{Node: name + "@chat.hq.net"}, func(c *store.Room) {
				if name == "ops3" {
					c.Subject = []byte("<subject>Kit</subject>")
				}
			})
		}
		hq.Start()
		field.Start()
		for name, subject := range map[string]string{"ops": " = Convoy", "ops2": " = Convoy", "ops3": ""} {
			alice, bob := hq.Enter("alice", name, "Alice"), field.Enter("bob", name, "Bob")
			alice.Heard()
			bob.Heard()
			w.Flow()
			if got := strings.Join(bob.Heard(), "\n"); got != subject {
				t.Errorf("%s: Bob heard %q, and not %q", name, got, subject)
			}
			want(t, "Alice", alice.Heard())
		}
	})
}

// Stores set back, queues that expire and are lost, cuts and restarts, in any order: in the end all nodes hold the same lines under the
// same numbers, and nobody has heard a line twice or an author's in another order.
func TestHealingUnderChaos(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newChaos(t, 2*seed, store.RoomFed{History: "1000"}, func(n *fmuctest.Node) { n.Lifetimes.Groupchat = time.Hour })
				for _, n := range c.Nodes {
					c.come(n)
				}
				c.Flow()
				restore := map[*fmuctest.Node]func(){}
				again := func(n *fmuctest.Node, f func()) {
					for _, m := range c.clients[n] {
						c.listen(m)
					}
					c.clients[n] = nil
					f()
					c.come(n)
				}
				for range 200 {
					c.step(false, true)
					switch n := c.node(); c.rnd.IntN(30) {
					case 0:
						again(n, func() { restore[n] = n.Backup() })
					case 1:
						if f := restore[n]; f != nil {
							again(n, f)
						}
					case 2:
						time.Sleep(time.Duration(c.rnd.IntN(150)) * time.Minute)
					}
				}
				for range 4 {
					c.rest()
					for _, n := range c.Nodes { // a word from everybody shows what is missing
						c.say(n)
					}
					time.Sleep(10 * time.Minute)
				}
				c.rest()
				level(t, len(numbers(c.Nodes[0])), c.Nodes...)
				if n := len(numbers(c.Nodes[0])); n < 20 {
					t.Errorf("only %d lines", n)
				}
				for who, heard := range c.heard {
					if l := slices.Sorted(slices.Values(heard)); len(slices.Compact(l)) != len(heard) {
						t.Errorf("%s heard lines twice: %q", who, heard)
					}
				}
				c.checkCrowds()
			})
		})
	}
}

// The last word of who is here waits behind what was said before it. A join does not: until it arrives the other room hears nobody.
func TestAJoinStaysBeforeTheLines(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		bob.Leave()
		w.Flow()
		w.Forget()
		alice.Got()
		w.link.Cut()
		bob.Join("ops", "Bob")
		bob.Say("first")
		bob.Whisper("Alice", "psst")
		time.Sleep(5 * time.Minute)
		w.field.Enter("carol", "ops", "Carol")
		bob.Say("second")
		w.link.Heal()
		for w.link.Carry(w.field) { // all in one transmission
		}
		w.Flow()
		want(t, "alice", alice.Heard(), "+Bob: first", "Bob: second")
		if got := alice.Crowd(); got != "Alice, Bob, Carol" {
			t.Errorf("Alice sees %s", got)
		}
		if n := len(w.link.Crossed); n != 4 { // the join, two lines, the answer
			for _, c := range w.link.Crossed {
				t.Log(c.From, c.XML)
			}
			t.Errorf("%d crossings", n)
		}
		if got := status(t, w.field); got.Resyncs != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// What goes in one transmission with the question is not sent again because of the answer.
func TestLinesBehindAQuestionCrossOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, what := range []string{"join", "start"} {
			w := newPair(t, store.RoomFed{})
			alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
			w.Flow()
			bob.Say("before")
			if what == "join" {
				bob.Leave()
				w.Flow()
				bob.Join("ops", "Bob")
			} else {
				w.Flow()
				w.field.Restart()
				bob = w.field.Enter("bob", "ops", "Bob")
			}
			w.Forget()
			alice.Got()
			bob.Say("one")
			bob.Say("two")
			for w.link.Carry(w.field) {
			}
			w.Flow()
			want(t, "alice", alice.Heard(), "Bob: one", "Bob: two")
			if n := len(w.link.Crossed); n != 4 {
				for _, c := range w.link.Crossed {
					t.Log(c.From, c.XML)
				}
				t.Errorf("%s: %d crossings", what, n)
			}
		}
	})
}
