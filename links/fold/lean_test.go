package fold_test

import (
	"testing"

	"longwire/links/fold"
)

// Lean takes out chat states and what the far node makes again, and nothing else.
func TestLeanKeepsWhatIsSaidAndTold(t *testing.T) {
	f := preset(t, fold.Lean)
	const (
		body    = "<body>x</body><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/><origin-id xmlns='urn:xmpp:sid:0' id='a'/>"
		active  = "<active xmlns='http://jabber.org/protocol/chatstates'/>"
		stored  = "<stanza-id xmlns='urn:xmpp:sid:0' by='a@b' id='1'/>"
		who     = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='1'/>"
		hint    = "<store xmlns='urn:xmpp:hints'/>"
		private = "<no-store xmlns='urn:xmpp:hints'/>"
		got     = "<received xmlns='urn:xmpp:receipts' id='a'/>"
		fmuc    = "<fmuc xmlns='http://isode.com/protocol/fmuc' from='a@b/c'/>"
		caps    = "<show>away</show><priority>5</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/><x xmlns='vcard-temp:x:update'><photo/></x>"
	)
	for _, c := range [][2]string{
		{"<message type='chat'>" + body + active + stored + "</message>", "<message type='chat'>" + body + "</message>"},
		{"<message type='chat'>" + body + private + "</message>", "<message type='chat'>" + body + private + "</message>"},
		{"<message type='chat'>" + got + hint + "</message>", "<message type='chat'>" + got + "</message>"},
		{"<message type='groupchat'>" + got + hint + who + "</message>", "<message type='groupchat'>" + got + hint + "</message>"},
		{"<message type='chat'>" + active + private + "</message>", ""},
		{"<message type='groupchat'>" + body + active + who + stored + fmuc + "</message>", "<message type='groupchat'>" + body + fmuc + "</message>"},
		{"<message type='groupchat'>" + active + fmuc + "</message>", "<message type='groupchat'>" + fmuc + "</message>"},
		{"<presence>" + caps + who + fmuc + "</presence>", "<presence>" + caps + fmuc + "</presence>"},
		{"<presence>" + caps + who + "</presence>", "<presence>" + caps + "</presence>"},
		{"<iq type='get'><q xmlns='urn:q'/></iq>", "<iq type='get'><q xmlns='urn:q'/></iq>"},
	} {
		out := ""
		if r := f.Fold(now, read(t, c[0])); r.Stanza != nil {
			out = string(r.Stanza.Bytes())
		} else if r.Refuse != nil {
			t.Errorf("%s is refused", c[0])
		}
		if out != c[1] {
			t.Errorf("%s\ngot  %s\nwant %s", c[0], out, c[1])
		}
	}
}
