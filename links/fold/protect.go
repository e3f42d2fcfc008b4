package fold

import (
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Namespaces that are treated by what they are.
const (
	nsFMUC    = "http://isode.com/protocol/fmuc"
	nsLines   = "urn:x-longwire:fmuc:0"
	nsMUC     = "http://jabber.org/protocol/muc"
	nsMUCUser = "http://jabber.org/protocol/muc#user"
	nsLabel   = "urn:xmpp:sec-label:0"
	nsForward = "urn:xmpp:forward:0"
	nsSigned  = "jabber:x:signed"
	nsXHTML   = "http://jabber.org/protocol/xhtml-im"
	nsReply   = "urn:xmpp:reply:0"
	nsHints   = "urn:xmpp:hints"
	nsSID     = "urn:xmpp:sid:0"
	nsOccID   = "urn:xmpp:occupant-id:0"
	nsDelay   = "urn:xmpp:delay"
	nsDelayX  = "jabber:x:delay"
	nsStates  = "http://jabber.org/protocol/chatstates"
	nsMarkers = "urn:xmpp:chat-markers:0"
	nsNick    = "http://jabber.org/protocol/nick"
	nsEvent   = "http://jabber.org/protocol/pubsub#event"
)

// sealed are the namespaces of signed and encrypted content, and why nothing of them is taken.
var sealed = map[string]string{
	nsSigned:                             "a signature that is gone silently looks like one that was never made",
	"jabber:x:encrypted":                 unreadable,
	"urn:xmpp:openpgp:0":                 unreadable,
	"urn:xmpp:omemo:0":                   unreadable,
	"urn:xmpp:omemo:1":                   unreadable,
	"urn:xmpp:omemo:2":                   unreadable,
	"urn:xmpp:sce:0":                     unreadable,
	"urn:xmpp:sce:1":                     unreadable,
	"eu.siacs.conversations.axolotl":     unreadable,
	"urn:ietf:params:xml:ns:xmpp-e2e":    unreadable,
	"http://www.w3.org/2000/09/xmldsig#": "a signature that is gone silently looks like one that was never made",
	"http://www.w3.org/2001/04/xmlenc#":  unreadable,
}

const unreadable = "without it nobody can read the message"

// Protected tells why an element of a stanza is never folded; "" when it may be.
func Protected(n markup.Name) string {
	switch content(n.Space) {
	case "":
		switch n.Local {
		case "body", "subject":
			return "it is what somebody wrote"
		case "error":
			return "the sender waits for it"
		}
		return ""
	case nsFMUC, nsLines:
		return "a federated room cannot do without it"
	case nsMUC, nsMUCUser:
		return "without it nobody enters a room, is invited, or writes privately in one"
	case nsLabel:
		return "it says who may read the message"
	}
	return sealed[n.Space]
}

// Federated tells whether a stanza is what rooms of several nodes say to each other (XEP-0289, and our digests): it passes whole.
func Federated(s *stanza.Stanza) bool {
	for i := range s.Children {
		if space := s.Children[i].Name.Space; space == nsFMUC || space == nsLines {
			return true
		}
	}
	return false
}

// closed tells whether a rule never looks inside an element. Choice: what is forwarded is somebody's stanza as it was,
// so its envelope is not entered, but may go as a whole.
func closed(n markup.Name) bool {
	return n.Space == nsForward || Protected(n) != ""
}

// protects tells whether any child of the stanza is protected.
func protects(s *stanza.Stanza) bool {
	for i := range s.Children {
		if Protected(s.Children[i].Name) != "" {
			return true
		}
	}
	return false
}

// quiet are the namespaces of what clients and services say by themselves, for which nobody waits.
var quiet = map[string]bool{
	nsStates: true, nsXHTML: true, "jabber:x:event": true, nsMarkers: true, nsReceipts: true, nsNick: true, nsEvent: true, nsEME: true,
	"urn:xmpp:carbons:2": true, "urn:xmpp:fallback:0": true,
}

// slight tells whether a message with nothing but such children says nothing: a thread, hints, ids, a time.
func slight(n markup.Name) bool {
	switch content(n.Space) {
	case "":
		return n.Local == "thread"
	case nsHints, nsSID, nsOccID, nsDelay, nsDelayX:
		return true
	}
	return false
}
