package pep

import (
	"crypto/rand"
	"errors"
	"strconv"
	"sync/atomic"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// counter numbers the ids of events.
type counter struct{ n atomic.Uint64 }

func (c *counter) next() string { return "pep" + strconv.FormatUint(c.n.Add(1), 36) }

// token is an id that nobody else has.
func token() string { return rand.Text() }

func openItems(b []byte, node string) []byte {
	return markup.AppendPlainAttr(append(b, "<event xmlns='"+NSEvent+"'><items"...), "node", node)
}

func appendItem(b []byte, it *store.PubsubItem, payload bool) []byte {
	b = markup.AppendPlainAttr(append(b, "<item"...), "id", it.ID)
	if !payload || len(it.Payload) == 0 {
		return append(b, '/', '>')
	}
	b = append(append(b, '>'), it.Payload...)
	return append(b, "</item>"...)
}

// audience is who may hear of an event of a node, beside the account's own clients.
type audience struct {
	contacts []jid.JID // on this node and somebody there: those of their clients that want it
	others   []jid.JID // who have subscribed themselves
}

// tell sends an event to all who may hear of it, after the commit.
func (s *Service) tell(t *router.Turn, account jid.JID, node string, c *store.PubsubConfig, event []byte) error {
	if c.Silent {
		return nil
	}
	a, err := s.audience(t, account, node, c)
	if err != nil {
		return err
	}
	t.After(func() { s.send(account, node, a, s.event(account, c, event)) })
	return nil
}

// event is the message that carries an event. XEP-0163 §4.3.1: from the bare JID. The outbox of each client writes its to.
func (s *Service) event(account jid.JID, c *store.PubsubConfig, inner []byte) *stanza.Stanza {
	st := &stanza.Stanza{Kind: stanza.Message, Type: stanza.Headline, From: account, ID: s.events.next()}
	if c.Normal {
		st.Type = stanza.Normal
	}
	st.SetInner(inner)
	return st
}

// audience finds who may hear of a node's events. XEP-0163 §4.
//
// Choice: a contact that sees the account's presence, without being seen itself, hears of them too: who is there is known
// here anyway, and the account does not learn of it. Contacts across a peer link get nothing; their caps are not known.
func (s *Service) audience(t *router.Turn, account jid.JID, node string, c *store.PubsubConfig) (a audience, err error) {
	if c.Access == accessWhitelist {
		return a, nil
	}
	items, err := s.contacts.Items(t, account)
	if err != nil {
		return a, err
	}
	for i := range items {
		if !items[i].From || mayContact(c, &items[i]) != nil {
			continue
		}
		j, err := jid.Parse(items[i].Contact)
		if err != nil {
			continue
		}
		if ok, err := s.reachable(t, account, j); err != nil {
			return a, err
		} else if ok {
			a.contacts = append(a.contacts, j)
		}
	}
	a.others, err = s.others(t, account, node, c)
	return a, err
}

// reachable tells whether events may go to a contact: it is on this node and there, and neither has blocked the other
// (XEP-0163 §4.3.3).
func (s *Service) reachable(t *router.Turn, account, contact jid.JID) (bool, error) {
	if !s.host.Local(contact.Domain()) || contact.Bare() == account || len(s.host.Resources(contact.Bare())) == 0 {
		return false, nil
	}
	blocked, err := s.host.Blocked(t, account, contact)
	if err == nil && !blocked {
		blocked, err = s.host.Blocked(t, contact.Bare(), account)
	}
	return !blocked, err
}

// others finds those who have subscribed themselves; who may no longer read the node is forgotten. XEP-0163 §7.1.
func (s *Service) others(t *router.Turn, account jid.JID, node string, c *store.PubsubConfig) (others []jid.JID, err error) {
	names, err := t.Tx.PubsubSubscribers(account.String(), node)
	if err != nil {
		return nil, failed("reading the subscribers of", account, node, err)
	}
	for _, name := range names {
		j, err := jid.Parse(name)
		if err == nil {
			err = s.may(t, account, c, j)
		}
		var refusal *stanza.Err
		if err != nil && (errors.As(err, &refusal) || j.IsZero()) {
			if err := t.Tx.DeletePubsubSubscriber(account.String(), node, name); err != nil {
				return nil, failed("forgetting a subscriber of", account, node, err)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if ok, err := s.reachable(t, account, j); err != nil {
			return nil, err
		} else if ok {
			others = append(others, j)
		}
	}
	return others, nil
}

// send brings an event to the clients that want it. XEP-0163 §4.3.2: one for each client, to its full JID.
func (s *Service) send(account jid.JID, node string, a audience, st *stanza.Stanza) {
	var got map[*local.Resource]bool
	if len(a.others) > 0 {
		got = make(map[*local.Resource]bool)
	}
	give := func(r *local.Resource) {
		if got != nil {
			if got[r] {
				return
			}
			got[r] = true
		}
		r.Send(st)
	}
	wanting := func(j jid.JID) {
		for _, r := range s.host.Resources(j) {
			if r.Available() && s.caps.Wants(r, node) { // XEP-0060 §9.2
				give(r)
			}
		}
	}
	wanting(account) // XEP-0163 §3: its own clients, the publishing one too
	for _, j := range a.contacts {
		wanting(j)
	}
	for _, j := range a.others {
		for _, r := range s.host.Resources(j.Bare()) {
			if j == r.JID() || j.IsBare() && r.Available() {
				give(r)
			}
		}
	}
}
