package muc_test

import (
	"errors"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

func TestADestroyedRoomTellsEachOfItselfAndThenTheOwner(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	s.quiet("bob/phone", "<message to='ops@chat.hq.net' type='groupchat'><body>For the archive</body></message>")
	s.act(`
	bob/phone  sends {owner set}<destroy/>{/}
	bob/phone  gets  {refused auth forbidden}
	alice/desk sends {owner set}<destroy jid='cave@chat.hq.net'><password>open &amp; shut</password><reason>Macbeth doth come.</reason></destroy>{/}
	alice/desk gets  <presence from='ops@chat.hq.net/Alice' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='alice@hq.net/desk'/><destroy jid='cave@chat.hq.net'><password>open &amp; shut</password><reason>Macbeth doth come.</reason></destroy>{110}</x></presence>
	alice/desk gets  {done}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'/><destroy jid='cave@chat.hq.net'><password>open &amp; shut</password><reason>Macbeth doth come.</reason></destroy>{110}</x></presence>
	`)
	err := s.DB.View(func(tx *store.Tx) error {
		return tx.ArchiveScan("ops@chat.hq.net", 0, 0, false, func(e store.ArchiveEntry) (bool, error) {
			t.Errorf("the archive still has %s", e.Stanza)
			return true, nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

const gone = `<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:cave@chat.hq.net?join</gone><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>We moved</text></error>`

func TestATombstoneSendsThoseWhoComeLaterAway(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	s.quiet("alice/desk", "{owner set}<destroy jid='cave@chat.hq.net'><reason>We moved</reason></destroy>{/}")
	late := func() {
		s.act(`
		alice/desk sends <presence to='ops@chat.hq.net/Alice' id='1'>{muc}</presence>
		alice/desk gets  <presence from='ops@chat.hq.net/Alice' type='error' id='1'>{muc}<error type='cancel' by='ops@chat.hq.net'>` + gone + `</presence>
		alice/desk sends {owner get}{/}
		alice/desk gets  <iq from='ops@chat.hq.net' type='error' id='1'><error type='cancel'>` + gone + `</iq>
		alice/desk sends <iq type='get' id='1' to='chat.hq.net'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>
		alice/desk gets  <iq from='chat.hq.net' type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#items'></query></iq>
		`)
	}
	late()
	// A start of the service does not forget it.
	if err := s.muc.SetDomains(nil); err != nil {
		t.Fatal(err)
	}
	s.muc = muc.New(s.Host, s.Router, muc.Options{})
	if err := errors.Join(s.muc.Load(), s.muc.SetDomains([]string{"chat.hq.net"})); err != nil {
		t.Fatal(err)
	}
	late()
	// The operator can use the name again.
	s.room(store.Room{}, owned)
	s.enter()
	s.act(`
	alice/desk sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk 110 170]</presence>
	alice/desk gets  {no subject}
	`)
}

func TestWithoutAnotherPlaceTheNameIsFree(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	s.quiet("alice/desk", "{owner set}<destroy/>{/}")
	s.act(alicesRoom)
}

func TestWhatCannotBeDestroyed(t *testing.T) {
	s := opsWith(t, store.Room{Declared: true}, nil)
	s.act(`
	alice/desk sends {owner set}<destroy jid='a@b@c'/>{/}
	alice/desk gets  {refused modify jid-malformed}
	alice/desk sends {owner set}<destroy jid='ops@chat.hq.net/x'/>{/}
	alice/desk gets  {refused modify not-acceptable: the other room is this room}
	alice/desk sends {owner set}<destroy/>{/}
	alice/desk gets  {refused cancel not-allowed: this room is set up by the operator of the node}
	`)
	r := s.muc.Rooms()[0]
	if err := s.attempt(func(t *router.Turn) error { return s.muc.Destroy(t, r, jid.JID{}, "over") }); err != nil {
		t.Fatal(err)
	}
	s.act(`
	alice/desk gets  <presence from='ops@chat.hq.net/Alice' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='alice@hq.net/desk'/><destroy><reason>over</reason></destroy>{110}</x></presence>
	`)
}

func TestADestructionThatIsNotCommittedNeverHappened(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	r := s.muc.Rooms()[0]
	no := errors.New("no")
	err := s.attempt(func(t *router.Turn) error {
		if err := s.muc.Destroy(t, r, jid.MustParse("cave@chat.hq.net"), ""); err != nil {
			return err
		}
		return no
	})
	if !errors.Is(err, no) {
		t.Fatal(err)
	}
	s.act(`
	alice/desk sends <message to='ops@chat.hq.net' type='groupchat' id='1'><body>Still here</body></message>
	alice/desk gets  <message from='ops@chat.hq.net/Alice' type='groupchat' id='1'><body>Still here</body>{id}{stanza-id}</message>
	bob/phone  gets  <message from='ops@chat.hq.net/Alice' type='groupchat' id='1'><body>Still here</body>{id}{stanza-id}</message>
	`)
}
