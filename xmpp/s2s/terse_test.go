package s2s_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"longwire/xmpp/s2s"
)

const long = "b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c"

func shortening() s2s.Config {
	c := hq
	c.Terse = true
	return c
}

// sends routes a message of alice and returns its id on the link.
func (r *rig) sends(xml string) string {
	r.t.Helper()
	r.route(xml)
	q := r.queue()
	return parse(r.t, string(q[len(q)-1].Stanza)).ID
}

func TestIDsAreShortOnTheLinkAndLongInAnswers(t *testing.T) {
	r := newRig(t, shortening())
	short := r.sends(say(long, "one"))
	n, err := strconv.ParseUint(short, 36, 64)
	if len(short) != 4 || err != nil || n%2 != 1 {
		t.Fatalf("%q", short)
	}
	if again := r.sends(say(long, "one")); again != short {
		t.Errorf("the same message is %q, then %q", short, again)
	}
	if r.queue()[0].StanzaID != long {
		t.Errorf("people see %q", r.queue()[0].StanzaID)
	}
	// What the far client says of it comes with the id that alice's client knows.
	for _, inner := range []string{
		"<received xmlns='urn:xmpp:receipts' id='%s'/>", "<displayed xmlns='urn:xmpp:chat-markers:0' id=\"%s\"/>",
		"<reply xmlns='urn:xmpp:reply:0' to='alice@field.net' id='%s'/><body>yes</body>",
		"<reactions id='%s' xmlns='urn:xmpp:reactions:0'><reaction>+</reaction></reactions>",
	} {
		said := "<message from='" + bob + "' to='" + alice + "' type='chat' id='x'>" + inner + "</message>"
		r.deliver(fmt.Sprintf(said, short))
		want := fmt.Sprintf(said, long)
		if strings.Contains(inner, "<body>") { // which had an origin-id as well
			want = strings.Replace(want, "</message>", "<origin-id xmlns='urn:xmpp:sid:0' id='x'/></message>", 1)
		}
		equal(t, "answer", r.received(), []string{want})
	}
	r.deliver("<message from='" + bob + "' to='" + alice + "' type='error' id='" + short + "'><error type='cancel'/></message>")
	equal(t, "error", r.received(), []string{"<message from='" + bob + "' to='" + alice + "' type='error' id='" + long + "'><error type='cancel'/></message>"})

	// Her corrections and replies name what bob's client knows.
	for _, c := range []string{"<replace id='%s' xmlns='urn:xmpp:message-correct:0'/><body>two</body>", "<reply xmlns='urn:xmpp:reply:0' id='%s'/><body>two</body>"} {
		r.route("<message from='" + alice + "' to='" + bob + "' type='chat' id='" + long + "2'>" + fmt.Sprintf(c, long) + "</message>")
		q := r.queued()
		if want := fmt.Sprintf(c, short); !strings.Contains(q[len(q)-1], want) {
			t.Errorf("%s, want %s", q[len(q)-1], want)
		}
	}
}

func TestAllThatHasAnIDGetsANumber(t *testing.T) {
	r := newRig(t, shortening())
	r.peers.Room = func(domain string) bool { return strings.HasPrefix(domain, "chat.") }
	first := r.sends(say(long, "one"))
	last, _ := strconv.ParseUint(first, 36, 64)
	for _, xml := range []string{
		"<message from='" + alice + "' to='ops@chat.headquarters.net' type='groupchat' id='" + long + "'><body>x</body></message>",
		"<message from='ops@chat.field.net/a' to='" + bob + "' type='chat' id='" + long + "'><body>x</body></message>",
		"<message from='" + alice + "' to='ops@chat.headquarters.net/b' type='chat' id='" + long + "'><body>x</body></message>",
		"<iq from='" + alice + "' to='" + bob + "' type='get' id='" + long + "'><q xmlns='urn:q'/></iq>",
		"<message from='" + alice + "' to='" + bob + "' type='chat' id='m1'><body>x</body></message>",
		"<message from='" + alice + "' to='" + bob + "' type='chat' id='" + first + "'><body>x</body></message>",
	} {
		n, err := strconv.ParseUint(r.sends(xml), 36, 64)
		if err != nil || n != last+2 {
			t.Errorf("%s: %d behind %d", xml, n, last)
		}
		last = n
	}
	for _, xml := range []string{
		"<message from='" + alice + "' to='" + bob + "' type='error' id='" + long + "'><error type='cancel'/></message>",
		"<presence from='" + alice + "' to='" + bob + "' id='" + long + "'/>",
	} {
		if id := r.sends(xml); id != long {
			t.Errorf("%s: %q", xml, id)
		}
	}
}

