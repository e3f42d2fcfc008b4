package plan

import (
	"fmt"
	"slices"
	"time"
)

// Link is what the operator says of a link, as far as a choice needs it.
type Link struct {
	Name    string
	Inbound bool // nothing may be sent on it
	EMCON   bool // nor on this, for now
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

// A Fault is something in a Peer that cannot work.
type Fault struct {
	Link int // in Peer.Links; -1: none
	Rule int // in Peer.Rules; -1: none
	What string
	Todo string // what to do about it
}

// Check finds what cannot work.
func Check(p Peer) (faults []Fault) {
	link := func(i int, what, todo string) { faults = append(faults, Fault{i, -1, what, todo}) }
	rule := func(i int, what, todo string) { faults = append(faults, Fault{-1, i, what, todo}) }
	sends := false
	for i, l := range p.Links {
		if j := slices.IndexFunc(p.Links[:i], func(o Link) bool { return o.Name == l.Name }); j >= 0 {
			link(i, fmt.Sprintf("link %q stands at place %d already: an order has no circles", l.Name, j+1), "name each link once, the preferred first")
		}
		sends = sends || !l.Inbound
	}
	if len(p.Links) > 0 && !sends {
		link(0, "all links only receive: nothing could ever be sent or confirmed", "give the peer a link with direction = \"both\"")
	}
	for i, r := range p.Rules {
		if len(r.Links) == 0 {
			rule(i, "the rule names no link", "name the links that may carry what it matches")
		}
		usable := false
		for k, name := range r.Links {
			j := slices.IndexFunc(p.Links, func(l Link) bool { return l.Name == name })
			switch {
			case j < 0:
				rule(i, fmt.Sprintf("link %q is not one of the peer's", name), "name it in the peer's links, or another one here")
			case slices.Contains(r.Links[:k], name):
				rule(i, fmt.Sprintf("link %q is named twice", name), "name each link once")
			}
			usable = usable || j >= 0 && !p.Links[j].Inbound
		}
		if len(r.Links) > 0 && !usable && r.Wait == 0 {
			rule(i, "none of its links can send, so what it matches would wait for ever", "name one that sends, or say with wait after what time any link will do")
		}
		if r.Wait < 0 {
			rule(i, "wait is negative", "0s waits for ever")
		}
	}
	return faults
}
