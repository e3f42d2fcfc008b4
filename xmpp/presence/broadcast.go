package presence

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// audience is whom an account's presence concerns.
type audience struct {
	from     []jid.JID // who sees the account
	to       []jid.JID // whom the account sees
	requests [][]byte  // subscription requests that the user has not answered
}

// audience reads the roster once and lets go of it, so that nothing is held while stanzas are routed. Blocked contacts
// are left out (XEP-0191 §3.3).
func (e *Engine) audience(t *router.Turn, account jid.JID) (a audience, err error) {
	items, err := e.roster.Items(t, account)
	if err != nil {
		return a, err
	}
	for _, it := range items {
		contact, err := jid.Parse(it.Contact)
		if err != nil || contact == account {
			continue // cannot be in a roster; skipping it beats failing all presence
		}
		if blocked, err := e.host.Blocked(t, account, contact); err != nil {
			return a, err
		} else if blocked {
			continue
		}
		if it.From {
			a.from = append(a.from, contact)
		}
		if it.To {
			a.to = append(a.to, contact)
		}
		if it.PendIn && len(it.Request) > 0 {
			a.requests = append(a.requests, it.Request)
		}
	}
	return a, nil
}

// available broadcasts presence. RFC 6121 §4.2.2 for the first, §4.4.2 for those that follow.
func (e *Engine) available(t *router.Turn, r *local.Resource, s *stanza.Stanza, priority int8) error {
	before, was := e.state(t, r)
	first := before == nil
	listens := priority >= 0 && (first || was < 0)
	if first || listens {
		// A first presence takes its place among the commits that change who sees whom.
		if err := t.NeedTx(); err != nil {
			return err
		}
	}
	a, err := e.audience(t, r.JID().Bare())
	if err != nil {
		return err
	}
	t.After(func() { e.noteUp(r, s, priority, first) })
	if err := e.broadcast(t, s, a.from); err != nil {
		return err
	}
	if first {
		if err := e.greet(t, r, a); err != nil {
			return err
		}
	}
	if listens {
		// XEP-0160 §2: with the first presence of non-negative priority.
		if err := e.host.FlushSpool(t, r); err != nil {
			return err
		}
	}
	t.After(func() { e.watch.Up(r, s) })
	e.plan(t, r, s, priority)
	return nil
}

// noteUp makes r available and shows it to the account's own clients. RFC 6121 §4.2.2, §4.4.2: to all that are
// available, and back to r itself; a first presence also shows r the others.
func (e *Engine) noteUp(r *local.Resource, s *stanza.Stanza, priority int8, first bool) {
	e.live.Lock()
	defer e.live.Unlock()
	if !e.bound(r) {
		return
	}
	r.SetPresence(s, priority)
	s = e.dressed(s)
	for _, o := range e.host.Resources(r.JID().Bare()) {
		p := o.Presence()
		if p == nil {
			continue
		}
		o.Send(s)
		if first && o != r {
			r.Send(e.dressed(p))
		}
	}
}

// greet asks for the contacts' presence and hands out the requests that wait for an answer.
func (e *Engine) greet(t *router.Turn, r *local.Resource, a audience) error {
	// RFC 6121 §4.3.1. Choice: from the full JID, so that the answers go to the new resource only.
	probe := &stanza.Stanza{Kind: stanza.Presence, From: r.JID(), Type: stanza.Probe}
	if err := e.routeAll(t, probe, a.to); err != nil {
		return err
	}
	for _, raw := range a.requests {
		// RFC 6121 §3.1.3: again at each login until it is answered.
		if req, err := stream.ParseStanza(raw); err == nil {
			t.After(func() { r.Send(req) })
		}
	}
	return nil
}

// broadcast brings presence to subscribers. For those on this node it does what ToAccount would, less asking the store
// whether each account exists: without a client there is nobody to tell anyway.
func (e *Engine) broadcast(t *router.Turn, s *stanza.Stanza, to []jid.JID) error {
	for _, j := range to {
		if !e.host.Local(j.Domain()) {
			if err := e.host.Route(t, towards(s, j)); err != nil {
				return err
			}
		}
	}
	here, err := e.here(t, s.From, to)
	if err != nil {
		return err
	}
	t.After(func() {
		here := slices.DeleteFunc(here, func(j jid.JID) bool { return len(e.host.Resources(j)) == 0 })
		if len(here) == 0 {
			return
		}
		s := e.dressed(s)
		for _, j := range here {
			e.deliver(towards(s, j))
		}
	})
	return nil
}

// here finds those on this node that have not blocked who presence is from.
func (e *Engine) here(t *router.Turn, from jid.JID, to []jid.JID) (here []jid.JID, err error) {
	for _, j := range to {
		if !e.host.Local(j.Domain()) {
			continue
		}
		if blocked, err := e.host.Blocked(t, j, from); err != nil {
			return nil, err
		} else if !blocked {
			here = append(here, j)
		}
	}
	return here, nil
}

func (e *Engine) routeAll(t *router.Turn, s *stanza.Stanza, to []jid.JID) error {
	for _, j := range to {
		if err := e.host.Route(t, towards(s, j)); err != nil {
			return err
		}
	}
	return nil
}

