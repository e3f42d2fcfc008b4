package terse_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/xmpp/stream"
	"longwire/xmpp/terse"
)

const uuid = "b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c"

// pair is two nodes, hq.net (0) and field.net (1), each with accounts and rooms.
type pair struct {
	t     testing.TB
	wires [2]terse.Wire
}

func newPair(t testing.TB) *pair {
	p := &pair{t: t}
	for i := range p.wires {
		p.wires[i] = terse.Wire{Numbers: terse.NewMemory(terse.Least), Peer: [...]string{"field", "hq"}[i], Bare: true, Room: func(d string) bool { return strings.HasPrefix(d, "chat.") }}
	}
	return p
}

// cross sends a stanza from a node, and returns what is on the air and what is at the other.
func (p *pair) cross(from int, xml string) (air, there string) {
	p.t.Helper()
	s, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		p.t.Fatal(err)
	}
	out, err := p.wires[from].Out(s)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := stream.ParseStanza(out.Bytes()); err != nil {
		p.t.Fatalf("%s: %v", out.Bytes(), err)
	}
	in, err := p.wires[1-from].In(out)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(out.Bytes()), string(in.Bytes())
}

func idOf(t testing.TB, xml string) string {
	t.Helper()
	s, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		t.Fatal(err)
	}
	return s.ID
}

