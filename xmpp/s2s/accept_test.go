package s2s_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
)

// How each kind of stanza waits.
func TestKinds(t *testing.T) {
	const (
		day    = 24 * time.Hour
		states = " xmlns='http://jabber.org/protocol/chatstates'/>"
	)
	for _, c := range []struct {
		name, xml string
		kind      store.Kind
		life      time.Duration
		coalesce  bool
	}{
		{"chat", "<message type='chat'><body>hi</body></message>", store.KindChat, day, false},
		{"normal", "<message><subject>s</subject></message>", store.KindChat, day, false},
		{"headline", "<message type='headline'><body>hi</body></message>", store.KindChat, day, false},
		{"chat with a state", "<message type='chat'><body>hi</body><active" + states + "</message>", store.KindChat, day, false},
		{"chat that asks for a receipt", "<message type='chat'><request xmlns='urn:xmpp:receipts'/></message>", store.KindChat, day, false},
		{"markable", "<message type='chat'><markable xmlns='urn:xmpp:chat-markers:0'/></message>", store.KindChat, day, false},
		{"unknown payload", "<message type='chat'><active" + states + "<x xmlns='u:x'/></message>", store.KindChat, day, false},
		{"empty", "<message type='chat'/>", store.KindChat, day, false},
		{"error", "<message type='error' id='e'><active" + states + "</message>", store.KindChat, day, false},
		{"groupchat", "<message type='groupchat'><body>hi</body></message>", store.KindGroupchat, 6 * time.Hour, false},
		{"receipt", "<message><received xmlns='urn:xmpp:receipts' id='1'/><store xmlns='urn:xmpp:hints'/></message>", store.KindReceipt, day, false},
		{"marker with a state", "<message type='chat'><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/><active" + states + "<thread>t</thread></message>", store.KindReceipt, day, false},
		{"state", "<message type='chat'><composing" + states + "<thread>t</thread><no-store xmlns='urn:xmpp:hints'/></message>", store.KindState, time.Minute, false},
		{"state in a room", "<message type='groupchat'><composing" + states + "</message>", store.KindState, time.Minute, false},
		{"iq get", "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", store.KindIQ, 10 * time.Minute, false},
		{"iq result", "<iq type='result' id='1'/>", store.KindIQ, 10 * time.Minute, false},
		{"available", "<presence><show>away</show></presence>", store.KindPresence, time.Hour, true},
		{"unavailable", "<presence type='unavailable'/>", store.KindPresence, time.Hour, true},
		{"probe", "<presence type='probe'/>", store.KindPresence, time.Hour, false},
		{"subscription", "<presence type='subscribe'/>", store.KindChat, 0, false},
		{"end of a subscription", "<presence type='unsubscribed'/>", store.KindChat, 0, false},
		{"refused presence", "<presence type='error' id='e'/>", store.KindChat, time.Hour, false},
		{"joining a room", "<presence><x xmlns='http://jabber.org/protocol/muc'/></presence>", store.KindGroupchat, 6 * time.Hour, false},
		{"leaving a room", "<presence type='unavailable'><x xmlns='http://jabber.org/protocol/muc#user'/></presence>", store.KindGroupchat, 6 * time.Hour, false},
		{"federated room", "<presence><fmuc xmlns='http://isode.com/protocol/fmuc' from='a@b'/></presence>", store.KindGroupchat, 6 * time.Hour, false},
		{"digest with somebody's address", "<presence><fmuc xmlns='http://isode.com/protocol/fmuc'><s xmlns='urn:x-longwire:fmuc:0'>+Bob</s></fmuc></presence>", store.KindGroupchat, 6 * time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, hq)
			r.up = true
			kind, rest, _ := strings.Cut(c.xml, " ")
			if !strings.HasPrefix(c.xml, kind+" ") || strings.Contains(kind, ">") {
				kind, rest, _ = strings.Cut(c.xml, ">")
				rest = ">" + rest
			}
			r.route(kind + " from='" + alice + "' to='" + bob + "' " + rest)
			es := r.queue()
			if len(es) != 1 {
				t.Fatalf("%d entries", len(es))
			}
			e := es[0]
			if e.Kind != c.kind || e.Class != c.kind.Class() || e.Coalesce != c.coalesce {
				t.Errorf("%v, %v, coalesce %v", e.Kind, e.Class, e.Coalesce)
			}
			life := time.Duration(0)
			if !e.Expires.IsZero() {
				life = e.Expires.Sub(e.Queued)
			}
			if life != c.life {
				t.Errorf("waits %v, want %v", life, c.life)
			}
			if e.From != alice || e.To != bob || time.Since(e.Queued) > time.Minute {
				t.Errorf("entry %+v", e)
			}
		})
	}
}

