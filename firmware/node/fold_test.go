package node_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/firmware/node"
	"longwire/links/fold"
)

// foldPair is two nodes on a link, of which headquarters calls it a link of a class. more is what both say of each other.
type foldPair struct {
	hq, field  *node.Node
	alice, bob *chatter
	hqDir      string
	last       int
	doc        func(class, more string) string
}

func newFoldPair(t *testing.T, class, hqSays, fieldSays string) *foldPair {
	t.Helper()
	a, b := freePort(t), freePort(t)
	p := &foldPair{hqDir: t.TempDir()}
	p.doc = func(class, more string) string {
		return half("headquarters.net", "field.net", a, b, "class = \""+class+"\"") + more
	}
	p.hq = start(t, write(t, p.hqDir, p.doc(class, hqSays)))
	p.field = start(t, write(t, t.TempDir(), half("field.net", "headquarters.net", b, a, "dial = false")+fieldSays))
	p.alice, p.bob = online(t, p.hq, "alice", "headquarters.net"), online(t, p.field, "bob", "field.net")
	return p
}

// gets sends something from alice and then a message, and returns what bob saw before that message.
func (p *foldPair) gets(t *testing.T, sent string) string {
	t.Helper()
	p.last++
	id := fmt.Sprint("id='last", p.last, "'")
	p.alice.send(sent + "<message to='bob@field.net' type='chat' " + id + "><body>last</body></message>")
	p.bob.until(id)
	return p.bob.seen
}

const (
	chats   = " xmlns='http://jabber.org/protocol/chatstates'/>"
	dressed = "<body>Convoy left</body><active" + chats + "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>" +
		"<origin-id xmlns='urn:xmpp:sid:0' id='0f'/>"
)

func TestWhatClientsAddDoesNotCrossALinkOfAClass(t *testing.T) {
	t.Parallel()
	p := newFoldPair(t, "hf-300", "", "")
	got := p.gets(t, "<message to='bob@field.net' type='chat' id='m1'>"+dressed+"</message>"+
		"<message to='bob@field.net' type='chat' id='m2'><composing"+chats+"</message>"+
		"<message to='bob@field.net' type='chat' id='m3'><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>By <b>road</b></body></html></message>"+
		"<presence><show>away</show></presence>")
	for _, want := range []string{"id='m1'><body>Convoy left</body><stanza-id", "id='m3'><body>By road</body><stanza-id"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	for _, no := range []string{"id='m2'", "away", "chatstates", "receipts"} {
		if strings.Contains(got, no) {
			t.Errorf("%s is in %s", no, got)
		}
	}
	counts := p.hq.Live().Folded["field.net"].Out
	if counts.Rules[1].Times != 2 || counts.Dropped[fold.Empty].Times != 1 || counts.After.Bytes >= counts.Before.Bytes {
		t.Errorf("%+v", counts)
	}
	// Said, and refused: not dropped.
	p.alice.send("<message to='bob@field.net' type='chat' id='m4'><reactions xmlns='urn:xmpp:reactions:0' id='m1'><reaction>+</reaction></reactions></message>")
	p.alice.until("type='error' id='m4'><error type='modify'><policy-violation")
}

func TestSubscriptionsCrossWherePresenceDoesNot(t *testing.T) {
	t.Parallel()
	p := newFoldPair(t, "hf-300", "", "[peer.fold]\npreset = \"hf-300\"\n")
	p.alice.send("<presence to='bob@field.net' type='subscribe'/>")
	p.bob.until("type='subscribe'")
	p.bob.send("<presence to='alice@headquarters.net' type='subscribed'/>")
	p.alice.until("type='subscribed'")
	if got := p.gets(t, "<presence><show>away</show></presence>"); strings.Contains(got, "from='alice@headquarters.net/x'><show>") {
		t.Errorf("presence crossed: %s", got)
	}
}

// A room across such a link cannot be entered, and whoever tries is told at once; and nothing of him is left to be taken back later.
func TestARoomThatCannotBeEnteredIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	join := "<presence to='ops@chat.field.net/ann' id='j1'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
	domains := func(more string) string { return "domains = [\"field.net\", \"chat.field.net\"]\n" + more }
	p := newFoldPair(t, "hf-300", "", "")
	doc := strings.Replace(p.doc("hf-300", ""), "domains = [\"field.net\"]\n", domains(""), 1)
	if err := p.hq.Reload(write(t, p.hqDir, doc)); err != nil {
		t.Fatal(err)
	}
	p.alice.send(join)
	p.alice.until("type='error' id='j1'")
	p.alice.until("<service-unavailable ")
	p.alice.send("<presence type='unavailable'/>")
	p.alice.taken("headquarters.net")
	if n := p.hq.Store().Queue("field.net").Stats().Entries; n != 0 {
		t.Errorf("%d entries wait", n)
	}
	// Unless the operator lets users enter it.
	doc += "[peer.fold]\nrooms = [\"chat.field.net\"]\n"
	if err := p.hq.Reload(write(t, p.hqDir, doc)); err != nil {
		t.Fatal(err)
	}
	p.alice.send("<presence/>" + join)
	p.alice.until("from='ops@chat.field.net/ann'")
}