// unavailable ends the availability of r. RFC 6121 §4.5.2.
func (e *Engine) unavailable(t *router.Turn, r *local.Resource, s *stanza.Stanza) error {
	up, targets := e.isUp(t, r), r.Directed().All()
	if !up && len(targets) == 0 {
		return nil
	}
	if err := t.NeedTx(); err != nil {
		return err
	}
	t.After(func() { e.watch.Down(r) })
	if up {
		t.After(func() { r.Send(s) }) // RFC 6121 §4.5.2: also to the resource that sent it
	}
	status := ""
	if c, ok := s.Child("", "status"); ok {
		status = s.Text(c)
	}
	if err := e.farewell(t, r, s, up, targets, status); err != nil {
		return err
	}
	e.plan(t, r, nil, 0)
	return nil
}

// Gone says farewell for a resource that ended without unavailable. RFC 6121 §4.5.2.
func (e *Engine) Gone(t *router.Turn, r *local.Resource, status string) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	t.After(func() { e.watch.Down(r) })
	up, targets := e.isUp(t, r), r.Directed().All()
	e.mu.Lock()
	delete(e.plans, r)
	e.mu.Unlock()

	if next := e.resource(r.JID()); next != nil && next != r && e.isUp(t, next) {
		// The same client came back under the same name and has told its contacts; only those whom it did not greet
		// again must hear that the old stream is over.
		up = false
		targets = slices.DeleteFunc(targets, next.Directed().Has)
	}
	s := &stanza.Stanza{Kind: stanza.Presence, From: r.JID(), Type: stanza.Unavailable}
	if status != "" {
		s.SetInner(append(markup.AppendEscaped([]byte("<status>"), status), "</status>"...))
	}
	return e.farewell(t, r, s, up, targets, status)
}

// farewell tells everybody who may believe that r is there: subscribers and the account's own clients when it was
// available, and who got directed presence (RFC 6121 §4.6.3).
func (e *Engine) farewell(t *router.Turn, r *local.Resource, s *stanza.Stanza, up bool, targets []jid.JID, status string) error {
	account := r.JID().Bare()
	told := make(map[jid.JID]bool)
	if up {
		a, err := e.audience(t, account)
		if err != nil {
			return err
		}
		t.After(func() { e.noteDown(r, s) })
		if err := e.broadcast(t, s, a.from); err != nil {
			return err
		}
		for _, j := range a.from {
			told[j] = true
		}
		told[account] = true
		if err := e.seen(t, account, status); err != nil {
			return err
		}
	}
	slices.SortFunc(targets, func(a, b jid.JID) int { return strings.Compare(a.String(), b.String()) })
	for _, j := range targets {
		t.After(func() { r.Directed().Remove(j) })
		if told[j] {
			continue
		}
		if err := e.host.Route(t, towards(s, j)); err != nil {
			return err
		}
	}
	return nil
}

// noteDown makes r unavailable and tells the account's other clients.
func (e *Engine) noteDown(r *local.Resource, s *stanza.Stanza) {
	e.live.Lock()
	defer e.live.Unlock()
	r.SetPresence(nil, 0)
	for _, o := range e.host.Resources(r.JID().Bare()) {
		if o != r && o.Available() {
			o.Send(s)
		}
	}
}

// maxStatus bounds what is kept of the last status text.
const maxStatus = 1023

// seen notes the end of a session that others could see. XEP-0012 §3 and the answers to probes tell of it.
func (e *Engine) seen(t *router.Turn, account jid.JID, status string) error {
	a, err := t.Tx.Account(account.String())
	if errors.Is(err, store.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err == nil {
		if len(status) > maxStatus {
			status = strings.ToValidUTF8(status[:maxStatus], "")
		}
		a.LastSeen, a.LastStatus = time.Now(), status
		err = t.Tx.PutAccount(a)
	}
	if err != nil {
		return fmt.Errorf("presence: noting the last session of %s: %w", account, err)
	}
	return nil
}

// directed handles presence that a client sends to one entity. RFC 6121 §4.6.
func (e *Engine) directed(t *router.Turn, r *local.Resource, s *stanza.Stanza) error {
	if s.Type == stanza.Unavailable {
		t.After(func() { r.Directed().Remove(s.To) }) // RFC 6121 §4.6.3: it has heard
		return e.host.Route(t, s)
	}
	if err := e.refuseBlocked(t, r.JID().Bare(), s.To); err != nil {
		return err
	}
	if !e.passes(s) {
		return e.host.Route(t, s) // which ends it, or refuses it: whoever hears nothing of an arrival need not hear of the end
	}
	// At once, so that an end planned before this is committed tells them too; and afterwards, in case an unavailable
	// still on its way takes them out in between.
	if !r.Directed().Add(s.To) {
		return stanza.Fail(stanza.ResourceConstraint, "presence was sent to too many")
	}
	t.After(func() { r.Directed().Add(s.To) })
	s, err := e.watch.Dress(t, s)
	if err != nil {
		return err
	}
	return e.host.Route(t, s)
}

// refuseBlocked is the answer to a client that sends something to someone it has blocked. XEP-0191 §3.3.
func (e *Engine) refuseBlocked(t *router.Turn, account, to jid.JID) error {
	blocked, err := e.host.Blocked(t, account, to)
	if err != nil || !blocked {
		return err
	}
	return &stanza.Err{
		Condition: stanza.NotAcceptable, Type: "cancel", App: []byte("<blocked xmlns='urn:xmpp:blocking:errors'/>"),
	}
}
