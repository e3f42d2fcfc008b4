package local

import (
	"time"

	"longwire/store"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// Namespaces that decide whether a message is worth keeping.
const (
	nsHints      = "urn:xmpp:hints"
	nsChatStates = "http://jabber.org/protocol/chatstates"
	nsDelay      = "urn:xmpp:delay"
	nsArchive    = "urn:xmpp:mam:2"
)

// Keepable tells whether a message may wait for its recipient. XEP-0160 §3: normal and chat with content; XEP-0334
// hints overrule.
func Keepable(s *stanza.Stanza) bool {
	if s.Kind != stanza.Message {
		return false
	}
	switch s.Type {
	case stanza.Groupchat, stanza.Headline, stanza.Error:
		return false
	}
	if s.Has(nsHints, "no-store") || s.Has(nsHints, "no-permanent-store") {
		return false // XEP-0334 §4.2, §4.3
	}
	if s.Has(nsArchive, "result") {
		return false // what an archive found is there still
	}
	return s.Has(nsHints, "store") || hasContent(s)
}

// hasContent tells whether a message says more than a chat state.
func hasContent(s *stanza.Stanza) bool {
	for _, c := range s.Children {
		switch c.Name.Space {
		case nsChatStates, nsHints:
			continue
		case "":
			if c.Name.Local == "thread" {
				continue
			}
		}
		return true
	}
	return false
}

// late reads a spooled message and stamps when it came. XEP-0160 §3, XEP-0203 §2.
func late(e store.SpoolEntry, domain string) (*stanza.Stanza, error) {
	s, err := stream.ParseStanza(e.Stanza)
	if err != nil {
		return nil, err
	}
	return Stamp(s, domain, e.Received), nil
}

// Stamp adds a delay stamp unless the message has one from the same source. XEP-0203 §3.
func Stamp(s *stanza.Stanza, from string, at time.Time) *stanza.Stanza {
	for _, c := range s.Children {
		if c.Name.Space != nsDelay || c.Name.Local != "delay" {
			continue
		}
		if e, err := s.Element(c); err == nil && e.Attr("from") == from {
			return s
		}
	}
	b := append([]byte(nil), "<delay xmlns='"+nsDelay+"' from='"...)
	b = markup.AppendEscaped(b, from)
	b = append(b, "' stamp='"...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z") // XEP-0082 §3.2
	return s.With(append(b, "'/>"...))
}
