package roster

import (
	"strconv"

	"longwire/store"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// appendItem writes an item as clients see it. RFC 6121 §2.1.2.
func appendItem(b []byte, it store.RosterItem) []byte {
	b = append(b, "<item jid='"...)
	b = markup.AppendEscaped(b, it.Contact)
	if it.Name != "" {
		b = append(b, "' name='"...)
		b = markup.AppendEscaped(b, it.Name)
	}
	b = append(b, "' subscription='"...)
	b = append(b, subscription(it)...)
	if it.PendOut {
		b = append(b, "' ask='subscribe"...) // RFC 6121 §2.1.2.2
	}
	if it.Approved {
		b = append(b, "' approved='true"...) // RFC 6121 §2.1.2.1
	}
	if len(it.Groups) == 0 {
		return append(b, "'/>"...)
	}
	b = append(b, "'>"...)
	for _, g := range it.Groups {
		b = append(b, "<group>"...)
		b = markup.AppendEscaped(b, g)
		b = append(b, "</group>"...)
	}
	return append(b, "</item>"...)
}

func appendRemoved(b []byte, contact string) []byte {
	b = append(b, "<item jid='"...)
	b = markup.AppendEscaped(b, contact)
	return append(b, "' subscription='remove'/>"...)
}

// subscription is the state without what is pending. RFC 6121 §2.1.2.5.
func subscription(it store.RosterItem) string {
	switch {
	case it.To && it.From:
		return "both"
	case it.To:
		return "to"
	case it.From:
		return "from"
	}
	return "none"
}

// query wraps items. RFC 6121 §2.6.1: the version is the account's counter; clients take it as opaque.
func query(items []byte, ver uint64) []byte {
	b := append(make([]byte, 0, len(items)+64), "<query xmlns='"+NS+"' ver='"...)
	b = strconv.AppendUint(b, ver, 10)
	if len(items) == 0 {
		return append(b, "'/>"...)
	}
	b = append(b, "'>"...)
	b = append(b, items...)
	return append(b, "</query>"...)
}

// pushed makes a push. RFC 6121 §2.1.6: it has no from, which means the client's own account.
func (s *Service) pushed(item []byte, ver uint64) *stanza.Stanza {
	p := &stanza.Stanza{Kind: stanza.IQ, Type: stanza.Set, ID: "push" + strconv.FormatUint(s.pushes.Add(1), 36)}
	p.SetInner(query(item, ver))
	return p
}
