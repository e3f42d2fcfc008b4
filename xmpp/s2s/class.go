package s2s

import (
	"bytes"
	"time"

	"longwire/store"
	"longwire/xmpp/stanza"
)

// Namespaces that decide how a stanza waits.
const (
	nsStates   = "http://jabber.org/protocol/chatstates"
	nsReceipts = "urn:xmpp:receipts"
	nsMarkers  = "urn:xmpp:chat-markers:0"
	nsHints    = "urn:xmpp:hints"
	nsSID      = "urn:xmpp:sid:0"
	nsDelay    = "urn:xmpp:delay"
	nsMUC      = "http://jabber.org/protocol/muc"
	nsMUCUser  = "http://jabber.org/protocol/muc#user"
	nsPubsub   = "http://jabber.org/protocol/pubsub"
	nsFMUC     = "http://isode.com/protocol/fmuc"
	nsLines    = "urn:x-longwire:fmuc:0"
)

// waiting says how a stanza waits for a link.
type waiting struct {
	kind     store.Kind
	life     time.Duration // 0: for ever
	coalesce bool          // a newer one from the same to the same takes its place
}

// KindOf is what a stanza is to a queue.
func KindOf(s *stanza.Stanza) store.Kind { return Lifetimes{}.waiting(s).kind }

func (l Lifetimes) waiting(s *stanza.Stanza) waiting {
	switch s.Kind {
	case stanza.IQ:
		return waiting{store.KindIQ, l.IQ, false}
	case stanza.Presence:
		return l.presence(s)
	}
	switch c := messageKind(s); {
	case c == store.KindGroupchat && s.Type == stanza.Groupchat:
		return waiting{c, l.Groupchat, false}
	case c == store.KindState:
		return waiting{c, l.State, false}
	default:
		return waiting{c, l.Message, false}
	}
}

func (l Lifetimes) presence(s *stanza.Stanza) waiting {
	switch s.Type {
	case stanza.Subscribe, stanza.Subscribed, stanza.Unsubscribe, stanza.Unsubscribed:
		// Choice: the two rosters would differ for good if one were forgotten, and nobody would be told; so it waits
		// until it can be sent.
		return waiting{store.KindChat, 0, false}
	case stanza.Error:
		return waiting{store.KindChat, l.Presence, false}
	case "", stanza.Unavailable:
		if roomDigest(s) {
			// Choice: it makes up for all that was lost on the way to the other room, so it is not lost itself. One is enough.
			return waiting{store.KindGroupchat, 0, true}
		}
		if s.Type == "" && s.From.IsBare() && s.To.IsBare() && s.Has(nsFMUC, "fmuc") {
			// Choice: a room that forgets another, or rejects it, says so once; the other would else believe for ever
			// that they are federated.
			return waiting{store.KindGroupchat, 0, false}
		}
		if roomPresence(s) {
			// Choice: a join must not be replaced by the next change of status, and must not be overtaken by the
			// first message to the room.
			return waiting{store.KindGroupchat, l.Groupchat, false}
		}
		return waiting{store.KindPresence, l.Presence, true}
	}
	return waiting{store.KindPresence, l.Presence, false} // probes
}

// asksPubsub tells whether a stanza asks something of a publish-subscribe service (XEP-0060).
func asksPubsub(s *stanza.Stanza) bool {
	return s.IsRequest() && (s.Has(nsPubsub, "pubsub") || s.Has(nsPubsub+"#owner", "pubsub"))
}

// asksReceipt tells whether a message asks for a receipt (XEP-0184 §7).
func asksReceipt(s *stanza.Stanza) bool {
	return s.Kind == stanza.Message && s.Has(nsReceipts, "request")
}

// roomPresence tells whether a presence is part of joining, leaving or moderating a room.
func roomPresence(s *stanza.Stanza) bool {
	for _, c := range s.Children {
		switch c.Name.Space {
		case nsMUC, nsMUCUser, nsFMUC:
			return true
		}
	}
	return false
}

// roomDigest tells whether a presence is what one Longwire room tells another of its occupants and lines (xmpp/fmuc). Each makes those before it superfluous.
func roomDigest(s *stanza.Stanza) bool {
	if s.Type != "" || s.From.Resource() != "" || s.To.Resource() != "" {
		return false
	}
	for _, c := range s.Children {
		if c.Name.Space == nsFMUC && bytes.Contains(s.Raw(c), []byte(nsLines)) {
			return true
		}
	}
	return false
}

// roomRepeat tells whether a message may be one that a room sends once more on purpose, as the other room did not take it the first time, when
// a line before it was missing. Rooms know by themselves what they have: by the number, or for what is told as late, by their archive
// (xmpp/fmuc). So it is with the past of a room, which it tells whoever enters again (XEP-0045 §7.2.13).
func roomRepeat(s *stanza.Stanza) bool {
	if s.Type != stanza.Groupchat {
		return false
	}
	c, ok := s.Child(nsFMUC, "fmuc")
	if !ok {
		return isPast(s)
	}
	if s.Has(nsDelay, "delay") {
		return true
	}
	e, err := s.Element(c)
	return err == nil && e.Attr("n") != ""
}

// isPast tells whether a room says of a line that it was said before: a stamp of a node's means that it came late.
func isPast(s *stanza.Stanza) bool {
	c, ok := s.Child(nsDelay, "delay")
	if !ok {
		return false
	}
	e, err := s.Element(c)
	return err == nil && s.From.Local() != "" && e.Attr("from") == s.From.Bare().String()
}

// messageKind looks for anything in a message that is more than a receipt or a chat state.
func messageKind(s *stanza.Stanza) store.Kind {
	if s.IsError() {
		return store.KindChat
	}
	receipt, state := false, false
	for _, c := range s.Children {
		switch c.Name.Space {
		case nsFMUC:
			// Choice: a private word from one room's occupant to another's comes behind the presence of its author.
			return store.KindGroupchat
		case nsStates:
			state = true
			continue
		case nsReceipts:
			if c.Name.Local == "received" { // XEP-0184 §7; a <request/> belongs to a message
				receipt = true
				continue
			}
		case nsMarkers:
			if c.Name.Local != "markable" { // XEP-0333 §3
				receipt = true
				continue
			}
		case nsHints, nsSID, nsDelay:
			continue
		case "":
			if c.Name.Local == "thread" {
				continue
			}
		}
		return contentKind(s)
	}
	switch {
	case receipt:
		return store.KindReceipt
	case state:
		return store.KindState
	}
	return contentKind(s)
}

func contentKind(s *stanza.Stanza) store.Kind {
	if s.Type == stanza.Groupchat {
		return store.KindGroupchat
	}
	return store.KindChat
}
