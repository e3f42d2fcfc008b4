package proxy

import (
	"slices"
	"strings"

	"longwire/xmpp/stanza"
)

// Policy says which questions cross.
type Policy struct {
	Local bool     // questions are answered here; else all cross
	Cross []string // namespaces of those that cross all the same
	Rest  bool     // so does what is in no table here
	// Pubsub: what is published may be asked for across the link. Without, it is not even where other questions cross.
	Pubsub bool
}

// Namespaces.
const (
	nsInfo     = "http://jabber.org/protocol/disco#info"
	nsItems    = "http://jabber.org/protocol/disco#items"
	nsPing     = "urn:xmpp:ping"
	nsPubsub   = "http://jabber.org/protocol/pubsub"
	nsOwner    = nsPubsub + "#owner"
	nsMUC      = "http://jabber.org/protocol/muc"
	nsMUCUser  = nsMUC + "#user"
	nsMUCAdmin = nsMUC + "#admin"
	nsMUCOwner = nsMUC + "#owner"
	nsRosterX  = "http://jabber.org/protocol/rosterx"
	nsFMUC     = "http://isode.com/protocol/fmuc"
	nsCaps     = "http://jabber.org/protocol/caps"
	nsVCard    = "vcard-temp"
	nsVersion  = "jabber:iq:version"
)

// homely are questions that stay here wherever questions are answered here: what they ask for is not known, is long, or is
// of no use by the time it comes. Spec: the table of IQs towards a constrained peer.
func homely(space string) bool {
	switch space {
	case nsInfo, nsItems, nsPing, nsVersion, "urn:xmpp:time", "jabber:iq:time", "jabber:iq:last", // who, what, when
		nsVCard, "urn:ietf:params:xml:ns:vcard-4.0", "jabber:iq:avatar", nsPubsub, nsOwner, // pictures and cards
		"jabber:iq:search", "jabber:iq:register", "jabber:iq:private", "jabber:iq:privacy", "urn:xmpp:blocking", // what accounts keep
		"http://jabber.org/protocol/bytestreams", "http://jabber.org/protocol/si", "http://jabber.org/protocol/ibb", // files
		"jabber:iq:oob", "jabber:iq:browse", "jabber:iq:roster", "jabber:iq:auth", "jabber:iq:last-activity":
		return true
	}
	for _, prefix := range []string{
		"urn:xmpp:mam:", "urn:xmpp:jingle", "urn:xmpp:http:upload", "urn:xmpp:carbons", "urn:xmpp:push", "urn:xmpp:extdisco",
		"urn:xmpp:avatar", "urn:xmpp:bookmarks", "http://jabber.org/protocol/jinglenodes", "http://jabber.org/protocol/feature-neg",
	} {
		if strings.HasPrefix(space, prefix) {
			return true
		}
	}
	return false
}

// crosses tells whether a request goes to the peer.
func (p *Policy) crosses(st *stanza.Stanza, room bool) bool {
	if len(st.Children) != 1 || st.ID == "" {
		return !p.Local
	}
	space := st.Children[0].Name.Space
	switch {
	case slices.Contains(p.Cross, space):
		return true
	case space == nsPubsub, space == nsOwner:
		return p.Pubsub
	case !p.Local:
		return true
	case space == nsRosterX, room && st.To.Local() != "" && st.To.IsBare() && (space == nsMUCOwner || space == nsMUCAdmin && st.Type == stanza.Set):
		// Somebody does this to be done there. Peer: profanity asks for three lists (muc#admin) of each room that it wants to enter, so they are not.
		return true
	}
	return p.Rest && !homely(space)
}