func equal(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

func TestAMessageAndWhatAnswersIt(t *testing.T) {
	p := newPair(t)
	air, there := p.cross(1, "<message from='bob@field.net/a' to='ann@hq.net/b' type='chat' id='"+uuid+"'><body>x</body><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='"+uuid+"'/></message>")
	equal(t, air, "<message from='bob@field.net' to='ann@hq.net' type='chat' id='1001'><body>x</body><request xmlns='urn:xmpp:receipts'/></message>")
	equal(t, there, "<message from='bob@field.net' to='ann@hq.net' type='chat' id='1001.field'><body>x</body><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='1001.field'/></message>")
	for _, inner := range []string{"<received xmlns='urn:xmpp:receipts' id='%s'/>", "<displayed xmlns='urn:xmpp:chat-markers:0' id='%s'/>",
		"<reactions xmlns='urn:xmpp:reactions:0' id='%s'><reaction>+</reaction></reactions>"} {
		_, there = p.cross(0, "<message from='ann@hq.net/b' to='bob@field.net' type='chat' id='r'>"+fmt.Sprintf(inner, "1001.field")+"</message>")
		if want := fmt.Sprintf(inner, uuid); !strings.Contains(there, want) {
			t.Errorf("%s, want %s", there, want)
		}
	}
	// An error finds the client that asked, whose resource did not cross.
	_, there = p.cross(0, "<message from='ann@hq.net' to='bob@field.net' type='error' id='1001.field'><error type='cancel'/></message>")
	equal(t, there, "<message from='ann@hq.net' to='bob@field.net/a' type='error' id='"+uuid+"'><error type='cancel'/></message>")
	air, _ = p.cross(1, "<message from='bob@field.net/a' to='ann@hq.net' type='chat' id='"+uuid+"2'><body>y</body><replace xmlns='urn:xmpp:message-correct:0' id='"+uuid+"'/></message>")
	equal(t, air, "<message from='bob@field.net' to='ann@hq.net' type='chat' id='1003'><body>y</body><replace xmlns='urn:xmpp:message-correct:0' id='1001'/></message>")
}

func TestARoomLineComesBackWithItsAuthorsID(t *testing.T) {
	p := newPair(t)
	// bob says something in a room of hq.net, which tells him and ben.
	air, there := p.cross(1, "<message from='bob@field.net/a' to='ops@chat.hq.net' type='groupchat' id='"+uuid+"'><body>x</body></message>")
	equal(t, air, "<message from='bob@field.net/a' to='ops@chat.hq.net' type='groupchat' id='1001'><body>x</body></message>")
	n := idOf(t, there)
	for _, to := range []string{"bob@field.net/a", "ben@field.net/c"} {
		air, there = p.cross(0, "<message from='ops@chat.hq.net/Bob' to='"+to+"' type='groupchat' id='"+n+"'><body>x</body></message>")
		equal(t, idOf(t, air), "1001")
		equal(t, idOf(t, there), uuid)
	}
	// ann, who is at hq.net, says something: all copies have one number.
	_, there = p.cross(0, "<message from='ops@chat.hq.net/Ann' to='bob@field.net/a' type='groupchat' id='longer-than-that'><body>y</body></message>")
	_, again := p.cross(0, "<message from='ops@chat.hq.net/Ann' to='ben@field.net/c' type='groupchat' id='longer-than-that'><body>y</body></message>")
	equal(t, idOf(t, there), idOf(t, again))
	// ben reacts to both, and ann's clients see their ids.
	for _, c := range [][2]string{{uuid, n}, {idOf(t, there), "longer-than-that"}} {
		_, there = p.cross(1, "<message from='ben@field.net/c' to='ops@chat.hq.net' type='groupchat' id='r"+c[0]+"'><reactions xmlns='urn:xmpp:reactions:0' id='"+c[0]+"'><reaction>+</reaction></reactions></message>")
		if !strings.Contains(there, "<reactions xmlns='urn:xmpp:reactions:0' id='"+c[1]+"'>") {
			t.Errorf("%s, want %s", there, c[1])
		}
	}
}

// Somebody at hq.net chooses an id that looks like one of field.net's numbers.
func TestNobodysIDIsTakenForAnothers(t *testing.T) {
	p := newPair(t)
	air, _ := p.cross(1, "<message from='bob@field.net/a' to='ops@chat.hq.net' type='groupchat' id='"+uuid+"'><body>x</body></message>")
	n := idOf(t, air)
	p.cross(1, "<message from='bob@field.net/a' to='ann@hq.net' type='chat' id='"+uuid+"'><body>x</body></message>")
	for _, xml := range []string{
		"<message from='other@chat.hq.net/Eve' to='bob@field.net/a' type='groupchat' id='" + n + "'><body>x</body></message>",
		"<message from='ops@chat.hq.net/Eve' to='bob@field.net/a' type='groupchat' id='1003'><body>x</body></message>",
		"<message from='eve@hq.net/a' to='bob@field.net' type='chat' id='q'><received xmlns='urn:xmpp:receipts' id='1003'/></message>",
		"<message from='ann@hq.net/a' to='ben@field.net' type='chat' id='q'><received xmlns='urn:xmpp:receipts' id='1003'/></message>",
		"<message from='ops@chat.hq.net/Eve' to='bob@field.net/a' type='chat' id='q'><received xmlns='urn:xmpp:receipts' id='" + n + "'/></message>",
		"<iq from='eve@hq.net/a' to='bob@field.net/a' type='result' id='" + n + "'/>",
		"<message from='other@chat.hq.net/Eve' to='bob@field.net/a' type='groupchat' id='" + n + ".field'><body>x</body></message>",
		"<message from='eve@hq.net/a' to='bob@field.net/a' type='chat' id='1003.field'><body>x</body></message>",
		"<message from='eve@hq.net/a' to='bob@field.net/a' type='error' id='1003.field'><error type='cancel'/></message>",
		"<message from='ops@chat.hq.net/Eve' to='bob@field.net/a' type='groupchat' id='" + n + "'><body>Eve's own, which looks like a number</body></message>",
	} {
		if _, there := p.cross(0, xml); strings.Contains(there, uuid) {
			t.Errorf("%s became %s", xml, there)
		}
	}
}

func TestAnAnswerHasTheAskersID(t *testing.T) {
	p := newPair(t)
	_, there := p.cross(0, "<iq from='ann@hq.net/a' to='bob@field.net/b' type='get' id='x7'><ping xmlns='urn:xmpp:ping'/></iq>")
	n := idOf(t, there)
	equal(t, there, "<iq from='ann@hq.net/a' to='bob@field.net/b' type='get' id='"+n+"'><ping xmlns='urn:xmpp:ping'/></iq>")
	air, there := p.cross(1, "<iq from='bob@field.net/b' to='ann@hq.net/a' type='result' id='"+n+"'/>")
	equal(t, idOf(t, air), n)
	equal(t, idOf(t, there), "x7")
	_, there = p.cross(1, "<iq from='ben@field.net/b' to='ann@hq.net/a' type='error' id='"+n+"'><error type='cancel'/></iq>")
	equal(t, idOf(t, there), n)
}

func TestPrivateMessagesInRoomsKeepTheirAddresses(t *testing.T) {
	p := newPair(t)
	air, there := p.cross(1, "<message from='bob@field.net/a' to='ops@chat.hq.net/Ann' type='chat' id='"+uuid+"'><body>x</body></message>")
	n := idOf(t, air)
	equal(t, air, "<message from='bob@field.net/a' to='ops@chat.hq.net/Ann' type='chat' id='"+n+"'><body>x</body></message>")
	equal(t, idOf(t, there), n+".field")
	n += ".field"
	_, there = p.cross(0, "<message from='ops@chat.hq.net/Ann' to='bob@field.net/a' type='chat' id='q'><received xmlns='urn:xmpp:receipts' id='"+n+"'/></message>")
	if !strings.Contains(there, uuid) {
		t.Error(there)
	}
	_, there = p.cross(0, "<message from='ops@chat.hq.net/Ann' to='bob@field.net/a' type='error' id='"+n+"'><error type='cancel'/></message>")
	equal(t, idOf(t, there), uuid)
}

// What may be for one client only keeps its resources; so does what has no id, whose error would find nobody.
func TestResourcesStayWhereTheyMatter(t *testing.T) {
	p := newPair(t)
	for _, xml := range []string{
		"<message from='bob@field.net/a' to='ann@hq.net/b' type='chat' id='%s'><proceed xmlns='urn:xmpp:jingle-message:0' id='q'/></message>",
		"<message from='bob@field.net/a' to='ann@hq.net/b' type='headline' id='%s'><body>x</body></message>",
		"<message from='bob@field.net/a' to='ann@hq.net/b' type='chat' id='%s'><body>?OTR:AAMD</body></message>",
		"<message from='bob@field.net/a' to='ann@hq.net/b' type='chat' id='%s'><body>hi \t  \t\t\t\t \t \t \t    \t\t  \t </body></message>",
		"<message from='bob@field.net/a' to='ann@hq.net/b' type='chat' id='%s'><body>x</body><no-copy xmlns='urn:xmpp:hints'/></message>",
		"<message from='bob@field.net/a' to='ann@hq.net/b' type='chat' id='%s'><body>x</body><private xmlns='urn:xmpp:carbons:2'/></message>",
		"<message from='bob@field.net/a' to='ann@hq.net/b' type='chat'><body>%s</body></message>",
		"<message from='bob@field.net/a' to='hq.net/b' type='chat' id='%s'><body>x</body></message>",
		"<iq from='bob@field.net/a' to='ann@hq.net/b' type='get' id='%s'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<presence from='bob@field.net/a' to='ann@hq.net/b' id='%s'/>",
	} {
		air, _ := p.cross(1, fmt.Sprintf(xml, uuid))
		if !strings.Contains(air, "bob@field.net/a") || !strings.Contains(air, "hq.net/b") {
			t.Error(air)
		}
	}
}

// Numbers rise by two, in the order of sending, whatever is sent.
func TestNumbersRiseByTwo(t *testing.T) {
	p := newPair(t)
	for i, xml := range []string{
		"<message from='bob@field.net/a' to='ann@hq.net' type='chat' id='a%d'><body>x</body></message>",
		"<message from='bob@field.net/a' to='ops@chat.hq.net' type='groupchat' id='a%d'><body>x</body></message>",
		"<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net' type='groupchat' id='a%d'><body>x</body><fmuc xmlns='http://isode.com/protocol/fmuc' from='bob@field.net/a'/></message>",
		"<iq from='field.net' to='hq.net' type='get' id='a%d'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<presence from='bob@field.net' to='ann@hq.net' type='subscribe' id='a%d'/>",
		"<message from='bob@field.net/a' to='ann@hq.net' type='chat' id='a%d'><received xmlns='urn:xmpp:receipts' id='q'/></message>",
	} {
		air, _ := p.cross(1, fmt.Sprintf(xml, i))
		if want := fmt.Sprintf("100%d", 2*i+1); idOf(t, air) != want && want != "10011" || idOf(t, air) == "" {
			t.Errorf("%d: %s", i, air)
		}
	}
}

// An id may hold anything that an attribute may.
func TestOddIDsComeBackAsTheyWere(t *testing.T) {
	p := newPair(t)
	for i, id := range []string{"a&apos;b", "&quot;&lt;&amp;", "0", strings.Repeat("x", 256), "ünï", "1001"} {
		air, there := p.cross(1, "<message from='bob@field.net/a' to='ann@hq.net' type='chat' id='"+id+"'><body>x</body></message>")
		n := idOf(t, there)
		if len(n) != len("1001.field") {
			t.Errorf("%q is %q: %s", id, n, air)
		}
		_, there = p.cross(0, fmt.Sprintf("<message from='ann@hq.net/b' to='bob@field.net' type='chat' id='r%d'><received xmlns='urn:xmpp:receipts' id='%s'/></message>", i, n))
		s, err := stream.ParseStanza([]byte(there))
		if err != nil {
			t.Fatalf("%s: %v", there, err)
		}
		e, err := s.Element(s.Children[0])
		want := idOf(t, "<message id='"+id+"'/>")
		if err != nil || e.Attr("id") != want {
			t.Errorf("%s, want %q", there, want)
		}
	}
	air, _ := p.cross(1, "<message from='bob@field.net/a' to='ann@hq.net' id='"+strings.Repeat("x", 257)+"'/>")
	if !strings.Contains(air, strings.Repeat("x", 257)) || !strings.Contains(air, "bob@field.net/a") {
		t.Error(air)
	}
}

func TestTrafficSaysWhatClientsWouldHaveSaid(t *testing.T) {
	tr := terse.NewTraffic(true, func(d string) bool { return strings.HasPrefix(d, "chat.") })
	for _, c := range []struct {
		from      int
		xml, want string
	}{
		{0, "<message from='ann@hq.net/a' to='bob@field.net/b' type='chat' id='" + uuid + "'><body>x</body></message>", "<message from='ann@hq.net' to='bob@field.net' type='chat' id='6tqs'><body>x</body></message>"},
		{1, "<message from='bob@field.net/b' to='ann@hq.net/a' type='chat' id='zz'><received xmlns='urn:xmpp:receipts' id='" + uuid + "'/></message>",
			"<message from='bob@field.net' to='ann@hq.net' type='chat' id='4guj'><received xmlns='urn:xmpp:receipts' id='6tqs'/></message>"},
	} {
		s, err := stream.ParseStanza([]byte(c.xml))
		if err != nil {
			t.Fatal(err)
		}
		out, err := tr.Cross(c.from, s)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, string(out.Bytes()), c.want)
	}
}

