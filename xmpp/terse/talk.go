package terse

import (
	"strings"

	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Namespaces that are treated by what they are.
const (
	nsMUCUser = "http://jabber.org/protocol/muc#user"
	nsFMUC    = "http://isode.com/protocol/fmuc"
	nsHints   = "urn:xmpp:hints"
)

// anywhere are the namespaces of what means the same on each client of an account. What else there is, such as the steps of a call (XEP-0353), of a
// transfer (XEP-0047) or of a form, may be for the one client that it was sent to.
var anywhere = map[string]bool{
	"": true, nsReceipts: true, nsMarkers: true, nsReply: true, nsCorrect: true, nsReactions: true, nsFasten: true, nsSID: true, nsHints: true,
	"http://jabber.org/protocol/chatstates": true, "http://jabber.org/protocol/xhtml-im": true, "http://jabber.org/protocol/geoloc": true,
	"http://jabber.org/protocol/nick": true, "http://jabber.org/protocol/shim": true, "urn:xmpp:message-retract:0": true,
	"urn:xmpp:message-retract:1": true, "urn:xmpp:fallback:0": true, "urn:xmpp:sec-label:0": true, "urn:xmpp:delay": true,
	"jabber:x:delay": true, "urn:xmpp:styling:0": true, "urn:xmpp:eme:0": true, "eu.siacs.conversations.axolotl": true, "urn:xmpp:omemo:2": true,
	"urn:xmpp:openpgp:0": true, "jabber:x:encrypted": true, "jabber:x:signed": true, "jabber:x:oob": true, "jabber:x:event": true, "urn:xmpp:reference:0": true,
	"urn:xmpp:attention:0": true, "urn:xmpp:spoiler:0": true, "jabber:x:conference": true,
}

// talk tells whether a message is between people rather than clients, so that no resource is needed: what is for the account goes to all its clients
// (RFC 6121 §8.5.2.1.1), and what answers it too (XEP-0296).
func (w *Wire) talk(s *stanza.Stanza) bool {
	if s.Kind != stanza.Message || s.Type != "" && s.Type != stanza.Chat && s.Type != stanza.Normal || s.From.Local() == "" || s.To.Local() == "" ||
		w.room(s.From) || w.room(s.To) {
		return false
	}
	for _, c := range s.Children {
		switch {
		case !anywhere[c.Name.Space],
			c.Name == markup.Name{Space: nsHints, Local: "no-copy"}, // XEP-0334 §4.2: for that client and no other
			c.Name == markup.Name{Local: "body"} && offTheRecord(s.Text(c)):
			return false
		}
	}
	return true
}

// offTheRecord tells whether two clients agree on a key, or one offers that: OTR has words and blanks for it.
func offTheRecord(body string) bool {
	return strings.HasPrefix(body, "?OTR") || strings.Contains(body, " \t  \t\t\t\t \t \t \t  ")
}

// withoutRepeatedOrigin takes an origin-id off that says what the id says. XEP-0359 §3.2.
func withoutRepeatedOrigin(s *stanza.Stanza) *stanza.Stanza {
	if s.Kind != stanza.Message || s.ID == "" || s.IsError() {
		return s
	}
	return s.Without(func(c stanza.Child) bool {
		if !isOrigin(c.Name) {
			return false
		}
		e, err := s.Element(c)
		return err == nil && e.Attr("id") == s.ID && len(e.Attrs) == 1 && len(e.Children) == 0
	})
}

// withOrigin gives a message its origin-id again: what stands in id is what its author gave it, or stands for that. Only what says something has
// one, as with clients.
func withOrigin(s *stanza.Stanza) *stanza.Stanza {
	if s.Kind != stanza.Message || s.ID == "" || s.IsError() || s.Type == stanza.Headline || !s.Has("", "body") || s.Has(nsSID, "origin-id") {
		return s
	}
	return s.With(append(markup.AppendPlainAttr([]byte("<origin-id xmlns='"+nsSID+"'"), "id", s.ID), "/>"...))
}

func isOrigin(n markup.Name) bool { return n == markup.Name{Space: nsSID, Local: "origin-id"} }
