package s2s_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
)

// until is a message with something beside its body. Fake time begins at midnight UTC on 1 January 2000.
func until(id, inner string) string {
	return "<message from='" + alice + "' to='" + bob + "' type='chat' id='" + id + "'><body>x</body>" + inner + "</message>"
}

func amp(action, value string) string {
	return "<amp xmlns='http://jabber.org/protocol/amp'>" + rule(action, value) + "</amp>"
}

func rule(action, value string) string {
	return "<rule action='" + action + "' condition='expire-at' value='" + value + "'/>"
}

func shim(headers ...string) string {
	b := "<headers xmlns='http://jabber.org/protocol/shim'>"
	for i := 0; i < len(headers); i += 2 {
		b += "<header name='" + headers[i] + "'>" + headers[i+1] + "</header>"
	}
	return b + "</headers>"
}

const twoOClock, late2 = "2000-01-01T14:00:00Z", "not sent before 14:00 UTC on 1 January 2000"

// XEP-0079 §3.4: what the sender hears at two o'clock, and what is left to be sent.
func TestMessageThatMustBeSentBeforeTwoOClock(t *testing.T) {
	told := func(status string) string {
		return "<amp xmlns='http://jabber.org/protocol/amp' status='" + status + "' from='" + alice + "' to='" + bob + "'>RULE</amp>"
	}
	for _, c := range []struct {
		name, inner string
		want        string // "" nothing
		left        int
	}{
		{"drop", amp("drop", twoOClock), "", 0},
		{"error", amp("error", twoOClock), "verdict: <message from='" + bob + "' to='" + alice + "' type='error' id='m'><error type='modify'>" +
			"<undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>" + late2 + "</text>" +
			"<failed-rules xmlns='http://jabber.org/protocol/amp#errors'>RULE</failed-rules></error>" + told("error") + "</message>", 0},
		{"alert", amp("alert", twoOClock), "verdict: <message from='field.net' to='" + alice + "' id='m'>" + told("alert") + "</message>", 0},
		{"notify", amp("notify", twoOClock), "verdict: <message from='field.net' to='" + alice + "' id='m'>" + told("notify") + "</message>", 1},
		{"time to live", shim("TTL", "50400"), "verdict: " + failed("message", "m", "wait", "remote-server-timeout", late2), 0},
		{"time to live since it was made", shim("Created", "1999-12-31T23:00Z", "TTL", "54000"), "verdict: " + failed("message", "m", "wait", "remote-server-timeout", late2), 0},
		{"the earlier of both", amp("drop", "2000-01-01T15:00:00Z") + shim("TTL", "50400"), "verdict: " + failed("message", "m", "wait", "remote-server-timeout", late2), 0},
		{"longer than messages wait", amp("drop", "2000-01-03T14:00:00Z"), "", 1},
		{"what tells of a rule", "<amp xmlns='http://jabber.org/protocol/amp' status='alert'>" + rule("alert", twoOClock) + "</amp>", "", 1},
		{"another condition", "<amp xmlns='http://jabber.org/protocol/amp'><rule action='drop' condition='deliver' value='stored'/></amp>", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			expiring(t, hq, func(t *testing.T, r *rig) {
				r.route(until("m", c.inner))
				if n := len(r.queue()); n != 1 {
					t.Fatalf("%d entries, and %q", n, r.received())
				}
				time.Sleep(14*time.Hour - time.Second)
				synctest.Wait()
				equal(t, "before", r.received(), nil)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				got := r.received()
				for i, x := range got {
					raw := "<rule xmlns='http://jabber.org/protocol/amp' " + strings.TrimPrefix(rule(c.name, twoOClock), "<rule ")
					got[i] = strings.ReplaceAll(strings.ReplaceAll(x, raw, "RULE"), rule(c.name, twoOClock), "RULE")
				}
				var want []string
				if c.want != "" {
					want = []string{c.want}
				}
				equal(t, "at two", got, want)
				if n := len(r.queue()); n != c.left {
					t.Errorf("%d left", n)
				}
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if n := len(r.queue()); n != 0 {
					t.Errorf("%d left after all", n)
				}
			})
		})
	}
}

