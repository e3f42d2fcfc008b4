package c2s_test

import (
	"strings"
	"testing"
	"time"

	"longwire/xmpp/c2s"
)

func TestStreamHeaders(t *testing.T) {
	r := newRig(t, func(c *c2s.Config) { c.Domains = []string{"field.net", "base.net"} })
	base := strings.Replace(header, "field.net", "base.net", 1)
	t.Run("another domain behind authentication", func(t *testing.T) {
		cl := dial(t, r.plain)
		cl.send(header)
		cl.until("</stream:features>")
		cl.send(auth("PLAIN", "AGFsaWNlAHNlY3JldA=="))
		cl.until("</success>")
		cl.send(base)
		if got := cl.closed(); !strings.Contains(got, "from='field.net'") || !strings.Contains(got, "<host-unknown ") {
			t.Error(got)
		}
	})
	t.Run("the account is looked up where the stream goes", func(t *testing.T) {
		cl := dial(t, r.plain)
		cl.send(base)
		cl.until("</stream:features>")
		cl.send(auth("PLAIN", "AGFsaWNlAHNlY3JldA=="))
		cl.until("<not-authorized/>")
	})
	t.Run("a second header", func(t *testing.T) {
		cl := r.login("alice", "x")
		cl.send(header)
		if got := cl.closed(); !strings.Contains(got, "<stream:error>") {
			t.Error(got)
		}
	})
	t.Run("ids differ, and say nothing", func(t *testing.T) {
		ids := map[string]bool{}
		for range 20 {
			cl := dial(t, r.plain)
			cl.send(header)
			id := between(cl.until("</stream:features>"), " id='", "'")
			if len(id) < 22 || ids[id] {
				t.Errorf("id %q", id)
			}
			ids[id] = true
			cl.nc.Close()
		}
	})
	t.Run("a stream error from the client is not answered with another", func(t *testing.T) {
		cl := r.login("alice", "y")
		cl.send("<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
		if got := cl.closed(); strings.Contains(got, "error") {
			t.Error(got)
		}
	})
}

func TestStanzaLimits(t *testing.T) {
	r := newRig(t)
	message := func(size int) string {
		const head, tail = "<message to='bob@field.net' type='chat'><body>", "</body></message>"
		return head + strings.Repeat("x", size-len(head+tail)) + tail
	}
	t.Run("before login", func(t *testing.T) {
		cl := dial(t, r.plain)
		cl.send(header)
		if got := cl.until("</stream:features>"); !strings.Contains(got, "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes><idle-seconds>60</idle-seconds></limits>") {
			t.Error(got)
		}
		cl.send(auth("PLAIN", strings.Repeat("A", 10000)))
		if got := cl.closed(); !strings.Contains(got, "<policy-violation ") {
			t.Error(got)
		}
	})
	t.Run("behind it", func(t *testing.T) {
		bob, cl := r.online("bob", "phone"), r.online("alice", "desk")
		cl.send(message(262144))
		bob.until("</message>")
		go cl.nc.Write([]byte(message(262145)))
		if got := cl.closed(); !strings.Contains(got, "<policy-violation ") {
			t.Error(got)
		}
	})
}

func TestStreamsPerAddress(t *testing.T) {
	r := newRig(t, func(c *c2s.Config) { c.StreamsPerAddress = 2 })
	one, two := r.login("alice", "one"), r.login("alice", "two")
	dial(t, r.plain).gone()
	one.never("error")
	two.nc.Close()
	r.eventually(func() bool { return r.srv.Streams() == 1 })
	r.login("alice", "three")
}

func TestGracefulCloseIsCompleted(t *testing.T) {
	r := newRig(t)
	alice, bob := r.online("alice", "desk"), r.login("bob", "phone")
	bob.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	id := between(bob.until("/>"), "id='", "'")
	bob.send("<presence/><message to='alice@field.net' type='chat' id='last'>" + body + "</message></stream:stream>")
	if got := bob.closed(); !strings.HasSuffix(got, "<a xmlns='urn:xmpp:sm:3' h='2'/></stream:stream>") {
		t.Errorf("no last acknowledgement: %q", got)
	}
	alice.until("id='last'")
	r.eventually(func() bool { return r.host.Resource(jidOf(t, "bob@field.net/phone")) == nil })
	bob = r.resume("bob", id, "1")
	bob.until("<failed xmlns='urn:xmpp:sm:3' h='2'>") // closed is closed
}

func TestStanzasCarryTheLanguageOfTheirStream(t *testing.T) {
	r := newRig(t)
	bob := r.online("bob", "phone")
	for _, c := range []struct{ stream, stanza, want string }{
		{" xml:lang='en'", "", ""}, // what every stream of ours says
		{"", "", ""},
		{" xml:lang='EN'", "", ""},
		{" xml:lang='de'", "", " xml:lang='de'"},
		{" xml:lang='de'", " xml:lang='fr'", " xml:lang='fr'"},
		{" xml:lang='de'", " xml:lang='en'", " xml:lang='en'"},
		{" xml:lang='zh-Hant-TW'", "", " xml:lang='zh-Hant-TW'"},
		{" xml:lang='&lt;no&gt; tag'", "", ""},
	} {
		cl := dial(t, r.plain)
		h := strings.Replace(header, " xml:lang='en'", c.stream, 1)
		cl.send(h)
		if got := cl.until("</stream:features>"); !strings.Contains(got, " xml:lang='en' xmlns='jabber:client'") {
			t.Errorf("our header: %q", got)
		}
		cl.send(auth("PLAIN", "AGFsaWNlAHNlY3JldA==") + h + "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>" +
			"<message to='bob@field.net/phone' id='m'" + c.stanza + ">" + body + "</message>")
		cl.until("</bind></iq>")
		if got := between(bob.until("</message>"), " id='m'", ">"); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
		cl.nc.Close()
	}
}

func TestSessionOfRFC3921(t *testing.T) {
	r := newRig(t)
	cl := r.login("alice", "x")
	cl.send("<iq type='set' id='s1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>")
	cl.until("<iq from='alice@field.net' to='alice@field.net/x' type='result' id='s1'/>")
	cl.send("<iq type='set' id='s2' to='field.net'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>")
	cl.until("type='result' id='s2'/>")
}

func TestNonzasOutOfPlace(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ name, send, want string }{
		{"second authentication", auth("PLAIN", "AGFsaWNlAHNlY3JldA=="), "<policy-violation "},
		{"acknowledgement without stream management", "<a xmlns='urn:xmpp:sm:3' h='0'/>", "<unsupported-stanza-type "},
		{"request without stream management", "<r xmlns='urn:xmpp:sm:3'/>", "<unsupported-stanza-type "},
		{"acknowledgement of nothing", "<enable xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3'/>", "<bad-format "},
		{"unknown element of stream management", "<x xmlns='urn:xmpp:sm:3'/>", "<unsupported-stanza-type "},
		{"too high a count while resuming", "", "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='77' send-count='1'/>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var cl *client
			if c.send == "" {
				bob, id := r.managed("bob", "phone")
				bob.nc.Close()
				cl = r.resume("bob", id, "77")
				defer func() { // the session waits on
					cl := r.resume("bob", id, "1")
					cl.until("<resumed ")
				}()
			} else {
				cl = r.login("alice", "x")
				cl.send(c.send)
			}
			if got := cl.closed(); !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %s", got, c.want)
			}
		})
	}
	cl := r.login("alice", "x")
	cl.send("<enable xmlns='urn:xmpp:sm:3' resume='perhaps'/>")
	cl.until("<failed xmlns='urn:xmpp:sm:3'><bad-request ")
	cl.send("<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>")
	cl.until("<failed xmlns='urn:xmpp:sm:3'><unexpected-request ")
	cl.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
	cl.until("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
}

