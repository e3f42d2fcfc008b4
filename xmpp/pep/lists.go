package pep

import (
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// nodes lists the nodes that a request is about: the one it names, or all.
func (s *Service) nodes(q *request, tx *store.Tx) (all []store.PubsubNode, err error) {
	err = tx.PubsubNodes(q.Account.String(), func(n store.PubsubNode) error {
		if q.node == "" || q.node == n.Node {
			all = append(all, n)
		}
		return nil
	})
	if err != nil {
		return nil, failed("listing nodes", q.Account, q.node, err)
	}
	return all, nil
}

// subscriptions lists what the asker has subscribed to by its own request. XEP-0060 §5.6. Choice: what presence
// subscribes it to is not listed, as it cannot be ended here.
func (s *Service) subscriptions(q *request) error {
	if err := s.known(q); err != nil {
		return err
	}
	var b []byte
	empty := true
	err := s.host.Read(q.Turn, func(tx *store.Tx) error {
		all, err := s.nodes(q, tx)
		if err != nil {
			return err
		}
		b, empty = openList([]byte("<subscriptions"), q.node), true
		for _, n := range all {
			names, err := tx.PubsubSubscribers(q.Account.String(), n.Node)
			if err != nil {
				return failed("reading the subscribers of", q.Account, n.Node, err)
			}
			for _, name := range names {
				if j, err := jid.Parse(name); err == nil && j.Bare() == q.Stanza.From.Bare() {
					b, empty = subscription(b, n.Node, name), false
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.list(NS, "subscriptions", b, empty)
	return nil
}

func openList(b []byte, node string) []byte {
	if node != "" {
		b = markup.AppendPlainAttr(b, "node", node)
	}
	return append(b, '>')
}

func subscription(b []byte, node, jid string) []byte {
	b = append(b, "<subscription"...)
	if node != "" {
		b = markup.AppendPlainAttr(b, "node", node)
	}
	return append(markup.AppendPlainAttr(markup.AppendPlainAttr(b, "jid", jid), "subscription", "subscribed"), "/>"...)
}

// list replies with a list that begins with "<name …>".
func (q *request) list(space, name string, b []byte, empty bool) {
	whole := append([]byte(nil), "<pubsub xmlns='"+space+"'>"...)
	whole = append(whole, b...)
	if empty {
		whole = append(whole[:len(whole)-1], "/>"...)
	} else {
		whole = append(whole, "</"+name+">"...)
	}
	q.Reply(append(whole, "</pubsub>"...))
}

// known refuses those who may not know that the account exists; see shield.
func (s *Service) known(q *request) error {
	if q.Own {
		return nil
	}
	ok, err := s.host.Trusted(q.Turn, q.Account, q.Stanza.From)
	if err == nil && !ok {
		err = stanza.Fail(stanza.ServiceUnavailable, "")
	}
	return err
}

// affiliations lists the nodes that the asker owns: all, or none. XEP-0060 §5.7.
func (s *Service) affiliations(q *request) error {
	if err := s.known(q); err != nil {
		return err
	}
	b, empty := openList([]byte("<affiliations"), q.node), true
	if q.Own {
		err := s.host.Read(q.Turn, func(tx *store.Tx) error {
			all, err := s.nodes(q, tx)
			b, empty = openList([]byte("<affiliations"), q.node), len(all) == 0
			for _, n := range all {
				b = append(markup.AppendPlainAttr(markup.AppendPlainAttr(append(b, "<affiliation"...), "node", n.Node), "affiliation", "owner"), "/>"...)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	q.list(NS, "affiliations", b, empty)
	return nil
}

// owners tells the owner who has an affiliation with a node: the owner. XEP-0060 §8.9.1.
func (s *Service) owners(q *request) error {
	if err := q.own(); err != nil {
		return err
	}
	if _, err := s.load(q); err != nil {
		return err
	}
	b := append(openList([]byte("<affiliations"), q.node), "<affiliation"...)
	b = append(markup.AppendPlainAttr(markup.AppendPlainAttr(b, "jid", q.Account.String()), "affiliation", "owner"), "/>"...)
	q.list(NSOwner, "affiliations", b, false)
	return nil
}

// subscribers tells the owner who has subscribed to a node. XEP-0060 §8.8.1.
func (s *Service) subscribers(q *request) error {
	if err := q.own(); err != nil {
		return err
	}
	if _, err := s.load(q); err != nil {
		return err
	}
	var names []string
	err := s.host.Read(q.Turn, func(tx *store.Tx) (err error) {
		names, err = tx.PubsubSubscribers(q.Account.String(), q.node)
		return err
	})
	if err != nil {
		return failed("reading the subscribers of", q.Account, q.node, err)
	}
	b := openList([]byte("<subscriptions"), q.node)
	for _, name := range names {
		b = subscription(b, "", name)
	}
	q.list(NSOwner, "subscriptions", b, len(names) == 0)
	return nil
}
