package local

import (
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Namespaces of XEP-0280 and what it looks at.
const (
	NSCarbons  = "urn:xmpp:carbons:2"
	nsForward  = "urn:xmpp:forward:0"
	nsReceipts = "urn:xmpp:receipts"
	nsMarkers  = "urn:xmpp:chat-markers:0"
	nsMUCUser  = "http://jabber.org/protocol/muc#user"
)

// ServeCarbons registers the switch of XEP-0280 §4, §5.
func (h *Host) ServeCarbons() {
	h.Feature(ForServer|ForAccount, NSCarbons)
	for _, on := range []bool{true, false} {
		name := "disable"
		if on {
			name = "enable"
		}
		h.HandleIQ(NSCarbons, name, "set", ForAccount, func(q *Request) error {
			if !q.Own || q.Resource == nil {
				return stanza.Fail(stanza.Forbidden, "")
			}
			q.Turn.After(func() { q.Resource.SetCarbons(on) })
			q.Reply(nil)
			return nil
		})
	}
}

// carbonSent copies what one resource sent to the account's others, with its number in the archive (XEP-0313,
// Communicating the archive ID). XEP-0280 §8. A message to oneself reaches the others already (XEP-0280 §6.1), and does
// not come here.
func (h *Host) carbonSent(t *router.Turn, r *Resource, k Kept) {
	rs := h.Resources(r.bare)
	if len(rs) < 2 || !copied(k.Stanza) {
		return
	}
	t.After(func() {
		s := h.marked(k)
		for _, o := range rs {
			if o != r && o.Carbons() {
				o.Send(wrap("sent", s, o))
			}
		}
	})
}

// carbonReceived copies what came for the account to the resources that did not get the original. XEP-0280 §7.
func (h *Host) carbonReceived(s *stanza.Stanza, rs, original []*Resource) {
	if len(rs) < 2 || !copied(s) {
		return
	}
next:
	for _, r := range rs {
		if !r.Carbons() || r.full == s.From {
			continue
		}
		for _, o := range original {
			if o == r {
				continue next
			}
		}
		r.Send(wrap("received", s, r))
	}
}

// copied tells whether a message is carbon-copied at all. XEP-0280 §6.1.
func copied(s *stanza.Stanza) bool {
	if s.Has(NSCarbons, "private") || s.Has(nsHints, "no-copy") || s.Type == stanza.Groupchat || s.Type == stanza.Headline {
		return false
	}
	for _, c := range s.Children {
		switch c.Name.Space {
		case nsMUCUser:
			// A private message of a room goes to each joined client by itself; an invitation does not.
			return s.Has("", "body") && s.Type != stanza.Chat || hasInvite(s, c)
		case NSCarbons:
			return false // never a copy of a copy
		}
	}
	if s.Type == stanza.Chat {
		return true
	}
	for _, c := range s.Children {
		switch c.Name.Space {
		case "":
			if c.Name.Local == "body" {
				return true
			}
		case nsReceipts, nsChatStates, nsMarkers:
			return true
		}
	}
	return s.IsError()
}

// isCopy tells whether a message is a carbon copy that the node made: it dies with the stream it was for.
func isCopy(s *stanza.Stanza) bool {
	return s.From == s.To.Bare() && (s.Has(NSCarbons, "sent") || s.Has(NSCarbons, "received"))
}

func hasInvite(s *stanza.Stanza, c stanza.Child) bool {
	e, err := s.Element(c)
	return err == nil && e.Child(nsMUCUser, "invite") != nil
}

// wrap builds the copy. XEP-0280 §7, §8: from the own bare JID, of the original's type.
func wrap(direction string, s *stanza.Stanza, r *Resource) *stanza.Stanza {
	b := append([]byte(nil), "<"+direction+" xmlns='"+NSCarbons+"'><forwarded xmlns='"+nsForward+"'>"...)
	whole := s.Bytes()
	b = append(b, "<message xmlns='jabber:client'"...) // XEP-0297 §3.1: the copy names its namespace
	b = append(b, whole[len("<message"):]...)
	b = append(b, "</forwarded></"+direction+">"...)
	c := &stanza.Stanza{Kind: stanza.Message, From: r.bare, To: r.full, Type: s.Type}
	c.SetInner(b)
	return c
}
