package presence

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Trusted tells whether other may know that the account's resources exist (RFC 6120 §13.10.2): it is the account itself,
// sees its presence, or had directed presence from it. Choice: whoever got directed presence vouches for all of its bare
// JID, so that a room's occupants reach someone who joined it.
func (e *Engine) Trusted(t *router.Turn, account, other jid.JID) (bool, error) {
	account, bare := account.Bare(), other.Bare()
	if bare == account {
		return true, nil
	}
	for _, r := range e.host.Resources(account) {
		for _, j := range r.Directed().All() {
			if j.Bare() == bare {
				return true, nil
			}
		}
	}
	it, _, err := e.roster.Item(t, account, bare)
	return it.From, err
}

// OnBlock hides the account from whom its user has just blocked: a bare or full JID, or a domain. XEP-0191 §3.3.
func (e *Engine) OnBlock(t *router.Turn, account, blocked jid.JID) error {
	seen, _, err := e.covered(t, account, blocked)
	if err != nil {
		return err
	}
	told := make(map[jid.JID]bool)
	for _, contact := range seen {
		told[contact] = true
		if err := e.show(t, account, contact, false); err != nil {
			return err
		}
	}
	return e.forgetDirected(t, account, blocked, told)
}

// forgetDirected ends directed presence to whom the user has blocked, as the exit broadcast will not reach them.
func (e *Engine) forgetDirected(t *router.Turn, account, blocked jid.JID, told map[jid.JID]bool) error {
	for _, r := range e.host.Resources(account) {
		for _, j := range r.Directed().All() {
			if !covers(blocked, j) {
				continue
			}
			t.After(func() { r.Directed().Remove(j) })
			if told[j] && e.isUp(t, r) {
				continue
			}
			s := &stanza.Stanza{Kind: stanza.Presence, From: r.JID(), To: j, Type: stanza.Unavailable}
			if err := e.host.Route(t, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// OnUnblock shows the account again to whom its user has just unblocked, and asks for their presence. XEP-0191 §3.4.
func (e *Engine) OnUnblock(t *router.Turn, account, unblocked jid.JID) error {
	seen, seeing, err := e.covered(t, account, unblocked)
	if err != nil {
		return err
	}
	for _, contact := range seen {
		if err := e.show(t, account, contact, true); err != nil {
			return err
		}
	}
	for _, r := range e.host.Resources(account) {
		if !e.isUp(t, r) {
			continue
		}
		probe := &stanza.Stanza{Kind: stanza.Presence, From: r.JID(), Type: stanza.Probe}
		if err := e.routeAll(t, probe, seeing); err != nil {
			return err
		}
	}
	return nil
}

// OnBlocking is OnBlock or OnUnblock, in the shape that package blocking calls.
func (e *Engine) OnBlocking(t *router.Turn, account, contact jid.JID, blocked bool) error {
	if blocked {
		return e.OnBlock(t, account, contact)
	}
	return e.OnUnblock(t, account, contact)
}

// covered finds the contacts that an address of a block list stands for: those who see the account, and those whom
// it sees. A full JID stands for itself when its bare JID is such a contact.
func (e *Engine) covered(t *router.Turn, account, pattern jid.JID) (seen, seeing []jid.JID, err error) {
	items, err := e.roster.Items(t, account)
	if err != nil {
		return nil, nil, err
	}
	for _, it := range items {
		contact, err := jid.Parse(it.Contact)
		if err != nil || contact == account {
			continue
		}
		switch {
		case covers(pattern, contact):
		case pattern.Bare() == contact:
			contact = pattern
		default:
			continue
		}
		if it.From {
			seen = append(seen, contact)
		}
		if it.To {
			seeing = append(seeing, contact)
		}
	}
	return seen, seeing, nil
}

// covers tells whether an address of a block list matches another address. XEP-0191 §2.
func covers(pattern, j jid.JID) bool {
	return pattern == j || pattern == j.Bare() || pattern == j.DomainJID()
}
