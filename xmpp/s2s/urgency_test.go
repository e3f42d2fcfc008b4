package s2s_test

import (
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/s2s"
)

func TestPrecedenceOfAMessage(t *testing.T) {
	c := hq
	c.Precedence = s2s.Precedence{Prefixes: true, Headers: true, Rules: []s2s.PrecedenceRule{
		{From: "clerk@field.net", AtMost: store.ClassPriority},
		{Room: "ops@chat.headquarters.net", Precedence: store.ClassImmediate},
		{LargerThan: 1000, AtMost: store.ClassRoutine},
		{To: "chief@headquarters.net", Precedence: store.ClassPriority},
	}}
	r := newRig(t, c)
	body := func(from, to, kind, text, more string) string {
		return "<message from='" + from + "' to='" + to + "' type='" + kind + "'><body>" + text + "</body>" + more + "</message>"
	}
	for _, x := range []struct {
		name, xml string
		want      store.Class
	}{
		{"plain", body(alice, bob, "chat", "hello", ""), store.ClassRoutine},
		{"two exclamation marks", body(alice, bob, "chat", "!!fire", ""), store.ClassFlash},
		{"one", body(alice, bob, "chat", "! fire", ""), store.ClassImmediate},
		{"nothing but exclamation", body(alice, bob, "chat", "!!!", ""), store.ClassRoutine},
		{"one at the end", body(alice, bob, "chat", "hello!", ""), store.ClassRoutine},
		{"header", body(alice, bob, "chat", "x", shim("Precedence", "flash")), store.ClassFlash},
		{"header in capitals", body(alice, bob, "chat", "x", shim("Precedence", " Priority ")), store.ClassPriority},
		{"header and prefix", body(alice, bob, "chat", "!!x", shim("Precedence", "routine")), store.ClassRoutine},
		{"urgency high", body(alice, bob, "chat", "x", shim("Urgency", "high")), store.ClassImmediate},
		{"urgency medium", body(alice, bob, "chat", "x", shim("Urgency", "medium")), store.ClassPriority},
		{"urgency low", body(alice, bob, "chat", "x", shim("Urgency", "low")), store.ClassRoutine},
		{"both headers", body(alice, bob, "chat", "x", shim("Urgency", "low", "Precedence", "immediate")), store.ClassImmediate},
		{"other headers", body(alice, bob, "chat", "x", shim("Keywords", "flash")), store.ClassRoutine},
		{"one who may not", body("clerk@field.net/x", bob, "chat", "!!me", ""), store.ClassPriority},
		{"one who may not and does not", body("clerk@field.net/x", bob, "chat", "me", ""), store.ClassRoutine},
		{"large", body(alice, bob, "chat", "!!"+strings.Repeat("x", 1000), ""), store.ClassRoutine},
		{"to somebody", body(alice, "chief@headquarters.net/desk", "chat", "x", ""), store.ClassPriority},
		{"to somebody, more urgent", body(alice, "chief@headquarters.net/desk", "chat", "!!x", ""), store.ClassFlash},
		{"in a room", body(alice, "ops@chat.headquarters.net", "groupchat", "x", ""), store.ClassImmediate},
		{"in another room", body(alice, "cafe@chat.headquarters.net", "groupchat", "x", ""), store.ClassRoutine},
		{"aside in a room", body(alice, "ops@chat.headquarters.net/Bob", "chat", "x", ""), store.ClassRoutine},
		{"error", body(alice, bob, "error", "!!x", shim("Precedence", "never")), store.ClassRoutine},
		{"presence", "<presence from='" + alice + "' to='" + bob + "'><status>!!</status>" + shim("Precedence", "flash") + "</presence>", store.ClassPresence},
		{"receipt", "<message from='" + alice + "' to='" + bob + "'><received xmlns='urn:xmpp:receipts' id='x'/></message>", store.ClassReceipt},
	} {
		r.route(x.xml)
		es := r.queue()
		if len(es) != 1 || es[0].Class != x.want {
			t.Fatalf("%s: %v, %q", x.name, es, r.received())
		}
		if string(es[0].Stanza) != x.xml {
			t.Errorf("%s: it crosses as %s", x.name, es[0].Stanza)
		}
		if err := r.db.Update(func(tx *store.Tx) error { _, err := r.peer().Queue().Done(tx, es[0].ID); return err }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPrecedenceThatIsNoneIsRefused(t *testing.T) {
	c := hq
	c.Precedence.Headers = true
	r := newRig(t, c)
	refused := func(text string) string {
		return failed("message", "m", "modify", "bad-request", text)
	}
	r.route(until("m", shim("Precedence", "urgent")))
	equal(t, "refused", r.received(), []string{refused(`header Precedence: "urgent" is not one of its values; it is flash, immediate, priority or routine`)})
	r.route(until("m", shim("Urgency", "flash")))
	equal(t, "refused", r.received(), []string{refused(`header Urgency: "flash" is not one of its values; it is high, medium or low`)})
	r.route(until("m", shim("Precedence", "")))
	equal(t, "refused", r.received(), []string{refused(`header Precedence: "" is not one of its values; it is flash, immediate, priority or routine`)})
	equal(t, "queue", r.queued(), nil)
	// Where headers are off, nobody reads them.
	if err := r.peers.Apply([]s2s.Config{hq}); err != nil {
		t.Fatal(err)
	}
	r.route(until("m", shim("Precedence", "urgent")))
	if es := r.queue(); len(es) != 1 || es[0].Class != store.ClassRoutine {
		t.Error(es)
	}
}

// A flash goes before what is routine of the same two, and before all of others; a room keeps its order.
func TestFlashOvertakes(t *testing.T) {
	c := hq
	c.Precedence.Prefixes = true
	r := newRig(t, c)
	line := func(text string) string {
		return "<message from='ops@chat.field.net' to='ops@chat.headquarters.net' type='groupchat'><body>" + text + "</body></message>"
	}
	r.route(line("1"), say("m1", "1"), say("m2", "!2"), line("!!2"), say("m3", "!!3"), line("3"), say("m4", "!!4"))
	equal(t, "queue", r.queued(), []string{line("1"), line("!!2"), say("m3", "!!3"), say("m4", "!!4"), say("m2", "!2"), say("m1", "1"), line("3")})
}

func TestPrecedenceRulesThatCannotBe(t *testing.T) {
	c := hq
	c.Precedence.Rules = []s2s.PrecedenceRule{{From: "a@b@c"}, {AtMost: store.ClassIQ}, {LargerThan: -1}}
	err := newRig(t).peers.Apply([]s2s.Config{c})
	for _, want := range []string{"precedence rule 1: from: ", "precedence rule 2: a message is flash, immediate, priority or routine", "precedence rule 3: a size is not negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %s", err, want)
		}
	}
}
