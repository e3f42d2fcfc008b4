package terse_test

import (
	"testing"

	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// Whatever a client or a peer sends: it crosses, and comes to the far side as a stanza of the same kind, with the same children.
func FuzzCross(f *testing.F) {
	for _, xml := range []string{
		"<message from='bob@field.net/a' to='ann@hq.net/b' type='chat' id='1'><body>x</body><replace id='1' xmlns='urn:xmpp:message-correct:0'/></message>",
		"<message from='bob@field.net/a' to='ops@chat.hq.net' type='groupchat' id=\"a'b\"><r:reactions\n id = '&#x31;001.hq' xmlns:r='urn:xmpp:reactions:0'/></message>",
		"<message from='ops@chat.field.net/B' to='ops@chat.hq.net' type='groupchat' id='1001.hq'><body/><origin-id id='1001.hq' xmlns='urn:xmpp:sid:0'/></message>",
		"<message from='bob@field.net/a' to='ann@hq.net/b' type='error' id='1000.hq'><received xmlns='urn:xmpp:receipts' id='1000.hq'/><error/></message>",
		"<iq from='bob@field.net/a' to='hq.net' type='result' id='1000'/>",
		"<message from='ops@chat.field.net' to='ann@hq.net/b' id='1'><result xmlns='urn:xmpp:mam:2' id='1'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' id='1'><replace xmlns='urn:xmpp:message-correct:0' id='1'/></message></forwarded></result></message>",
		"<presence from='bob@field.net/a' to='ann@hq.net' type='subscribe' id='x'/>",
	} {
		f.Add([]byte(xml))
	}
	f.Fuzz(func(t *testing.T, xml []byte) {
		s, err := stream.ParseStanza(xml)
		if err != nil || s.From.IsZero() || s.To.IsZero() {
			return
		}
		p := newPair(t)
		for range 2 { // what it says of itself is known the second time
			out, err := p.wires[1].Out(s)
			if err != nil {
				t.Fatal(err)
			}
			air, err := stream.ParseStanza(out.Bytes())
			if err != nil {
				t.Fatalf("%s: %v", out.Bytes(), err)
			}
			in, err := p.wires[0].In(air)
			if err != nil {
				t.Fatal(err)
			}
			there, err := stream.ParseStanza(in.Bytes())
			if err != nil || there.Kind != s.Kind || there.Type != s.Type || there.From.Bare() != s.From.Bare() {
				t.Fatalf("%s is %s there: %v", xml, in.Bytes(), err)
			}
			if got, want := said(there), said(s); got != want {
				t.Fatalf("%s says %d things, not %d", in.Bytes(), got, want)
			}
			if _, err := p.wires[1].In(s); err != nil { // as if it came from the peer
				t.Fatal(err)
			}
		}
	})
}

// said counts the children but for what the far side makes anew.
func said(s *stanza.Stanza) (n int) {
	for _, c := range s.Children {
		if c.Name.Space != "urn:xmpp:sid:0" {
			n++
		}
	}
	return n
}