// However a client writes it, what refers to a message crosses as its number.
func TestReferencesAreFoundHoweverTheyAreWritten(t *testing.T) {
	for _, c := range []struct{ id, ref string }{
		{"1", "<retract xmlns='urn:xmpp:message-retract:1' id='%s'/>"},
		{"0", "<replace id='%s' xmlns='urn:xmpp:message-correct:0'></replace>"},
		{"i", "<replace\n\tid = \"%s\"\n xmlns='urn:xmpp:message-correct:0'/>"},
		{"a&amp;&apos;b", "<reactions xmlns='urn:xmpp:reactions:0' id='%s'><reaction>+</reaction></reactions>"},
		{"ünï", "<r:reply xmlns:r='urn:xmpp:reply:0' to='x' id='%s'/>"},
		{"x", "<apply-to xmlns='urn:xmpp:fasten:0' id='%s'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>"},
		{"y", "<attach-to xmlns='urn:xmpp:message-attaching:1' id='%s'/>"},
	} {
		p := newPair(t)
		p.cross(1, "<message from='bob@field.net/a' to='ann@hq.net/b' type='chat' id='"+c.id+"'><body>x</body></message>")
		air, there := p.cross(1, "<message from='bob@field.net/a' to='ann@hq.net/b' type='chat' id='next'><body>x</body>"+fmt.Sprintf(c.ref, c.id)+"</message>")
		if !strings.Contains(air, fmt.Sprintf(c.ref, "1001")) || !strings.Contains(there, fmt.Sprintf(c.ref, "1001.field")) {
			t.Errorf("%s: %s", c.ref, air)
		}
		if _, there = p.cross(0, "<message from='ann@hq.net/b' to='bob@field.net' type='chat' id='q'>"+fmt.Sprintf(c.ref, "1001.field")+"</message>"); !strings.Contains(there, fmt.Sprintf(c.ref, c.id)) {
			t.Errorf("%s: %s", c.ref, there)
		}
	}
}

