package fmuc

import (
	"errors"
	"fmt"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// NS qualifies <fmuc/>. XEP-0289 §5.
const NS = "http://isode.com/protocol/fmuc"

// maxReason bounds what a peer may say when it rejects us, in bytes.
const maxReason = 512

// A Mark is the <fmuc/> of a stanza between two federated rooms.
type Mark struct {
	From   jid.JID // the user's real JID, as a rule full; zero: absent
	Reject bool    // XEP-0289 §5.1: the room will not federate
	Reason string  // of the rejection, for people
	Left   bool    // XEP-0289 §5.4: the room has forgotten the other

	Attrs    []markup.Attr     // other attributes, in document order
	Children []*markup.Element // other children, in document order
}

// ErrNoMark is returned for a stanza without <fmuc/>.
var ErrNoMark = errors.New("fmuc: no <fmuc/>")

// Marked tells whether the stanza has an <fmuc/>.
func Marked(s *stanza.Stanza) bool { return s.Has(NS, "fmuc") }

// ParseMark reads the stanza's <fmuc/>. What it does not know it keeps.
func ParseMark(s *stanza.Stanza) (m Mark, err error) {
	c, ok := s.Child(NS, "fmuc")
	if !ok {
		return m, ErrNoMark
	}
	e, err := s.Element(c)
	if err != nil {
		return m, fmt.Errorf("fmuc: reading <fmuc/>: %w", err)
	}
	for _, a := range e.Attrs {
		if a.Name != (markup.Name{Local: "from"}) {
			m.Attrs = append(m.Attrs, a)
			continue
		}
		if m.From, err = jid.Parse(a.Value); err != nil {
			return m, fmt.Errorf("fmuc: from of <fmuc/>: %w", err)
		}
	}
	for _, c := range e.Children {
		switch {
		case c.Name.Space == NS && c.Name.Local == "reject":
			m.Reject, m.Reason = true, clip(c.Text, maxReason)
		case c.Name.Space == NS && c.Name.Local == "left":
			m.Left = true
		case c.Name.Space == "": // of the stream's namespace, which is not meant here
		default:
			m.Children = append(m.Children, c)
		}
	}
	return m, nil
}

// Attr is the value of another attribute, "" if absent.
func (m *Mark) Attr(local string) string {
	for i := range m.Attrs {
		if m.Attrs[i].Name == (markup.Name{Local: local}) {
			return m.Attrs[i].Value
		}
	}
	return ""
}

// Child is another child, nil if absent.
func (m *Mark) Child(space, local string) *markup.Element {
	for _, c := range m.Children {
		if c.Name == (markup.Name{Space: space, Local: local}) {
			return c
		}
	}
	return nil
}

// Append writes the <fmuc/>.
func (m *Mark) Append(b []byte) []byte {
	b = append(b, "<fmuc xmlns='"+NS+"'"...)
	if !m.From.IsZero() {
		b = append(b, " from='"...)
		b = markup.AppendEscapedAttr(b, m.From.String())
		b = append(b, '\'')
	}
	for i, a := range m.Attrs {
		b = markup.AppendAttr(b, a, i)
	}
	if !m.Reject && !m.Left && len(m.Children) == 0 {
		return append(b, '/', '>')
	}
	b = append(b, '>')
	switch {
	case m.Reject && m.Reason != "":
		b = append(b, "<reject>"...)
		b = markup.AppendEscaped(b, m.Reason)
		b = append(b, "</reject>"...)
	case m.Reject:
		b = append(b, "<reject/>"...)
	}
	if m.Left {
		b = append(b, "<left/>"...)
	}
	for _, c := range m.Children {
		b = append(b, c.Raw...)
	}
	return append(b, "</fmuc>"...)
}

// clip cuts a text at a character's edge.
func clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	for max > 0 && s[max]&0xc0 == 0x80 {
		max--
	}
	return s[:max]
}
