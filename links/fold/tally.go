package fold

import (
	"maps"

	"longwire/xmpp/stanza"
)

// Count is how often, and how many bytes in all.
type Count struct {
	Times int `json:"times"`
	Bytes int `json:"bytes"`
}

func (c *Count) add(n int) { c.Times++; c.Bytes += n }

// A Tally sums up what folding did, for telemetry and for a preview of other rules. It never holds what stanzas say. The zero
// Tally is empty and works; one goroutine at a time.
type Tally struct {
	Before  Count            `json:"before"`            // all stanzas that were folded, as they would have crossed
	After   Count            `json:"after"`             // those that cross
	Rules   map[int]Count    `json:"rules,omitempty"`   // by Rule.Number: what rules cut out or dropped; 0: the presence mode
	Dropped map[Reason]Count `json:"dropped,omitempty"` // stanzas that do not cross
}

// Add counts the Result of folding s.
func (t *Tally) Add(s *stanza.Stanza, r Result) {
	before := len(s.Bytes())
	t.Before.add(before)
	if r.Stanza != nil {
		t.After.add(before - r.Saved)
	} else {
		t.dropped(r.Reason, r.Saved)
	}
	for _, c := range r.Cuts {
		t.rule(c.Rule, c.Bytes)
	}
	if r.Reason == ByRule {
		t.rule(r.Rule, r.Saved)
	}
}

// Done counts an entry that was taken from the queue after it had been counted as crossing. Its bytes no longer cross.
func (t *Tally) Done(d Done) {
	t.After.Times--
	t.After.Bytes -= d.Saved
	t.dropped(d.Reason, d.Saved)
}

func (t *Tally) dropped(why Reason, n int) {
	if t.Dropped == nil {
		t.Dropped = make(map[Reason]Count)
	}
	c := t.Dropped[why]
	c.add(n)
	t.Dropped[why] = c
}

func (t *Tally) rule(number, n int) {
	if t.Rules == nil {
		t.Rules = make(map[int]Count)
	}
	c := t.Rules[number]
	c.add(n)
	t.Rules[number] = c
}

// Clone is a copy that does not change with t.
func (t *Tally) Clone() Tally {
	c := *t
	c.Rules, c.Dropped = maps.Clone(t.Rules), maps.Clone(t.Dropped)
	return c
}
