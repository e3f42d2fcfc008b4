package muc_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// ledger is a Federation that writes down what it is told.
type ledger struct {
	wait, hold bool
	refuse     error
	fail       error // of Changed
	lines      []muc.Line
	told       []string
}

func (l *ledger) tell(format string, a ...any) { l.told = append(l.told, fmt.Sprintf(format, a...)) }

func (l *ledger) Stanza(_ *router.Turn, r *muc.Room, s *stanza.Stanza) error {
	l.tell("%s from %s, room %v", s.Kind, s.From, r != nil)
	return nil
}

func (l *ledger) Joining(_ *router.Turn, _ *muc.Room, o *muc.Occupant) (bool, error) {
	l.tell("%s wants to enter", o.Nick)
	return l.wait, l.refuse
}

func (l *ledger) Say(_ *router.Turn, _ *muc.Room, line *muc.Line) (bool, error) {
	line.Origin, line.Seq = "here", uint64(len(l.lines)+1)
	l.lines = append(l.lines, *line)
	return l.hold, l.refuse
}

func (l *ledger) Changed(_ *router.Turn, _ *muc.Room, old, new *muc.Occupant, c muc.Cause) error {
	switch {
	case old == nil:
		l.tell("%s enters", new.Nick)
	case new == nil:
		l.tell("%s leaves %v", old.Nick, c.Codes)
	default:
		l.tell("%s is %s %s %s", old.Nick, new.Nick, new.Role, new.Show)
	}
	return l.fail
}

func (l *ledger) Whisper(_ *router.Turn, _ *muc.Room, from, to *muc.Occupant, s *stanza.Stanza) error {
	l.tell("%s whispers to %s at %s: %s", from.Nick, to.RemoteNick, to.Node, s.Inner)
	return nil
}

func (l *ledger) Removing(_ *router.Turn, _ *muc.Room, o *muc.Occupant, rm muc.Removal) error {
	l.tell("%s is removed %v", o.Nick, rm.Codes)
	return nil
}

func (l *ledger) Configured(_ *router.Turn, r *muc.Room, old, new *store.Room) error {
	l.tell("%s configured", r.JID())
	return nil
}

func (l *ledger) Destroyed(_ *router.Turn, r *muc.Room) error {
	l.tell("%s destroyed", r.JID())
	return nil
}
func (l *ledger) Fields(*store.Room) []forms.Field         { return nil }
func (l *ledger) SetFields(*store.Room, *forms.Form) error { return nil }
func (l *ledger) check(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(l.told, want) {
		t.Errorf("it was told\n %s\nwant\n %s", strings.Join(l.told, "\n "), strings.Join(want, "\n "))
	}
	l.told = nil
}

func federated(t *testing.T, l *ledger) (*stage, *muc.Room) {
	s := newStage(t, muc.Options{})
	s.muc.Use(l)
	s.room(store.Room{}, owned)
	return s, s.muc.Room(jid.MustParse("ops@chat.hq.net"))
}

// far is an occupant from another node.
func far(nick string) muc.Occupant {
	return muc.Occupant{
		Nick: nick, Real: jid.MustParse("zoe@far.net/x"), Role: muc.Participant,
		Node: jid.MustParse("ops@rooms.far.net"), RemoteNick: "Zoe",
	}
}

func TestFederationHearsOfOursAndOfNobodyElse(t *testing.T) {
	l := &ledger{}
	s, r := federated(t, l)
	s.play(alice + bob)
	s.Send("bob/phone", "<presence to='ops@chat.hq.net/Robert'><show>away</show></presence>", false)
	s.Send("bob/phone", "<presence to='ops@chat.hq.net/Robert'><show>away</show></presence>", false)
	s.Send("bob/phone", "<presence to='ops@chat.hq.net/Robert'/>", false)
	s.op(t, func(t *router.Turn) error {
		return errors.Join(r.Enter(t, far("Zoe")), r.Change(t, "Zoe", far("Zo")), r.Remove(t, "Zo", muc.Removal{}))
	})
	s.op(t, func(t *router.Turn) error { return r.Remove(t, "Robert", muc.Removal{Codes: []int{307}}) })
	s.Client("alice/desk").Got()
	s.Client("bob/phone").Got()
	l.check(t, "ops@chat.hq.net configured", "Alice wants to enter", "Alice enters", "Bob wants to enter", "Bob enters",
		"Bob is Robert participant <show>away</show>", "Robert is Robert participant ", "Robert leaves [307]")
}

