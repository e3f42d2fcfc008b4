package fmuc_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/fmuc/fmuctest"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// messages are the messages that a client has got since the last call.
func messages(t *testing.T, c *fmuctest.Client) (all []*stanza.Stanza) {
	t.Helper()
	for _, xml := range c.Got() {
		s, err := stream.ParseStanza([]byte(xml))
		if err != nil {
			t.Fatal(err)
		}
		if s.Kind == stanza.Message && !s.Has("", "subject") {
			all = append(all, s)
		}
	}
	return all
}

// only is the one message that a client has got.
func only(t *testing.T, c *fmuctest.Client) *stanza.Stanza {
	t.Helper()
	all := messages(t, c)
	if len(all) != 1 {
		t.Fatalf("%s has %d messages", c.Full, len(all))
	}
	return all[0]
}

func refersTo(t *testing.T, s *stanza.Stanza, id string) {
	t.Helper()
	if !strings.Contains(string(s.Inner), " id='"+id+"'>") {
		t.Errorf("%s, want a reference to %s", s.Bytes(), id)
	}
}

const (
	longID = "b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c"
	said   = "<message to='%s' type='groupchat' id='%s'><body>%s</body><origin-id xmlns='urn:xmpp:sid:0' id='%[2]s'/></message>"
	react  = "<message to='%s' type='groupchat' id='%s'><reactions xmlns='urn:xmpp:reactions:0' id='%s'><reaction>+</reaction></reactions></message>"
	amend  = "<message to='%s' type='groupchat' id='%s'><body>better</body><replace xmlns='urn:xmpp:message-correct:0' id='%s'></replace></message>"
)

// talk has ann and abe of one node and bob and ben of another, all in a room, say things: each client sees its own ids, the same as its neighbour does, and what
// refers to a message does so everywhere. Numbers are on the air.
func talk(t *testing.T, w *fmuctest.World, link *fmuctest.Link, all [4]*fmuctest.Client, rooms [4]string) {
	t.Helper()
	clear := func() {
		w.Flow()
		for _, c := range all {
			c.Got()
		}
		w.Forget()
	}
	clear()
	for me, c := range all {
		own := fmt.Sprint(longID, me)
		c.Do(said, rooms[me], own, "x")
		w.Flow()
		var ids, lines [4]string
		for i, o := range all {
			s := only(t, o)
			if i == me && !strings.Contains(string(s.Inner), "<origin-id xmlns='urn:xmpp:sid:0' id='"+own+"'/>") {
				t.Errorf("%s gets its own back as %s", c.Full, s.Bytes())
			}
			ids[i], lines[i] = s.ID, lineOf(t, s)
		}
		if ids[me] != own || ids[me^1] != own || !strings.Contains(ids[(me+2)%4], ".") || ids[(me+2)%4] != ids[(me+2)%4^1] {
			t.Errorf("%s of %s is %s", own, c.Full, ids)
		}
		for _, x := range link.Crossed {
			if strings.Contains(x.XML, longID) || strings.Contains(x.XML, "origin-id") {
				t.Errorf("on the air: %s", x.XML)
			}
		}
		for who, o := range all {
			clear()
			o.Do(react, rooms[who], fmt.Sprint("r", me, who), lines[who])
			w.Flow()
			for i, o := range all {
				refersTo(t, only(t, o), lines[i])
			}
			for _, x := range link.Crossed {
				if _, ref, ok := strings.Cut(x.XML, "reactions:0' id='"); ok && ref[4] != '\'' {
					t.Errorf("on the air: %s", x.XML)
				}
			}
		}
		clear()
		c.Do(amend, rooms[me], fmt.Sprint("a", me), own)
		w.Flow()
		for i, o := range all {
			refersTo(t, only(t, o), ids[i])
		}
		clear()
	}
}

// lineOf is what a client calls a line of a room: the room's stanza-id, or where the room is far, the line's id.
func lineOf(t *testing.T, s *stanza.Stanza) string {
	t.Helper()
	c, ok := s.Child("urn:xmpp:sid:0", "stanza-id")
	if !ok {
		return s.ID
	}
	e, err := s.Element(c)
	if err != nil {
		t.Fatal(err)
	}
	return e.Attr("id")
}

// Rooms of two nodes are one, and ids are numbers between them. PR: the echo is known by its id.
func TestIDsBetweenFederatedRooms(t *testing.T) {
	for _, mode := range []string{"pp", "pr"} {
		for _, down := range []bool{false, true} {
			t.Run(fmt.Sprint(mode, down), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					w := newPair(t, store.RoomFed{Mode: mode}, func(w *pair) { w.Terse, w.Standard = true, down })
					ann, abe := w.hq.Enter("ann", "ops", "Ann"), w.hq.Enter("abe", "ops", "Abe")
					bob, ben := w.field.Enter("bob", "ops", "Bob"), w.field.Enter("ben", "ops", "Ben")
					here, there := w.hq.Room("ops").String(), w.field.Room("ops").String()
					talk(t, w.World, w.link, [4]*fmuctest.Client{ann, abe, bob, ben}, [4]string{here, here, there, there})
				})
			})
		}
	}
}

// Clients of one node are in a room of the other.
func TestIDsOfARoomAcrossTheLink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{}, func(w *pair) { w.Terse = true })
		ann, abe := w.hq.Enter("ann", "ops", "Ann"), w.hq.Enter("abe", "ops", "Abe")
		bob, ben := w.field.Login("bob"), w.field.Login("ben")
		room := w.hq.Room("ops").String()
		bob.Do("<presence to='%s/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>", room)
		ben.Do("<presence to='%s/Ben'><x xmlns='http://jabber.org/protocol/muc'/></presence>", room)
		talk(t, w.World, w.link, [4]*fmuctest.Client{ann, abe, bob, ben}, [4]string{room, room, room, room})

		// In private, both ways, also between two who are in the room by the same link.
		for _, c := range [][2]*fmuctest.Client{{bob, ann}, {ann, bob}, {bob, ben}} {
			for _, x := range []*fmuctest.Client{ann, abe, bob, ben} {
				x.Got()
			}
			nick := map[*fmuctest.Client]string{ann: "Ann", bob: "Bob", ben: "Ben"}
			c[0].Do("<message to='%s/%s' type='chat' id='%s'><body>psst</body><request xmlns='urn:xmpp:receipts'/></message>", room, nick[c[1]], longID)
			w.Flow()
			got := only(t, c[1])
			c[1].Do("<message to='%s' type='chat' id='q'><received xmlns='urn:xmpp:receipts' id='%s'></received></message>", got.From, got.ID)
			w.Flow()
			refersTo(t, only(t, c[0]), longID)
		}

		// Who enters later gets the past, and knows his own of it.
		bob.Do(said, room, longID, "old")
		w.Flow()
		bob.Do("<presence to='%s/Bob' type='unavailable'/>", room)
		w.Flow()
		bob.Got()
		bob.Do("<presence to='%s/Bob'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='50'/></x></presence>", room)
		w.Flow()
		past := map[string]string{}
		for _, s := range messages(t, bob) {
			if c, ok := s.Child("", "body"); ok {
				past[s.Text(c)] = s.ID
			}
		}
		if past["old"] != longID {
			t.Errorf("the past is %v", past)
		}
	})
}