func TestMessageToOneself(t *testing.T) {
	r := newRig(t)
	one, two := r.online("alice", "one"), r.online("alice", "two")
	one.send("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq><message to='alice@field.net' type='chat' id='m1'>" + body + "</message>" +
		"<message type='chat' id='m2'>" + body + "</message>")
	for _, id := range []string{"m1", "m2"} { // without to it is for the account, too: RFC 6120 §10.3.1
		one.until("from='alice@field.net/one' to='alice@field.net/one' type='chat' id='" + id + "'>")
		two.until("from='alice@field.net/one' to='alice@field.net/two' type='chat' id='" + id + "'>")
	}
	one.never("<message")
	two.never("<message")
}

func TestHibernatingClientKeepsWhatItAskedFor(t *testing.T) {
	r := newRig(t)
	phone, id := r.managed("alice", "phone")
	desk, bob := r.online("alice", "desk"), r.online("bob", "x")
	phone.send("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
	phone.until("id='c'/>")
	phone.nc.Close()
	r.eventually(func() bool { return r.host.Resource(jidOf(t, "alice@field.net/phone")).Addr() == "away" })

	desk.send("<message to='bob@field.net/x' type='chat' id='m1'>" + body + "</message>")
	bob.until("id='m1'")
	bob.send("<message to='alice@field.net/desk' type='chat' id='m2'>" + body + "</message>")
	bob.send("<iq to='alice@field.net/phone' type='get' id='q'><x xmlns='y'/></iq>") // a stranger gets nothing, and at once
	bob.until("type='error' id='q'><error type='cancel'><service-unavailable ")
	desk.until("id='m2'")
	desk.send("<iq to='alice@field.net/phone' type='get' id='mine'><x xmlns='y'/></iq>")
	desk.never("mine'>") // it waits
	desk.send("<presence><show>dnd</show></presence>")
	desk.until("<show>dnd</show></presence>")

	phone = r.resume("alice", id, "3")
	got := phone.until("<show>dnd</show></presence>")
	at := -1
	for _, want := range []string{"<resumed ", "<sent ", "<received ", "id='mine'>", "<show>dnd<"} {
		i := strings.Index(got, want)
		if i < at {
			t.Errorf("%q out of order in %q", want, got)
		}
		at = i
	}
}

func TestDyingStreamAnswersAndReturns(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		phone, _ := r.managed("alice", "phone")
		desk := r.online("alice", "desk")
		phone.send("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
		phone.until("id='c'/>")
		phone.nc.Close()
		bob := r.online("bob", "x")
		desk.send("<iq to='alice@field.net/phone' type='get' id='mine'><x xmlns='y'/></iq>")
		bob.send("<message to='alice@field.net/phone' type='chat' id='m1'>" + body + "</message>")
		bob.send("<message to='alice@field.net/desk' type='chat' id='m2'>" + body + "</message>") // and a copy to the phone
		desk.until("id='m2'")
		time.Sleep(601 * time.Second)
		desk.patience = time.Minute
		got := desk.until("<presence from='alice@field.net/phone' to='alice@field.net/desk' type='unavailable'/>")
		if !strings.Contains(got, "<iq from='alice@field.net/phone' to='alice@field.net/desk' type='error' id='mine'><error type='cancel'><service-unavailable ") {
			got += desk.until("<service-unavailable ")
		}
		if !strings.Contains(got, "id='m1'>"+body+"<delay xmlns='urn:xmpp:delay' from='field.net' stamp='") {
			t.Errorf("m1 was not passed to the other client: %q", got)
		}
		if strings.Contains(got, "<received") || strings.Contains(got, "m2") {
			t.Errorf("a copy was taken for a message: %q", got)
		}
	}, func(c *c2s.Config) { c.Idle = 3600 * time.Second })
}

func TestInactiveClient(t *testing.T) {
	r := newRig(t)
	alice, phone := r.online("alice", "desk"), r.online("alice", "phone")
	bob := r.online("bob", "x")
	state := "<message to='alice@field.net/phone' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>"
	phone.send("<inactive xmlns='urn:xmpp:csi:0'/>")
	phone.never("nothing")
	bob.send(state)
	alice.send("<presence><show>away</show></presence><presence><show>xa</show></presence>")
	alice.until("<show>xa</show></presence>")
	bob.send("<presence to='alice@field.net/phone'><status>here</status></presence>")
	bob.never("error")
	phone.send("<active xmlns='urn:xmpp:csi:0'/>")
	if got := phone.until("here</status></presence>"); strings.Contains(got, "away") || strings.Contains(got, "composing") || !strings.Contains(got, "xa") {
		t.Errorf("want the newest presence of each, in order of the first: %q", got)
	}
	bob.send(state)
	phone.until("<composing ")
}
