package s2s

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"longwire/store"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Namespaces of XEP-0079.
const (
	nsAMP       = "http://jabber.org/protocol/amp"
	nsAMPErrors = "http://jabber.org/protocol/amp#errors"
)

// maxTTL bounds what a message may say, so that no sum of times wraps: ten years. What may wait longer may wait as long as its kind.
const maxTTL = 10 * 365 * 24 * time.Hour

// A deadline is what a message says about how long it may wait; the zero value: nothing.
type deadline struct {
	at     time.Time
	action store.Ending
}

// within is when what may wait for life, or for ever if that is 0, ends by its own deadline or its kind's, and how.
func (d deadline) within(now time.Time, life time.Duration) (at time.Time, how store.Ending) {
	if life > 0 {
		at = now.Add(life)
	}
	if !d.at.IsZero() && (at.IsZero() || d.at.Before(at)) {
		return d.at, d.action
	}
	return at, 0
}

// deadlineOf reads XEP-0079 expire-at and XEP-0131 TTL; of several, the earliest counts. One that is past is refused, as is what cannot be read.
func deadlineOf(now time.Time, s *stanza.Stanza) (d deadline, err error) {
	if s.Kind != stanza.Message || s.IsError() || relayed(s) {
		return d, nil
	}
	if c, ok := s.Child(nsAMP, "amp"); ok {
		if d, err = expireAt(now, s, c); err != nil {
			return d, err
		}
	}
	if c, ok := s.Child(nsSHIM, "headers"); ok {
		at, err := timeToLive(now, s, c)
		if err != nil {
			return d, err
		}
		if !at.IsZero() && (d.at.IsZero() || at.Before(d.at)) {
			d = deadline{at: at}
		}
	}
	return d, nil
}

// expireAt reads the rules of an <amp/>. XEP-0079 §3.3.2: the value is a time in UTC after the moment of sending.
// Choice: the sender's node obeys it, for that is where messages wait. The receiver's does not look again: it would have to trust its own clock, which
// may be wrong by years, with throwing away what came over the link already. Rules with other conditions are for whoever has the client at hand, and cross untouched; "per-hop" makes no difference to us, as we are
// at the sender's edge.
func expireAt(now time.Time, s *stanza.Stanza, c stanza.Child) (d deadline, err error) {
	amp, fault := s.Element(c)
	if fault != nil || amp.HasAttr("status") { // with a status it tells of a rule that was met, and asks for nothing: §4.1
		return d, nil
	}
	for _, rule := range amp.Children {
		if rule.Name != (markup.Name{Space: nsAMP, Local: "rule"}) || rule.Attr("condition") != "expire-at" {
			continue
		}
		value := rule.Attr("value")
		at, fault := time.Parse(time.RFC3339Nano, value)
		action, known := endings[rule.Attr("action")]
		switch {
		case fault != nil || !strings.HasSuffix(value, "Z"):
			return d, badRule(rule, "invalid-rules", fmt.Sprintf("expire-at: %.40q is no time in UTC like 2026-11-30T14:00:00Z", value))
		case !known:
			return d, badRule(rule, "unsupported-actions", fmt.Sprintf("expire-at: %.40q is no action; alert, drop, error and notify are", rule.Attr("action")))
		case !at.After(now):
			return d, badRule(rule, "invalid-rules", past(at, now))
		}
		if at.Before(now.Add(maxTTL)) && (d.at.IsZero() || at.Before(d.at)) {
			d = deadline{at, action}
		}
	}
	return d, nil
}

// relayed tells whether a message is what a room of ours passes on for somebody. The room is no author that could mend it, and takes an error for the end of an
// occupant or of a federation; and between rooms no line may be missing. So nothing is refused, and no deadline obeyed.
func relayed(s *stanza.Stanza) bool {
	return s.Has(nsFMUC, "fmuc") || s.Has(nsMUCUser, "x") || s.Type == stanza.Groupchat && s.To.Resource() != ""
}

var endings = map[string]store.Ending{"alert": store.EndAlert, "drop": store.EndDrop, "error": store.EndError, "notify": store.EndNotify}

// past says that a message comes too late. The sender's clock may be the one that is wrong, so ours is told.
func past(at, now time.Time) string {
	return fmt.Sprintf("it was to be sent before %s, and it is %s here", clock(at), clock(now))
}

// badRule refuses a rule. XEP-0079, table of error conditions.
func badRule(rule *markup.Element, why, text string) error {
	condition := stanza.NotAcceptable
	if why == "unsupported-actions" {
		condition = stanza.BadRequest
	}
	app := append([]byte("<"+why+" xmlns='"+nsAMP+"'>"), rule.Raw...)
	return &stanza.Err{Condition: condition, Text: text, App: append(app, "</"+why+">"...)}
}

