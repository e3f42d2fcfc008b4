package pep

import (
	"errors"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
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
	b := markup.AppendPlainAttr(append([]byte(nil), "<pubsub xmlns='"+NS+"'><subscription"...), "node", q.node)
	b = markup.AppendPlainAttr(markup.AppendPlainAttr(b, "jid", j.String()), "subscription", "subscribed")
	q.Reply(append(b, "/></pubsub>"...))
	return s.greet(q, &n)
}

// maxOfOne is how many of its addresses one user may subscribe to a node, lest it takes the places of others.
const maxOfOne = 10

func (s *Service) admitSubscriber(q *request, j jid.JID) error {
	tx, account := q.Turn.Tx, q.Account.String()
	have, err := tx.PubsubSubscribers(account, q.node)
	if err != nil {
		return failed("reading the subscribers of", q.Account, q.node, err)
	}
	if slices.Contains(have, j.String()) {
		return nil
	}
	mine := 0
	for _, h := range have {
		if other, err := jid.Parse(h); err == nil && other.Bare() == j.Bare() {
			mine++
		}
	}
	if len(have) >= s.o.Subscribers || mine >= maxOfOne {
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
