package store

import (
	"fmt"
	"strings"
)

// Kind is what an entry is. The numbers are those of the classes of earlier versions, which knew no urgency beside it.
type Kind uint8

// Kinds.
const (
	KindChat      Kind = 2 // chat, normal, headline, errors, subscriptions
	KindGroupchat Kind = 3 // what belongs to a room: its order is the room's
	KindIQ        Kind = 4
	KindPresence  Kind = 6
	KindReceipt   Kind = 7 // receipts, markers
	KindState     Kind = 8 // nothing but a chat state
)

// Class orders what waits for a peer; the lower goes first and is dropped last.
type Class uint8

// Classes, most urgent first. Messages have one of the first four.
const (
	ClassFlash     Class = 1
	ClassImmediate Class = 2
	ClassPriority  Class = 3
	ClassRoutine   Class = 4
	ClassIQ        Class = 5
	ClassPresence  Class = 6
	ClassReceipt   Class = 7
	ClassState     Class = 8
)

// Class is that of a kind about which nobody said how urgent it is.
func (k Kind) Class() Class {
	switch k {
	case KindChat, KindGroupchat:
		return ClassRoutine
	case KindIQ:
		return ClassIQ
	}
	return Class(k)
}

// kind is that of an entry of which only the class is known.
func (c Class) kind() Kind {
	switch {
	case c <= ClassRoutine:
		return KindChat
	case c == ClassIQ:
		return KindIQ
	}
	return Kind(c)
}

// A ClassSet has any of the classes; empty, it stands for all of them.
type ClassSet uint16

// Classes makes a set.
func Classes(classes ...Class) (s ClassSet) {
	for _, c := range classes {
		s |= 1 << c
	}
	return s
}

// Has tells whether c is in the set.
func (s ClassSet) Has(c Class) bool { return s == 0 || s&(1<<c) != 0 }

// A KindSet has any of the kinds; empty, it stands for all of them.
type KindSet uint16

// Kinds makes a set.
func Kinds(kinds ...Kind) (s KindSet) {
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has tells whether k is in the set.
func (s KindSet) Has(k Kind) bool { return s == 0 || s&(1<<k) != 0 }

// Ending is what the sender wants done when an entry's time is over.
type Ending uint8

// Endings. XEP-0079 §3.4.
const (
	EndAlert Ending = iota + 1
	EndDrop
	EndError
	EndNotify // and it is sent all the same
)

// orDefault fills in what the one who puts an entry did not say.
func (e Entry) orDefault() Entry {
	if e.Kind == 0 && e.Class == 0 {
		e.Kind = KindChat
	}
	if e.Kind == 0 {
		e.Kind = e.Class.kind()
	}
	if e.Class == 0 {
		e.Class = e.Kind.Class()
	}
	e.old = false
	return e
}

// place is the class byte of the entry's key in the order. An earlier version wrote the kind there.
func (e Entry) place() Class {
	if e.old {
		return Class(e.Kind)
	}
	return e.Class
}

// mayStandAt tells whether entries of the set may have this class byte, as place has it.
func (s ClassSet) mayStandAt(c Class) bool {
	return s.Has(c) || c <= ClassPriority && s.Has(ClassRoutine) || c == ClassRoutine && s.Has(ClassIQ)
}

// mayOvertake tells whether the entry may go before an earlier one of the same From and To: an urgent message of one person to another
// may. In a room, and where one stanza only has its meaning behind another, order is all.
func (e Entry) mayOvertake() bool { return e.Kind == KindChat && !e.old && e.Class < ClassRoutine }

// overtakes tells whether e may go before o, which is of the same pair and earlier.
func (e Entry) overtakes(o Entry) bool { return e.mayOvertake() && e.Class < o.Class }

var classWords = [...]string{ClassFlash: "flash", ClassImmediate: "immediate", ClassPriority: "priority", ClassRoutine: "routine",
	ClassIQ: "iq", ClassPresence: "presence", ClassReceipt: "receipt", ClassState: "chat state"}

func (c Class) String() string {
	if int(c) < len(classWords) && classWords[c] != "" {
		return classWords[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// ParseClass reads the word for how urgent a message is.
func ParseClass(word string) (Class, error) {
	for c := ClassFlash; c <= ClassRoutine; c++ {
		if strings.EqualFold(strings.TrimSpace(word), classWords[c]) {
			return c, nil
		}
	}
	return 0, fmt.Errorf("store: %.40q is no precedence: flash, immediate, priority and routine are", word)
}

func (k Kind) String() string {
	switch k {
	case KindChat:
		return "message"
	case KindGroupchat:
		return "groupchat"
	case KindIQ, KindPresence, KindReceipt, KindState:
		return k.Class().String()
	}
	return fmt.Sprintf("kind %d", uint8(k))
}
