package fold

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Any matches any element name, or any namespace, in a Rule.
const Any = "*"

// Scope is which stanzas a rule is for.
type Scope uint8

// Scopes.
const (
	Both Scope = iota
	Messages
	Presences
)

func (s Scope) covers(k stanza.Kind) bool {
	return s == Both || s == Messages && k == stanza.Message || s == Presences && k == stanza.Presence
}

// Action is what a rule does with an element.
type Action uint8

// Actions.
const (
	Strip Action = iota
	Keep         // it stays, and no later rule is asked
	// Drop drops the message with it, unless that holds a text or anything that is never folded: then it strips. If somebody said something by it, he
	// is told.
	Drop
	// Refuse refuses the message with it; its sender is told. It is the only one that may be about what is never folded.
	Refuse
)

// Condition is on what a rule depends beside names.
type Condition uint8

// Conditions.
const (
	Always       Condition = iota
	UnlessLate             // not in messages whose time (XEP-0203, XEP-0091) is more than 60 s ago
	UnlessReply            // not in messages that reply to another (XEP-0461)
	OnlyIfEmpty            // only elements with nothing in them
	OnlyInNotes            // only in messages of clients by themselves, between two: receipts (XEP-0184) and marks (XEP-0333)
	onConditions           // how many there are
)

// A Rule is about elements of one namespace. It looks at the children of a stanza, and at what is further inside when it
// is Deep. The first rule that names a child decides: where its condition is not met, the child stays.
type Rule struct {
	// Number names the rule in telemetry. Those of presets have 1 to 26, each for one thing that clients send; 0 becomes
	// 101 and up, in the order of the rules.
	Number int
	Names  []string // local names, or Any
	// Space is the namespace, or Any; jabber:client, jabber:server and "" are the namespace of the stanza itself.
	Space  string
	Scope  Scope
	Action Action
	If     Condition
	Deep   bool // but never in <forwarded/>, nor in anything that is never folded
}

// names tells whether the rule names an element.
func (r *Rule) names(n markup.Name) bool {
	return (r.Space == n.Space || r.Space == Any) && (slices.Contains(r.Names, n.Local) || slices.Contains(r.Names, Any))
}

// late is the age at which a message's time tells the reader something.
const late = 60 * time.Second

// String reads "9: strip delay of urn:xmpp:delay, unless-late".
func (r Rule) String() string {
	s := fmt.Sprintf("%d: %s %s of %s", r.Number, r.Action, strings.Join(r.Names, " "), cmp.Or(r.Space, "jabber:client"))
	if r.Scope != Both {
		s += ", " + r.Scope.String()
	}
	if r.If != Always {
		s += ", " + r.If.String()
	}
	if r.Deep {
		s += ", deep"
	}
	return s
}

// look is one look at a stanza.
type look struct {
	now   time.Time
	s     *stanza.Stanza
	reply answer // whether it says which message it replies to, and will do so when it is folded
}

// answer is yes, no, or not known yet.
type answer uint8

const (
	unknown answer = iota
	yes
	no
)

// holds tells whether a condition is met for a child.
func (f *Folder) holds(c Condition, l *look, e stanza.Child) bool {
	switch c {
	case UnlessLate:
		return l.s.Kind != stanza.Message || !isLate(l.now, l.s, e)
	case UnlessReply:
		return !f.replies(l)
	case OnlyIfEmpty:
		return e.TextStart == e.TextEnd
	case OnlyInNotes:
		return isNote(l.s)
	}
	return true
}

// replies finds l.reply once. A rule that is itself about the <reply/>, and asks, leaves it.
func (f *Folder) replies(l *look) bool {
	if l.reply == unknown {
		l.reply = yes
		if c, ok := l.s.Child(nsReply, "reply"); !ok || f.verdict(l, c) != nil {
			l.reply = no
		}
	}
	return l.reply == yes
}

// isNote tells whether a message is nothing but receipts and marks. In rooms a mark is of the moment unless it says otherwise.
func isNote(s *stanza.Stanza) bool {
	if s.Kind != stanza.Message || s.Type == stanza.Groupchat {
		return false
	}
	note := false
	for i := range s.Children {
		switch n := s.Children[i].Name; {
		case n.Space == nsReceipts && n.Local == "received", n.Space == nsMarkers && n.Local != "markable":
			note = true
		case !slight(n):
			return false
		}
	}
	return note
}

// isLate reads the time that an element gives a stanza. One that cannot be read may mean anything, and stays.
func isLate(now time.Time, s *stanza.Stanza, c stanza.Child) bool {
	e, err := s.Element(c)
	if err != nil {
		return true
	}
	for _, layout := range []string{time.RFC3339Nano, "20060102T15:04:05"} { // XEP-0082; XEP-0091
		if at, err := time.Parse(layout, e.Attr("stamp")); err == nil {
			return now.Sub(at) > late
		}
	}
	return true
}

// content gives the namespaces of streams the name that they have in stanzas.
func content(space string) string {
	if space == "jabber:client" || space == "jabber:server" {
		return ""
	}
	return space
}
