package node_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/firmware/node"
)

// sentTo counts what a node has given to its link to a peer.
func sentTo(t *testing.T, n *node.Node, peer string) (count uint64) {
	t.Helper()
	for _, l := range n.Live().Links {
		if l.Peer == peer {
			count += l.StanzasOut
		}
	}
	return count
}

// A client that asks all it can think of hears at once, and nothing of it is sent.
func TestQuestionsStayOnThisSideOfHF(t *testing.T) {
	t.Parallel()
	p := newHFPair(t, "longwire")
	say(p.alice, p.bob, "bob@field.net", "m1")
	drained(t, p.hq, "field.net")
	before := sentTo(t, p.hq, "field.net")
	begun := time.Now()
	const no = "><error type='cancel'><service-unavailable"
	for i, c := range []struct{ to, ask, typ, want string }{
		{"field.net", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "result", "><query xmlns='http://jabber.org/protocol/disco#info'><identity category='server'"},
		{"field.net", "<query xmlns='http://jabber.org/protocol/disco#items'/>", "result", ">"},
		{"field.net", "<ping xmlns='urn:xmpp:ping'/>", "result", "/>"},
		{"bob@field.net", "<vCard xmlns='vcard-temp'/>", "error", no},
		{"bob@field.net/x", "<query xmlns='jabber:iq:version'/>", "error", no},
		{"bob@field.net", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:metadata'/></pubsub>", "error", no},
		{"bob@field.net", "<query xmlns='urn:example:unknown'/>", "error", no},
	} {
		p.alice.send(fmt.Sprintf("<iq type='get' to='%s' id='q%d'>%s</iq>", c.to, i, c.ask))
		p.alice.until(fmt.Sprintf("type='%s' id='q%d'%s", c.typ, i, c.want))
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("seven questions took %v", took)
	}
	if after := sentTo(t, p.hq, "field.net"); after != before || p.hq.Store().Queue("field.net").Stats().Entries > 0 {
		t.Errorf("%d stanzas were sent, or wait", after-before)
	}
}

// A rule lets a question cross; it is answered there, and not asked again.
func TestAQuestionCrossesByARule(t *testing.T) {
	t.Parallel()
	p := newHFPair(t, "longwire", "[peer.questions]\ncross = [\"jabber:iq:version\"]\n")
	ask := "<iq type='get' to='field.net' id='v'><query xmlns='jabber:iq:version'/></iq>"
	p.alice.send(ask)
	p.alice.until("type='result' id='v'><query xmlns='jabber:iq:version'>")
	drained(t, p.hq, "field.net")
	before := sentTo(t, p.hq, "field.net")
	p.alice.send(strings.Replace(ask, "'v'", "'w'", 1))
	p.alice.until("type='result' id='w'><query xmlns='jabber:iq:version'>")
	if after := sentTo(t, p.hq, "field.net"); after != before {
		t.Errorf("it was asked again: %d stanzas", after-before)
	}
}
