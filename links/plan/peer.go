package plan

import (
	"fmt"
	"time"
)

// Link is what the operator says of a link, as far as a choice needs it.
type Link struct {
	Name    string
	Inbound bool // nothing may be sent on it
	EMCON   bool // nor while this is set
	Windows Windows
	Cost    float64       // money for a KiB
	Least   time.Duration // patience with it, at least: on a slow link silence for minutes means nothing
	Express bool          // flash and immediate messages have a lane of their own there, whichever link carries the rest
}

// Rule says which links may carry what it matches. The first that matches decides.
type Rule struct {
	Classes, Kinds Set // 0: any
	Links          []string
	Wait           time.Duration // then any link will do; 0: never
}

func (r Rule) matches(c Cell) bool {
	return (r.Classes == 0 || r.Classes.Has(uint8(c.Class))) && (r.Kinds == 0 || r.Kinds.Has(uint8(c.Kind)))
}

// Peer is what a choice is made of: links in order of preference, and rules.
type Peer struct {
	Links    []Link
	Rules    []Rule
	Failover Failover
}

// A Cell is a class and a kind that can be together. What is neither message nor groupchat has the class of its kind.
type Cell struct {
	Class Class
	Kind  Kind
}

// Cells are all of them, the most urgent first.
func Cells() []Cell {
	var all []Cell
	for c := Flash; c <= Routine; c++ {
		all = append(all, Cell{c, KindMessage}, Cell{c, KindGroupchat})
	}
	return append(all, Cell{IQ, KindIQ}, Cell{Presence, KindPresence}, Cell{Receipt, KindReceipt}, Cell{State, KindState})
}

// Has tells whether the load has the cell.
func (l Load) Has(c Cell) bool { return l.Classes.Has(uint8(c.Class)) && l.Kinds.Has(uint8(c.Kind)) }

// ClassesOf are the classes that an operator means by a precedence: routine is all that is no more urgent than a routine message.
func ClassesOf(precedence string) (Set, error) {
	switch precedence {
	case "flash":
		return 1 << Flash, nil
	case "immediate":
		return 1 << Immediate, nil
	case "priority":
		return 1 << Priority, nil
	case "routine":
		return 1<<Routine | 1<<IQ | 1<<Presence | 1<<Receipt | 1<<State, nil
	}
	return 0, fmt.Errorf("plan: no precedence %q; there are flash, immediate, priority, routine", precedence)
}

// KindsOf are the kinds that an operator means by a word.
func KindsOf(kind string) (Set, error) {
	switch kind {
	case "message":
		return 1 << KindMessage, nil
	case "groupchat":
		return 1 << KindGroupchat, nil
	case "iq":
		return 1 << KindIQ, nil
	case "presence":
		return 1 << KindPresence, nil
	case "receipt":
		return 1<<KindReceipt | 1<<KindState, nil
	}
	return 0, fmt.Errorf("plan: no kind %q; there are message, groupchat, iq, presence, receipt", kind)
}
