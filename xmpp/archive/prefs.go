package archive

import (
	"errors"
	"fmt"
	"slices"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// MaxPrefs is how many addresses both lists of an account may hold together.
const MaxPrefs = 1000

// prefs are what an account wants archived. XEP-0441. nil: everything.
type prefs struct {
	byDefault     string // always, never, roster
	always, never []jid.JID
}

// Values of prefs.byDefault. XEP-0441 §2.1.1.
const (
	byAlways = "always"
	byNever  = "never"
	byRoster = "roster"
)

// listed tells what the lists say about other. XEP-0441 §2.3: a bare address stands for all its resources. Choice: an
// address on both lists is not archived.
func (p *prefs) listed(other jid.JID) (keep, found bool) {
	in := func(l []jid.JID) bool { return slices.Contains(l, other) || slices.Contains(l, other.Bare()) }
	switch {
	case in(p.never):
		return false, true
	case in(p.always):
		return true, true
	}
	return false, false
}

// wants tells whether the account wants to keep what it says to other, or hears from it.
func (s *Service) wants(t *router.Turn, account, other jid.JID) (bool, error) {
	p, err := s.readPrefs(t, account)
	if err != nil || p == nil {
		return true, err
	}
	if keep, found := p.listed(other); found {
		return keep, nil
	}
	if p.byDefault != byRoster {
		return p.byDefault == byAlways, nil
	}
	if other.Bare() == account {
		return true, nil
	}
	known := false
	err = s.host.Read(t, func(tx *store.Tx) error {
		it, err := tx.RosterItem(account.String(), other.Bare().String())
		known = err == nil && it.InRoster
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return known, err
}

// readPrefs reads them from the transaction; without one, from memory if they are there.
func (s *Service) readPrefs(t *router.Turn, account jid.JID) (p *prefs, err error) {
	stamp := uint64(0)
	if t.Tx == nil {
		var ok bool
		if p, stamp, ok = s.prefs.get(account); ok {
			return p, nil
		}
	}
	err = s.host.Read(t, func(tx *store.Tx) (err error) {
		p, err = loadPrefs(tx, account)
		return err
	})
	if err == nil && t.Tx == nil {
		s.prefs.put(account, p, stamp)
	}
	return p, err
}

func loadPrefs(tx *store.Tx, account jid.JID) (*prefs, error) {
	b, err := tx.Blob(account.String(), store.BlobArchive, "prefs")
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("archive: reading the preferences of %s: %w", account, err)
	}
	e, err := markup.ParseElement(b)
	if err != nil {
		return nil, nil // cannot happen to what we wrote
	}
	p, err := parsePrefs(e)
	if err != nil {
		return nil, nil
	}
	return p, nil
}

func (s *Service) getPrefs(q *local.Request) error {
	if err := s.own(q); err != nil {
		return err
	}
	p, err := s.readPrefs(q.Turn, q.Account)
	if err != nil {
		return err
	}
	q.Reply(p.append(nil))
	return nil
}

func (s *Service) setPrefs(q *local.Request) error {
	if err := s.own(q); err != nil {
		return err
	}
	p, err := parsePrefs(q.Payload)
	if err != nil {
		return err
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	b := p.append(nil)
	if err := q.Turn.Tx.PutBlob(q.Account.String(), store.BlobArchive, "prefs", b); err != nil {
		return fmt.Errorf("archive: changing the preferences of %s: %w", q.Account, err)
	}
	q.Turn.After(func() { s.prefs.forget(q.Account) })
	q.Reply(b)
	return nil
}

// parsePrefs reads a <prefs/>. XEP-0441 §2.1. Errors are *stanza.Err.
func parsePrefs(e *markup.Element) (*prefs, error) {
	p := &prefs{byDefault: e.Attr("default")}
	switch p.byDefault {
	case byAlways, byNever, byRoster:
	default:
		return nil, stanza.Fail(stanza.BadRequest, "default: neither always nor never nor roster")
	}
	for _, l := range []struct {
		name string
		list *[]jid.JID
	}{{"always", &p.always}, {"never", &p.never}} {
		c := e.Child(NS, l.name)
		if c == nil {
			continue
		}
		for _, item := range c.Children {
			if item.Name.Space != NS || item.Name.Local != "jid" {
				continue
			}
			j, err := jid.Parse(item.Text)
			if err != nil {
				return nil, stanza.Fail(stanza.JIDMalformed, l.name+": not an address")
			}
			if !slices.Contains(*l.list, j) {
				*l.list = append(*l.list, j)
			}
			if len(p.always)+len(p.never) > MaxPrefs {
				return nil, stanza.Fail(stanza.ResourceConstraint, fmt.Sprintf("at most %d addresses", MaxPrefs))
			}
		}
	}
	return p, nil
}

// append writes the <prefs/>; nil ones are the default.
func (p *prefs) append(b []byte) []byte {
	if p == nil {
		p = &prefs{byDefault: byAlways}
	}
	b = append(b, "<prefs xmlns='"+NS+"' default='"+p.byDefault+"'>"...)
	b = appendList(b, "always", p.always)
	b = appendList(b, "never", p.never)
	return append(b, "</prefs>"...)
}

func appendList(b []byte, name string, l []jid.JID) []byte {
	if len(l) == 0 {
		return append(b, "<"+name+"/>"...)
	}
	b = append(b, "<"+name+">"...)
	for _, j := range l {
		b = append(markup.AppendEscaped(append(b, "<jid>"...), j.String()), "</jid>"...)
	}
	return append(b, "</"+name+">"...)
}