// timeToLive reads the TTL header: seconds since Created, or since now where that is missing.
// Choice: XEP-0131 §5.5 has it for information, which MUST NOT decide on delivery, as that is for XEP-0079. Who says when his words are worth nothing any more does not want
// them to take a slow link from others then; so it ends the waiting here, and has no other effect.
func timeToLive(now time.Time, s *stanza.Stanza, c stanza.Child) (at time.Time, err error) {
	top, fault := s.Element(c)
	if fault != nil {
		return at, nil
	}
	ttl, created := time.Duration(-1), now
	for _, h := range top.Children {
		if h.Name != (markup.Name{Space: nsSHIM, Local: "header"}) {
			continue
		}
		switch text := strings.TrimSpace(h.Text); h.Attr("name") {
		case "TTL":
			n, fault := strconv.ParseUint(text, 10, 32)
			if ttl = time.Duration(n) * time.Second; fault != nil || ttl > maxTTL {
				return at, badWord("TTL", text, "a number of seconds, at most ten years")
			}
		case "Created":
			// XEP-0131 §5.5 has minutes in its examples, without seconds.
			if created, fault = time.Parse(time.RFC3339Nano, text); fault != nil {
				if created, fault = time.Parse("2006-01-02T15:04Z07:00", text); fault != nil {
					created = now
				}
			}
		}
	}
	if ttl < 0 {
		return at, nil
	}
	if created.After(now) { // the sender's clock, or ours
		created = now
	}
	if at = created.Add(ttl); !at.After(now) {
		return at, stanza.Fail(stanza.BadRequest, past(at, now))
	}
	return at, nil
}

// event tells the sender of a rule that was met. XEP-0079 §4.1.
func event(s *stanza.Stanza, status string, rule []byte) []byte {
	b := append([]byte("<amp xmlns='"+nsAMP+"'"), " status='"+status+"'"...)
	b = markup.AppendPlainAttr(b, "from", s.From.String())
	b = markup.AppendPlainAttr(b, "to", s.To.String())
	b = append(append(b, '>'), rule...)
	return append(b, "</amp>"...)
}

// ruleOf is the rule with which a message ends so.
func ruleOf(s *stanza.Stanza, end store.Ending) []byte {
	c, ok := s.Child(nsAMP, "amp")
	if !ok {
		return nil
	}
	amp, err := s.Element(c)
	if err != nil {
		return nil
	}
	for _, rule := range amp.Children {
		if rule.Attr("condition") == "expire-at" && endings[rule.Attr("action")] == end {
			return rule.Raw
		}
	}
	return nil
}

// ended tells the sender of a message whose own deadline is over, as the message asks for; false: it asks for nothing special.
func (p *Peer) ended(t *router.Turn, s *stanza.Stanza, e store.Entry, why *stanza.Err) (done bool, err error) {
	rule := ruleOf(s, e.Ending)
	switch {
	case e.Ending == store.EndDrop:
		return true, nil // §3.4.2: no response
	case rule == nil:
		return false, nil
	case e.Ending == store.EndError: // §3.4.3
		app := append([]byte("<failed-rules xmlns='"+nsAMPErrors+"'>"), rule...)
		back := s.ErrorReply(&stanza.Err{Condition: stanza.UndefinedCondition, Type: "modify", Text: why.Text, App: append(app, "</failed-rules>"...)})
		if back == nil {
			return true, nil
		}
		return true, p.verdict(t, back.With(event(s, "error", rule)))
	case e.Ending == store.EndAlert: // §3.4.1
		return true, p.notice(t, s, "alert", rule)
	}
	return false, nil
}

// notice is a message about a rule, from our own domain.
func (p *Peer) notice(t *router.Turn, s *stanza.Stanza, status string, rule []byte) error {
	n := &stanza.Stanza{Kind: stanza.Message, From: s.From.DomainJID(), To: s.From, ID: s.ID}
	n.SetInner(event(s, status, rule))
	return p.verdict(t, n)
}

// verdict routes the node's own word on something it had accepted: the Turn is marked for as long as it is on its way.
func (p *Peer) verdict(t *router.Turn, s *stanza.Stanza) error {
	before := t.Verdict
	t.Verdict = true
	err := p.peers.Router.Route(t, s)
	t.Verdict = before
	return err
}

// notify tells of messages whose time is over, and which shall be sent all the same: §3.4.4. They then have the lifetime of their kind.
func (p *Peer) notify(t *router.Turn, ids []uint64) error {
	r := p.rules.Load()
	for _, id := range ids {
		e, err := p.queue.Prolong(t.Tx, id, func(e store.Entry) (time.Time, store.Ending) {
			s, err := parsed(e)
			if err != nil {
				return e.Expires, 0
			}
			if life := r.Lifetimes.waiting(s).life; life > 0 {
				return e.Queued.Add(life), 0
			}
			return time.Time{}, 0
		})
		if err != nil {
			return err
		}
		if e.ID == 0 {
			continue
		}
		s, err := parsed(e)
		if err != nil {
			p.peers.Log.Error("s2s: a queued stanza cannot be read", "peer", p.name, "id", id, "err", err)
			continue
		}
		if err := p.notice(t, s, "notify", ruleOf(s, store.EndNotify)); err != nil {
			return err
		}
	}
	return nil
}
