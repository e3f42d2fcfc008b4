package telemetry

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func contextOf(t *testing.T) (context.Context, func()) {
	return context.WithCancel(t.Context())
}

var stanzas = []string{
	"<message from='alice@field.net/phone' to='bob@hq.net' type='chat' id='abc'><body>the secret &amp; the plan</body><active xmlns='http://jabber.org/protocol/chatstates'/><thread>t17</thread></message>",
	"<message from='ops@chat.field.net/alice' to='ops@chat.hq.net' type='groupchat' id='1'><body>x</body><delay xmlns='urn:xmpp:delay' from='secret@x' stamp='2026-03-01T05:00:00Z'/><delay xmlns='urn:xmpp:delay' stamp='2026-03-01T05:59:59.123Z'>why</delay></message>",
	"<presence from='alice@field.net/phone' to='bob@hq.net'><show>away</show><status>at the secret place</status><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/></presence>",
	"<presence from='alice@field.net/phone' to='bob@hq.net' type='unavailable'/>",
	"<iq from='alice@field.net/phone' to='hq.net' type='get' id='q1'><query xmlns='jabber:iq:version'/></iq>",
	"<message from='alice@field.net/phone' to='bob@hq.net'><body><![CDATA[<secret>]]></body><x xmlns='jabber:x:data' type='submit'><field var='p'><value>secret~^</value></field></x><y xmlns='u:~^'/></message>",
	"<message from='alice@field.net' to='bob@hq.net' type='secret'><body xml:lang='de'>geheim</body></message>",
}

func TestOutlineKeepsSizesAndNothingElse(t *testing.T) {
	now := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	var o outliner
	for _, text := range stanzas {
		s := parse(t, text)
		r := Record{At: now, Peer: "hq", Dir: Out, Type: "chat", Raw: len(s.Bytes())}
		sk := o.draw(&r, s)
		if sk == nil {
			t.Fatalf("%s cannot be drawn", text)
		}
		b, err := encode(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"secret", "plan", "alice", "bob", "phone", "abc", "away", "geheim", "t17", "why"} {
			if all := string(b) + sk.text; strings.Contains(all, secret) {
				t.Errorf("%q is in %s %s", secret, b, sk.text)
			}
		}
		var back Record
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		later := now.Add(1000 * time.Hour)
		again, err := redraw(sk.text, back, later)
		if err != nil {
			t.Errorf("%s: %v", sk.text, err)
			continue
		}
		if len(again.Bytes()) != len(s.Bytes()) || again.Kind != s.Kind || len(again.Children) != len(s.Children) || again.To.Domain() != s.To.Domain() {
			t.Errorf("%s\nbecame %s", s.Bytes(), again.Bytes())
		}
		for i, c := range s.Children {
			if got := again.Children[i]; got.Name != c.Name && c.Name.Space != "u:~^" || got.End-got.Start != c.End-c.Start {
				t.Errorf("%s\nbecame %s", s.Raw(c), again.Raw(got))
			}
		}
	}
}

func TestEqualPresencesStayEqual(t *testing.T) {
	var o outliner
	draw := func(text string) string {
		r := Record{}
		sk := o.draw(&r, parse(t, text))
		s, err := redraw(sk.text, r, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return string(s.Bytes())
	}
	const p = "<presence from='alice@field.net/p' to='bob@hq.net'><status>one</status></presence>"
	if first, again := draw(p), draw(p); first != again {
		t.Error("the same presence is another")
	}
	if draw(p) == draw(strings.Replace(p, "one", "two", 1)) {
		t.Error("another presence is the same")
	}
	var other outliner
	r, q := Record{}, Record{}
	o.draw(&r, parse(t, p))
	other.draw(&q, parse(t, p))
	if r.From == q.From && r.Same == q.Same {
		t.Error("pseudonyms can be found by trying")
	}
}

func TestManyKindsOfStanzasTakeBoundedMemory(t *testing.T) {
	var o outliner
	for i := range 5000 {
		s := parse(t, "<message><x"+strings.Repeat("y", i%900)+" xmlns='u"+strings.Repeat("z", i/900)+"'/></message>")
		o.draw(&Record{}, s)
	}
	if len(o.known) > maxSkeletons {
		t.Errorf("%d skeletons", len(o.known))
	}
	if sk := o.draw(&Record{}, parse(t, "<message>"+strings.Repeat("<x/>", 1000)+"</message>")); sk != nil {
		t.Error("too large an outline was drawn")
	}
}

func FuzzOutline(f *testing.F) {
	for _, s := range stanzas {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseAny(text)
		if err != nil {
			return
		}
		var o outliner
		now := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
		r := Record{At: now}
		sk := o.draw(&r, s)
		if sk == nil {
			return
		}
		again, err := redraw(sk.text, r, now)
		if err != nil {
			t.Fatalf("%q: %v", sk.text, err)
		}
		if len(again.Children) != len(s.Children) {
			t.Fatalf("%q: %q", s.Bytes(), again.Bytes())
		}
	})
}

func FuzzRead(f *testing.F) {
	b, _ := encode(Record{At: time.Unix(1, 0), Kind: Shape, ID: 1, Sizes: []int{4}})
	f.Add("{\"v\":1,\"t\":\"2026-03-01T06:00:00Z\",\"k\":\"skeleton\",\"id\":1,\"text\":\"<message>~</message>\"}\n" + string(b))
	f.Add("{\n\n}{")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := readLines(strings.NewReader(text), "x", func(l Line) error {
			if l.Kind == Shape {
				_, _ = redraw(l.Skeleton, l.Record, time.Unix(1e9, 0))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