func TestOccupantsFromOtherNodes(t *testing.T) {
	l := &ledger{}
	s, r := federated(t, l)
	s.play(alice)
	o := far("Zoe")
	o.Show = []byte("<show>dnd</show>")
	s.op(t, func(t *router.Turn) error { return r.Enter(t, o) })
	s.play(`
	alice/desk gets <presence from='ops@chat.hq.net/Zoe'><show>dnd</show>[none participant zoe@far.net/x]</presence>
	# They are seen by those who enter, and their nick is taken.
	bob/phone  connects
	bob/phone  sends <presence to='ops@chat.hq.net/Zoe'>{muc}</presence>
	bob/phone  gets  ` + refused("/Zoe", "cancel", "conflict", "the nick is in use") + `
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Zoe'><show>dnd</show>[none participant]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone 110 170]</presence>
	bob/phone  gets  {no subject}
	# By another way than their node they are strangers.
	far.net    sends <message from='zoe@far.net/x' to='ops@chat.hq.net' type='groupchat' id='1'><body>x</body></message>
	far.net    gets  <message from='ops@chat.hq.net' to='zoe@far.net/x' type='error' id='1'>` + failed("modify", "not-acceptable", "you are not in the room") + `</message>
	# Whispers to them go by their node.
	bob/phone  sends <message to='ops@chat.hq.net/Zoe' type='chat' id='2'><body>Psst</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>
	bob/phone  sends <iq to='ops@chat.hq.net/Zoe' type='get' id='3'><query xmlns='jabber:iq:version'/></iq>
	bob/phone  gets  <iq from='ops@chat.hq.net/Zoe' type='error' id='3'>` + failed("cancel", "service-unavailable", "the occupant is on another node") + `</iq>
	`)
	if got := l.told[len(l.told)-1]; got != "Bob whispers to Zoe at ops@rooms.far.net: <body>Psst</body>" {
		t.Error(got)
	}
	n := far("Zoe2")
	n.Role = muc.Moderator
	psst := &stanza.Stanza{Kind: stanza.Message, Type: stanza.Chat, ID: "4"}
	psst.SetInner([]byte("<body>Yes?</body>"))
	line := &stanza.Stanza{Kind: stanza.Message, ID: "5"}
	line.SetInner([]byte("<body>Hi</body>"))
	s.op(t, func(t *router.Turn) error {
		_, err := r.Post(t, muc.Line{Nick: "Zoe", Real: o.Real, Stanza: line, Node: o.Node})
		return errors.Join(err, r.Whisper(t, r.Next(t).Occupant("Bob"), "Zoe", psst), r.Change(t, "Zoe", n),
			r.Notice(t, "link to far.net down"), r.Remove(t, "Zoe2", muc.Removal{Codes: []int{333}}))
	})
	const notice = "<message from='ops@chat.hq.net' type='groupchat'><body>link to far.net down</body></message>"
	s.play(`
	alice/desk gets <message from='ops@chat.hq.net/Zoe' type='groupchat' id='5'><body>Hi</body>{id}{stanza-id}</message>
	alice/desk gets <presence from='ops@chat.hq.net/Zoe' type='unavailable'>[none participant zoe@far.net/x =Zoe2 303]</presence>
	alice/desk gets <presence from='ops@chat.hq.net/Zoe2'>[none moderator zoe@far.net/x]</presence>
	alice/desk gets ` + notice + `
	alice/desk gets <presence from='ops@chat.hq.net/Zoe2' type='unavailable'>[none none zoe@far.net/x 333]</presence>
	bob/phone  gets <message from='ops@chat.hq.net/Zoe' type='groupchat' id='5'><body>Hi</body>{id}{stanza-id}</message>
	bob/phone  gets <message from='ops@chat.hq.net/Zoe' type='chat' id='4'><body>Yes?</body>{id}<x xmlns='http://jabber.org/protocol/muc#user'/></message>
	bob/phone  gets <presence from='ops@chat.hq.net/Zoe' type='unavailable'>[none participant =Zoe2 303]</presence>
	bob/phone  gets <presence from='ops@chat.hq.net/Zoe2'>[none moderator]</presence>
	bob/phone  gets ` + notice + `
	bob/phone  gets <presence from='ops@chat.hq.net/Zoe2' type='unavailable'>[none none 333]</presence>
	`)
}

