package fmuc_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"longwire/store"
	"longwire/xmpp/fmuc/fmuctest"
	"longwire/xmpp/router"
)

// pair is headquarters and a field node whose room joins that of headquarters.
type pair struct {
	*fmuctest.World
	hq, field *fmuctest.Node
	link      *fmuctest.Link
}

func newPair(t *testing.T, fed store.RoomFed, setup ...func(*pair)) *pair {
	w := &pair{World: fmuctest.New(t)}
	w.hq, w.field = w.Node("hq"), w.Node("field")
	w.link = w.Link(w.hq, w.field)
	for _, f := range setup {
		f(w)
	}
	fed.Node = "ops@chat.hq.net"
	w.hq.MakeRoom("ops", store.RoomFed{})
	w.field.MakeRoom("ops", fed)
	w.hq.Start()
	w.field.Start()
	return w
}

// standard makes the nodes take each other for servers of another make.
func standard(w *pair) { w.Standard = true }

func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestTwoRoomsAreOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice := w.hq.Enter("alice", "ops", "Alice")
		bob := w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		carol := w.field.Enter("carol", "ops", "Carol")
		dave := w.hq.Enter("dave", "ops", "Dave")
		w.Flow()
		for _, c := range []*fmuctest.Client{alice, bob, carol, dave} {
			if got := c.Crowd(); got != "Alice, Bob, Carol, Dave" {
				t.Errorf("%s sees %s", c.Full, got)
			}
			c.Heard()
		}
		w.Forget()
		bob.Say("Convoy left")
		alice.Say("Roger")
		w.Flow()
		if n := len(w.link.Crossed); n != 2 {
			t.Errorf("%d stanzas for two lines: %v", n, w.link.Crossed)
		}
		want(t, "alice", alice.Heard(), "Alice: Roger", "Bob: Convoy left")
		want(t, "bob", bob.Heard(), "Bob: Convoy left", "Alice: Roger")
		want(t, "carol", carol.Heard(), "Bob: Convoy left", "Alice: Roger")
		bob.Leave()
		w.Flow()
		if got := alice.Crowd(); got != "Alice, Carol, Dave" {
			t.Errorf("after Bob left, Alice sees %s", got)
		}
		w.Forget()
		carol.Leave()
		w.Flow()
		if got := alice.Crowd(); got != "Alice, Dave" {
			t.Errorf("after all of field left, Alice sees %s", got)
		}
		if all := w.link.Crossed; len(all) != 1 || !strings.Contains(all[0].XML, ">-Carol<") {
			t.Errorf("the last leave, which rooms of our kind do not answer, is %v", all)
		}
		w.Forget()
		alice.Say("anybody?")
		w.Flow()
		if len(w.link.Crossed) != 0 {
			t.Errorf("a room without occupants hears %v", w.link.Crossed)
		}
	})
}

// XEP-0289 §5: affiliation and role go with every occupant, whatever told of it.
func TestRolesAreShownEverywhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		owner := func(n *fmuctest.Node, user string) {
			n.Update(func(t *router.Turn) error {
				return n.MUC.SetMember(t, n.MUC.Room(n.Room("ops")), store.RoomMember{JID: user, Affiliation: "owner"})
			})
		}
		owner(w.hq, "alice@hq.net")
		owner(w.field, "bob@field.net")
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		if got := strings.Join(bob.Got(), "\n"); !strings.Contains(got, "/Alice' ") || strings.Contains(got, "affiliation='owner' role='participant'") {
			t.Errorf("Bob sees\n%s", got)
		}
		alice.Got()
		bob.Rename("Bobby")
		w.Flow()
		if got := strings.Join(alice.Got(), "\n"); strings.Count(got, "affiliation='owner' role='moderator'") != 2 {
			t.Errorf("Alice sees\n%s", got)
		}
		w.hq.Restart()
		bob.Got()
		w.hq.Enter("carol", "ops", "Carol")
		w.Flow()
		if got := strings.Join(bob.Got(), "\n"); !strings.Contains(got, "/Carol") || strings.Contains(got, "/Alice") {
			t.Errorf("Alice has not come back yet; Bob sees\n%s", got)
		}
	})
}

// A user may go by the nick of those who stand for nodes.
func TestAUserCalledNode(t *testing.T) {
	for name, setup := range map[string]func(*pair){"longwire": func(*pair) {}, "standard": standard} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newPair(t, store.RoomFed{}, setup)
				alice := w.hq.Enter("alice", "ops", "Alice")
				w.field.Enter("bob", "ops", "Bob")
				dave := w.field.Enter("dave", "ops", "Dave")
				w.Flow()
				dave.Rename("_node")
				w.field.Enter("carol", "ops", "Carol")
				w.Flow()
				alice.Heard()
				dave.Say("hello")
				w.Flow()
				heard := alice.Heard()
				if crowd := strings.Split(alice.Crowd(), ", "); len(crowd) != 4 || len(heard) != 1 {
					t.Errorf("Alice sees %q, and heard %q", crowd, heard)
				} else if nick, _, _ := strings.Cut(heard[0], ":"); !slices.Contains(crowd, nick) {
					t.Errorf("%q spoke, of %q", nick, crowd)
				}
			})
		})
	}
}
