// Package terse makes stanzas short between two Longwire nodes that both chose it, and gives them back what they had: ids become numbers, accounts lose
// their resources where it does not matter, and an origin-id that repeats the id goes.
//
//	our client  id='b3e1a1a2-6d2c-…'   ->  Out  id='12ab'             ->  In   id='12ab.hq'             their client
//	            <received id='b3e1…'/>  <-  In  <received id='12ab'/>  <-  Out  <received id='12ab.hq'/>
//
// For whoever gets a message the number, with the peer's name behind it, is its id: '12ab.hq'. So no two peers' ids are the same, nor like what a client makes
// up, and what refers to one crosses as the number again; what refers to something of ours gets its own id back in In. Each side counts for itself.
// Numbers are odd on the one side and even on the other, so that everybody sees whose a number is, and rise by two with each stanza that is queued, so that a
// coder foresees them.
//
// A room's line has one number for all who are in the room beyond the link; its author gets his own id back in the reflection (XEP-0045 §7.4), and so does
// everybody else there.
package terse

import (
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// A Wire is the way to one peer, as one node sees it. It has no state but Numbers.
type Wire struct {
	Numbers Numbers
	Peer    string                   // its name here, in ids
	Room    func(domain string) bool // is it one where rooms live, here or there?
	Lines   Lines                    // nil: no room of ours has an archive
	Bare    bool                     // accounts lose their resources
}

// longest is the length of an id, in bytes, up to which it gets a number.
const longest = 256

// Out is a stanza as it goes to the peer; s itself when nothing is changed.
func (w *Wire) Out(s *stanza.Stanza) (*stanza.Stanza, error) {
	sc, ok := w.ofOurs(s)
	if !ok {
		return s, nil
	}
	var err error
	out := withoutRepeatedOrigin(s)
	if n, ok := w.itsOwn(s, s.ID); ok && s.Kind == stanza.Message && (s.IsError() || w.room(s.From)) {
		out = out.Copy()
		out.ID = n
	} else if w.numbered(s) {
		if out, err = w.number(s, out, sc); err != nil {
			return nil, err
		}
	}
	if out, err = renamed(out, w.outward(s, sc)); err != nil || !w.room(s.From) {
		return out, err
	}
	line := asLine(s)
	sc, _ = w.ofOurs(line)
	return past(out, w.outward(line, sc))
}

// outward is how what refers to a message crosses.
func (w *Wire) outward(s *stanza.Stanza, sc Scope) namer {
	return func(n markup.Name, id string) (string, error) {
		if s.Type == stanza.Groupchat {
			id = w.said(s.From, n, id)
		}
		if refers(n) != theirs || s.Type == stanza.Groupchat {
			if number, ok := w.Numbers.Find(Name{Scope: sc, ID: id}); ok {
				return format(number), nil
			}
		}
		if number, ok := w.itsOwn(s, id); ok {
			return number, nil
		}
		return id, nil
	}
}

// number gives out, which is what crosses of s, its number.
func (w *Wire) number(s, out *stanza.Stanza, sc Scope) (*stanza.Stanza, error) {
	bare := w.Bare && w.talk(s)
	m := Name{Scope: sc, ID: s.ID}
	if bare {
		m.Resource = s.From.Resource()
	}
	n, err := w.Numbers.Give(m, odd(s.From.Domain(), s.To.Domain()))
	if err != nil {
		return nil, err
	}
	out = out.Copy()
	out.ID = format(n)
	if bare {
		out.From, out.To = s.From.Bare(), s.To.Bare()
	}
	return out, nil
}

// In is what the peer's stanza is to us; s itself when nothing is changed.
func (w *Wire) In(s *stanza.Stanza) (*stanza.Stanza, error) {
	out := s
	m, ok, err := Name{}, false, error(nil)
	if w.answers(s) {
		m, ok, err = w.ours(s, s.ID)
	}
	switch {
	case err != nil:
		return nil, err
	case ok:
		out = s.Copy()
		out.ID = m.ID
		// RFC 6121 §8.5.2.1.1: an error for a bare address goes to nobody.
		if to, err := s.To.WithResource(m.Resource); err == nil && s.IsError() && m.Resource != "" && s.To.IsBare() {
			out.To = to
		}
	case s.Kind == stanza.Message && !s.IsError() && given(s, s.ID):
		out = s.Copy()
		out.ID = w.foreign(s.ID)
	}
	if out, err = renamed(out, w.inward(s)); err == nil && w.room(s.From) {
		out, err = past(out, w.inward(asLine(s)))
	}
	if err != nil {
		return nil, err
	}
	return withOrigin(out), nil
}

// inward is what that is here.
func (w *Wire) inward(s *stanza.Stanza) namer {
	return func(n markup.Name, id string) (string, error) {
		m, ok, err := w.ours(s, id)
		switch {
		case err != nil:
			return "", err
		case ok:
			id = m.ID
		case given(s, id):
			id = w.foreign(id)
		}
		if s.Type == stanza.Groupchat {
			id = w.kept(s.To, n, id)
		}
		return id, nil
	}
}

// ours finds what of ours a stanza of the peer names by a number.
func (w *Wire) ours(s *stanza.Stanza, id string) (m Name, ok bool, err error) {
	n, ok := parse(id)
	if !ok || n%2 == 1 != odd(s.To.Domain(), s.From.Domain()) {
		return m, false, nil
	}
	for _, sc := range w.ofTheirs(s) {
		if m, ok, err = w.Numbers.Named(n, sc); ok || err != nil {
			return m, ok, err
		}
	}
	return m, false, nil
}
