package stream_test

import (
	"strings"
	"testing"

	"longwire/xmpp/stream"
)

func TestSmoke(t *testing.T) {
	in := `<?xml version='1.0'?><stream:stream to='field.net' version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:p='urn:p'>
 <message to='a@b/c' p:x='1'><body xmlns='jabber:client'>h&amp;i<![CDATA[ <x> ]]></body><p:z p:q='1'><y/></p:z><e xmlns=''/></message><r xmlns='urn:xmpp:sm:3'/><stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error><iq to='@'/></stream:stream>`
	r := stream.NewReader(strings.NewReader(in), stream.Options{NS: stream.NSClient})
	for {
		ev, err := r.Next()
		t.Logf("%+v %v", ev, err)
		if err != nil {
			break
		}
		if ev.Stanza != nil {
			t.Logf("%s %v", ev.Stanza.Bytes(), ev.Stanza.Children)
		}
		if ev.Nonza != nil {
			t.Logf("%s", ev.Nonza.Raw)
			e, ok := stream.ParseError(ev.Nonza)
			t.Log(e, ok)
		}
	}
}
