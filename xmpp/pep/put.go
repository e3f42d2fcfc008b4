package pep

import (
	"errors"
	"fmt"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// put publishes an item, makes the node if there is none, and tells of it. It needs a transaction. A refusal comes before
// anything is changed: it does not end the transaction.
func (s *Service) put(t *router.Turn, account jid.JID, p publication) (id string, err error) {
	n, fresh, err := s.ready(t.Tx, account, p.node, p.pre)
	if err != nil {
		return "", err
	}
	if err := s.check(&p, &n.Config); err != nil {
		return "", err
	}
	frees, err := s.replaced(t.Tx, account, n, p.item.ID)
	if err != nil {
		return "", err
	}
	if err := s.room(t.Tx, account, fresh, len(p.item.Payload)+itemOverhead-frees); err != nil {
		return "", err
	}
	if p.node == NodeLegacyBookmarks {
		if err := s.replace(t, account, p.elem); err != nil {
			return "", err
		}
	}
	if fresh {
		if err := s.make(t.Tx, account, n); err != nil {
			return "", err
		}
	}
	if p.node == NodeLegacyBookmarks {
		return single, nil
	}
	if p.item.ID == "" && !p.none {
		if p.item.ID = single; n.Config.MaxItems != 1 {
			p.item.ID = token()
		}
	}
	if err := s.placeIn(t, account, n, &p); err != nil {
		return "", err
	}
	return p.item.ID, s.changed(t, account, p.node)
}

// place is put for an item of the node's own making, which is in order, and whose other views the caller looks after. It
// refuses nothing.
func (s *Service) place(t *router.Turn, account jid.JID, p publication) error {
	n, fresh, err := s.ready(t.Tx, account, p.node, nil)
	if err == nil && fresh {
		err = s.make(t.Tx, account, n)
	}
	if err != nil {
		return err
	}
	return s.placeIn(t, account, n, &p)
}

// placeIn keeps an item, and tells of it.
func (s *Service) placeIn(t *router.Turn, account jid.JID, n store.PubsubNode, p *publication) error {
	if !n.Config.Transient {
		if err := s.keep(t.Tx, account, n, p.item); err != nil {
			return err
		}
	}
	event := openItems(nil, p.node)
	if p.none {
		event = append(event, "/></event>"...)
	} else {
		event = append(appendItem(append(event, '>'), &p.item, !n.Config.NoPayload), "</items></event>"...)
	}
	return s.tell(t, account, p.node, &n.Config, event)
}

// ready finds the node that is published to, or what it is going to be, which is fresh (XEP-0163 §3), and checks the
// preconditions.
func (s *Service) ready(tx *store.Tx, account jid.JID, node string, pre func(*store.PubsubConfig) error) (n store.PubsubNode, fresh bool, err error) {
	n, err = tx.PubsubNode(account.String(), node)
	if fresh = errors.Is(err, store.ErrNotFound); fresh {
		n, err = store.PubsubNode{Node: node, Created: time.Now(), Config: defaults(node)}, nil
	}
	if err != nil {
		return n, false, failed("reading the node", account, node, err)
	}
	if pre == nil {
		return n, fresh, nil
	}
	old := n.Config
	if err := pre(&n.Config); err != nil {
		return n, false, err
	}
	switch {
	case fresh && !keeps(node, &n.Config), !fresh && !same(old, n.Config):
		return n, false, refuse(stanza.Conflict, "", "precondition-not-met", "")
	}
	return n, fresh, nil
}

// itemOverhead is what an item counts beside its payload: its names, keys and record.
const itemOverhead = 512

// replaced counts the octets of what an item takes the place of: the one of its id, or the only one of a node for one.
func (s *Service) replaced(tx *store.Tx, account jid.JID, n store.PubsubNode, id string) (octets int, err error) {
	if n.Config.MaxItems == 1 && n.Items == 1 {
		return int(n.Bytes) + itemOverhead, nil
	}
	it, err := tx.PubsubItem(account.String(), n.Node, id)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, failed("reading an item of", account, n.Node, err)
	}
	return len(it.Payload) + itemOverhead, nil
}

// room refuses what an account has no room for: one more node, or so many octets more.
func (s *Service) room(tx *store.Tx, account jid.JID, node bool, octets int) error {
	st, err := tx.PubsubStats(account.String())
	switch {
	case err != nil:
		return failed("counting what is in", account, "", err)
	case node && st.Nodes >= s.o.Nodes:
		return stanza.Fail(stanza.ResourceConstraint, "there is no room for more nodes")
	case octets <= 0 && !node:
		return nil
	case st.Bytes+int64(st.Items)*itemOverhead+int64(octets) > s.o.Bytes || tx.Tight():
		return stanza.Fail(stanza.ResourceConstraint, "there is no room for more items")
	}
	return nil
}

// check refuses an item that the node's configuration does not allow. XEP-0060 §7.1.3.
func (s *Service) check(p *publication, c *store.PubsubConfig) error {
	limit := s.o.Payload
	if c.MaxBytes > 0 {
		limit = c.MaxBytes
	}
	switch {
	case p.none && !c.Transient:
		return refuse(stanza.BadRequest, "", "item-required", "")
	case p.item.Payload == nil && !c.NoPayload:
		return refuse(stanza.BadRequest, "", "payload-required", "")
	case !p.none && c.Transient && c.NoPayload:
		return refuse(stanza.BadRequest, "", "item-forbidden", "")
	case len(p.item.Payload) > limit:
		return refuse(stanza.NotAcceptable, "", "payload-too-big", fmt.Sprintf("a payload may have at most %d bytes", limit))
	case c.Type != "" && p.item.Payload != nil && p.name.Space != c.Type:
		return refuse(stanza.BadRequest, "", "invalid-payload", "the node is for "+c.Type)
	case p.node == NodeBookmarks:
		return checkBookmark(p)
	case p.node == NodeLegacyBookmarks && p.name != storageName:
		return refuse(stanza.BadRequest, "", "invalid-payload", "bookmarks are a storage")
	}
	return nil
}

// keep stores an item, and discards the oldest that there is no more room for.
func (s *Service) keep(tx *store.Tx, account jid.JID, n store.PubsubNode, it store.PubsubItem) error {
	if err := tx.PutPubsubItem(account.String(), n.Node, it); err != nil {
		return failed("keeping an item of", account, n.Node, err)
	}
	limit := s.o.Items
	if n.Config.MaxItems > 0 {
		limit = min(limit, n.Config.MaxItems)
	}
	return s.trim(tx, account, n.Node, limit)
}

// trim discards the oldest items above a limit.
func (s *Service) trim(tx *store.Tx, account jid.JID, node string, limit int) error {
	n, err := tx.PubsubNode(account.String(), node)
	if err != nil {
		return failed("reading the node", account, node, err)
	}
	var old []string
	err = tx.PubsubItems(account.String(), node, false, func(it store.PubsubItem) (bool, error) {
		if n.Items-len(old) > limit {
			old = append(old, it.ID)
		}
		return n.Items-len(old) > limit, nil
	})
	for _, id := range old {
		err = errors.Join(err, tx.DeletePubsubItem(account.String(), node, id))
	}
	if err != nil {
		return failed("discarding items of", account, node, err)
	}
	return nil
}
