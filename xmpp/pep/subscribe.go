package pep

import (
	"errors"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/stanza"
)

// subscriber reads whom a request wants to subscribe. XEP-0060 §6.1.3.1: only oneself.
func (q *request) subscriber() (jid.JID, error) {
	j, err := jid.Parse(q.act.Attr("jid"))
	if err != nil || j.Bare() != q.Stanza.From.Bare() {
		return j, refuse(stanza.BadRequest, "", "invalid-jid", "")
	}
	return j, nil
}

// subscribe notes someone who wants a node's events without showing it by its caps, or without being a contact.
// XEP-0060 §6.1.
func (s *Service) subscribe(q *request) error {
	j, err := q.subscriber()
	if err != nil {
		return err
	}
	n, err := s.find(q)
	if err != nil {
		return err
	}
	if !s.host.Local(j.Domain()) {
		return lacks("subscribe") // events never cross a peer link
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	if err := s.admitSubscriber(q, j); err != nil {
		return err
	}
	b := attr(append([]byte(nil), "<pubsub xmlns='"+NS+"'><subscription"...), "node", q.node)
	b = attr(attr(b, "jid", j.String()), "subscription", "subscribed")
	q.Reply(append(b, "/></pubsub>"...))
	return s.greet(q, &n)
}

func (s *Service) admitSubscriber(q *request, j jid.JID) error {
	tx, account := q.Turn.Tx, q.Account.String()
	have, err := tx.PubsubSubscribers(account, q.node)
	if err != nil {
		return failed("reading the subscribers of", q.Account, q.node, err)
	}
	if slices.Contains(have, j.String()) {
		return nil
	}
	if len(have) >= s.o.Subscribers {
		return refuse(stanza.PolicyViolation, "wait", "too-many-subscriptions", "") // XEP-0060 §6.1.3.9
	}
	if err := tx.PutPubsubSubscriber(account, q.node, j.String(), time.Now()); err != nil {
		return failed("noting a subscriber of", q.Account, q.node, err)
	}
	return nil
}

// greet sends a new subscriber the last item. XEP-0060 §6.1.7.
func (s *Service) greet(q *request, n *store.PubsubNode) error {
	if n.Config.SendLast == sendNever || n.Config.Silent || q.Resource == nil {
		return nil
	}
	it, ok, err := s.last(q.Turn.Tx, q.Account, n)
	if err != nil || !ok {
		return err
	}
	event := append(appendItem(append(openItems(nil, n.Node), '>'), &it, !n.Config.NoPayload), "</items></event>"...)
	st := local.Stamp(s.event(q.Account, &n.Config, event), q.Account.String(), it.Published)
	r := q.Resource
	q.Turn.After(func() { r.Send(st) })
	return nil
}

// unsubscribe is the end of that. XEP-0060 §6.2.
func (s *Service) unsubscribe(q *request) error {
	j, err := q.subscriber()
	if err != nil {
		return err
	}
	if _, err := s.load(q); err != nil {
		return err
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	err = q.Turn.Tx.DeletePubsubSubscriber(q.Account.String(), q.node, j.String())
	if errors.Is(err, store.ErrNotFound) {
		return refuse(stanza.UnexpectedRequest, "cancel", "not-subscribed", "")
	}
	if err != nil {
		return failed("forgetting a subscriber of", q.Account, q.node, err)
	}
	q.Reply(nil)
	return nil
}

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
		b = attr(b, "node", node)
	}
	return append(b, '>')
}

func subscription(b []byte, node, jid string) []byte {
	b = append(b, "<subscription"...)
	if node != "" {
		b = attr(b, "node", node)
	}
	return append(attr(attr(b, "jid", jid), "subscription", "subscribed"), "/>"...)
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
				b = append(attr(attr(append(b, "<affiliation"...), "node", n.Node), "affiliation", "owner"), "/>"...)
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
	b = append(attr(attr(b, "jid", q.Account.String()), "affiliation", "owner"), "/>"...)
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