func TestLineThatFederationHoldsIsSaidWhenItComesBack(t *testing.T) {
	l := &ledger{hold: true}
	s, r := federated(t, l)
	s.play(alice + `
	alice/desk sends <message to='ops@chat.hq.net' type='groupchat' id='1'><body>Hi</body></message>
	alice/desk gets  nothing
	`)
	if len(l.lines) != 1 || l.lines[0].Nick != "Alice" || l.lines[0].Real != jid.MustParse("alice@hq.net/desk") {
		t.Fatalf("%+v", l.lines)
	}
	s.op(t, func(t *router.Turn) error {
		_, err := r.Post(t, l.lines[0])
		return err
	})
	s.play(`
	alice/desk gets  <message from='ops@chat.hq.net/Alice' type='groupchat' id='1'><body>Hi</body>{id}{stanza-id}</message>`)
	err := s.DB.View(func(tx *store.Tx) error {
		if n := tx.ArchiveOriginLast("ops@chat.hq.net", "here"); n != 1 {
			t.Errorf("the archive's last number is %d", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l.hold, l.refuse = false, &stanza.Err{Condition: stanza.ServiceUnavailable, Type: "wait"}
	s.play(`
	alice/desk sends <message to='ops@chat.hq.net' type='groupchat' id='2'><body>Hi</body></message>
	alice/desk gets  <message from='ops@chat.hq.net' type='error' id='2'>` + failed("wait", "service-unavailable", "") + `</message>`)
}

func TestJoinWaitsForFederation(t *testing.T) {
	l := &ledger{wait: true}
	s, r := federated(t, l)
	s.play(`
	alice/desk connects
	alice/desk sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>
	alice/desk sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>
	alice/desk gets  nothing
	bob/phone  connects
	bob/phone  sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>
	bob/phone  gets  ` + refused("/Alice", "cancel", "conflict", "the nick is in use") + `
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	carol/pad  connects
	carol/pad  sends <presence to='ops@chat.hq.net/Carol'>{muc}</presence>
	# Who does not want to wait any longer leaves.
	bob/phone  sends <presence to='ops@chat.hq.net/Bob' type='unavailable'/>
	`)
	s.op(t, func(t *router.Turn) error {
		return errors.Join(r.Admit(t, jid.MustParse("alice@hq.net/desk")), r.Admit(t, jid.MustParse("bob@hq.net/phone")),
			r.Refuse(t, jid.MustParse("carol@hq.net/pad"), &stanza.Err{Condition: stanza.RemoteServerTimeout}))
	})
	s.play(`
	alice/desk gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk 110 170]</presence>
	alice/desk gets  {no subject}
	carol/pad  gets  ` + refused("/Carol", "wait", "remote-server-timeout", ""))
	l.check(t, "ops@chat.hq.net configured", "Alice wants to enter", "Bob wants to enter", "Carol wants to enter",
		"Bob leaves []", "Alice enters")
}

func TestWhoIsBannedWhileWaitingDoesNotGetIn(t *testing.T) {
	l := &ledger{wait: true}
	s, r := federated(t, l)
	s.play(`
	bob/phone  connects
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	`)
	s.op(t, func(t *router.Turn) error {
		return s.muc.SetMember(t, r, store.RoomMember{JID: "bob@hq.net", Affiliation: "outcast"})
	})
	s.op(t, func(t *router.Turn) error { return r.Admit(t, jid.MustParse("bob@hq.net/phone")) })
	s.play(`
	bob/phone  gets  ` + refused("/Bob", "auth", "forbidden", ""))
	l.check(t, "ops@chat.hq.net configured", "Bob wants to enter", "Bob leaves []")
}

func TestFederationGetsWhatIsItsOwn(t *testing.T) {
	l := &ledger{}
	s, _ := federated(t, l)
	l.told = nil
	s.play(`
	far.net sends <presence from='ops@far.net/Zoe' to='ops@chat.hq.net/Zoe'><fmuc xmlns='http://isode.com/protocol/fmuc' from='zoe@far.net/x'/>{muc}</presence>
	far.net sends <message from='ops@far.net/Zoe' to='no@chat.hq.net' type='groupchat'><fmuc xmlns='http://isode.com/protocol/fmuc' from='zoe@far.net/x'/></message>
	far.net sends <message from='ops@far.net' to='ops@chat.hq.net/Bob' type='error'>` + failed("wait", "remote-server-timeout", "") + `</message>
	# An account of this node is no room.
	bob/phone connects
	bob/phone sends <message to='ops@chat.hq.net' type='groupchat' id='1'><fmuc xmlns='http://isode.com/protocol/fmuc' from='zoe@far.net/x'/><body>x</body></message>
	bob/phone gets  <message from='ops@chat.hq.net' type='error' id='1'>` + failed("modify", "not-acceptable", "you are not in the room") + `</message>
	`)
	l.check(t, "presence from ops@far.net/Zoe, room true", "message from ops@far.net/Zoe, room false", "message from ops@far.net, room true")
}

// What could not be written once must not keep a client in the room for ever.
func TestClientThatCouldNotBeTakenOutIsTakenOutLater(t *testing.T) {
	l := &ledger{}
	s, r := federated(t, l)
	s.play(alice + bob)
	s.Host.Unbind(s.Client("bob/phone").Resource)
	say := func(fail error) {
		l.fail = fail
		s.Send("alice/desk", "<message to='ops@chat.hq.net' type='groupchat'><body>Bob?</body></message>", false)
		s.DB.Update(func(*store.Tx) error { return nil })
		s.Client("alice/desk").Got()
	}
	say(errors.New("no"))
	if r.State().Occupant("Bob") == nil {
		t.Fatal("he is gone although that failed")
	}
	say(nil)
	if r.State().Occupant("Bob") != nil {
		t.Error("he stays for ever")
	}
}

// Many nodes may hold a room, and each of them many occupants: together they are bounded too.
func TestOccupantsOfAllNodesAreBounded(t *testing.T) {
	s := newStage(t, muc.Options{MaxOccupants: 5})
	s.muc.Use(&ledger{})
	s.room(store.Room{}, owned)
	r := s.muc.Room(jid.MustParse("ops@chat.hq.net"))
	refused := 0
	s.op(t, func(t *router.Turn) error {
		for i := range 30 {
			o := far(fmt.Sprintf("Zoe %d", i))
			o.Real = jid.MustParse(fmt.Sprintf("zoe%d@far.net/x", i))
			if err := r.Enter(t, o); err != nil {
				refused++
			}
		}
		return nil
	})
	if n := len(r.State().Occupants()); n != 10 || refused != 20 {
		t.Errorf("%d are in, %d were refused", n, refused)
	}
}
