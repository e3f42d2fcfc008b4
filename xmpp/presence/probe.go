package presence

import (
	"errors"
	"fmt"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// probed answers a probe. RFC 6121 §4.3.2.
func (e *Engine) probed(t *router.Turn, s *stanza.Stanza) error {
	account, asker := s.To.Bare(), s.From
	it, _, err := e.roster.Item(t, account, asker.Bare())
	if err != nil {
		return err
	}
	if !it.From && asker.Bare() != account {
		return e.refuseProbe(t, account, asker, it)
	}
	absent, err := e.absent(t, s.To)
	if err != nil {
		return err
	}
	return e.tell(t, account, asker, func(r *local.Resource, p *stanza.Stanza) *stanza.Stanza {
		if s.To.IsBare() || s.To == r.JID() {
			return p
		}
		return nil
	}, absent)
}

// refuseProbe sets a local asker's roster right. RFC 6121 §4.3.2 also allows silence, which is for those across a link
// (every octet counts there) and for those whose request the user has yet to answer.
func (e *Engine) refuseProbe(t *router.Turn, account, asker jid.JID, it store.RosterItem) error {
	if it.PendIn || !e.host.Local(asker.Domain()) {
		return nil
	}
	return e.host.Route(t, &stanza.Stanza{
		Kind: stanza.Presence, From: account, To: asker.Bare(), Type: stanza.Unsubscribed,
	})
}

// absent is the answer for who is not there, with the time and the words of the last goodbye.
func (e *Engine) absent(t *router.Turn, who jid.JID) (*stanza.Stanza, error) {
	var a store.Account
	err := e.host.Read(t, func(tx *store.Tx) (err error) {
		a, err = tx.Account(who.Bare().String())
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("presence: reading the account %s: %w", who.Bare(), err)
	}
	s := &stanza.Stanza{Kind: stanza.Presence, From: who, Type: stanza.Unavailable}
	var b []byte
	if a.LastStatus != "" {
		b = append(markup.AppendEscaped(append(b, "<status>"...), a.LastStatus), "</status>"...)
	}
	if !a.LastSeen.IsZero() {
		// RFC 6121 §4.3.2, XEP-0203 §4: when the account was last there.
		b = append(b, "<delay xmlns='urn:xmpp:delay' from='"...)
		b = markup.AppendEscaped(b, who.Domain())
		b = append(b, "' stamp='"...)
		b = a.LastSeen.UTC().AppendFormat(b, time.RFC3339)
		b = append(b, "'/>"...)
	}
	if len(b) > 0 {
		s.SetInner(b)
	}
	return s, nil
}

// show lets the contact see the account's available resources, or see them no longer.
func (e *Engine) show(t *router.Turn, account, contact jid.JID, visible bool) error {
	if visible && e.host.Local(contact.Domain()) {
		defer t.After(func() { e.watch.Shown(account, contact.Bare()) })
	}
	return e.tell(t, account, contact, func(r *local.Resource, p *stanza.Stanza) *stanza.Stanza {
		if visible {
			return p
		}
		return &stanza.Stanza{Kind: stanza.Presence, From: r.JID(), Type: stanza.Unavailable}
	}, nil)
}

// Renew shows the presence of an account's clients anew to those on this node, as it is dressed by now. Nothing crosses a
// link.
func (e *Engine) Renew(t *router.Turn, account jid.JID) error {
	a, err := e.audience(t, account)
	if err != nil {
		return err
	}
	here, err := e.here(t, account, a.from)
	if err != nil {
		return err
	}
	t.After(func() { e.renew(account, append(here, account)) })
	return nil
}

func (e *Engine) renew(account jid.JID, to []jid.JID) {
	e.live.Lock()
	defer e.live.Unlock()
	for _, r := range e.host.Resources(account) {
		p := r.Presence()
		if p == nil {
			continue
		}
		p = e.dressed(p)
		for _, j := range to {
			e.deliverLocked(towards(p, j))
		}
	}
}

// tell sends the contact what say makes of each available resource's last presence; none, if that is nothing and
// there is a none.
//
// For contacts on this node it looks at the presences after the commit, and delivers at once; for others it must hand
// the stanzas over within the Turn, and takes what the Turns before it have planned.
func (e *Engine) tell(t *router.Turn, account, contact jid.JID,
	say func(*local.Resource, *stanza.Stanza) *stanza.Stanza, none *stanza.Stanza,
) error {
	if !e.host.Local(contact.Domain()) {
		planned := func(r *local.Resource) *stanza.Stanza { p, _ := e.state(t, r); return p }
		return e.tellAll(account, contact, planned, say, none, func(s *stanza.Stanza) error { return e.host.Route(t, s) })
	}
	if blocked, err := e.host.Blocked(t, contact.Bare(), account); err != nil || blocked {
		return err
	}
	t.After(func() {
		e.live.Lock()
		defer e.live.Unlock()
		say := func(r *local.Resource, p *stanza.Stanza) *stanza.Stanza {
			s := say(r, p)
			if s != nil {
				s = e.dressed(s)
			}
			return s
		}
		// Delivering cannot fail.
		_ = e.tellAll(account, contact, (*local.Resource).Presence, say, none, func(s *stanza.Stanza) error {
			e.deliverLocked(s)
			return nil
		})
	})
	return nil
}

func (e *Engine) tellAll(account, contact jid.JID, presence func(*local.Resource) *stanza.Stanza,
	say func(*local.Resource, *stanza.Stanza) *stanza.Stanza, none *stanza.Stanza, send func(*stanza.Stanza) error,
) error {
	for _, r := range e.host.Resources(account) {
		p := presence(r)
		if p == nil {
			continue
		}
		if s := say(r, p); s != nil {
			none = nil
			if err := send(towards(s, contact)); err != nil {
				return err
			}
		}
	}
	if none == nil {
		return nil
	}
	return send(towards(none, contact))
}
