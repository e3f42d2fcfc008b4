package muc_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// seen is what a client knows of the room, from nothing but what it was sent: by nick, what is shown.
type seen map[string]string

// hear takes what a client got.
func (v seen) hear(t *testing.T, who string, got []string) {
	t.Helper()
	for _, x := range got {
		st, err := stream.ParseStanza([]byte(x))
		if err != nil {
			t.Fatalf("%s got %s: %v", who, x, err)
		}
		if st.Kind != stanza.Presence || st.Type == stanza.Error {
			continue
		}
		c, ok := st.Child(muc.NSUser, "x")
		if !ok {
			t.Fatalf("%s got %s", who, x)
		}
		e, _ := st.Element(c)
		item, nick := e.Child(muc.NSUser, "item"), st.From.Resource()
		self, renamed := strings.Contains(x, "code='110'"), strings.Contains(x, "code='303'")
		switch {
		case st.Type == stanza.Unavailable && self && !renamed:
			clear(v)
		case st.Type == stanza.Unavailable:
			if v[nick] == "" {
				t.Fatalf("%s is told that %s leaves, whom it never saw", who, nick)
			}
			delete(v, nick)
		default:
			show, _ := st.Child("", "status")
			v[nick] = describe(item.Attr("affiliation"), item.Attr("role"), item.Attr("jid"), st.Text(show))
		}
	}
}

func describe(affiliation, role, real, status string) string {
	return fmt.Sprintf("%s %s %q %q", affiliation, role, real, status)
}

// want is what the room says that a client should know; known has the addresses too, which one who is no moderator any
// more has not forgotten.
func want(s *muc.State, full jid.JID) (v, known seen) {
	me := s.ByReal(full)
	v, known = seen{}, seen{}
	if me == nil || !me.Ours() {
		return v, known
	}
	for _, o := range s.Occupants() {
		if o.Hidden {
			continue
		}
		real := ""
		if s.Sees(me) || o == me {
			real = o.Real.String()
		}
		status := strings.TrimSuffix(strings.TrimPrefix(string(o.Show), "<status>"), "</status>")
		v[o.Nick] = describe(o.Affiliation.String(), o.Role.String(), real, status)
		known[o.Nick] = describe(o.Affiliation.String(), o.Role.String(), o.Real.String(), status)
	}
	return v, known
}

// is tells whether a client sees what it should.
func (v seen) is(want, known seen) bool {
	for nick, x := range want {
		if v[nick] != x && v[nick] != known[nick] {
			return false
		}
	}
	return len(v) == len(want)
}

// A stranger to the code may read this as: whatever happens, and however much of it is taken back, each client's picture
// of the room is the room.
func TestEachClientSeesTheRoomAsItIs(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { model(t, rand.New(rand.NewPCG(seed, 1)), 400) })
	}
}

func model(t *testing.T, rnd *rand.Rand, steps int) {
	s := newStage(t, muc.Options{MaxJoinedPerUser: 4})
	s.room(store.Room{Moderated: rnd.IntN(2) == 0, NonAnonymous: rnd.IntN(3) == 0}, owned, store.RoomMember{JID: "bob@hq.net", Affiliation: "member"})
	r := s.muc.Room(jid.MustParse("ops@chat.hq.net"))
	clients := []string{"alice/desk", "alice/pad", "bob/phone", "bob/pad", "carol/pad", "carol/tv"}
	nicks := []string{"A", "B", "C", "D"}
	views, online := map[string]seen{}, map[string]bool{}
	pick := func(from []string) string { return from[rnd.IntN(len(from))] }
	errUndo := errors.New("undo")

	for step := range steps {
		who, nick, what := pick(clients), pick(nicks), ""
		if !online[who] {
			s.Connect(who)
			online[who], views[who] = true, seen{}
		}
		send := func(xml string) { what = who + " sends " + xml; s.Send(who, xml, false) }
		addr := "ops@chat.hq.net/" + nick
		op := func(name string, fails bool, f func(t *router.Turn) error) {
			what = name
			var turn router.Turn
			err := s.DB.Update(func(tx *store.Tx) error {
				turn.Reset(tx)
				err := f(&turn)
				var refusal *stanza.Err
				if errors.As(err, &refusal) {
					return nil
				}
				if err == nil && fails {
					return errUndo
				}
				return err
			})
			if err == nil {
				turn.Done()
			} else if err != errUndo {
				t.Fatalf("%s: %v", name, err)
			}
		}
		switch rnd.IntN(13) {
		case 0, 1, 2:
			send("<presence to='" + addr + "'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
		case 3:
			send("<presence to='" + addr + "' type='unavailable'/>")
		case 4, 5:
			send(fmt.Sprintf("<presence to='%s'><status>%d</status></presence>", addr, rnd.IntN(4)))
		case 6:
			what = who + " hangs up"
			s.Act(what)
			delete(online, who)
			delete(views, who)
		case 7:
			send("<message to='ops@chat.hq.net' type='groupchat'><body>x</body></message>")
		case 8, 9:
			o := muc.Occupant{Nick: nick, Real: jid.MustParse("far" + nick + "@far.net/x"), Node: jid.MustParse("ops@rooms.far.net"), Role: muc.Participant, Hidden: rnd.IntN(8) == 0}
			op("enter "+nick, rnd.IntN(4) == 0, func(turn *router.Turn) error { return r.Enter(turn, o) })
		case 10:
			op("remove "+nick, rnd.IntN(4) == 0, func(turn *router.Turn) error { return r.Remove(turn, nick, muc.Removal{Codes: []int{307}}) })
		case 11:
			old := r.State().Occupant(nick)
			if old == nil || old.Ours() || old.Hidden {
				continue
			}
			n := *old
			n.Nick, n.Show, n.Role = pick(nicks), []byte("<status>far</status>"), muc.Role(1+rnd.IntN(3))
			op("change "+nick+" to "+n.Nick, rnd.IntN(4) == 0, func(turn *router.Turn) error { return r.Change(turn, nick, n) })
		case 12:
			old := r.State().Occupant(nick)
			if old == nil || !old.Ours() {
				continue
			}
			role := muc.Role(1 + rnd.IntN(3))
			op("make "+nick+" "+role.String(), rnd.IntN(4) == 0, func(turn *router.Turn) error { return muc.SetRole(turn, r, nick, role) })
		}
		for c := range online {
			views[c].hear(t, c, s.Client(c).Got())
			full := s.Client(c).Resource.JID()
			if w, known := want(r.State(), full); !views[c].is(w, known) {
				t.Fatalf("step %d, %s: %s sees\n %v\nthe room is\n %v", step, what, c, views[c], w)
			}
		}
		if err := muc.Check(s.muc); err != nil {
			t.Fatalf("step %d, %s: %v", step, what, err)
		}
	}
	for c := range online {
		s.Act(c + " hangs up")
	}
}
