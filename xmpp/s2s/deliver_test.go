package s2s_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
)

func TestDeliver(t *testing.T) {
	c := hq
	c.LocalDomains = []string{"field.net"}
	r := newRig(t, c)
	ok := "<message from='" + bob + "' to='" + alice + "' type='chat' id='1'><body>hi</body></message>"
	if v := r.deliver(ok); v != nil {
		t.Errorf("refused: %v", v)
	}
	room := "<presence from='room@chat.headquarters.net/bob' to='" + alice + "'/>"
	r.deliver(room)
	equal(t, "delivered", r.received(), []string{ok, room})

	for _, x := range []struct {
		name, xml string
		want      s2s.Violation
	}{
		{"stranger's domain", "<message from='eve@evil.example/x' to='" + alice + "'><body>x</body></message>",
			s2s.Violation{Condition: "invalid-from", From: jid.MustParse("eve@evil.example/x"), To: jid.MustParse(alice)}},
		{"our domain", "<iq from='carol@field.net/x' to='" + alice + "' type='get' id='1'><x xmlns='x'/></iq>",
			s2s.Violation{Condition: "invalid-from", From: jid.MustParse("carol@field.net/x"), To: jid.MustParse(alice)}},
		{"no from", "<message to='" + alice + "'><body>x</body></message>",
			s2s.Violation{Condition: "improper-addressing", To: jid.MustParse(alice)}},
		{"no to", "<presence from='" + bob + "'/>",
			s2s.Violation{Condition: "improper-addressing", From: jid.MustParse(bob)}},
	} {
		if v := r.deliver(x.xml); v == nil || *v != x.want {
			t.Errorf("%s: got %v, want %v", x.name, v, &x.want)
		}
	}
	equal(t, "after violations", r.received(), nil)
	equal(t, "queue", r.queued(), nil)
	want := s2s.Stats{Delivered: 2, BadFrom: 2, NoAddress: 2}
	if got := r.peer().Stats(); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

// What the peer wrongly sends here is answered from the domain that its user asked for.
func TestDeliverToForeignDomain(t *testing.T) {
	c := hq
	c.LocalDomains = []string{"field.net"}
	r := newRig(t, c, s2s.Config{Name: "third", Domains: []string{"third.net"}})
	notFound := "<error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
	for _, to := range []string{"x@nowhere.example", "room@chat.field.net", "y@third.net"} {
		r.deliver("<message from='" + bob + "' to='" + to + "' type='chat' id='1'><body>x</body></message>")
		equal(t, to, r.queued(), []string{"<message from='" + to + "' to='" + bob + "' type='error' id='1'>" + notFound + "</message>"})
		for _, e := range r.queue() {
			if _, err := r.peer().Cancel(e.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.deliver("<iq from='" + bob + "' to='x@nowhere.example' type='result' id='1'/>")
	r.deliver("<message from='" + bob + "' to='x@nowhere.example' type='error' id='1'/>")
	r.deliver("<presence from='" + bob + "' to='x@nowhere.example'/>")
	equal(t, "nothing to answer", r.queued(), nil)
	equal(t, "delivered", r.received(), nil)
	if got := r.peer().Stats(); got.Misaddressed != 6 || got.Delivered != 0 {
		t.Errorf("stats %+v", got)
	}
	if es, _ := r.peers.Peer("third").Queue().List(); len(es) != 0 {
		t.Error("one peer's stanza was relayed to another")
	}
}

// A refusal by a local account goes back over the link.
func TestRefusedDeliveryIsAnswered(t *testing.T) {
	r := newRig(t, hq)
	r.deliver("<message from='" + bob + "' to='nobody@field.net' type='chat' id='7'><body>x</body></message>")
	equal(t, "queue", r.queued(), []string{"<message from='nobody@field.net' to='" + bob + "' type='error' id='7'>" +
		"<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"})
}

func message(id, body string) string {
	return "<message from='" + bob + "' to='" + alice + "' type='chat' id='" + id + "'><body>" + body + "</body></message>"
}

func TestRepeatsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := hq
		c.Dedup = true
		r := newRig(t, c)
		defer r.db.Close()
		noID := "<message from='" + bob + "' to='" + alice + "' type='chat'><body>x</body></message>"
		iq := "<iq from='" + bob + "' to='" + alice + "' type='get' id='1'><x xmlns='x'/></iq>"
		all := []string{message("1", "a"), message("2", "a"), message("1", "b"), noID, noID, iq, iq}
		for _, x := range all {
			r.deliver(x)
		}
		equal(t, "all different", r.received(), all)
		for _, x := range all[:3] {
			r.deliver(x)
		}
		equal(t, "repeats", r.received(), nil)
		if got := r.peer().Stats().Duplicates; got != 3 {
			t.Errorf("counted %d", got)
		}
		time.Sleep(time.Hour)
		r.deliver(all[0])
		equal(t, "an hour later", r.received(), all[:1])
		r.turn(func(tn *router.Turn) error {
			for i := range 4096 {
				if err := r.peer().Deliver(tn, parse(t, message(fmt.Sprint("n", i), "x"))); err != nil {
					return err
				}
			}
			return nil
		})
		r.received()
		r.deliver(message("n4095", "x"))
		equal(t, "within the ring", r.received(), nil)
		r.deliver(all[0])
		equal(t, "beyond the ring", r.received(), all[:1])
	})
}

// A line that a room did not take, as one before it was missing, comes again as it was.
func TestRoomsAreSentTheirLinesAgain(t *testing.T) {
	c := hq
	c.Dedup = true
	r := newRig(t, c)
	line := func(fmuc, more string) string {
		return "<message from='ops@chat.headquarters.net/Bob' to='ops@chat.field.net' type='groupchat' id='1'><body>x</body>" +
			"<fmuc xmlns='http://isode.com/protocol/fmuc'" + fmuc + "/>" + more + "</message>"
	}
	for _, c := range []struct {
		xml   string
		count int
	}{
		{line(" n='C7VKMPUa5k'", ""), 2},
		{line("", "<delay xmlns='urn:xmpp:delay' stamp='2024-01-01T00:00:00Z'/>"), 2},
		{strings.Replace(line(" from='bob@hq.net/x'", ""), "id='1'", "id='2'", 1), 1},
	} {
		r.deliver(c.xml)
		r.deliver(c.xml)
		if got := len(r.received()); got != c.count {
			t.Errorf("%d times: %s", got, c.xml)
		}
	}
}

// Over HF the repeat of what was taken may come when the frequency opens again the next morning.
func TestRepeatsMayComeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := hq
		c.Dedup, c.DedupFor = true, 24*time.Hour
		r := newRig(t, c)
		defer r.db.Close()
		r.deliver(message("1", "a"))
		time.Sleep(23 * time.Hour)
		r.deliver(message("1", "a"))
		equal(t, "once", r.received(), []string{message("1", "a")})
		time.Sleep(2 * time.Hour)
		r.deliver(message("1", "a"))
		equal(t, "too late", r.received(), []string{message("1", "a")})
	})
}

func TestRepeatsPassWhereLinksResume(t *testing.T) {
	r := newRig(t, hq)
	r.deliver(message("1", "a"))
	r.deliver(message("1", "a"))
	equal(t, "both", r.received(), []string{message("1", "a"), message("1", "a")})
}
