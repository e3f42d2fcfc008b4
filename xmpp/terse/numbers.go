package terse

import (
	"strings"

	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

// Numbers is where the numbers of one peer are kept.
type Numbers interface {
	// Give gives a name its number: the one that it has, or the next, which is odd or even as asked for. With another Resource it
	// may be another stanza, which gets a number of its own, and is what Find finds.
	Give(m Name, odd bool) (uint64, error)
	// Find finds the number of a name.
	Find(m Name) (uint64, bool)
	// Named finds the name of a number, if it is of the scope: nobody gets another's by guessing.
	Named(n uint64, sc Scope) (m Name, ok bool, err error)
}

// A Scope is where an id means something: from one to another, in a room of ours (To is empty), or in a room of theirs (From is).
type Scope struct{ From, To string }

// A Name is an id of ours.
type Name struct {
	Scope
	ID       string
	Resource string // of the sender, where the stanza lost it; no part of what Find finds a Name by
}

// odd tells which numbers are given to what goes from one domain to another. The labels are compared from the right, so that all domains of a node count alike
// where those of another have another name at the end.
func odd(from, to string) bool {
	a, b := strings.Split(from, "."), strings.Split(to, ".")
	for len(a) > 0 && len(b) > 0 {
		if c := strings.Compare(a[len(a)-1], b[len(b)-1]); c != 0 {
			return c < 0
		}
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) < len(b)
}

func (w *Wire) room(j jid.JID) bool {
	return j.Local() != "" && w.Room != nil && w.Room(j.Domain())
}

// party is one end of what is between two: an account, or somebody in a room.
func (w *Wire) party(j jid.JID) string {
	if w.room(j) {
		return j.String()
	}
	return j.Bare().String()
}

// ofOurs is the scope of what we send; false: it has no ids that mean something.
func (w *Wire) ofOurs(s *stanza.Stanza) (Scope, bool) {
	switch {
	case s.Kind == stanza.IQ:
		return Scope{s.From.String(), s.To.String()}, true
	case s.Kind == stanza.Presence:
		return Scope{w.party(s.From), w.party(s.To)}, lasting(s)
	case s.Type != stanza.Groupchat:
		return Scope{w.party(s.From), w.party(s.To)}, true
	case w.room(s.From):
		return Scope{From: s.From.Bare().String()}, true
	}
	return Scope{To: s.To.Bare().String()}, true
}

// ofTheirs are the scopes of ours of which a stanza of the peer may speak.
func (w *Wire) ofTheirs(s *stanza.Stanza) []Scope {
	between := Scope{w.party(s.To), w.party(s.From)}
	in := []Scope{{To: s.From.Bare().String()}, {From: s.To.Bare().String()}}
	switch {
	case s.Kind == stanza.IQ:
		return []Scope{{s.To.String(), s.From.String()}}
	case s.Kind == stanza.Presence || s.Type != stanza.Groupchat && !s.IsError():
		return []Scope{between}
	case s.IsError(): // which does not say of what type it is
		return append(in, between)
	}
	return in
}

// numbered tells whether the id of what we send gets a number of ours: not those of answers, which are the asker's.
func (w *Wire) numbered(s *stanza.Stanza) bool {
	return s.ID != "" && len(s.ID) <= longest && !s.IsError() && (s.Kind != stanza.IQ || s.IsRequest())
}

// answers tells whether the id of the peer's stanza may be one of ours.
func (w *Wire) answers(s *stanza.Stanza) bool {
	switch s.Kind {
	case stanza.IQ:
		return !s.IsRequest()
	case stanza.Message:
		// XEP-0045 §7.4: the reflection has the id that its author gave; so has what a room passes on between two who came by us.
		return s.IsError() || w.room(s.From) || s.Type == stanza.Groupchat && !w.room(s.To)
	}
	return s.IsError()
}

// lasting tells whether a presence is a subscription, which has an id when a client gives it one.
func lasting(s *stanza.Stanza) bool {
	switch s.Type {
	case stanza.Subscribe, stanza.Subscribed, stanza.Unsubscribe, stanza.Unsubscribed:
		return true
	}
	return false
}
