package s2s_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

// tracking makes a rig whose users want to know.
func tracking(t *testing.T, c s2s.Config) *rig {
	r := newRig(t, c)
	r.peers.Track = func(from, _ jid.JID) bool { return from.Domain() == "field.net" }
	return r
}

// fates are what became of what alice sent, as "id:state:why", the oldest first.
func (r *rig) fates() (all []string) {
	r.t.Helper()
	err := r.db.View(func(tx *store.Tx) error {
		fates, err := tx.Fates("alice@field.net", 0)
		for _, f := range fates {
			text := f.StanzaID + ":" + f.State.String()
			if f.Why != "" {
				text += ":" + f.Why
			}
			all = append(all, text)
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// confirm has hq confirm all that is queued.
func (r *rig) confirm() {
	r.t.Helper()
	q := r.peer().Queue()
	var all []uint64
	for _, e := range r.queue() {
		all = append(all, e.ID)
	}
	if err := r.db.Update(func(tx *store.Tx) error {
		if err := q.Number(tx, "OUT", 1, all); err != nil {
			return err
		}
		_, err := q.Confirm(tx, "OUT", uint32(len(all)))
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
}

func TestWhatBecomesOfAMessage(t *testing.T) {
	r := tracking(t, hq)
	from := "from='" + alice + "' to='" + bob + "'"
	r.route(say("a-peer", "1"), say("b-client", "2"), say("c-refused", "3"), "<presence "+from+"/>", "<iq "+from+" type='get' id='q'/>",
		"<message "+from+" type='error' id='e'/>", "<message from='ops@chat.field.net/Bob' to='"+bob+"' type='groupchat' id='g'><body>x</body></message>")
	r.confirm()
	r.deliver("<message from='bob@headquarters.net/other' to='alice@field.net' id='r1'><received xmlns='urn:xmpp:receipts' id='b-client'/></message>")
	r.deliver("<message from='" + bob + "' to='" + alice + "' type='error' id='c-refused'><error type='cancel'>" +
		"<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>nobody of that name</text></error></message>")
	r.deliver("<message from='carol@headquarters.net' to='alice@field.net' id='r2'><received xmlns='urn:xmpp:receipts' id='a-peer'/></message>") // it was not sent to carol
	r.route(say("d-cancelled", "4"), say("e-mine", "5"), say("f-queued", "6"))
	es := r.queue()
	if gone, err := r.peer().CancelOf(jid.MustParse("eve@field.net"), es[0].ID); err != nil || gone != nil {
		t.Error("cancelled by somebody else:", gone, err)
	}
	if gone, err := r.peer().CancelOf(jid.MustParse("alice@field.net/desk"), es[0].ID, 4711); err != nil || len(gone) != 1 {
		t.Error(gone, err)
	}
	if _, err := r.peer().Cancel(es[1].ID); err != nil {
		t.Error(err)
	}
	equal(t, "fates", r.fates(), []string{
		"a-peer:at peer", "b-client:delivered", "c-refused:refused:item-not-found: nobody of that name",
		"d-cancelled:cancelled:you cancelled it before it was sent", "e-mine:cancelled:cancelled by the operator before it was sent", "f-queued:queued",
	})
}

// What a peer says of a message of ours is remembered as text, wherever it is cut off; and that a node has a message does not mean that a client has it.
func TestWhatAPeerSaysOfAMessageIsRemembered(t *testing.T) {
	r := tracking(t, hq)
	r.route(say("a", "1"), say("b", "2"))
	r.confirm()
	text := "x" + strings.Repeat("é", 150)
	r.deliver("<message from='" + bob + "' to='" + alice + "' type='error' id='a'><error type='cancel'>" +
		"<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>" + text + "</text></error></message>")
	r.deliver("<message from='" + bob + "' to='" + alice + "' id='r'><received xmlns='urn:xmpp:receipts' id='b'/><hop xmlns='urn:x-longwire:delivery:0' at='peer-node'/></message>")
	equal(t, "fates", r.fates(), []string{"a:refused:gone: x" + strings.Repeat("é", 99), "b:at peer"})
}

func TestWhatExpiredAndWhatFoundNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := hq
		c.Queue.Entries, c.Precedence.Prefixes = 2, true
		r := tracking(t, c)
		stop := r.run()
		r.route(say("m1", "1"), say("m2", "2"), say("m3", "!3"))
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		equal(t, "fates", r.fates(), []string{
			"m1:overflow:it had to make room for what is more urgent",
			"m2:expired:not sent before 00:00 UTC on 2 January 2000", "m3:expired:not sent before 00:00 UTC on 2 January 2000",
		})
		stop()
		r.db.Close()
	})
}

// A receipt is owed only where nobody else can give one: the sender asked, and what crosses does not ask any more.
func TestReceiptIsOwedWhereTheQuestionWasFoldedAway(t *testing.T) {
	c := hq
	c.Fold = func(_ time.Time, s *stanza.Stanza) s2s.Folded {
		if s.ID == "kept" {
			return s2s.Folded{Stanza: s}
		}
		return s2s.Folded{Saved: 40, Stanza: s.Without(func(c stanza.Child) bool { return c.Name.Local == "request" })}
	}
	r := tracking(t, c)
	ask := func(id, kind, inner string) string {
		return "<message from='" + alice + "' to='" + bob + "' type='" + kind + "' id='" + id + "'><body>x</body>" + inner + "</message>"
	}
	const request = "<request xmlns='urn:xmpp:receipts'/>"
	r.route(ask("kept", "chat", request), ask("folded", "chat", request), ask("not asked", "chat", ""), ask("in a room", "groupchat", request))
	var owed []string
	for _, e := range r.queue() {
		if e.Receipt {
			owed = append(owed, e.StanzaID)
		}
		if e.Saved != 40 && e.StanzaID != "kept" {
			t.Errorf("%s: %d saved", e.StanzaID, e.Saved)
		}
	}
	equal(t, "owed", owed, []string{"folded"})
}
