package muc_test

import (
	"errors"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

// zoe enters from another node.
func zoe(t *testing.T) (*stage, *ledger, *muc.Room) {
	t.Helper()
	l := &ledger{}
	s, r := federated(t, l)
	s.enter("alice/desk", "bob/phone")
	s.op(t, func(t *router.Turn) error { return r.Enter(t, far("Zoe")) })
	for _, who := range s.inside {
		s.Client(who).Got()
	}
	l.told = nil
	return s, l, r
}

func TestWhoIsOnAnotherNodeIsRemovedThroughFederation(t *testing.T) {
	for _, c := range [][4]string{
		{"<item nick='Zoe' role='none'><reason>Out</reason></item>", "none", "307", "<reason>Out</reason>"},
		{"<item jid='zoe@far.net' affiliation='outcast'/>", "outcast", "301", ""},
	} {
		s, l, _ := zoe(t)
		gone := func(jid string) string {
			return "<presence from='ops@chat.hq.net/Zoe' type='unavailable'>{id}{user}<item affiliation='" + c[1] + "' role='none'" + jid + "><actor nick='Alice'/>" + c[3] + "</item>{" + c[2] + "}</x></presence>"
		}
		s.act(`
		alice/desk sends {admin set}` + c[0] + `{/}
		alice/desk gets  {done}
		alice/desk gets  ` + gone(" jid='zoe@far.net/x'") + `
		bob/phone  gets  ` + gone("") + `
		`)
		l.check(t, "Zoe is removed ["+c[2]+"]")
	}
}

func TestVoiceOfWhoIsOnAnotherNodeIsOfThisRoomOnly(t *testing.T) {
	s, l, _ := zoe(t)
	s.act(`
	alice/desk sends {admin set}<item nick='Zoe' role='visitor'/>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Zoe'>{id}{user}<item affiliation='none' role='visitor' jid='zoe@far.net/x'><actor nick='Alice'/></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Zoe'>{id}{user}<item affiliation='none' role='visitor'><actor nick='Alice'/></item></x></presence>
	`)
	l.check(t)
}

func TestAModeratorOfAnotherNodeIsNoneHere(t *testing.T) {
	s, _, r := zoe(t)
	o := far("Zoe")
	o.Role = muc.Moderator
	s.op(t, func(t *router.Turn) error { return r.Change(t, "Zoe", o) })
	for _, who := range s.inside {
		s.Client(who).Got()
	}
	kick := "<iq from='zoe@far.net/x' to='ops@chat.hq.net' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Bob' role='none'/></query></iq>"
	s.act(`
	far.net    sends ` + kick + `
	far.net    gets  <iq from='ops@chat.hq.net' to='zoe@far.net/x' type='error' id='1'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	`)
	// One that this room made an admin is.
	s.op(t, func(t *router.Turn) error {
		return s.muc.SetMember(t, r, store.RoomMember{JID: "zoe@far.net", Affiliation: "admin"})
	})
	for _, who := range s.inside {
		s.Client(who).Got()
	}
	s.act(`
	far.net    sends ` + kick + `
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Zoe'/></item>{110}{307}</x></presence>
	far.net    gets  <iq from='ops@chat.hq.net' to='zoe@far.net/x' type='result' id='1'/>
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Zoe'/></item>{307}</x></presence>
	`)
}

func TestFederationHearsOfConfigurationAndEnd(t *testing.T) {
	s, l, _ := zoe(t)
	s.quiet("alice/desk", "{owner set}{submit}<field var='muc#roomconfig_moderatedroom'><value>1</value></field></x>{/}")
	l.check(t, "Bob is Bob visitor ", "ops@chat.hq.net configured")
	s.quiet("alice/desk", "{owner set}<destroy/>{/}")
	l.check(t, "Alice leaves []", "Bob leaves []", "ops@chat.hq.net destroyed")
}

// options is a Federation with a field of its own.
type options struct{ ledger }

func (options) Fields(c *store.Room) []forms.Field {
	return []forms.Field{{Var: "x-fmuc_enabled", Type: forms.Boolean, Label: "Federated", Values: forms.Bool(c.Fed.Enabled)}}
}

func (options) SetFields(c *store.Room, f *forms.Form) error {
	v, ok, err := f.Bool("x-fmuc_enabled")
	if ok {
		c.Fed.Enabled = v
	}
	return err
}

func TestFieldsOfFederationAreInTheForm(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.muc.Use(&options{})
	s.room(store.Room{}, owned)
	s.enter("alice/desk")
	s.Send("alice/desk", requests.Replace("{owner get}{/}"), true)
	if got := strings.Join(s.Client("alice/desk").Got(), ""); !strings.Contains(got, "<field var='x-fmuc_enabled' type='boolean' label='Federated'><value>0</value></field></x>") {
		t.Error(got)
	}
	s.act(`
	alice/desk sends {owner set}{submit}{x-fmuc_enabled=maybe}</x>{/}
	alice/desk gets  {refused modify not-acceptable: x-fmuc_enabled: neither true nor false}
	alice/desk sends {owner set}{submit}{x-fmuc_enabled=1}</x>{/}
	alice/desk gets  {done}
	alice/desk gets  {status}{104}</x></message>
	`)
	if !s.muc.Rooms()[0].State().Config.Fed.Enabled {
		t.Error("it is not enabled")
	}
}

// quitter is a Federation that leaves with the last of ours.
type quitter struct{ ledger }

func (*quitter) Changed(t *router.Turn, r *muc.Room, _, new *muc.Occupant, _ muc.Cause) error {
	if new == nil {
		return r.Remove(t, "Zoe", muc.Removal{})
	}
	return nil
}

// Removing takes everybody along who came by that node.
func (*quitter) Removing(t *router.Turn, r *muc.Room, _ *muc.Occupant, _ muc.Removal) error {
	return r.Remove(t, "Zoe", muc.Removal{})
}

func TestFederationMayChangeTheRoomMeanwhile(t *testing.T) {
	for _, items := range []string{
		"<item affiliation='outcast' jid='bob@hq.net'/><item affiliation='member' jid='carol@hq.net'/><item nick='Zoe' role='visitor'/>",
		"<item nick='Zoe' role='none'/><item affiliation='outcast' jid='zoe@far.net'/><item affiliation='none' jid='alice@hq.net'/><item affiliation='owner' jid='bob@hq.net'/>",
	} {
		s := newStage(t, muc.Options{})
		s.muc.Use(&quitter{})
		s.room(store.Room{}, owned)
		s.enter("alice/desk", "bob/phone")
		r := s.muc.Rooms()[0]
		s.op(t, func(t *router.Turn) error { return r.Enter(t, far("Zoe")) })
		s.quiet("alice/desk", "{admin set}"+items+"{/}")
		if r.State().Occupant("Zoe") != nil {
			t.Errorf("after %s she is still there", items)
		}
		// The operator sends the last one away, which ends the room.
		s.op(t, func(t *router.Turn) error { return s.muc.Configure(t, r, func(c *store.Room) { c.Persistent = false }) })
		s.op(t, func(t *router.Turn) error {
			return s.muc.Configure(t, r, func(c *store.Room) { c.MembersOnly, c.Name = true, "x" })
		})
		for _, who := range []string{"bob", "alice"} {
			if r.State() != nil {
				s.op(t, func(t *router.Turn) error { return s.muc.SetMember(t, r, standing(who, "none")) })
			}
		}
		if len(s.muc.Rooms()) != 0 {
			t.Error("the room is still there")
		}
	}
}

func TestAnEmptyRoomOfTheOperatorStays(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.op(t, func(t *router.Turn) error {
		r, err := s.muc.Create(t, store.Room{JID: "ops@chat.hq.net"}, nil)
		if err != nil {
			return err
		}
		return errors.Join(s.muc.SetMember(t, r, owned), s.muc.Configure(t, r, func(c *store.Room) { c.Name = "Ops" }))
	})
	if len(s.muc.Rooms()) != 1 {
		t.Error("the room is gone")
	}
}
