package c2s_test

import (
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/c2s"
)

const body = "<body>Convoy left</body>"

func TestMessageReachesEveryResourceOfNonNegativePriority(t *testing.T) {
	r := newRig(t)
	alice := r.online("alice", "desk")
	one, two, away := r.online("bob", "one"), r.online("bob", "two"), r.login("bob", "away")
	away.send("<presence><priority>-1</priority></presence>")
	away.until("from='bob@field.net/away'")
	alice.send("<message to='bob@field.net' type='chat' id='m1'>" + body + "</message>")
	one.until("<message from='alice@field.net/desk' to='bob@field.net/one' type='chat' id='m1'>" + body + "</message>")
	two.until("<message from='alice@field.net/desk' to='bob@field.net/two' type='chat' id='m1'>" + body + "</message>")
	away.never("m1")
}

func TestOfflineMessageWaitsWithItsTime(t *testing.T) {
	r := newRig(t)
	alice := r.online("alice", "desk")
	alice.send("<message to='bob@field.net' type='chat' id='m1'>" + body + "</message>")
	alice.send("<message to='bob@field.net' type='chat' id='m2'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
	alice.send("<message to='bob@field.net' type='headline' id='m3'>" + body + "</message>")
	alice.until("type='error' id='m3'><error type='cancel'><service-unavailable ")
	bob := r.online("bob", "phone")
	got := bob.until("</message>")
	if !strings.Contains(got, "id='m1'>"+body+"<delay xmlns='urn:xmpp:delay' from='field.net' stamp='20") {
		t.Error(got)
	}
	bob.never("<message")
	bob.send("<presence type='unavailable'/><presence/>")
	bob.never("<message") // written to a client without stream management: done
	if n := r.spool("bob"); n != 0 {
		t.Errorf("%d messages left in the spool", n)
	}
}

func (r *rig) spool(user string) (n int) {
	r.tb.Helper()
	r.db.Update(func(*store.Tx) error { return nil }) // behind everything submitted so far
	if err := r.db.View(func(tx *store.Tx) error { n, _ = tx.SpoolCount(user + "@field.net"); return nil }); err != nil {
		r.tb.Fatal(err)
	}
	return n
}

func TestBlockedSenderIsRefused(t *testing.T) {
	r := newRig(t)
	alice, bob := r.online("alice", "desk"), r.online("bob", "phone")
	bob.send("<iq type='set' id='1'><block xmlns='urn:xmpp:blocking'><item jid='alice@field.net'/></block></iq>")
	bob.until("id='1'/>")
	alice.send("<message to='bob@field.net' type='chat' id='m1'>" + body + "</message>")
	alice.until("type='error' id='m1'><error type='cancel'><service-unavailable ")
	bob.send("<message to='alice@field.net' type='chat' id='m2'>" + body + "</message>")
	bob.until("type='error' id='m2'><error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/>")
	bob.never("m1")
}

func TestCarbons(t *testing.T) {
	r := newRig(t)
	alice, phone := r.online("alice", "desk"), r.online("alice", "phone")
	bob := r.online("bob", "x")
	phone.send("<iq type='set' id='1'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
	phone.until("id='1'/>")
	alice.send("<message to='bob@field.net/x' type='chat' id='m1'>" + body + "</message>")
	phone.until("<message from='alice@field.net' to='alice@field.net/phone' type='chat'><sent xmlns='urn:xmpp:carbons:2'>" +
		"<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='alice@field.net/desk' to='bob@field.net/x' type='chat' id='m1'>" + body)
	bob.send("<message to='alice@field.net/desk' type='chat' id='m2'>" + body + "</message>")
	phone.until("<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='bob@field.net/x' to='alice@field.net/desk'")
	bob.send("<message to='alice@field.net/desk' type='chat' id='m3'>" + body + "<private xmlns='urn:xmpp:carbons:2'/></message>")
	alice.until("m3")
	phone.never("m3")
	bob.never("carbons")
}

func TestInactiveClientHearsLatestPresenceBeforeTheNextMessage(t *testing.T) {
	r := newRig(t)
	alice, phone := r.online("alice", "desk"), r.online("alice", "phone")
	phone.send("<inactive xmlns='urn:xmpp:csi:0'/>")
	phone.never("nothing")
	alice.send("<presence><show>away</show></presence><presence><show>dnd</show></presence>")
	alice.send("<message to='alice@field.net/phone' type='chat' id='m1'>" + body + "</message>")
	got := phone.until("</message>")
	if strings.Contains(got, "away") || !strings.Contains(got, "dnd") {
		t.Errorf("want the newest presence, then the message: %q", got)
	}
}

func TestStreamManagementCounts(t *testing.T) {
	r := newRig(t)
	alice := r.login("alice", "desk")
	alice.send("<enable xmlns='urn:xmpp:sm:3'/>")
	alice.until("<enabled xmlns='urn:xmpp:sm:3'/>")
	alice.send("<presence/><message to='bob@field.net' id='m1'>" + body + "</message><r xmlns='urn:xmpp:sm:3'/>")
	alice.until("<a xmlns='urn:xmpp:sm:3' h='2'/>")
	alice.send("<enable xmlns='urn:xmpp:sm:3'/>")
	alice.until("<failed xmlns='urn:xmpp:sm:3'><unexpected-request ")
	alice.send("<a xmlns='urn:xmpp:sm:3' h='99'/>")
	if got := alice.closed(); !strings.Contains(got, "<undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><handled-count-too-high xmlns='urn:xmpp:sm:3' h='99' send-count='") {
		t.Error(got)
	}
}

func TestStreamManagementBeforeBinding(t *testing.T) {
	r := newRig(t)
	c := r.authenticated("alice")
	c.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	c.until("<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
}

// managed logs in with resumable stream management and initial presence; it returns the stream's name.
func (r *rig) managed(user, resource string) (*client, string) {
	r.tb.Helper()
	c := r.login(user, resource)
	c.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	got := c.until("/>")
	_, id, _ := strings.Cut(got, "id='")
	id, _, _ = strings.Cut(id, "'")
	if id == "" || !strings.Contains(got, "resume='true'") || !strings.Contains(got, "max='600'") {
		r.tb.Fatalf("enabled: %q", got)
	}
	c.send("<presence/>")
	c.until("<presence from='" + user + "@field.net/" + resource + "'")
	c.until("/>")
	return c, id
}

func (r *rig) resume(user, id, h string) *client {
	r.tb.Helper()
	c := r.authenticated(user)
	c.send("<resume xmlns='urn:xmpp:sm:3' previd='" + id + "' h='" + h + "'/>")
	return c
}

func TestResumeAfterALostConnection(t *testing.T) {
	r := newRig(t)
	bob, id := r.managed("bob", "phone") // has had presence: h = 1
	alice := r.online("alice", "desk")
	alice.send("<message to='bob@field.net' type='chat' id='m1'>" + body + "</message>")
	bob.until("id='m1'")
	bob.nc.Close()
	alice.send("<message to='bob@field.net' type='chat' id='m2'>" + body + "</message>")
	alice.never("error")
	bob = r.resume("bob", id, "2")
	got := bob.until("id='m2'")
	if !strings.Contains(got, "<resumed xmlns='urn:xmpp:sm:3' previd='"+id+"' h='1'/>") {
		t.Errorf("resumption: %q", got)
	}
	if strings.Contains(got, "m1") {
		t.Errorf("what was confirmed came again: %q", got)
	}
	bob.never("m1")
	bob.send("<message to='alice@field.net' id='m3'>" + body + "</message><r xmlns='urn:xmpp:sm:3'/>")
	alice.until("id='m3'")
	bob.until("<a xmlns='urn:xmpp:sm:3' h='3'/>") // presence, the question of never, m3
}

func TestResumeTakesOverALiveConnection(t *testing.T) {
	r := newRig(t)
	old, id := r.managed("bob", "phone")
	bob := r.resume("bob", id, "1")
	bob.until("<resumed ")
	if got := old.closed(); !strings.Contains(got, "<conflict ") {
		t.Error(got)
	}
	bob.never("<stream:error>")
}

func TestResumeOfAStrangersStream(t *testing.T) {
	r := newRig(t)
	_, id := r.managed("bob", "phone")
	c := r.resume("alice", id, "0")
	c.until("<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
	c.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>") // the stream is still good
	c.until("</jid></bind></iq>")
}

func TestExpiredResumeReturnsTheMessages(t *testing.T) {
	r := newRig(t, func(c *c2s.Config) { c.ResumeMax = 1 })
	c := r.login("bob", "phone")
	c.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	got := c.until("/>")
	_, id, _ := strings.Cut(got, "id='")
	id, _, _ = strings.Cut(id, "'")
	c.send("<presence/>")
	c.until("from='bob@field.net/phone'")
	alice := r.online("alice", "desk")
	alice.send("<message to='bob@field.net' type='chat' id='m1'>" + body + "</message>")
	c.until("id='m1'")
	c.nc.Close()
	for r.host.Resource(jidOf(t, "bob@field.net/phone")) != nil {
		alice.never("error")
	}
	c = r.resume("bob", id, "0")
	c.until("<failed xmlns='urn:xmpp:sm:3' h='1'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
	c.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq><presence/>")
	c.until("<delay xmlns='urn:xmpp:delay' from='field.net'")
}

// After a crash the stream is gone, but both sides' counts are not: nothing is lost and nothing comes twice.
func TestCountsOutliveTheNode(t *testing.T) {
	r := newRig(t)
	alice, aid := r.managed("alice", "desk")
	bob, bid := r.managed("bob", "phone")
	alice.send("<message to='bob@field.net' type='chat' id='m1'>" + body + "</message><message to='bob@field.net' type='chat' id='m2'>" + body + "</message><r xmlns='urn:xmpp:sm:3'/>")
	bob.until("id='m1'")
	bob.until("id='m2'")
	alice.until("<a xmlns='urn:xmpp:sm:3' h='3'/>")
	r.crash()

	bob = r.resume("bob", bid, "2") // presence and m1 arrived; m2 was on its way
	bob.until("<failed xmlns='urn:xmpp:sm:3' h='")
	bob.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq><presence/>")
	got := bob.until("</message>")
	if strings.Contains(got, "m1") || !strings.Contains(got, "id='m2'") {
		t.Errorf("want m2 alone: %q", got)
	}
	bob.never("m1")
	alice = r.resume("alice", aid, "1")
	alice.until("<failed xmlns='urn:xmpp:sm:3' h='3'>")
}
