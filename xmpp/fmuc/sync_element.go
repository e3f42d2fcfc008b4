package fmuc

import (
	"fmt"
	"strconv"

	"longwire/xmpp/fmuc/crowd"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/markup"
)

// nsLines qualifies what our rooms tell each other within <fmuc/>; other servers pass over it.
const nsLines = "urn:x-longwire:fmuc:0"

// A Sync is the <s/> of a stanza between two rooms of our kind.
//
//	<s xmlns='urn:x-longwire:fmuc:0' v='?C7VKMPUa5k' h='kx7A' m='20'>+Bob</s>
type Sync struct {
	Have  *lines.Said   // v: what the sender has, and whether the receiver is to answer; nil: it does not say
	Wants bool          // w: the sender answers what the receiver has
	Want  []lines.Pair  // of w: the first number that it wants of each origin
	Sum   string        // h: of the receiver's crowd as the sender believes it to be; "": it does not say
	Most  int           // m: how many lines are wanted at most; -1: all
	Gone  []lines.Pair  // f: lines up to these numbers will never come
	Crowd *crowd.Digest // the text: who is on the sender's side; nil: it does not say
}

// usersDomain is the domain at which the users of a rooms domain have their addresses, as a rule; then they are left out.
func usersDomain(rooms string) string {
	for i := range len(rooms) {
		if rooms[i] == '.' && i+1 < len(rooms) {
			return rooms[i+1:]
		}
	}
	return rooms
}

// ParseSync reads an <s/> that came from a room of a rooms domain.
func ParseSync(e *markup.Element, rooms string) (s Sync, err error) {
	s.Most = -1
	if e.HasAttr("v") {
		said, err := lines.Parse(e.Attr("v"))
		if err != nil {
			return s, fmt.Errorf("fmuc: v of <s/>: %w", err)
		}
		s.Have = &said
	}
	if s.Wants = e.HasAttr("w"); s.Wants {
		want, err := lines.Parse(e.Attr("w"))
		if err != nil {
			return s, fmt.Errorf("fmuc: w of <s/>: %w", err)
		}
		s.Want = want.Pairs
	}
	if f := e.Attr("f"); f != "" {
		gone, err := lines.Parse(f)
		if err != nil {
			return s, fmt.Errorf("fmuc: f of <s/>: %w", err)
		}
		s.Gone = gone.Pairs
	}
	if m := e.Attr("m"); m != "" {
		if s.Most, err = strconv.Atoi(m); err != nil || s.Most < 0 {
			return s, fmt.Errorf("fmuc: m of <s/>: %.20q is no number of lines", m)
		}
	}
	if s.Sum = e.Attr("h"); len(s.Sum) > 8 {
		return s, fmt.Errorf("fmuc: h of <s/> has %d letters", len(s.Sum))
	}
	if e.Text != "" {
		d, err := crowd.Parse(e.Text, usersDomain(rooms))
		if err != nil {
			return s, fmt.Errorf("fmuc: text of <s/>: %w", err)
		}
		s.Crowd = &d
	}
	return s, nil
}

// Element is the <s/> of a room of a rooms domain.
func (s *Sync) Element(rooms string) *markup.Element {
	b := []byte("<s xmlns='" + nsLines + "'")
	if s.Have != nil {
		b = append(s.Have.Append(append(b, " v='"...)), '\'')
	}
	if s.Wants {
		b = append(lines.Said{Pairs: s.Want}.Append(append(b, " w='"...)), '\'')
	}
	b = appendAttr(b, "h", s.Sum)
	if s.Most >= 0 {
		b = appendAttr(b, "m", strconv.Itoa(s.Most))
	}
	if len(s.Gone) > 0 {
		b = appendAttr(b, "f", lines.Said{Pairs: s.Gone}.String())
	}
	if s.Crowd == nil || s.Crowd.Empty() {
		b = append(b, '/', '>')
	} else {
		b = append(b, '>')
		b = markup.AppendEscaped(b, string(s.Crowd.Append(nil, usersDomain(rooms))))
		b = append(b, "</s>"...)
	}
	return &markup.Element{Name: markup.Name{Space: nsLines, Local: "s"}, Raw: b}
}