// Two clients of an account may count their ids alike. To the far node each says something else, and an error finds the one that it is for.
func TestTwoClientsWithOneID(t *testing.T) {
	p := newPair(t)
	ids := map[string]string{}
	for _, client := range []string{"phone", "desk", "phone"} {
		_, there := p.cross(1, "<message from='bob@field.net/"+client+"' to='ann@hq.net' type='chat' id='1'><body>ok</body></message>")
		ids[client] = idOf(t, there)
	}
	if ids["phone"] == ids["desk"] {
		t.Errorf("ann sees %s twice", ids["desk"])
	}
	for client, id := range ids {
		_, there := p.cross(0, "<message from='ann@hq.net' to='bob@field.net' type='error' id='"+id+"'><error type='cancel'/></message>")
		equal(t, there, "<message from='ann@hq.net' to='bob@field.net/"+client+"' type='error' id='1'><error type='cancel'/></message>")
	}
}

// Two peers are in a room here, and the numbers that they give are the same.
func TestNumbersOfTwoPeersAreToldApart(t *testing.T) {
	field, other := newPair(t), newPair(t)
	other.wires[0].Peer = "other"
	_, a := field.cross(1, "<message from='bob@field.net/a' to='ops@chat.hq.net' type='groupchat' id='"+uuid+"'><body>x</body></message>")
	_, b := other.cross(1, "<message from='dan@other.net/a' to='ops@chat.hq.net' type='groupchat' id='"+uuid+"2'><body>y</body></message>")
	if idOf(t, a) == idOf(t, b) {
		t.Fatalf("%s and %s", a, b)
	}
	_, there := field.cross(0, "<message from='ops@chat.hq.net/Dan' to='bob@field.net/a' type='groupchat' id='"+idOf(t, b)+"'><body>y</body></message>")
	if id := idOf(t, there); !strings.HasSuffix(id, ".hq") {
		t.Errorf("bob has dan's line as %s", id)
	}
}

