package terse

import (
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

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
	return n.Space != nsReceipts && n.Space != nsCorrect && n.Space != nsAttach
}

// renamed is a stanza with other ids in what refers to messages; s itself when none is another.
func renamed(s *stanza.Stanza, name func(markup.Name, string) (string, error)) (*stanza.Stanza, error) {
	if s.Kind != stanza.Message {
		return s, nil
	}
	var inner []byte
	done := 0
	for _, c := range s.Children {
		if refers(c.Name) == none {
			continue
		}
		start, end, was := idOf(s.Raw(c))
		if was == "" {
			continue
		}
		is, err := name(c.Name, was)
		if err != nil {
			return nil, err
		}
		if is != was {
			inner = markup.AppendEscapedAttr(append(inner, s.Inner[done:c.Start+start]...), is)
			done = c.Start + end
		}
	}
	if done == 0 {
		return s, nil
	}
	out := s.Copy()
	out.SetInner(append(inner, s.Inner[done:]...))
	return out, nil
}

// idOf finds the id of an element, and where it stands in raw; "" if there is none.
func idOf(raw []byte) (start, end int, id string) {
	s := markup.NewScanner()
	defer s.Free()
	s.Reset("", []markup.Binding{{}})
	if _, err := s.Next(raw, true); err != nil {
		return 0, 0, ""
	}
	for i := range s.NumAttr() {
		if a, ok := s.Attr(raw, i); ok && a.Name == (markup.Name{Local: "id"}) {
			return a.Start, a.End, a.Value(raw)
		}
	}
	return 0, 0, ""
}
