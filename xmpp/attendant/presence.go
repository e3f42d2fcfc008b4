package attendant

import (
	"errors"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// presence lets any local user see the attendant, and wants to see nobody.
func (a *Attendant) presence(t *router.Turn, s *stanza.Stanza) error {
	me := s.To.Bare()
	switch s.Type {
	case stanza.Subscribe:
		// RFC 6121 §3.1.5: approved, then shown.
		if err := a.host.Route(t, &stanza.Stanza{Kind: stanza.Presence, From: me, To: s.From.Bare(), ID: s.ID, Type: stanza.Subscribed}); err != nil {
			return err
		}
		return a.host.Route(t, available(me, s.From.Bare()))
	case stanza.Probe:
		return a.host.Route(t, available(me, s.From))
	case stanza.Unsubscribe:
		// RFC 6121 §3.3.3. Choice: no answer; the user's side has ended it already.
		return a.host.Route(t, &stanza.Stanza{Kind: stanza.Presence, From: me, To: s.From.Bare(), Type: stanza.Unavailable})
	}
	return nil
}

// available is the presence that everyone sees: it tells how to begin.
func available(me, to jid.JID) *stanza.Stanza {
	s := &stanza.Stanza{Kind: stanza.Presence, From: me, To: to}
	b := append([]byte(nil), "<status>"...)
	b = markup.AppendEscaped(b, "ask me: status, why, cancel, help")
	s.SetInner(append(b, "</status>"...))
	return s
}

// showAll tells those who are there and have the attendant among their contacts that it came or went.
func (a *Attendant) showAll(name, typ string) {
	told := make(map[jid.JID]bool)
	for _, r := range a.host.All() {
		account := r.JID().Bare()
		me, err := jid.New(name, account.Domain(), "")
		if err != nil || told[account] || !r.Available() {
			continue
		}
		told[account] = true
		var it store.RosterItem
		err = a.host.DB().View(func(tx *store.Tx) (err error) {
			it, err = tx.RosterItem(account.String(), me.String())
			return err
		})
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && !it.To:
			continue
		case err != nil:
			a.log.Warn("attendant: a user is not told that it came or went", "user", account.String(), "err", err)
			continue
		}
		s := available(me, account)
		if typ != "" {
			s = &stanza.Stanza{Kind: stanza.Presence, From: me, To: account, Type: typ}
		}
		a.route(s)
	}
}
