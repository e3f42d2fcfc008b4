package stanza_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

func parse(t *testing.T, in string) *stanza.Stanza {
	t.Helper()
	s, err := stream.ParseStanza([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkIndex compares the children of s with those that reading it anew gives.
func checkIndex(t *testing.T, s *stanza.Stanza) {
	t.Helper()
	if got, want := fmt.Sprint(s.Children), fmt.Sprint(parse(t, string(s.Bytes())).Children); got != want {
		t.Errorf("%s: children %s, want %s", s.Bytes(), got, want)
	}
}

const chat = `<message from='a@field.net/x' to='b@field.net' type='chat' id='7' xml:lang='en'>` +
	`<body>h&amp;i<![CDATA[<]]></body> <active xmlns='http://jabber.org/protocol/chatstates'/><body xmlns='urn:x'/></message>`

func TestAppendWritesWhatWasRead(t *testing.T) {
	for _, in := range []string{
		chat, `<presence/>`, `<iq to='b@c' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`, `<message>text only</message>`,
		`<message id='&lt;&amp;&apos;&quot;&#9;&#10;&#13;'/>`, `<presence xmlns:a0='urn:x' a0:y='z'/>`,
	} {
		if got := string(parse(t, in).Bytes()); got != in {
			t.Errorf("%s\nbecame\n%s", in, got)
		}
	}
	to := jid.MustParse("c@d/e")
	if got := string(parse(t, `<message to='a@b'/>`).AppendTo([]byte("x"), to)); got != `x<message to='c@d/e'/>` {
		t.Error(got)
	}
}

func TestChildren(t *testing.T) {
	s := parse(t, chat)
	c, ok := s.Child("", "body")
	if !ok || s.Text(c) != "h&i<" || string(s.Raw(c)) != "<body>h&amp;i<![CDATA[<]]></body>" {
		t.Errorf("%q", s.Raw(c))
	}
	if !s.Has("urn:x", "body") || s.Has("urn:x", "active") || s.Has("", "active") {
		t.Error("Has")
	}
	if e, err := s.Element(s.Children[1]); err != nil || e.Name != s.Children[1].Name {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestWithoutAndWith(t *testing.T) {
	s := parse(t, chat)
	inBody := func(c stanza.Child) bool { return c.Name.Local == "body" }
	less := s.Without(inBody)
	if got := string(less.Inner); got != ` <active xmlns='http://jabber.org/protocol/chatstates'/>` {
		t.Error(got)
	}
	checkIndex(t, less)
	if s.Without(func(stanza.Child) bool { return false }) != s {
		t.Error("a stanza that loses nothing is copied")
	}
	if none := parse(t, `<message><a/><b/></message>`).Without(func(stanza.Child) bool { return true }); string(none.Bytes()) != `<message/>` {
		t.Errorf("%s", none.Bytes())
	}
	more := less.With([]byte(`<store xmlns='urn:xmpp:hints'/>`)).With([]byte(`<body>x</body>`))
	checkIndex(t, more)
	if c, ok := more.Child("", "body"); !ok || more.Text(c) != "x" || less.Has("", "body") {
		t.Errorf("%s", more.Bytes())
	}
	if string(s.Bytes()) != chat {
		t.Errorf("the original became %s", s.Bytes())
	}
	defer func() {
		if recover() == nil {
			t.Error("With takes markup that is malformed")
		}
	}()
	s.With([]byte("<a>"))
}

func TestCopyLeavesTheOriginal(t *testing.T) {
	s := parse(t, chat)
	c := s.Copy()
	c.Type = "normal"
	c.SetInner([]byte("<x/>"))
	if string(s.Bytes()) != chat {
		t.Errorf("%s", s.Bytes())
	}
	checkIndex(t, c)
}

func TestResultAndErrorReply(t *testing.T) {
	q := parse(t, `<iq from='a@b/c' to='field.net' type='get' id='q1'><query xmlns='jabber:iq:version'/></iq>`)
	if got := string(q.Result(nil).Bytes()); got != `<iq from='field.net' to='a@b/c' type='result' id='q1'/>` {
		t.Error(got)
	}
	if got := string(q.Result([]byte("<x/>")).Bytes()); got != `<iq from='field.net' to='a@b/c' type='result' id='q1'><x/></iq>` {
		t.Error(got)
	}
	e := stanza.Fail(stanza.PolicyViolation, "too <large>")
	e.App = []byte("<y xmlns='urn:y'/>")
	r := q.ErrorReply(e)
	want := `<iq from='field.net' to='a@b/c' type='error' id='q1'><error type='modify'><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
		`<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>too &lt;large&gt;</text><y xmlns='urn:y'/></error></iq>`
	if got := string(r.Bytes()); got != want {
		t.Error(got)
	}
	for _, in := range []string{`<iq type='result' id='1'/>`, `<iq type='error' id='1'/>`, `<message type='error'/>`, `<presence type='error'/>`, `<iq id='1'/>`} {
		if r := parse(t, in).ErrorReply(e); r != nil {
			t.Errorf("%s is answered by %s", in, r.Bytes())
		}
	}
	if r := parse(t, `<message id='1' to='a@b' type='chat'/>`).ErrorReply(stanza.Fail(stanza.ServiceUnavailable, "")); string(r.Bytes()) !=
		`<message from='a@b' type='error' id='1'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>` {
		t.Errorf("%s", r.Bytes())
	}
}

func TestErrType(t *testing.T) {
	for _, c := range []struct {
		e    stanza.Err
		want string
	}{
		{stanza.Err{Condition: stanza.BadRequest}, "modify"}, {stanza.Err{Condition: stanza.Forbidden}, "auth"},
		{stanza.Err{Condition: stanza.RemoteServerTimeout}, "wait"}, {stanza.Err{Condition: stanza.ItemNotFound}, "cancel"},
		{stanza.Err{Condition: stanza.PolicyViolation, Type: "wait"}, "wait"},
	} {
		want := "<error type='" + c.want + "'>"
		if got := string(c.e.Append(nil)); got[:len(want)] != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestErrIs(t *testing.T) {
	err := fmt.Errorf("routing: %w", stanza.Fail(stanza.Forbidden, "x"))
	for _, c := range []struct {
		target stanza.Err
		want   bool
	}{
		{stanza.Err{}, true}, {stanza.Err{Condition: stanza.Forbidden}, true}, {stanza.Err{Type: "auth"}, true}, {stanza.Err{Text: "x"}, true},
		{stanza.Err{Type: "cancel"}, false}, {stanza.Err{Condition: stanza.Gone}, false}, {stanza.Err{Condition: stanza.Forbidden, Text: "y"}, false},
	} {
		if errors.Is(err, &c.target) != c.want {
			t.Errorf("%+v", c.target)
		}
	}
	if err.Error() != "routing: stanza: forbidden: x" {
		t.Error(err)
	}
}

func TestPayload(t *testing.T) {
	name := func(e *markup.Element) string {
		if e == nil {
			return ""
		}
		return e.Name.Local
	}
	for in, want := range map[string]string{
		`<iq type='get'><query xmlns='urn:x'/></iq>`: "query", `<iq type='get'/>`: "", `<iq type='get'><a/><b/></iq>`: "",
		`<iq type='error'><a/><error/></iq>`: "a", `<iq type='error'><error/><a/></iq>`: "a", `<iq type='error'><error/></iq>`: "",
		`<iq type='get'><error/></iq>`: "error", `<iq type='get'> <a/> </iq>`: "a",
	} {
		if got := name(parse(t, in).Payload()); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}

func TestKinds(t *testing.T) {
	for in, want := range map[string]stanza.Kind{`<message/>`: stanza.Message, `<presence/>`: stanza.Presence, `<iq/>`: stanza.IQ} {
		if s := parse(t, in); s.Kind != want || "<"+s.Kind.String()+"/>" != in {
			t.Errorf("%s: %v", in, s.Kind)
		}
	}
	if parse(t, `<message type='get'/>`).IsRequest() || !parse(t, `<iq type='set'/>`).IsRequest() || parse(t, `<iq type='result'/>`).IsRequest() {
		t.Error("IsRequest")
	}
}

// Who is not let into a room finds the answer by what it asked with.
func TestARefusedEntryNamesTheProtocol(t *testing.T) {
	const x = "<x xmlns='http://jabber.org/protocol/muc'/>"
	join := parse(t, "<presence from='a@b/c' to='r@m/n' id='1'><x xmlns='http://jabber.org/protocol/muc'><password>secret</password></x></presence>")
	back := string(join.ErrorReply(stanza.Fail(stanza.ServiceUnavailable, "")).Bytes())
	if !strings.Contains(back, "'>"+x+"<error ") || strings.Contains(back, "secret") {
		t.Error(back)
	}
	if back := string(parse(t, "<presence from='a@b/c' to='r@m/n'/>").ErrorReply(stanza.Fail(stanza.ServiceUnavailable, "")).Bytes()); strings.Contains(back, x) {
		t.Error(back)
	}
}
