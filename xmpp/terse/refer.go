package terse

import (
	"bytes"

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
	case nsFasten:
		if n.Local == "apply-to" {
			return anybodys
		}
	}
	return none
}

// renamed is a stanza with other ids in what refers to messages; s itself when none is another.
func renamed(s *stanza.Stanza, name func(reference, string) (string, error)) (*stanza.Stanza, error) {
	var inner []byte
	done := 0
	for _, c := range s.Children {
		r := refers(c.Name)
		if s.Kind != stanza.Message || r == none {
			continue
		}
		at, was := idOf(s, c)
		if was == "" {
			continue
		}
		is, err := name(r, was)
		if err != nil {
			return nil, err
		}
		if is != was {
			inner = append(inner, s.Inner[done:at]...)
			inner = markup.AppendEscapedAttr(inner, is)
			done = at + len(was)
		}
	}
	if done == 0 {
		return s, nil
	}
	out := s.Copy()
	out.SetInner(append(inner, s.Inner[done:]...))
	return out, nil
}

// idOf finds the id of a child, and where in Inner it stands. One that is not plain to see, as it is written with escapes, is none.
func idOf(s *stanza.Stanza, c stanza.Child) (at int, id string) {
	e, err := s.Element(c)
	if err != nil {
		return 0, ""
	}
	id = e.Attr("id")
	tag := s.Raw(c)
	if c.TextEnd > c.TextStart {
		tag = tag[:c.TextStart-c.Start]
	}
	for _, quoted := range []string{"'" + id + "'", `"` + id + `"`} {
		const name = " id="
		if i := bytes.Index(tag, []byte(name+quoted)); i >= 0 && id != "" && bytes.Count(tag, []byte(id)) == 1 {
			return c.Start + i + len(name) + 1, id
		}
	}
	return 0, ""
}
