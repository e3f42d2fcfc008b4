package terse

import (
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// A namer gives an element that names a message another id for it.
type namer func(n markup.Name, id string) (string, error)

// renamed is a stanza with other ids in what refers to messages; s itself when none is another.
func renamed(s *stanza.Stanza, name namer) (*stanza.Stanza, error) {
	return changed(s, func(c stanza.Child) bool { return refers(c.Name) != none }, name, func(path []markup.Name) bool { return len(path) == 1 })
}

// past is a stanza with other ids in the lines that a room's archive tells with it (XEP-0313 §5.1.2), as somebody may have them from when they were said.
func past(s *stanza.Stanza, name namer) (*stanza.Stanza, error) {
	return changed(s, func(c stanza.Child) bool { return c.Name == markup.Name{Space: "urn:xmpp:mam:2", Local: "result"} }, name, ofLine)
}

// ofLine tells whether the last element of a path within such a result has the id of a message.
func ofLine(path []markup.Name) bool {
	if len(path) < 3 || len(path) > 4 || path[1] != (markup.Name{Space: "urn:xmpp:forward:0", Local: "forwarded"}) || path[2].Local != "message" {
		return false
	}
	return len(path) == 3 || refers(path[3]) != none || isOrigin(path[3])
}

// asLine is a stanza of a room as if it were a line said in it.
func asLine(s *stanza.Stanza) *stanza.Stanza {
	line := s.Copy()
	line.Type = stanza.Groupchat
	return line
}

// changed gives other ids to what there is at the paths that at tells, in the children that of tells.
func changed(s *stanza.Stanza, of func(stanza.Child) bool, name namer, at func(path []markup.Name) bool) (*stanza.Stanza, error) {
	if s.Kind != stanza.Message {
		return s, nil
	}
	var inner []byte
	done := 0
	for _, c := range s.Children {
		if !of(c) {
			continue
		}
		err := eachID(s.Raw(c), at, func(n markup.Name, start, end int, was string) error {
			is, err := name(n, was)
			if is != was && err == nil {
				inner = markup.AppendEscapedAttr(append(inner, s.Inner[done:c.Start+start]...), is)
				done = c.Start + end
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if done == 0 {
		return s, nil
	}
	out := s.Copy()
	out.SetInner(append(inner, s.Inner[done:]...))
	return out, nil
}

// eachID calls fn for the ids at those paths in an element, and tells where in raw they stand.
func eachID(raw []byte, at func(path []markup.Name) bool, fn func(n markup.Name, start, end int, id string) error) error {
	s := markup.NewScanner()
	defer s.Free()
	s.Reset("", []markup.Binding{{}})
	var path []markup.Name
	for {
		t, err := s.Next(raw, true)
		if err != nil {
			return nil // the end
		}
		if t.Kind != markup.EndTag {
			path = append(path, t.Name)
			if at(path) {
				err = idOf(s, raw, t.Name, fn)
			}
		}
		if t.Kind != markup.StartTag {
			path = path[:len(path)-1]
		}
		if err != nil || len(path) == 0 {
			return err
		}
	}
}

func idOf(s *markup.Scanner, raw []byte, n markup.Name, fn func(n markup.Name, start, end int, id string) error) error {
	for i := range s.NumAttr() {
		if a, ok := s.Attr(raw, i); ok && a.Name == (markup.Name{Local: "id"}) && a.Start < a.End {
			return fn(n, a.Start, a.End, a.Value(raw))
		}
	}
	return nil
}
