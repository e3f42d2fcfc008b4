package fmuc_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/fmuctest"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

// lineFrom is a line of field's Bob in hq's room with what else its <fmuc/> says.
func lineFrom(id, attrs, body string) string {
	return fmt.Sprintf("<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net' type='groupchat' id='%s'><fmuc xmlns='http://isode.com/protocol/fmuc' from='bob@field.net' %s/><body>%s</body></message>", id, attrs, body)
}

// ownOrigin is the origin that a node gives numbers under in ops.
func ownOrigin(n *fmuctest.Node) string {
	all := numbers(n)
	o, _, _ := strings.Cut(all[len(all)-1], " ")
	return o
}

// What a peer says of lines that this node itself numbers is of no interest: else it could end what is said here.
func TestAPeerDoesNotCountForUs(t *testing.T) {
	for name, raw := range map[string]string{
		"a line far ahead":    "<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net' type='groupchat' id='1'><fmuc xmlns='http://isode.com/protocol/fmuc' from='bob@field.net' n='%s5yc1z7ep2!'/><body>I am you</body></message>",
		"lines that are gone": "<message from='ops@chat.field.net' to='ops@chat.hq.net' type='groupchat'><fmuc xmlns='http://isode.com/protocol/fmuc'><s xmlns='urn:x-longwire:fmuc:0' f='%s5yc1z7ep2'/></fmuc></message>",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newPair(t, store.RoomFed{})
				alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
				w.Flow()
				alice.Say("one")
				w.Flow()
				bob.Heard()
				alice.Heard()
				w.hq.Arrive("field", fmt.Sprintf(raw, ownOrigin(w.hq)))
				w.Flow()
				want(t, "alice", alice.Heard())
				alice.Say("two")
				alice.Say("three")
				w.Flow()
				want(t, "bob", bob.Heard(), "Alice: two", "Alice: three")
				want(t, "alice", alice.Heard(), "Alice: two", "Alice: three")
			})
		})
	}
}

// Words of a moderator cannot be taken for something else at the other node.
func TestAReasonStaysAReason(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		w.hq.Enter("alice", "ops", "Alice")
		bob := w.field.Enter("bob", "ops", "Bob")
		w.hq.Enter("dave", "ops", "Dave")
		w.hq.Enter("eve", "ops", "Eve")
		w.Flow()
		bob.Got()
		w.hq.Update(func(t *router.Turn) error {
			return w.hq.MUC.Room(w.hq.Room("ops")).Remove(t, "Dave", muc.Removal{Codes: []int{307}, Reason: "spam,\n-Eve\n\tand more" + strings.Repeat(" and more", 500)})
		})
		w.Flow()
		if got := bob.Crowd(); got != "Alice, Bob, Eve" {
			t.Errorf("Bob sees %s", got)
		}
		if got := strings.Join(bob.Got(), ""); !strings.Contains(got, "<reason>spam, -Eve and more") {
			t.Errorf("Bob got %s", got)
		}
	})
}

// A peer cannot speak as a user who is here, neither aloud nor in private.
func TestAPeerDoesNotSpeakForOurs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice := w.hq.Enter("alice", "ops", "Alice")
		dave := w.hq.Enter("dave", "ops", "Dave")
		w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		alice.Got()
		dave.Got()
		for _, raw := range []string{
			"<message from='ops@chat.field.net/Alice' to='ops@chat.hq.net' type='groupchat' id='1'><fmuc xmlns='http://isode.com/protocol/fmuc' from='alice@hq.net' n='DDDDDDDD1'/><body>numbered</body></message>",
			"<message from='ops@chat.field.net/Alice' to='ops@chat.hq.net' type='groupchat' id='2'><fmuc xmlns='http://isode.com/protocol/fmuc' from='alice@hq.net'/><body>bare</body></message>",
			"<message from='ops@chat.field.net/Alice' to='ops@chat.hq.net' type='groupchat' id='3'><fmuc xmlns='http://isode.com/protocol/fmuc' from='alice@hq.net/y'/><body>another client</body></message>",
			"<message from='ops@chat.field.net/Alice' to='ops@chat.hq.net/Dave' type='chat' id='4'><fmuc xmlns='http://isode.com/protocol/fmuc' from='alice@hq.net/y'/><body>in private</body></message>",
		} {
			w.hq.Arrive("field", raw)
		}
		want(t, "dave", dave.Heard())
		want(t, "alice", alice.Heard())
		w.hq.Arrive("field", lineFrom("5", "n='DDDDDDDD2'", "as myself"))
		want(t, "then dave", dave.Heard(), "Bob: as myself")
	})
}

