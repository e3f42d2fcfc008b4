package fold

import (
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// content namespace of what stands in a stanza.
var scope = []markup.Binding{{Prefix: "", URI: ""}}

// inside adds what deep rules take from within the children that stay. spans are in order, and so is the result.
func (f *Folder) inside(s *stanza.Stanza, spans []span) []span {
	var all []span
	next := 0
	for _, c := range s.Children {
		if next < len(spans) && spans[next].start == c.Start {
			all = append(all, spans[next])
			next++
			continue
		}
		if !closed(c.Name) && c.TextStart < c.TextEnd {
			all = f.within(s, c, all)
		}
	}
	return all
}

// within walks one child.
func (f *Folder) within(s *stanza.Stanza, c stanza.Child, spans []span) []span {
	b := s.Inner[c.Start:c.End]
	sc := markup.NewScanner()
	defer sc.Free()
	sc.Reset("", scope)
	skip := 0 // the depth outside an element that is not walked; 0: none
	open := false
	for {
		t, err := sc.Next(b, true)
		if err != nil {
			return spans // the child has ended
		}
		switch {
		case t.Kind == markup.EndTag:
			if skip == 0 || sc.Depth() != skip {
				continue
			}
			if open {
				spans[len(spans)-1].end = c.Start + t.End
			}
			skip, open = 0, false
		case skip > 0 || t.Kind == markup.StartTag && sc.Depth() == 1:
		default:
			r := f.deepRule(s.Kind, t.Name)
			if r != nil {
				spans = append(spans, span{start: c.Start + t.Start, end: c.Start + t.End, rule: r.Number, name: t.Name})
			}
			if t.Kind == markup.StartTag && (r != nil || closed(t.Name)) {
				skip, open = sc.Depth()-1, r != nil
			}
		}
	}
}

// deepRule finds the deep rule for an element below a child.
func (f *Folder) deepRule(k stanza.Kind, n markup.Name) *Rule {
	n.Space = content(n.Space)
	if Protected(n) != "" {
		return nil
	}
	for i := range f.deep {
		if r := &f.deep[i]; r.Scope.covers(k) && r.names(n) {
			return r
		}
	}
	return nil
}
