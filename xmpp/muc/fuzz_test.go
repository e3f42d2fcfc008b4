package muc_test

import (
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stream"
)

// FuzzAccept throws stanzas of a client of ours, and of one from afar, at a room: nothing panics, and the room fits
// together.
func FuzzAccept(f *testing.F) {
	for _, x := range []string{
		`<presence to='ops@chat.hq.net/B'><x xmlns='http://jabber.org/protocol/muc'><password>p</password><history since='2026-01-01T00:00:00Z' seconds='3' maxchars='65000' maxstanzas='20'/></x></presence>`,
		`<presence to='ops@chat.hq.net/B'><show>xa</show></presence>`,
		`<presence to='ops@chat.hq.net/B' type='unavailable'/>`,
		`<presence to='ops@chat.hq.net/B' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`,
		`<message to='ops@chat.hq.net' type='groupchat'><body>x</body><delay xmlns='urn:xmpp:delay' from='ops@chat.hq.net' stamp='x'/></message>`,
		`<message to='ops@chat.hq.net' type='groupchat'><subject>x</subject></message>`,
		`<message to='ops@chat.hq.net/A' type='chat'><body>x</body></message>`,
		`<message to='ops@chat.hq.net'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='carol@hq.net'><reason>r</reason></invite><decline to='bob@hq.net'/></x></message>`,
		`<message to='ops@chat.hq.net'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field var='muc#role'><value>participant</value></field></x></message>`,
		`<iq to='ops@chat.hq.net' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='A' role='none'/><item jid='carol@hq.net' affiliation='outcast'/></query></iq>`,
		`<iq to='ops@chat.hq.net' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
		`<iq to='ops@chat.hq.net' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy jid='x@chat.hq.net'/></query></iq>`,
		`<iq to='ops@chat.hq.net/A' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`,
		`<iq to='ops@chat.hq.net' type='set' id='1'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>3</max><before/></set></query></iq>`,
		`<iq to='ops@chat.hq.net' type='set' id='1'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>B</value></field></x></query></iq>`,
		`<iq to='chat.hq.net' type='get' id='1'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`,
	} {
		f.Add(x, uint8(0))
		f.Add(x, uint8(1))
	}
	c := newCrowd(f, 3, store.Room{})
	f.Fuzz(func(t *testing.T, xml string, who uint8) {
		st, err := stream.ParseStanza([]byte(xml))
		if err != nil || st.To.Domain() != "chat.hq.net" {
			return
		}
		if st.From = c.sinks[int(who)%3].full; who%4 == 3 {
			st.From = jid.MustParse("zoe@far.net/x")
		}
		if err := c.try(func(turn *router.Turn) error { return c.route.Route(turn, st) }); err != nil {
			t.Fatalf("%s: %v", xml, err)
		}
		err = c.try(func(*router.Turn) error {
			return muc.Check(c.muc)
		})
		if err != nil {
			t.Fatalf("after %s: %v", xml, err)
		}
	})
}