// An answer that is lost is asked for again when more lines come.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice := w.hq.Enter("alice", "ops", "Alice")
		w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		sayMany(alice, 1)
		w.Flow()
		sayMany(alice, 1)
		w.link.Lose(w.hq)
		sayMany(alice, 1)
		for w.link.Carry(w.hq) {
		}
		for w.link.Carry(w.field) { // which asks
		}
		w.link.Lose(w.hq) // with its answer
		sayMany(alice, 1)
		w.Flow()
		time.Sleep(time.Hour)
		sayMany(alice, 1)
		w.Flow()
		level(t, 5, w.hq, w.field)
	})
}

// A room that keeps nothing loses nothing of what the queue still holds when lines are lost.
func TestARoomWithoutArchive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		for _, n := range []*fmuctest.Node{w.hq, w.field} {
			n.Update(func(t *router.Turn) error {
				return n.MUC.Configure(t, n.MUC.Room(n.Room("ops")), func(c *store.Room) { c.NoArchive = true })
			})
		}
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		alice.Say("one")
		w.Flow()
		bob.Heard()
		alice.Say("lost")
		w.link.Lose(w.hq)
		alice.Say("three")
		for w.link.Carry(w.hq) {
		}
		w.link.Cut()
		alice.Say("four")
		w.link.Heal()
		w.Flow()
		alice.Say("five")
		w.Flow()
		want(t, "bob", bob.Heard(), "Alice: three", "Alice: four", "Alice: five")
		bob.Say("one")
		w.link.Lose(w.field)
		w.field.Restart()
		bob = w.field.Enter("bob", "ops", "Bob")
		bob.Say("two")
		alice.Say("six")
		w.Flow()
		heard := alice.Heard()
		want(t, "alice", heard[len(heard)-2:], "Alice: six", "Bob: two")
	})
}

// last_n is for both directions: what this node sends costs its air, too.
func TestOnlyTheLastLinesAreSent(t *testing.T) {
	for name, setup := range map[string]func(*pair){"longwire": func(*pair) {}, "standard": standard} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newPair(t, store.RoomFed{LastN: 5}, func(w *pair) { w.field.Lifetimes.Groupchat = time.Hour }, setup)
				w.hq.Enter("alice", "ops", "Alice")
				bob := w.field.Enter("bob", "ops", "Bob")
				w.Flow()
				w.link.Cut()
				sayMany(bob, 40)
				time.Sleep(2 * time.Hour)
				w.link.Heal()
				w.Flow()
				time.Sleep(2 * time.Hour)
				w.Flow()
				if got := w.hq.Archive("ops"); len(got) != 5 || got[0] != "Bob: bob 36" {
					t.Errorf("hq has %q", got)
				}
			})
		})
	}
}

// An occupant whom the room would not take any more does not keep the node from starting.
func TestARefusedOccupantIsLeftOutAtTheStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		w.hq.Enter("alice", "ops", "Alice")
		w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		w.hq.Update(func(t *router.Turn) error {
			long := strings.Repeat("x", 500)
			return t.Tx.PutFedOccupant("ops@chat.hq.net", "ops@chat.field.net", store.FedOccupant{Nick: long, Real: "x@field.net"})
		})
		w.hq.Restart()
		alice := w.hq.Enter("alice", "ops", "Alice")
		w.Flow()
		if got := alice.Crowd(); got != "Alice, Bob" {
			t.Errorf("Alice sees %s", got)
		}
	})
}

