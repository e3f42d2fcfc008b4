package node_test

import (
	"regexp"
	"strings"
	"testing"
)

// Two nodes as they come, with an HF link: ids are numbers on it, and each client sees its own.
func TestIDsAreNumbersOverHF(t *testing.T) {
	t.Parallel()
	const own = "b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c"
	p := newHFPair(t, "longwire")
	asShipped := func(doc string) string {
		return strings.Replace(doc, idsKept, "fold.preset = \"lean\"\nquestions.mode = \"cross\"\n", 1)
	}
	if err := p.field.Reload(write(t, p.fieldDir, asShipped(p.fieldDoc))); err != nil {
		t.Fatal(err)
	}
	if err := p.hq.Reload(write(t, p.hqDir, asShipped(p.hqDoc))); err != nil {
		t.Fatal(err)
	}
	p.alice.send("<message to='bob@field.net' type='chat' id='" + own + "'><body>Convoy left</body><request xmlns='urn:xmpp:receipts'/>" +
		"<active xmlns='http://jabber.org/protocol/chatstates'/><origin-id xmlns='urn:xmpp:sid:0' id='" + own + "'/></message>")
	got := p.bob.through("</message>")
	m := regexp.MustCompile(`<message from='alice@headquarters.net' to='[^']*' type='chat' id='([0-9a-z]{4}\.[a-z.]+)'>`).FindStringSubmatch(got)
	if m == nil {
		t.Fatalf("bob got %s", got)
	}
	n := m[1]
	if !strings.Contains(got, "<origin-id xmlns='urn:xmpp:sid:0' id='"+n+"'/>") || strings.Contains(got, "chatstates") || !strings.Contains(got, "<request xmlns='urn:xmpp:receipts'/>") {
		t.Errorf("bob got %s", got)
	}
	p.bob.send("<message to='alice@headquarters.net' type='chat' id='r1'><received xmlns='urn:xmpp:receipts' id='" + n + "'/></message>")
	p.alice.until("<received xmlns='urn:xmpp:receipts' id='" + own + "'/>")
	p.bob.send("<message to='alice@headquarters.net' type='chat' id='e1'><reactions xmlns='urn:xmpp:reactions:0' id='" + n + "'><reaction>+</reaction></reactions></message>")
	p.alice.until("<reactions xmlns='urn:xmpp:reactions:0' id='" + own + "'>")
	p.alice.send("<message to='bob@field.net' type='chat' id='" + own + "2'><body>Convoy left at two</body><replace xmlns='urn:xmpp:message-correct:0' id='" + own + "'/></message>")
	p.bob.until("<replace xmlns='urn:xmpp:message-correct:0' id='" + n + "'/>")
	// An error finds the client that wrote, by its resource, and with its id.
	p.alice.send("<message to='nobody@field.net/x' type='chat' id='" + own + "3'><body>Anybody?</body></message>")
	p.alice.until("type='error' id='" + own + "3'>")
	// So does the answer to a question.
	p.alice.send("<iq to='field.net' type='get' id='" + own + "4'><ping xmlns='urn:xmpp:ping'/></iq>")
	p.alice.until("type='result' id='" + own + "4'/>")
}