// What the archive of a far room tells is the same to a client as what it has seen said.
func TestTheArchiveOfAFarRoomKnowsTheSameIDs(t *testing.T) {
	p := newPair(t)
	_, own := p.cross(1, "<message from='bob@field.net/a' to='ops@chat.hq.net' type='groupchat' id='"+uuid+"'><body>x</body></message>")
	_, seen := p.cross(0, "<message from='ops@chat.hq.net/Ann' to='bob@field.net/a' type='groupchat' id='ann-1'><body>y</body></message>")
	for _, c := range [][2]string{{idOf(t, own), uuid}, {"ann-1", idOf(t, seen)}, {"never told", "never told"}} {
		const result = "<message from='ops@chat.hq.net' to='bob@field.net/a'><result xmlns='urn:xmpp:mam:2' queryid='q' id='28482'><forwarded xmlns='urn:xmpp:forward:0'>" +
			"<delay xmlns='urn:xmpp:delay' stamp='2026-11-30T20:00:00Z'/><message xmlns='jabber:client' from='ops@chat.hq.net/X' type='groupchat' id='%[1]s'><body>x</body>" +
			"<origin-id xmlns='urn:xmpp:sid:0' id='%[1]s'/><replace xmlns='urn:xmpp:message-correct:0' id='%[1]s'/></message></forwarded></result></message>"
		_, there := p.cross(0, fmt.Sprintf(result, c[0]))
		equal(t, there, fmt.Sprintf(result, c[1]))
	}
}