// A hub remembers all its kits, however many there are: what each has said while it was alone is not cut short as at a first contact.
func TestAHubRemembersManyKits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := fmuctest.New(t)
		hq := w.Node("hq")
		const kits = 70
		for i := range kits {
			far := w.Node(fmt.Sprint("k", i))
			far.Played = true
			w.Link(hq, far)
		}
		hq.MakeRoom("ops", store.RoomFed{})
		hq.Start()
		for i := range kits {
			from := fmt.Sprintf("from='ops@chat.k%d.net/Bob' to='ops@chat.hq.net/Bob'", i)
			hq.Arrive(fmt.Sprint("k", i), x(fmt.Sprintf("<presence "+from+">{f bob@k%d.net/x}{history maxstanzas='0'}</presence>", i)))
		}
		for i := range kits {
			from := fmt.Sprintf("from='ops@chat.k%d.net/Bob' to='ops@chat.hq.net/Bob'", i)
			hq.Arrive(fmt.Sprint("k", i), x(fmt.Sprintf("<presence type='unavailable' "+from+">{f bob@k%d.net/x}</presence>", i)))
		}
		if all, err := hq.FMUC.Status(hq.Room("ops")); err != nil || len(all) != kits {
			t.Errorf("%d are remembered, %v", len(all), err)
		}
	})
}

// A peer has so many rooms in one of ours, and no more.
func TestARoomHasSoManyPeers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, n := half(t, "field", "hq", store.RoomFed{})
		for i := range 80 {
			n.Arrive("field", x(fmt.Sprintf("<presence from='r%d@chat.field.net/Bob' to='ops@chat.hq.net/Bob'>{f bob%d@field.net/x}{history maxstanzas='0'}</presence>", i, i)))
		}
		all, err := n.FMUC.Status(n.Room("ops"))
		if err != nil || len(all) != 8 {
			t.Errorf("%d peers, %v", len(all), err)
		}
		l.Take(n)
	})
}

// A nick that is no address comes in no presence, as it comes in no digest.
func TestADigestNamesWhoCanBeAddressed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice := w.hq.Enter("alice", "ops", "Alice")
		w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		w.hq.Arrive("field", "<presence from='ops@chat.field.net' to='ops@chat.hq.net'><fmuc xmlns='http://isode.com/protocol/fmuc'><s xmlns='urn:x-longwire:fmuc:0'>+&#x85;\te@field.net\n+e\u0301\tf@field.net\n+Carol</s></fmuc></presence>")
		if got := alice.Crowd(); got != "Alice, Bob, Carol" {
			t.Errorf("Alice sees %q", got)
		}
		for _, raw := range alice.Got() {
			if strings.HasPrefix(raw, "<presence from='ops@chat.hq.net'") {
				t.Error(raw)
			}
		}
	})
}

// A peer that names more origins than a room can remember does not make it forget all others, after which their lines would be taken
// for old ones.
func TestAPeerDoesNotMakeUsForget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		alice.Say("one")
		bob.Say("one")
		w.Flow()
		alice.Heard()
		for i := range 3 {
			var f []string
			for j := range 4000 {
				f = append(f, lines.Origin(1<<47+i*4000+j).String()+"1")
			}
			w.hq.Arrive("field", "<message from='ops@chat.field.net' to='ops@chat.hq.net' type='groupchat'><fmuc xmlns='http://isode.com/protocol/fmuc'><s xmlns='urn:x-longwire:fmuc:0' f='"+strings.Join(f, " ")+"'/></fmuc></message>")
		}
		for i := range 5000 {
			w.hq.Arrive("field", lineFrom(fmt.Sprint(i), "n='"+lines.Origin(1<<46+i).String()+"1'", "x"))
		}
		alice.Heard()
		bob.Heard()
		bob.Say("two")
		alice.Say("two")
		w.Flow()
		want(t, "alice", alice.Heard(), "Alice: two", "Bob: two")
		want(t, "bob", bob.Heard(), "Bob: two", "Alice: two")
	})
}

// A peer can name thousands of origins in one stanza.
func TestManyOriginsCostLittle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		w.hq.Enter("alice", "ops", "Alice")
		w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		gone := func(first int) string {
			var f []string
			for i := range 4000 {
				f = append(f, lines.Origin(1<<40+first+i).String()+"1")
			}
			return "<message from='ops@chat.field.net' to='ops@chat.hq.net' type='groupchat'><fmuc xmlns='http://isode.com/protocol/fmuc'><s xmlns='urn:x-longwire:fmuc:0' f='" + strings.Join(f, " ") + "'/></fmuc></message>"
		}
		w.hq.Arrive("field", gone(0))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w.hq.Arrive("field", gone(4000))
		runtime.ReadMemStats(&after)
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 100 {
			t.Errorf("%d MB for one stanza", mb)
		}
	})
}
