package terse

import "longwire/xmpp/markup"

// Namespaces of what refers to another message by its id, and of what decides whether resources matter.
const (
	nsReceipts  = "urn:xmpp:receipts"
	nsMarkers   = "urn:xmpp:chat-markers:0"
	nsReply     = "urn:xmpp:reply:0"
	nsCorrect   = "urn:xmpp:message-correct:0"
	nsReactions = "urn:xmpp:reactions:0"
	nsFasten    = "urn:xmpp:fasten:0"
	nsAttach    = "urn:xmpp:message-attaching:1"
	nsSID       = "urn:xmpp:sid:0"
)

// A reference is whose message a child is about.
type reference uint8

const (
	none reference = iota
	theirs
	anybodys
)

// refers tells whether a child names a message by its id.
func refers(n markup.Name) reference {
	switch n.Space {
	case nsReceipts:
		if n.Local == "received" {
			return theirs
		}
	case nsMarkers:
		if n.Local != "markable" {
			return theirs
		}
	case nsCorrect:
		if n.Local == "replace" {
			return anybodys
		}
	case "urn:xmpp:message-retract:0", "urn:xmpp:message-retract:1":
		if n.Local == "retract" {
			return anybodys
		}
	case nsReply:
		if n.Local == "reply" {
			return anybodys
		}
	case nsReactions:
		if n.Local == "reactions" {
			return anybodys
		}
	case nsAttach: // XEP-0367
		if n.Local == "attach-to" {
			return anybodys
		}
	case nsFasten:
		if n.Local == "apply-to" {
			return anybodys
		}
	}
	return none
}

// byArchive tells whether a child names a room's line by the number in its archive, where the room has one: XEP-0333 §4, XEP-0424 §4.1, XEP-0444 §4.2, XEP-0461 §3.1.
func byArchive(n markup.Name) bool {
	return refers(n) != none && n.Space != nsReceipts && n.Space != nsCorrect && n.Space != nsAttach
}
