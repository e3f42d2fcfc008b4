package terse_test

import (
	"strings"
	"testing"

	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// Whatever a client or a peer says, it stays a stanza, and what answers a message of ours has its id.
func FuzzWire(f *testing.F) {
	for _, s := range []string{
		"<message from='bob@field.net/a' to='ann@hq.net/b' type='chat' id='" + uuid + "'><body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='" + uuid + "'/></message>",
		"<message from='ops@chat.field.net/Bob' to='ann@hq.net/b' type='groupchat' id='a&apos;b'><replace xmlns='urn:xmpp:message-correct:0' id='1001'/><body>?OTR</body></message>",
		"<message from='ann@hq.net/b' to='ops@chat.field.net' type='groupchat' id='1001'><reactions id=\"1003\" xmlns='urn:xmpp:reactions:0'><reaction>+</reaction></reactions></message>",
		"<iq from='hq.net' to='field.net' type='result' id='1001'/>",
		"<presence from='bob@field.net' to='ann@hq.net' type='subscribe' id='1'/>",
		"<message to='ann@hq.net' id='zzzzzzzz'><received xmlns='urn:xmpp:receipts' id=''/></message>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, xml string) {
		s, err := stream.ParseStanza([]byte(xml))
		if err != nil {
			return
		}
		p := newPair(t)
		was := string(s.Bytes())
		_, _ = p.cross(0, was)
		air, _ := p.cross(1, was)
		if string(s.Bytes()) != was {
			t.Errorf("%s was changed", was)
		}
		out, err := stream.ParseStanza([]byte(air))
		if err != nil {
			t.Fatal(err)
		}
		if s.Kind != stanza.Message || s.IsError() || out.ID == s.ID || strings.HasPrefix(s.To.Domain(), "chat.") || strings.HasPrefix(s.From.Domain(), "chat.") {
			return
		}
		back := out.ErrorReply(stanza.Fail(stanza.ServiceUnavailable, ""))
		in, err := p.wires[1].In(back)
		if err != nil || in.ID != s.ID {
			t.Errorf("%s, on the air %s, is refused as %s: %v", was, air, in.Bytes(), err)
		}
	})
}
