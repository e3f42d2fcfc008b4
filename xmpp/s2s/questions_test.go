package s2s_test

import (
	"testing"

	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Who answers questions here decides about all of them, and hears what becomes of those that cross.
func TestQuestionsThatCrossAreFollowed(t *testing.T) {
	var told []string
	c := hq
	c.Queue.Entries = 1
	c.Answer = func(_ *router.Turn, s *stanza.Stanza) (bool, error) { return s.ID == "here", nil }
	c.Asked = func(_ *router.Turn, s *stanza.Stanza) { told = append(told, "asked "+s.ID) }
	c.Failed = func(_ *router.Turn, s *stanza.Stanza, why *stanza.Err) {
		told = append(told, "failed "+s.ID+" "+string(why.Condition))
	}
	c.Heard = func(_ *router.Turn, s *stanza.Stanza) { told = append(told, "heard "+s.ID) }
	r := newRig(t, c)
	iq := func(typ, id, inner string) string {
		return "<iq from='" + alice + "' to='" + bob + "' type='" + typ + "' id='" + id + "'>" + inner + "</iq>"
	}
	pubsub := "<pubsub xmlns='http://jabber.org/protocol/pubsub'/>"
	r.route(iq("get", "here", pubsub), iq("get", "q1", pubsub), iq("result", "r1", ""), say("m1", "x"))
	r.deliver("<iq from='" + bob + "' to='" + alice + "' type='result' id='q1'/>")
	r.deliver("<iq from='eve@evil.example' to='" + alice + "' type='result' id='q2'/>") // not the peer's to say
	equal(t, "told", told, []string{"asked q1", "failed q1 resource-constraint", "heard q1"})
}
