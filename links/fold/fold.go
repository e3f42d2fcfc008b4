// Package fold takes out of stanzas for a peer what is not worth its air: stanzas in, fewer and smaller stanzas out.
//
// A Policy says what goes, for one peer and one direction: rules that name elements, and how much presence passes. A
// Folder applies it to one stanza after the other and remembers nothing. A Memory knows what the peer was told of each
// presence, and judges what leaves the queue:
//
//	router -> s2s.Peer.Accept -> Folder.Fold -> store.Queue -> Memory.Filter -> number -> link
//	             (client, room)     |  dropped: nothing is queued  |  told before, replaced: the entry is done
//	                  ^--- Refused -+                              +- refused by newer rules: the sender is told
//
// Some things are never folded, whatever a rule says (see Protected): what people wrote, errors, what is signed or
// encrypted, security labels, invitations, and what rooms of several nodes tell each other (XEP-0289), which passes whole, or between nodes of our kind less
// what the far one makes again.
// IQs pass too: they have answers, and who answers them is not decided here.
package fold

import (
	"time"

	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Reason is why a stanza does not cross.
type Reason string

// Reasons. Each is a word of telemetry.
const (
	Crosses       Reason = ""             // it does
	Empty         Reason = "empty"        // nothing was left of a message
	ByRule        Reason = "rule"         // a rule drops or refuses the whole message; Result.Rule tells which
	NotPassed     Reason = "presence"     // the presence mode passes none of its kind
	NoProbe       Reason = "probe"        // probes are never sent where presence is not
	NoRoom        Reason = "room"         // one cannot be in a room whose presence does not cross
	NoSubscribing Reason = "subscription" // subscriptions are switched off
	Replaced      Reason = "replaced"     // Memory: a newer presence stands behind it
	Told          Reason = "told"         // Memory: the peer knows it
)

// A Cut is one element that was taken out.
type Cut struct {
	Rule  int // Rule.Number; 0: the presence mode itself
	Name  markup.Name
	Bytes int
}

// A Result is what became of a stanza.
type Result struct {
	Stanza *stanza.Stanza // what crosses: the stanza itself when nothing was cut; nil when it does not cross
	Reason Reason
	Rule   int         // of ByRule
	Refuse *stanza.Err // the sender waits for an answer: give it this one (Stanza is nil)
	Cuts   []Cut       // what was taken out
	Saved  int         // bytes: of the cuts less what was put in their place, or of the whole stanza

	// Hold is how long the presence may wait for a newer one of the same from and to, which takes its place; 0: it goes now.
	// A later stanza of the same from and to that does not wait takes it along.
	Hold time.Duration
}

// A Folder applies one Policy. It is never changed once made; any number of goroutines may use it.
type Folder struct {
	p      Policy
	rules  []Rule
	deep   []Rule // those of rules that are
	rooms  map[string]bool
	silent bool    // PresenceMatched without a rule: no presence passes
	lines  *Folder // for what federated rooms tell each other; nil: it passes whole
}

// Fold judges one stanza, which is not changed. now is what the age of a time stamp is told from.
func (f *Folder) Fold(now time.Time, s *stanza.Stanza) Result {
	switch {
	case s.Kind == stanza.IQ, s.IsError(), f.lines == nil && Federated(s):
		return Result{Stanza: s}
	case f.lines != nil && Federated(s):
		return f.lines.once(now, s, nil)
	case s.Kind == stanza.Message && f.p.Messages == MessagesStrip:
		return f.message(now, s)
	case s.Kind == stanza.Presence && f.p.Presence != PresenceOff:
		return f.presence(now, s)
	}
	return Result{Stanza: s}
}

// dropped is the Result of a stanza that does not cross.
func dropped(s *stanza.Stanza, why Reason) Result {
	return Result{Reason: why, Saved: len(s.Bytes())}
}

// refused is that of a stanza whose sender waits for an answer.
func refused(s *stanza.Stanza, why Reason, c stanza.Condition, text string) Result {
	r := dropped(s, why)
	r.Refuse = stanza.Fail(c, text)
	return r
}