func TestPresenceThatIsNoNewsIsNotSent(t *testing.T) {
	t.Parallel()
	p := newFoldPair(t, "satcom", "[peer.fold]\nwindow = \"10ms\"\n", "")
	p.alice.send("<presence to='bob@field.net' type='subscribe'/>")
	p.bob.until("type='subscribe'")
	p.bob.send("<presence to='alice@headquarters.net' type='subscribed'/><presence to='alice@headquarters.net' type='subscribe'/>")
	p.alice.until("type='subscribe'")
	p.alice.send("<presence to='bob@field.net' type='subscribed'/>")
	p.bob.until("from='alice@headquarters.net/x'")
	settle := func() {
		t.Helper()
		drained(t, p.hq, "field.net")
	}
	settle()
	p.alice.send("<presence><show>away</show><c xmlns='http://jabber.org/protocol/caps' node='n' hash='sha-1' ver='1'/></presence>")
	p.bob.until("<show>away</show></presence>")
	settle()
	time.Sleep(50 * time.Millisecond) // the confirmation is noted after the entry is gone
	got := p.gets(t, "<presence><show>away</show><c xmlns='http://jabber.org/protocol/caps' node='n' hash='sha-1' ver='2'/></presence>")
	settle()
	got += p.gets(t, "")
	if strings.Contains(got, "<presence") {
		t.Errorf("told twice: %s", got)
	}
	// Whoever asks has forgotten.
	p.bob.send("<presence type='unavailable'/><presence/>")
	p.bob.until("<show>away</show></presence>")
}

// Rules of the operator by the guide to another server: its words, and its slip.
func TestFoldingByTheGuide(t *testing.T) {
	t.Parallel()
	p := newFoldPair(t, "", `[peer.fold]
messages = "strip all elements in the rule set"
presence = "do not pass the matched elements"
[[peer.fold.rule]]
names = ["composing", "active", "gone", "paused", "inactive"]
namespace = "http://field.net/protocol/chatstates"
[[peer.fold.rule]]
names = ["html"]
namespace = "http://jabber.org/protocol/xhtml-im"
`, "")
	got := p.gets(t, "<message to='bob@field.net' type='chat' id='m1'>"+dressed+"</message><presence to='bob@field.net'/>")
	if !strings.Contains(got, "id='m1'><body>Convoy left</body><request ") {
		t.Errorf("%s", got)
	}
	if strings.Contains(got, "from='alice@headquarters.net/x' to='bob@field.net'/>") {
		t.Errorf("presence crossed: %s", got)
	}
}

// What is published ends at the link unless the operator lets it cross.
func TestEventsCrossOnlyWherePubsubDoes(t *testing.T) {
	t.Parallel()
	event := "<message to='bob@field.net' type='headline' id='e1'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'/></event></message>"
	said := "<message to='bob@field.net' type='chat' id='e2'><body>x</body><event xmlns='http://jabber.org/protocol/pubsub#event'/></message>"
	for class, pubsub := range map[string]bool{"": false, "hf-300": true} {
		doc := ""
		if pubsub {
			doc = "pubsub = true\n"
		}
		p := newFoldPair(t, class, doc, "")
		got := p.gets(t, event+said)
		if strings.Contains(got, "id='e1'") != pubsub || strings.Contains(got, "<body>x</body><event") != pubsub || !strings.Contains(got, "<body>x</body>") {
			t.Errorf("pubsub %v: %s", pubsub, got)
		}
	}
}

// A room here would let somebody in to whom no presence may cross: he would see nobody, and believe that he is alone.
func TestNobodyEntersARoomHereThatHeWouldNotSee(t *testing.T) {
	t.Parallel()
	a, b := freePort(t), freePort(t)
	hq := start(t, write(t, t.TempDir(), half("headquarters.net", "field.net", a, b, "class = \"hf-300\"")))
	doc := strings.Replace(half("field.net", "headquarters.net", b, a, "dial = false"), "domains = [\"headquarters.net\"]\n", "domains = [\"headquarters.net\", \"chat.headquarters.net\"]\n", 1)
	field := start(t, write(t, t.TempDir(), doc))
	alice, bob := online(t, hq, "alice", "headquarters.net"), online(t, field, "bob", "field.net")
	alice.send("<presence to='ops@chat.headquarters.net/ann'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	alice.until("status code='201'")
	alice.send("<iq type='set' id='o' to='ops@chat.headquarters.net'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>")
	alice.until("id='o'")
	bob.send("<presence to='ops@chat.headquarters.net/bob' id='j1'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	bob.until("type='error' id='j1'")
	bob.until("<service-unavailable ")
}
