package fmuc

import (
	"slices"
	"strconv"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Namespaces of XEP-0045 §18.
const (
	nsMUC  = "http://jabber.org/protocol/muc"
	nsUser = "http://jabber.org/protocol/muc#user"
)

// Status codes of XEP-0045 §15.6.2 that cross between nodes.
const (
	codeBanned  = 301
	codeRenamed = 303
	codeKicked  = 307
	codeLost    = 333
)

// An Item is what <x xmlns='http://jabber.org/protocol/muc#user'/> says of an occupant.
type Item struct {
	Affiliation, Role string
	JID               jid.JID // zero: absent
	Nick              string  // the new one, with status 303
	Actor, Reason     string
	Codes             []int
}

// maxCodes bounds the status codes that are read.
const maxCodes = 16

// ParseItem reads the stanza's muc#user; false when there is none that can be read. What is unknown or malformed in it
// is as absent: it is cosmetic.
func ParseItem(s *stanza.Stanza) (i Item, ok bool) {
	c, ok := s.Child(nsUser, "x")
	if !ok {
		return i, false
	}
	x, err := s.Element(c)
	if err != nil {
		return i, false
	}
	for _, e := range x.Children {
		if e.Name == (markup.Name{Space: nsUser, Local: "status"}) && len(i.Codes) < maxCodes {
			if n, err := strconv.Atoi(e.Attr("code")); err == nil && n >= 100 && n <= 999 {
				i.Codes = append(i.Codes, n)
			}
		}
	}
	e := x.Child(nsUser, "item")
	if e == nil {
		return i, true
	}
	i.Affiliation, i.Role, i.Nick = e.Attr("affiliation"), e.Attr("role"), e.Attr("nick")
	i.JID, _ = jid.Parse(e.Attr("jid"))
	if a := e.Child(nsUser, "actor"); a != nil {
		i.Actor = a.Attr("nick")
	}
	if r := e.Child(nsUser, "reason"); r != nil {
		i.Reason = clip(r.Text, maxReason)
	}
	return i, true
}

// Has tells whether a status code is there.
func (i *Item) Has(code int) bool { return slices.Contains(i.Codes, code) }

// Append writes the muc#user element.
func (i *Item) Append(b []byte) []byte {
	b = append(b, "<x xmlns='"+nsUser+"'><item"...)
	b = appendAttr(b, "affiliation", i.Affiliation)
	b = appendAttr(b, "role", i.Role)
	b = appendAttr(b, "jid", i.JID.String())
	b = appendAttr(b, "nick", i.Nick)
	if i.Actor == "" && i.Reason == "" {
		b = append(b, '/', '>')
	} else {
		b = append(b, '>')
		if i.Actor != "" {
			b = append(appendAttr(append(b, "<actor"...), "nick", i.Actor), '/', '>')
		}
		if i.Reason != "" {
			b = append(markup.AppendEscaped(append(b, "<reason>"...), i.Reason), "</reason>"...)
		}
		b = append(b, "</item>"...)
	}
	for _, c := range i.Codes {
		b = append(strconv.AppendInt(append(b, "<status code='"...), int64(c), 10), "'/>"...)
	}
	return append(b, "</x>"...)
}

// appendAttr writes an attribute that has a value.
func appendAttr(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, ' '), name...), '=', '\'')
	return append(markup.AppendEscapedAttr(b, value), '\'')
}
