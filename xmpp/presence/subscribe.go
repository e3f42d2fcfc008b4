package presence

import (
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// sent handles what a client sends to change a subscription. RFC 6121 §3.1.2, §3.2.2, §3.3.2, §3.4.2.
func (e *Engine) sent(t *router.Turn, account jid.JID, ev Event, s *stanza.Stanza) error {
	contact := s.To.Bare()
	if contact == account {
		return nil // Choice: an account sees itself anyway (RFC 6121 §4.2.2); there is nothing to ask for
	}
	if ev == Subscribe || ev == Subscribed {
		if err := e.refuseBlocked(t, account, contact); err != nil {
			return err
		}
	}
	it, known, err := e.roster.Item(t, account, contact)
	if err != nil {
		return err
	}
	was := StateOf(it)
	v := Sent(ev, was, it.Approved)
	if !it.InRoster && shown(v) {
		if ok, err := e.roster.Room(t, account, true); err != nil {
			return err
		} else if !ok {
			return stanza.Fail(stanza.ResourceConstraint, "the roster is full")
		}
	}
	s = s.Copy()
	s.From, s.To = account, contact // RFC 6121 §3.1.2: both addresses are bare
	if was.HasFrom() && !v.Next.HasFrom() {
		// Choice: before the cancellation, while the contact's server still expects presence from us.
		if err := e.show(t, account, contact, false); err != nil {
			return err
		}
	}
	// The state changes before the stanza leaves: a contact on this node may answer within this very call.
	if err := e.change(t, account, it, known, v); err != nil {
		return err
	}
	if v.Pass {
		if err := e.host.Route(t, s); err != nil {
			return err
		}
	}
	if v.Next.HasFrom() && !was.HasFrom() {
		return e.show(t, account, contact, true) // RFC 6121 §3.1.5
	}
	return nil
}

// arrived handles what a contact sends to change a subscription. RFC 6121 §3.1.3, §3.1.6, §3.2.3, §3.3.3.
func (e *Engine) arrived(t *router.Turn, account jid.JID, ev Event, s *stanza.Stanza) error {
	contact := s.From.Bare()
	if contact == account {
		return nil
	}
	it, known, err := e.roster.Item(t, account, contact)
	if err != nil {
		return err
	}
	was := StateOf(it)
	v := Arrived(ev, was, it.Approved)
	s = s.Copy()
	s.From, s.To = contact, account
	if v.Next.PendingIn() && !was.PendingIn() {
		if !it.InRoster {
			if ok, err := e.roster.Room(t, account, false); err != nil || !ok {
				return err // Choice: a user flooded with requests gets no more; an error would tell that the account exists
			}
		}
		it.Request = s.Bytes() // RFC 6121 §3.1.3: the whole stanza is kept
	}
	if v.Pass {
		t.After(func() { e.announce(s, ev) }) // RFC 6121 §3.1.6: before the roster push
	}
	if err := e.change(t, account, it, known, v); err != nil {
		return err
	}
	switch {
	case v.Reply:
		reply := &stanza.Stanza{Kind: stanza.Presence, From: account, To: contact, ID: s.ID, Type: stanza.Subscribed}
		if err := e.host.Route(t, reply); err != nil {
			return err
		}
		// Choice: also to one that had been granted already; it asks because it no longer knows anything of us.
		return e.show(t, account, contact, true)
	case was.HasFrom() && !v.Next.HasFrom():
		return e.show(t, account, contact, false) // RFC 6121 §3.3.3
	}
	return nil
}

// announce shows a client what happened to a subscription: requests to those available, the rest to those that asked
// for the roster as well (RFC 6121 §3.1.3, §3.1.6).
func (e *Engine) announce(s *stanza.Stanza, ev Event) {
	for _, r := range e.host.Resources(s.To) {
		if r.Available() || ev != Subscribe && r.Interested() {
			r.Send(s)
		}
	}
}

// shown tells whether a contact belongs in the roster that the user sees. RFC 6121 §3.1.3: a mere request does not.
func shown(v Verdict) bool { return v.Approved || v.Next != None && v.Next != NoneIn }

// change stores the outcome and pushes it to the account's clients.
func (e *Engine) change(t *router.Turn, account jid.JID, it store.RosterItem, known bool, v Verdict) error {
	if v.Next == StateOf(it) && v.Approved == it.Approved {
		return nil
	}
	v.Next.put(&it)
	it.Approved = v.Approved
	it.InRoster = it.InRoster || shown(v)
	if it.InRoster || it.PendIn {
		return e.roster.Put(t, account, it)
	}
	if !known {
		return nil
	}
	return e.roster.Delete(t, account, it)
}

// Dropped ends what bound the account to a contact that its user has removed. RFC 6121 §2.5.2. The item is gone already.
func (e *Engine) Dropped(t *router.Turn, account, contact jid.JID, was store.RosterItem) error {
	state := StateOf(was)
	if state.HasFrom() {
		if err := e.show(t, account, contact, false); err != nil {
			return err
		}
	}
	say := func(typ string) error {
		return e.host.Route(t, &stanza.Stanza{Kind: stanza.Presence, From: account, To: contact, Type: typ})
	}
	if state.HasFrom() || state.PendingIn() {
		// A pending request is denied with it: else the contact would come back, unseen, with nobody to answer.
		if err := say(stanza.Unsubscribed); err != nil {
			return err
		}
	}
	if state.HasTo() || state.PendingOut() {
		return say(stanza.Unsubscribe)
	}
	return nil
}
