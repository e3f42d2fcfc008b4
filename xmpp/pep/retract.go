package pep

import (
	"errors"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// retract deletes an item. XEP-0060 §7.2.
func (s *Service) retract(q *request) error {
	if err := q.own(); err != nil {
		return err
	}
	n, err := s.load(q)
	if err != nil {
		return err
	}
	item := q.act.Child(NS, "item")
	switch {
	case item == nil || item.Attr("id") == "":
		return refuse(stanza.BadRequest, "", "item-required", "")
	case n.Config.Transient:
		return lacks("persistent-items")
	case q.node == NodeLegacyBookmarks:
		return notTheTruth()
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	notify := n.Config.NotifyRetract
	if q.act.HasAttr("notify") {
		notify = isTrue(q.act.Attr("notify"))
	}
	if err := s.take(q.Turn, q.Account, &n, item.Attr("id"), notify); err != nil {
		return err
	}
	q.Reply(nil)
	return nil
}

// take deletes an item of a node, tells of it, and lets follow what depends on it.
func (s *Service) take(t *router.Turn, account jid.JID, n *store.PubsubNode, id string, notify bool) error {
	if err := s.remove(t, account, n, id, notify); err != nil {
		return err
	}
	return s.changed(t, account, n.Node)
}

// remove deletes an item of a node, and tells of it.
func (s *Service) remove(t *router.Turn, account jid.JID, n *store.PubsubNode, id string, notify bool) error {
	err := t.Tx.DeletePubsubItem(account.String(), n.Node, id)
	if errors.Is(err, store.ErrNotFound) {
		return stanza.Fail(stanza.ItemNotFound, "") // XEP-0060 §7.2.3.2
	}
	if err != nil {
		return failed("deleting an item of", account, n.Node, err)
	}
	if !notify {
		return nil
	}
	event := append(openItems(nil, n.Node), "><retract"...)
	event = append(markup.AppendPlainAttr(event, "id", id), "/></items></event>"...)
	return s.tell(t, account, n.Node, &n.Config, event)
}

// changed lets follow what depends on a node's items.
func (s *Service) changed(t *router.Turn, account jid.JID, node string) error {
	switch {
	case node == NodeBookmarks:
		return s.tellLegacy(t, account)
	case node == NodeAvatarMetadata && s.o.Renew != nil:
		return s.o.Renew(t, account) // XEP-0153 §4.1: presence tells of a new image
	}
	return nil
}