func TestAcceptNeedsTransaction(t *testing.T) {
	r := newRig(t, hq)
	if err := r.router.Route(new(router.Turn), parse(t, say("1", "hi"))); !errors.Is(err, router.ErrNeedTx) {
		t.Errorf("got %v", err)
	}
	if got := r.queued(); got != nil {
		t.Errorf("queued %q", got)
	}
}

// Chat states are for the moment: without a link they go, and do not even cost a commit.
func TestChatStatesDoNotWaitForLink(t *testing.T) {
	r := newRig(t, hq)
	state := parse(t, "<message from='"+alice+"' to='"+bob+"' type='chat'><paused xmlns='http://jabber.org/protocol/chatstates'/></message>")
	tn := new(router.Turn)
	if err := r.router.Route(tn, state); err != nil {
		t.Errorf("link down: %v", err)
	}
	tn.Done()
	if got := r.queued(); got != nil {
		t.Errorf("queued %q", got)
	}
	if n := r.peer().Stats().Idle; n != 1 {
		t.Errorf("counted %d", n)
	}
	r.up = true
	if err := r.router.Route(tn, state); !errors.Is(err, router.ErrNeedTx) {
		t.Errorf("link up: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	c := hq
	c.MaxStanza = 10000
	c.LocalDomains = []string{"Field.NET"}
	r := newRig(t, c)
	big := strings.Repeat("x", 10000)
	for _, x := range []struct{ name, xml, want string }{
		{"message too large", say("m1", big),
			failed("message", "m1", "modify", "policy-violation", "the way to headquarters.net takes at most 10000 bytes at a time")},
		{"iq too large", "<iq from='" + alice + "' to='" + bob + "' type='set' id='i1'><x xmlns='x'>" + big + "</x></iq>",
			failed("iq", "i1", "modify", "policy-violation", "the way to headquarters.net takes at most 10000 bytes at a time")},
		{"our domain, but not for this peer", "<message from='room@chat.field.net' to='" + bob + "' id='m2'><body>x</body></message>",
			"<message from='bob@headquarters.net/desk' to='room@chat.field.net' type='error' id='m2'><error type='cancel'>" +
				"<remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>your domain has no way to this one</text></error></message>"},
		{"nobody's domain", "<message from='" + alice + "' to='x@elsewhere.example' id='m3'><body>x</body></message>",
			"<message from='x@elsewhere.example' to='alice@field.net/tent' type='error' id='m3'><error type='cancel'>" +
				"<remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"},
	} {
		r.route(x.xml)
		equal(t, x.name, r.received(), []string{x.want})
	}
	r.route("<message from='eve@peer.example' to='"+bob+"' id='m4'><body>x</body></message>", // whom to tell?
		"<message to='"+bob+"' id='m5'><body>x</body></message>")
	equal(t, "no answer", r.received(), nil)
	equal(t, "queue", r.queued(), nil)
	if n := r.peer().Stats().Oversize; n != 2 {
		t.Errorf("counted %d oversize", n)
	}
}

// The newest presence is the only one that waits, and subscriptions and joins are no part of that.
func TestPresenceCoalesces(t *testing.T) {
	r := newRig(t, hq)
	p := func(attrs, inner string) string {
		return "<presence from='" + alice + "' to='" + bob + "'" + attrs + ">" + inner + "</presence>"
	}
	join := p("", "<x xmlns='http://jabber.org/protocol/muc'/>")
	r.route(p(" type='subscribe'", "<nick xmlns='u:n'/>"), join, p("", "<show>away</show>"), p("", "<show>dnd</show>"),
		"<presence from='carol@field.net/x' to='"+bob+"'/>", p("", "<show>xa</show>"), p(" type='subscribed'", "<nick xmlns='u:n'/>"))
	equal(t, "queue", r.queued(), []string{
		p(" type='subscribe'", "<nick xmlns='u:n'/>"), join, p("", "<show>xa</show>"), p(" type='subscribed'", "<nick xmlns='u:n'/>"),
		"<presence from='carol@field.net/x' to='" + bob + "'/>",
	})
}

// Making room: the less urgent goes first, and whoever waits for an answer gets one in the same commit.
func TestOverflow(t *testing.T) {
	c := hq
	c.Queue = store.QueueLimits{Entries: 4}
	c.Precedence.Prefixes = true
	r := newRig(t, c)
	from := "from='" + alice + "' to='" + bob + "'"
	r.route("<iq "+from+" type='get' id='q1'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<iq "+from+" type='result' id='q2'/>",
		"<message "+from+" type='groupchat' id='g1'><body>all</body></message>",
		"<presence "+from+"/>")
	full := func(kind, id string) string {
		return failed(kind, id, "wait", "resource-constraint", "too much is waiting for headquarters.net")
	}
	for _, x := range []struct {
		name, xml string
		want      []string
	}{
		{"presence makes room", say("m1", "1"), nil},
		{"oldest iq makes room", say("m2", "2"), []string{"verdict: " + full("iq", "q1")}},
		{"an iq result ends there", say("m3", "3"), nil},
		{"iq finds no room", "<iq " + from + " type='set' id='q3'><x xmlns='x'/></iq>", []string{full("iq", "q3")}},
		{"presence finds no room", "<presence " + from + "/>", nil},
		{"a line as urgent makes none", say("m0", "0"), []string{full("message", "m0")}},
		{"an urgent one does", say("m4", "!4"), []string{"verdict: " + full("message", "g1")}},
		{"chat finds no room", say("m5", "5"), []string{full("message", "m5")}},
		{"nor does a subscription", "<presence " + from + " type='subscribe' id='p1'/>", []string{full("presence", "p1")}},
	} {
		r.route(x.xml)
		equal(t, x.name, r.received(), x.want)
	}
	equal(t, "queue", r.queued(), []string{say("m4", "!4"), say("m1", "1"), say("m2", "2"), say("m3", "3")})
	want := s2s.Stats{
		Queued:   s2s.Counts{Chat: 4, Groupchat: 1, IQ: 2, Presence: 1},
		Overflow: s2s.Counts{Chat: 3, Groupchat: 1, IQ: 3, Presence: 2},
	}
	if got := r.peer().Stats(); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

// A Turn that fails leaves nothing behind: no entry, no count, no bounce.
func TestFailedTurnLeavesNothing(t *testing.T) {
	r := newRig(t, hq)
	boom := errors.New("boom")
	err := r.db.Update(func(tx *store.Tx) error {
		tn := new(router.Turn)
		tn.Reset(tx)
		if err := r.router.Route(tn, parse(t, say("1", "x"))); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	equal(t, "queue", r.queued(), nil)
	if got := r.peer().Stats(); got != (s2s.Stats{}) {
		t.Errorf("stats %+v", got)
	}
}

func TestPassesThroughUntouched(t *testing.T) {
	r := newRig(t, hq)
	xml := "<message from='" + alice + "' to='" + bob + "' type='chat' id='1' xml:lang='de'><body>Grüße &lt;3</body>" +
		"<x xmlns='u:x' a='1'><y:z xmlns:y='u:y' y:q='&apos;'/></x></message>"
	r.route(xml)
	got := r.queue()
	if len(got) != 1 {
		t.Fatalf("%d entries", len(got))
	}
	if s := parse(t, string(got[0].Stanza)); string(s.Inner) != string(parse(t, xml).Inner) || s.Lang != "de" {
		t.Errorf("got %s", got[0].Stanza)
	}
	if got[0].StanzaID != "1" {
		t.Errorf("id %q", got[0].StanzaID)
	}
}

func BenchmarkAccept(b *testing.B) { accept(b, hq) }

func BenchmarkAcceptTerse(b *testing.B) { accept(b, shortening()) }

func accept(b *testing.B, c s2s.Config) {
	r := newRig(b, c)
	message := parse(b, say("1", "a message of the usual length, more or less"))
	b.ReportAllocs()
	done := make(chan error, 4096)
	n := 0
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		t, s := new(router.Turn), message.Copy()
		s.ID = fmt.Sprint(i)
		n++
		r.db.Submit(func(tx *store.Tx) error {
			t.Reset(tx)
			err := r.router.Route(t, s)
			if i%5000 == 4999 { // keep the queue at a length that occurs
				es, _ := r.peer().Queue().Next(5000, 1<<30)
				for _, e := range es {
					r.peer().Queue().Done(tx, e.ID)
				}
			}
			return err
		}, func(err error) { t.Done(); done <- err })
		if n == 256 {
			for ; n > 0; n-- {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	for ; n > 0; n-- {
		<-done
	}
}

// What is published may be large, and is asked for across a link only where the operator lets it.
func TestPubsubStaysAtHome(t *testing.T) {
	ask := "<iq from='" + alice + "' to='bob@headquarters.net' type='get' id='i1'><pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>"
	own := "<iq from='" + alice + "' to='bob@headquarters.net' type='set' id='i1'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'/></iq>"
	r := newRig(t, hq)
	r.up = true
	refused := "<iq from='bob@headquarters.net' to='" + alice + "' type='error' id='i1'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
	r.route(ask, own)
	equal(t, "answers", r.received(), []string{refused, refused})
	equal(t, "queue", r.queued(), nil)

	c := hq
	c.Pubsub = true
	r = newRig(t, c)
	r.up = true
	r.route(ask)
	equal(t, "answers", r.received(), nil)
	if n := len(r.queued()); n != 1 {
		t.Errorf("%d stanzas are queued", n)
	}
}
