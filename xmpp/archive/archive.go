// Package archive answers for message archives (XEP-0313): it finds what a query asks for in any archive of the store,
// and keeps those of accounts. Rooms keep their own and use the same answers.
package archive

import (
	"strconv"
	"strings"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Namespaces of XEP-0313, and of what it uses.
const (
	NS          = "urn:xmpp:mam:2"
	NSExtended  = NS + "#extended"
	NSGroupchat = NS + "#groupchat-field"
	NSStanzaID  = "urn:xmpp:sid:0"
	nsForward   = "urn:xmpp:forward:0"
	nsDelay     = "urn:xmpp:delay"
	nsContent   = "jabber:client"
)

// An id is written with digits of base 32, as many as the highest needs.
const (
	idBase   = 32
	idDigits = 13
)

// FormatID is an archive's id as it is written: the texts sort as the numbers do.
func FormatID(id uint64) string {
	b := make([]byte, 0, 2*idDigits)
	b = strconv.AppendUint(append(b, "0000000000000"...), id, idBase)
	return string(b[len(b)-idDigits:])
}

// ParseID reads what FormatID wrote; ok is false for anything else.
func ParseID(s string) (id uint64, ok bool) {
	if len(s) != idDigits || strings.ToLower(s) != s {
		return 0, false
	}
	id, err := strconv.ParseUint(s, idBase, 64)
	return id, err == nil && id != 0
}

// StanzaID is the element that tells which entry of by's archive a message is. XEP-0359 §3.
func StanzaID(by jid.JID, id uint64) []byte {
	b := make([]byte, 0, 96)
	b = append(b, "<stanza-id xmlns='"+NSStanzaID+"' by='"...)
	b = markup.AppendEscapedAttr(b, by.String())
	b = append(b, "' id='"...)
	return append(append(b, FormatID(id)...), "'/>"...)
}

// WithoutStanzaID takes out what poses as an id that by gave. XEP-0359 §5, rule 3: nobody else may say so.
func WithoutStanzaID(s *stanza.Stanza, by jid.JID) *stanza.Stanza {
	return s.Without(func(c stanza.Child) bool {
		if c.Name.Space != NSStanzaID || c.Name.Local != "stanza-id" {
			return false
		}
		e, err := s.Element(c)
		if err != nil {
			return true
		}
		j, err := jid.Parse(e.Attr("by"))
		return err == nil && j == by
	})
}
