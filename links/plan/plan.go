// Package plan chooses which link of a peer carries what, and says why: order of preference, rules by class, transmit windows, emission control,
// failover with hold-down, cost. It is pure: whoever asks tells it the time and the states, and is told when to ask again.
package plan

import "time"

// Class is how urgent a stanza is; the numbers are those of store.Class.
type Class uint8

// Classes, the most urgent first.
const (
	Flash Class = iota + 1
	Immediate
	Priority
	Routine
	IQ
	Presence
	Receipt
	State
)

// Kind is what a stanza is; the numbers are those of store.Kind.
type Kind uint8

// Kinds.
const (
	KindMessage   Kind = 2
	KindGroupchat Kind = 3
	KindIQ        Kind = 4
	KindPresence  Kind = 6
	KindReceipt   Kind = 7
	KindState     Kind = 8
)

// Set is a set of classes or of kinds: bit 1<<n for the one with number n.
type Set uint16

// Has tells whether the set holds number n.
func (s Set) Has(n uint8) bool { return s&(1<<n) != 0 }

// A Load is what a link may take: entries whose class is one of Classes and whose kind is one of Kinds. The zero Load is nothing.
type Load struct{ Classes, Kinds Set }

const (
	allClasses Set = 1<<Flash | 1<<Immediate | 1<<Priority | 1<<Routine | 1<<IQ | 1<<Presence | 1<<Receipt | 1<<State
	allKinds   Set = 1<<KindMessage | 1<<KindGroupchat | 1<<KindIQ | 1<<KindPresence | 1<<KindReceipt | 1<<KindState
)

// Everything is the Load of a link that is the only one.
func Everything() Load { return Load{allClasses, allKinds} }

// None tells whether the load is nothing.
func (l Load) None() bool { return l.Classes == 0 || l.Kinds == 0 }

// All tells whether the load is everything.
func (l Load) All() bool { return l == Everything() }

// Condition is what a link is doing, as far as a choice needs to know.
type Condition uint8

// Conditions.
const (
	Down   Condition = iota // it cannot be had
	Trying                  // it is being opened, or tried again
	Closed                  // on purpose, as there was nothing to carry: it opens on demand
	Up                      // what is sent goes out
)

// Failover is when another link takes over. Zero fields mean the default.
type Failover struct {
	After     time.Duration // a link that should carry and has confirmed nothing for so long is left; 60 s
	BackAfter time.Duration // a better one must have been up for so long before it carries again; 2 min,
	BackMax   time.Duration // doubled with each flap up to this; 1 h
}

// OrDefault fills what is not set.
func (f Failover) OrDefault() Failover {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&f.After, time.Minute)
	set(&f.BackAfter, 2*time.Minute)
	set(&f.BackMax, time.Hour)
	f.BackMax = max(f.BackMax, f.BackAfter)
	return f
}
