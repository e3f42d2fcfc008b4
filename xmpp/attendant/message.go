package attendant

import (
	"strings"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// message takes a question. Whatever is none is passed over, so that two who only answer each other fall silent.
func (a *Attendant) message(t *router.Turn, s *stanza.Stanza) error {
	switch s.Type {
	case stanza.Error, stanza.Headline, stanza.Groupchat:
		return nil
	}
	c, ok := s.Child("", "body")
	if !ok || s.Has(NS, "answer") || s.Has("urn:xmpp:delay", "delay") {
		return nil
	}
	asker, words := s.From, s.Text(c)
	command, known := parse(words)
	switch a.allows(asker.Bare(), known, time.Now()) {
	case silent:
		return nil
	case slower:
		command = func(*Attendant, jid.JID) string {
			return "You ask faster than I can answer; please wait a few seconds."
		}
	}
	receipt := receiptFor(s)
	done := a.submitAfter(t, func() { a.say(asker, command(a, asker.Bare()), false, receipt) })
	if !done {
		return stanza.Fail(stanza.ResourceConstraint, "too many ask at once; try again in a moment")
	}
	return nil
}

// submitAfter reserves room for work that begins when the Turn is committed. Only when too much waits it is not.
func (a *Attendant) submitAfter(t *router.Turn, f func()) bool {
	if len(a.work) >= maxWork-8 {
		return false
	}
	t.After(func() { a.submit(f) })
	return true
}

// receiptFor is the receipt that goes with the answer, if the question asked for one. XEP-0184 §7.
func receiptFor(s *stanza.Stanza) []byte {
	if s.ID == "" || !s.Has(nsReceipts, "request") {
		return nil
	}
	b := append([]byte(nil), "<received xmlns='"+nsReceipts+"' id='"...)
	return append(markup.AppendEscaped(b, s.ID), "'/>"...)
}

// body is a text as a message's body, marked as the attendant's.
func body(text string, keep bool) []byte {
	b := append([]byte(nil), "<body>"...)
	b = append(markup.AppendEscaped(b, text), "</body><answer xmlns='"+NS+"'/>"...)
	if keep {
		return b
	}
	// XEP-0334 §4.2: tomorrow it is not true any more.
	return append(b, "<no-store xmlns='urn:xmpp:hints'/>"...)
}

// Bounds of talk: so many questions at once, and one more each so often; and so many words that are no question.
const (
	burst     = 20
	refill    = 2 * time.Second
	babble    = 2
	babbleFor = 10 * time.Minute
	maxPaces  = 4096
)

// pace is how much a user has asked of late.
type pace struct {
	tokens float64
	at     time.Time
	warned bool
	noise  int
	noised time.Time
}

type verdict uint8

const (
	answer verdict = iota
	slower         // say once that it is too much
	silent
)

// allows bounds what one user is answered. Words that are no question get the help at most twice in ten minutes, since they may
// be another robot's.
func (a *Attendant) allows(who jid.JID, question bool, now time.Time) verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.pace[who]
	if p == nil {
		if len(a.pace) >= maxPaces {
			clear(a.pace)
		}
		p = &pace{tokens: burst, at: now}
		a.pace[who] = p
	}
	p.tokens = min(burst, p.tokens+float64(now.Sub(p.at))/float64(refill))
	p.at = now
	if !question {
		if now.Sub(p.noised) > babbleFor {
			p.noise, p.noised = 0, now
		}
		if p.noise++; p.noise > babble {
			return silent
		}
	}
	if p.tokens < 1 {
		if p.warned {
			return silent
		}
		p.warned = true
		return slower
	}
	p.tokens--
	p.warned = p.warned && p.tokens < burst/2
	return answer
}

// parse reads a question. What is none asks for help.
func parse(text string) (command func(*Attendant, jid.JID) string, known bool) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 {
		return help, false
	}
	switch word := strings.Trim(words[0], ".,;:!?/"); {
	case word == "help" && len(words) == 1:
		return help, true
	case word == "status" && len(words) <= 2:
		return status(words[1:]), true
	case word == "why" && len(words) <= 2:
		return why(words[1:]), true
	case word == "cancel" && len(words) <= 2:
		return cancel(words[1:]), true
	}
	return help, false
}
