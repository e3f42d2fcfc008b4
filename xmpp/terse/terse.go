// Package terse makes stanzas short between two Longwire nodes that both chose it, and gives them back what they had: ids become numbers, accounts lose
// their resources where it does not matter, and an origin-id that repeats the id goes.
//
//	our client  id='b3e1a1a2-6d2c-…'  ->  Out  id='12ab'            ->  In   their client
//	            <received id='b3e1…'/> <-  In  <received id='12ab'/>  <-  Out
//
// Whoever gets a stanza takes the number for its id, and so do his answers; what in them refers to something of ours gets its own id back in In.
// Each side counts for itself. Numbers are odd on the one side and even on the other, so that everybody sees whose a number is, and rise by two with
// each stanza that is queued, so that a coder foresees them.
//
// A room's line has one number for all who are in the room beyond the link; its author gets his own id back in the reflection (XEP-0045 §7.4), and so does
// everybody else here. What a room there has heard from us it tells us with our number, which it knows from Note.
package terse

import (
	"strconv"

	"longwire/xmpp/stanza"
)

// A Wire is the way to one peer, as one node sees it. It has no state but Numbers.
type Wire struct {
	Numbers Numbers
	Room    func(domain string) bool // is it one where rooms live, here or there?
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
	out := withoutRepeatedOrigin(s)
	if w.numbered(s) {
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
	}
	return renamed(out, func(r reference, id string) (string, error) {
		if r == theirs && s.Type != stanza.Groupchat {
			return id, nil // it is what they call it
		}
		if n, ok := w.Numbers.Find(Name{Scope: sc, ID: id}); ok {
			return format(n), nil
		}
		return id, nil
	})
}

// In is what the peer's stanza is to us; s itself when nothing is changed.
func (w *Wire) In(s *stanza.Stanza) (*stanza.Stanza, error) {
	if err := w.note(s); err != nil {
		return nil, err
	}
	out := s
	if w.answers(s) {
		m, ok, err := w.ours(s, s.ID)
		if err != nil {
			return nil, err
		}
		if ok {
			out = s.Copy()
			out.ID = m.ID
			// RFC 6121 §8.5.2.1.1: an error for a bare address goes to nobody.
			if to, err := s.To.WithResource(m.Resource); err == nil && s.IsError() && m.Resource != "" && s.To.IsBare() {
				out.To = to
			}
		}
	}
	out, err := renamed(out, func(_ reference, id string) (string, error) {
		m, ok, err := w.ours(s, id)
		if !ok || err != nil {
			return id, err
		}
		return m.ID, nil
	})
	if err != nil {
		return nil, err
	}
	return withOrigin(out), nil
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

// note keeps in mind that a number came from the peer, for a room that will tell it of it.
func (w *Wire) note(s *stanza.Stanza) error {
	if s.Kind != stanza.Message || s.IsError() || !w.room(s.To) {
		return nil
	}
	n, ok := parse(s.ID)
	if !ok || n%2 == 1 != odd(s.From.Domain(), s.To.Domain()) {
		return nil
	}
	return w.Numbers.Note(n, s.To.Bare().String())
}

// noted tells whether the id of what a room of ours tells is the peer's own number.
func (w *Wire) noted(s *stanza.Stanza) bool {
	if s.Kind != stanza.Message || !w.room(s.From) {
		return false
	}
	n, ok := parse(s.ID)
	return ok && n%2 == 1 == odd(s.To.Domain(), s.From.Domain()) && w.Numbers.Noted(n, s.From.Bare().String())
}

func format(n uint64) string { return strconv.FormatUint(n, 36) }

// Least is the least number: numbers have four to eight characters of base 36.
const Least = 36 * 36 * 36

// parse reads a number as format writes it.
func parse(id string) (uint64, bool) {
	if len(id) < 4 || len(id) > 8 || id[0] == '0' {
		return 0, false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(id, 36, 64)
	return n, err == nil
}
