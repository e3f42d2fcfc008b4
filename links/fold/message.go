package fold

import (
	"time"

	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// message applies the rules to a message.
func (f *Folder) message(now time.Time, s *stanza.Stanza) Result {
	r := f.strip(now, s, nil)
	if r.Stanza != nil && r.Stanza != s && saysNothing(r.Stanza) {
		d := ended(s, Empty)
		d.Cuts = r.Cuts
		return d
	}
	return r
}

// strip applies the rules to what passes. own are cuts that are due anyway.
func (f *Folder) strip(now time.Time, s *stanza.Stanza, own func(stanza.Child) bool) Result {
	r := f.once(now, s, own)
	if len(f.deep) == 0 || r.Stanza == nil || r.Stanza == s {
		return r
	}
	// What a deep rule has emptied may be what another one strips when it is empty.
	again := f.once(now, r.Stanza, own)
	again.Cuts = append(r.Cuts, again.Cuts...)
	if again.Stanza != nil {
		again.Saved += r.Saved
	} else {
		again.Saved = len(s.Bytes())
	}
	return again
}

func (f *Folder) once(now time.Time, s *stanza.Stanza, own func(stanza.Child) bool) Result {
	whole, spans := f.cuts(now, s, own)
	if whole != nil && whole.Action == Refuse && relayed(s) {
		r := dropped(s, ByRule)
		r.Rule = whole.Number
		return r
	}
	if whole != nil && whole.Action == Refuse {
		r := refused(s, ByRule, stanza.PolicyViolation, "messages of this kind do not cross the link")
		r.Rule = whole.Number
		return r
	}
	if whole != nil && !protects(s) && !formatted(s) {
		r := ended(s, ByRule)
		r.Rule = whole.Number
		return r
	}
	if len(spans) == 0 {
		return Result{Stanza: s}
	}
	return cut(s, spans, bodyFor(s, spans))
}

// ended is the Result of a message of which nothing crosses. Choice: what a client says by itself ends there; what somebody said, or tried
// to do, is refused, so that he does not believe that the other knows.
func ended(s *stanza.Stanza, why Reason) Result {
	if relayed(s) {
		return dropped(s, why)
	}
	for i := range s.Children {
		if n := s.Children[i].Name; !slight(n) && !quiet[n.Space] {
			return refused(s, why, stanza.PolicyViolation, "of this message nothing would cross the link but text, and it has none")
		}
	}
	return dropped(s, why)
}

// relayed tells whether a room passes a message on: it would take an error for the end of the occupant that it is for (XEP-0045 §7.6, §18.3).
func relayed(s *stanza.Stanza) bool { return s.Type == stanza.Groupchat && s.To.Resource() != "" }

// saysNothing tells whether no child is left but a thread, hints, ids or a time.
func saysNothing(s *stanza.Stanza) bool {
	for i := range s.Children {
		if !slight(s.Children[i].Name) {
			return false
		}
	}
	return true
}

// span is an element to be cut out: Inner[start:end].
type span struct {
	start, end int
	rule       int
	name       markup.Name
	html       bool // a child that may be needed for its text
}

// verdict finds the rule that decides about a child; nil when it stays.
func (f *Folder) verdict(l *look, c stanza.Child) *Rule {
	n := c.Name
	n.Space = content(n.Space)
	for i := range f.rules {
		r := &f.rules[i]
		if !r.Scope.covers(l.s.Kind) || !r.names(n) {
			continue
		}
		if r.Action == Keep || r.Action != Refuse && Protected(n) != "" || !f.holds(r.If, l, c) {
			return nil
		}
		return r
	}
	return nil
}

// cuts lists what the rules take out of a stanza, in order, and returns the rule that decides about all of it: the first
// that refuses it, or else that drops it. own are cuts that are due anyway.
func (f *Folder) cuts(now time.Time, s *stanza.Stanza, own func(stanza.Child) bool) (whole *Rule, spans []span) {
	l := look{now: now, s: s}
	for _, c := range s.Children {
		if own != nil && own(c) {
			spans = append(spans, span{start: c.Start, end: c.End, name: c.Name})
			continue
		}
		r := f.verdict(&l, c)
		if r == nil {
			continue
		}
		switch {
		case r.Action == Refuse:
			return r, nil
		case r.Action == Drop && whole == nil:
			whole = r
		}
		spans = append(spans, span{c.Start, c.End, r.Number, c.Name, c.Name == markup.Name{Space: nsXHTML, Local: "html"}})
	}
	if len(f.deep) > 0 {
		spans = f.inside(s, spans)
	}
	if s.Kind == stanza.Presence && s.Has(nsSigned, "x") {
		spans = unsigned(spans)
	}
	return whole, spans
}

// cut takes the spans out of a stanza. body, if any, takes the place of the first html.
func cut(s *stanza.Stanza, spans []span, body []byte) Result {
	r := Result{Stanza: s.Copy(), Cuts: make([]Cut, 0, len(spans))}
	inner := make([]byte, 0, len(s.Inner)+len(body))
	done := 0
	for _, c := range spans {
		inner = append(inner, s.Inner[done:c.start]...)
		if c.html && body != nil {
			inner, body = append(inner, body...), nil
		}
		done = c.end
		r.Cuts = append(r.Cuts, Cut{c.rule, c.name, c.end - c.start})
	}
	inner = append(inner, s.Inner[done:]...)
	r.Stanza.SetInner(inner)
	r.Saved = len(s.Inner) - len(inner)
	if len(inner) == 0 {
		r.Saved += len(s.Kind.String()) + len("></>") - len("/>")
	}
	return r
}