// What cannot be obeyed is refused with the reason, and nothing is queued.
func TestDeadlineThatCannotBe(t *testing.T) {
	const now = "00:00 UTC on 1 January 2000"
	for _, c := range []struct{ inner, condition, text string }{
		{amp("drop", "1999-12-31T23:59:00Z"), "not-acceptable", "it was to be sent before 23:59 UTC on 31 December 1999, and it is " + now + " here"},
		{amp("drop", "two o'clock"), "not-acceptable", `expire-at: "two o'clock" is no time in UTC like 2026-11-30T14:00:00Z`},
		{amp("drop", "2000-01-01T14:00:00+02:00"), "not-acceptable", `expire-at: "2000-01-01T14:00:00+02:00" is no time in UTC like 2026-11-30T14:00:00Z`},
		{amp("explode", twoOClock), "bad-request", `expire-at: "explode" is no action; alert, drop, error and notify are`},
		{shim("TTL", "soon"), "bad-request", `header TTL: "soon" is not one of its values; it is a number of seconds, at most ten years`},
		{shim("TTL", "-1"), "bad-request", `header TTL: "-1" is not one of its values; it is a number of seconds, at most ten years`},
		{shim("TTL", "4294967295"), "bad-request", `header TTL: "4294967295" is not one of its values; it is a number of seconds, at most ten years`},
		{shim("TTL", "0"), "bad-request", "it was to be sent before " + now + ", and it is " + now + " here"},
		{shim("Created", "1999-12-31T22:00:00Z", "TTL", "60"), "bad-request", "it was to be sent before 22:01 UTC on 31 December 1999, and it is " + now + " here"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, hq)
			r.route(until("m", strings.ReplaceAll(c.inner, "o'clock", "o&apos;clock")))
			got := strings.Join(r.received(), "")
			esc := strings.NewReplacer("'", "&apos;", "\"", "&quot;")
			if !strings.Contains(got, "<"+c.condition+" ") || !strings.Contains(got, c.text) && !strings.Contains(got, esc.Replace(c.text)) {
				t.Errorf("got %s\nwant %s: %s", got, c.condition, c.text)
			}
			equal(t, "queue", r.queued(), nil)
			r.db.Close()
		})
	}
}

// What is sent all the same when its time is over waits as long as its kind: what is said in a room as long as all that is said there.
func TestWhatIsLateInARoomWaitsAsRoomsDo(t *testing.T) {
	c := hq
	c.Lifetimes.Message, c.Lifetimes.Groupchat = 20*time.Hour, 48*time.Hour
	expiring(t, c, func(t *testing.T, r *rig) {
		r.route("<message from='" + alice + "' to='ops@chat.headquarters.net' type='groupchat' id='m'><body>x</body>" + amp("notify", "2000-01-01T14:00:00Z") + "</message>")
		time.Sleep(14*time.Hour + time.Second)
		synctest.Wait()
		es := r.queue()
		if len(es) != 1 || es[0].Expires.Sub(es[0].Queued) != 48*time.Hour {
			t.Errorf("%+v", es)
		}
	})
}

// A room does not answer for what somebody says in it: it would take the error for the end of an occupant, or of a federation.
func TestRoomsAreRefusedNothingThatTheyPassOn(t *testing.T) {
	c := hq
	c.Precedence.Headers = true
	r := newRig(t, c)
	bad := "<body>x</body>" + shim("Precedence", "never", "TTL", "0") + amp("drop", "1999-12-31T23:59:00Z")
	lines := []string{
		"<message from='ops@chat.field.net/Alice' to='" + bob + "' type='groupchat'>" + bad + "</message>",
		"<message from='ops@chat.field.net' to='ops@chat.headquarters.net' type='groupchat'>" + bad + "<fmuc xmlns='http://isode.com/protocol/fmuc' from='" + alice + "'/></message>",
		"<message from='ops@chat.field.net/Alice' to='" + bob + "' type='chat'>" + bad + "<x xmlns='http://jabber.org/protocol/muc#user'/></message>",
	}
	r.route(lines...)
	equal(t, "refused", r.received(), nil)
	equal(t, "queue", r.queued(), lines)
	for _, e := range r.queue() {
		if e.Class != store.ClassRoutine || e.Ending != 0 || e.Expires.Sub(e.Queued) < 6*time.Hour {
			t.Errorf("%v until %v", e.Class, e.Expires)
		}
	}
	r.route("<message from='" + alice + "' to='ops@chat.headquarters.net' type='groupchat' id='m'>" + bad + "</message>")
	if got := r.received(); len(got) != 1 {
		t.Errorf("one who speaks in a far room: %q", got)
	}
}
