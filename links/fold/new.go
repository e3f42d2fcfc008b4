package fold

import (
	"errors"
	"fmt"
	"slices"

	"longwire/xmpp/jid"
)

// New makes a Folder of a Policy; federated tells whether a room here is one with a room of the peer (XEP-0289). The error
// joins what Check refuses. Mangled namespaces are taken for what was meant.
func New(p Policy, federated bool) (*Folder, error) {
	var faults []error
	for _, f := range Check(p, federated) {
		if f.Refused {
			faults = append(faults, fmt.Errorf("fold: %s", f))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	f := &Folder{p: p, rules: numbered(p.Rules), rooms: make(map[string]bool)}
	if f.p.Window == 0 {
		f.p.Window = DefaultWindow
	}
	for _, d := range p.Rooms {
		f.rooms[domain(d)] = true
	}
	f.silent = p.Presence == PresenceMatched && !slices.ContainsFunc(f.rules, aboutPresence)
	for _, r := range f.rules {
		if r.Deep && r.Action == Strip {
			f.deep = append(f.deep, r)
		}
	}
	if p.Lines && p.Messages == MessagesStrip {
		f.lines = &Folder{rules: slices.DeleteFunc(slices.Clone(f.rules), func(r Rule) bool { return r.Deep || !madeAgain[r.Number] || r.Action > Keep })}
	}
	return f, nil
}

// madeAgain are the numbers of rules about what the far side makes again, or does not miss between rooms: chat states, ids, hints.
var madeAgain = map[int]bool{1: true, 6: true, 7: true, 8: true}

// Rules are the rules in force, with their numbers, and the namespaces that were meant.
func (f *Folder) Rules() []Rule { return slices.Clone(f.rules) }

// domain normalises a domain name; "" is none.
func domain(s string) string {
	j, err := jid.Parse(s)
	if err != nil || j.DomainJID() != j {
		return ""
	}
	return j.Domain()
}

// FirstOwn is the number of the first rule that has none.
const FirstOwn = 101

// numbered copies rules and gives them their numbers and real namespaces.
func numbered(rules []Rule) []Rule {
	rules = slices.Clone(rules)
	next := FirstOwn
	for i := range rules {
		r := &rules[i]
		r.Space, _ = Mangled(r.Space)
		r.Space = content(r.Space)
		if r.Number == 0 {
			r.Number = next
			next++
		}
	}
	return rules
}

func aboutPresence(r Rule) bool { return r.Scope != Messages && r.Action != Keep }