// Bob's messages have ids of their own here, and what alice says of one crosses as bob's node knows it, also if that is not terse itself, and whatever ids it has.
func TestWhatTheyHaveNumberedIsKnownToThemByThat(t *testing.T) {
	r := newRig(t, shortening())
	here := func(id string) string {
		r.deliver("<message from='" + bob + "' to='" + alice + "' type='chat' id=\"" + id + "\"><body>x</body></message>")
		got := r.received()
		if len(got) != 1 {
			t.Fatalf("%q: %s", id, got)
		}
		return parse(t, got[0]).ID
	}
	if id := here("12ac"); id != "12ac.hq" {
		t.Errorf("%q", id)
	}
	for i, his := range []string{"12ac", "12ad", "none", "zzzz9", "m1", long, "x'y", "0000"} {
		id := strings.ReplaceAll(here(his), "'", "&apos;")
		r.route("<message from='" + alice + "' to='" + bob + "' type='chat' id='r" + fmt.Sprint(i) + "'><received xmlns='urn:xmpp:receipts' id='" + id + "'/></message>")
		q := r.queued()
		if want := " id='" + strings.ReplaceAll(his, "'", "&apos;") + "'/>"; !strings.HasSuffix(q[len(q)-1], want+"</message>") {
			t.Errorf("%s, want %s", q[len(q)-1], want)
		}
	}
}

// Numbers can be guessed. Nobody gets the id of a message between others for one.
func TestOnlyWhoGotAMessageGetsItsIDBack(t *testing.T) {
	r := newRig(t, shortening())
	short := r.sends(say(long, "one"))
	for _, between := range []string{"from='eve@headquarters.net' to='" + alice + "'", "from='" + bob + "' to='dan@field.net'"} {
		r.deliver("<message " + between + " type='chat'><received xmlns='urn:xmpp:receipts' id='" + short + "'/></message>")
		if got := r.received(); len(got) != 1 || strings.Contains(got[0], long) {
			t.Errorf("%s: %s", between, got)
		}
	}
}

func TestIDsThatAreTooLongStay(t *testing.T) {
	r := newRig(t, shortening())
	for _, id := range []string{"", strings.Repeat("x", 257)} {
		if got := r.sends(say(id, "x")); got != id {
			t.Errorf("%q became %q", id, got)
		}
	}
}

func TestWhatDoesNotCrossComesBackWithItsOwnID(t *testing.T) {
	r := newRig(t, shortening())
	r.sends(say(long, "one"))
	if _, err := r.peer().Cancel(r.queue()[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := r.received(); len(got) != 1 || !strings.Contains(got[0], "id='"+long+"'") {
		t.Errorf("%s", got)
	}
}

func TestShortIDsOutliveARestart(t *testing.T) {
	r := newRig(t, shortening())
	short := r.sends(say(long, "one"))
	r.db.Close()
	r.start(shortening())
	r.deliver("<message from='" + bob + "' to='" + alice + "'><received xmlns='urn:xmpp:receipts' id='" + short + "'/></message>")
	if got := r.received(); len(got) != 1 || !strings.Contains(got[0], "id='"+long+"'") {
		t.Errorf("%s", got)
	}
	if next := r.sends(say(long+"2", "two")); next <= short {
		t.Errorf("%s behind %s", next, short)
	}
}

// The link has less of a message than people see of it in the queue, and than its sender gets back.
func TestOnlyTheLinkSeesTheTerseForm(t *testing.T) {
	r := newRig(t, shortening())
	r.route("<message from='" + alice + "' to='" + bob + "' type='chat' id='" + long + "'><body>one</body><origin-id xmlns='urn:xmpp:sid:0' id='" + long + "'/></message>")
	e := r.queue()[0]
	if e.From != alice || e.To != bob || e.StanzaID != long {
		t.Errorf("people see %s, %s, %s", e.From, e.To, e.StanzaID)
	}
	air := parse(t, string(e.Stanza))
	if !air.From.IsBare() || !air.To.IsBare() || air.Has("urn:xmpp:sid:0", "origin-id") {
		t.Errorf("on the air: %s", e.Stanza)
	}
	// The far node refuses it: the client that wrote it hears so.
	r.deliver("<message from='" + air.To.String() + "' to='" + air.From.String() + "' type='error' id='" + air.ID + "'><error type='cancel'/></message>")
	equal(t, "error", r.received(), []string{"<message from='" + air.To.String() + "' to='" + alice + "' type='error' id='" + long + "'><error type='cancel'/></message>"})
	// So it does when it is taken out of the queue.
	if _, err := r.peer().Cancel(e.ID); err != nil {
		t.Fatal(err)
	}
	if got := r.received(); len(got) != 1 || !strings.Contains(got[0], "from='"+bob+"' to='"+alice+"'") || !strings.Contains(got[0], "id='"+long+"'") {
		t.Errorf("%s", got)
	}
}
