package s2s

import (
	"errors"
	"fmt"
	"strings"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

const nsSHIM = "http://jabber.org/protocol/shim"

// Precedence says how urgent messages are; the zero value: all are routine.
type Precedence struct {
	Prefixes bool // a body that begins with "!!" is flash, with "!" immediate
	Headers  bool // XEP-0131: Precedence, Urgency
	Rules    []PrecedenceRule
}

// PrecedenceRule is for messages that fit all of From, To, Room and LargerThan, as far as these are set: a JID, a domain, or "*". Room is that of a groupchat.
// The first that fits decides.
type PrecedenceRule struct {
	From, To, Room string
	LargerThan     int         // bytes
	Precedence     store.Class // of messages that say nothing themselves; 0: routine
	AtMost         store.Class // no more urgent than this, whatever they say; 0: any
}

// claim is how urgent a message says it is; 0: it does not say.
func (p *Precedence) claim(s *stanza.Stanza) (store.Class, error) {
	if s.Kind != stanza.Message || s.IsError() {
		return 0, nil
	}
	if p.Headers {
		c, err := headers(s)
		if err != nil && relayed(s) {
			c, err = store.ClassRoutine, nil
		}
		if c != 0 || err != nil {
			return c, err
		}
	}
	if p.Prefixes {
		return prefix(s), nil
	}
	return 0, nil
}

// headers reads XEP-0131 headers.
func headers(s *stanza.Stanza) (store.Class, error) {
	c, ok := s.Child(nsSHIM, "headers")
	if !ok {
		return 0, nil
	}
	top, err := s.Element(c)
	if err != nil {
		return 0, nil
	}
	urgency := store.Class(0)
	for _, h := range top.Children {
		if h.Name.Local != "header" || h.Name.Space != nsSHIM {
			continue
		}
		switch h.Attr("name") {
		case "Precedence":
			class, err := store.ParseClass(h.Text)
			if err != nil {
				return 0, badWord("Precedence", h.Text, "flash, immediate, priority or routine")
			}
			return class, nil
		case "Urgency":
			if urgency, err = urgencyOf(h.Text); err != nil {
				return 0, err
			}
		}
	}
	return urgency, nil
}

// urgencyOf reads the value of XEP-0131's Urgency.
// Choice: high is immediate, since flash is for those who know what it does to others; medium and low are priority and routine.
func urgencyOf(word string) (store.Class, error) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "high":
		return store.ClassImmediate, nil
	case "medium":
		return store.ClassPriority, nil
	case "low":
		return store.ClassRoutine, nil
	}
	return 0, badWord("Urgency", word, "high, medium or low")
}

func badWord(header, word, words string) error {
	return stanza.Fail(stanza.BadRequest, fmt.Sprintf("header %s: %.40q is not one of its values; it is %s", header, word, words))
}

// prefix reads the beginning of the body, which crosses as it was typed.
func prefix(s *stanza.Stanza) store.Class {
	c, ok := s.Child("", "body")
	if !ok || c.TextStart == c.TextEnd || s.Inner[c.TextStart] != '!' {
		return 0
	}
	switch body := s.Text(c); {
	case strings.Trim(body, "! \t\r\n") == "": // an exclamation, and nothing that could be urgent
		return 0
	case strings.HasPrefix(body, "!!"):
		return store.ClassFlash
	}
	return store.ClassImmediate
}

// judge is how urgent a message of this size is that claims a class.
func (r *rules) judge(s *stanza.Stanza, kind store.Kind, size int, claimed store.Class) store.Class {
	if s.Kind != stanza.Message || s.IsError() || kind != store.KindChat && kind != store.KindGroupchat {
		return kind.Class()
	}
	for i := range r.urgency {
		u := &r.urgency[i]
		if !u.fits(s, size) {
			continue
		}
		if claimed == 0 {
			claimed = u.rule.Precedence
		}
		return max(orRoutine(claimed), u.rule.AtMost)
	}
	return orRoutine(claimed)
}

func orRoutine(c store.Class) store.Class {
	if c == 0 {
		return store.ClassRoutine
	}
	return c
}

// urgencyRule is a rule ready for use.
type urgencyRule struct {
	rule           PrecedenceRule
	from, to, room party
}

func (u *urgencyRule) fits(s *stanza.Stanza, size int) bool {
	if size <= u.rule.LargerThan && u.rule.LargerThan > 0 || !u.from.is(s.From) || !u.to.is(s.To) {
		return false
	}
	if u.rule.Room == "" {
		return true
	}
	// A room speaks to its occupants, and they to it.
	return s.Type == stanza.Groupchat && (u.room.is(s.To) || u.room.is(s.From))
}

// party is whom a rule is about: everybody, a domain, an account with all its devices, or one of them.
type party struct {
	all bool
	jid jid.JID
}

func (p party) is(j jid.JID) bool {
	switch {
	case p.all:
		return true
	case p.jid.Local() == "" && p.jid.Resource() == "":
		return j.Domain() == p.jid.Domain()
	case p.jid.IsBare():
		return j.Bare() == p.jid
	}
	return j == p.jid
}

func parseParty(text string) (party, error) {
	if text == "" || text == "*" {
		return party{all: true}, nil
	}
	j, err := jid.Parse(text)
	return party{jid: j}, err
}

// compile reads the rules, and finds all faults.
func (p *Precedence) compile() (all []urgencyRule, err error) {
	var faults []error
	for i, rule := range p.Rules {
		u := urgencyRule{rule: rule}
		for _, f := range []struct {
			name, text string
			to         *party
		}{{"from", rule.From, &u.from}, {"to", rule.To, &u.to}, {"room", rule.Room, &u.room}} {
			if *f.to, err = parseParty(f.text); err != nil {
				faults = append(faults, fmt.Errorf("precedence rule %d: %s: %w", i+1, f.name, err))
			}
		}
		if rule.Precedence > store.ClassRoutine || rule.AtMost > store.ClassRoutine {
			faults = append(faults, fmt.Errorf("precedence rule %d: a message is flash, immediate, priority or routine", i+1))
		}
		if rule.LargerThan < 0 {
			faults = append(faults, fmt.Errorf("precedence rule %d: a size is not negative", i+1))
		}
		all = append(all, u)
	}
	return all, errors.Join(faults...)
}
