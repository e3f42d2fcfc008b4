package pep

import (
	"errors"
	"log/slog"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Up looks at what a client of ours is capable of, and sends it what it has missed.
func (s *Service) Up(r *local.Resource, p *stanza.Stanza) { s.caps.Up(r, p) }

// Down forgets a client.
func (s *Service) Down(r *local.Resource) { s.caps.Down(r) }

// Shown sends the last items of an account to a contact that has just been let see it. XEP-0163 §4.3.4.
func (s *Service) Shown(account, contact jid.JID) {
	for _, r := range s.host.Resources(contact) {
		if nodes := s.caps.Wanted(r); len(nodes) > 0 && r.Available() {
			s.sendLast(r, []jid.JID{account}, nodes)
		}
	}
}

// wanted sends a client the last items of the nodes that it has just been found to want: its account's own, and those of
// all contacts that it sees. XEP-0163 §4.3.3, §4.3.4.
func (s *Service) wanted(r *local.Resource, nodes []string) {
	account := r.JID().Bare()
	owners := []jid.JID{account}
	items, err := s.contacts.Items(new(router.Turn), account)
	if err != nil {
		slog.Error("last items not sent", "account", account.String(), "err", err)
		return
	}
	for i := range items {
		if !items[i].To {
			continue
		}
		if j, err := jid.Parse(items[i].Contact); err == nil && s.host.Local(j.Domain()) && j != account {
			owners = append(owners, j)
		}
	}
	s.sendLast(r, owners, nodes)
}

// sendLast sends a client the last items of the nodes that it may read. It runs after a commit, on what is committed.
func (s *Service) sendLast(r *local.Resource, owners []jid.JID, nodes []string) {
	var found []*stanza.Stanza
	t := new(router.Turn)
	err := s.host.Read(t, func(tx *store.Tx) error {
		t.Tx = tx // so that all reads are of one state
		for _, owner := range owners {
			st, err := s.lastOf(t, r.JID(), owner, nodes)
			if err != nil {
				return err
			}
			found = append(found, st...)
		}
		return nil
	})
	if err != nil {
		slog.Error("last items not sent", "client", r.JID().String(), "err", err)
		return
	}
	for _, st := range found {
		r.Send(st)
	}
}

// lastOf finds the last items of one owner that a client may read.
func (s *Service) lastOf(t *router.Turn, client, owner jid.JID, nodes []string) (found []*stanza.Stanza, err error) {
	if st, err := t.Tx.PubsubStats(owner.String()); err != nil || st.Nodes == 0 && owner != client.Bare() {
		return nil, err
	}
	for _, node := range nodes {
		n, err := t.Tx.PubsubNode(owner.String(), node)
		if errors.Is(err, store.ErrNotFound) && node == NodeLegacyBookmarks {
			n, err = store.PubsubNode{Node: node, Config: defaults(node)}, nil // XEP-0411 §4: a view that needs no node
		}
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, failed("reading the node", owner, node, err)
		}
		c := &n.Config
		if c.SendLast != sendPresence || c.Silent || !s.reads(t, owner, c, client) {
			continue
		}
		it, ok, err := s.last(t.Tx, owner, &n)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		event := append(openItems(nil, node), '>')
		event = append(appendItem(event, &it, !c.NoPayload), "</items></event>"...)
		found = append(found, local.Stamp(s.event(owner, c, event), owner.String(), it.Published))
	}
	return found, nil
}

// reads tells whether a client may read a node of another account, or of its own.
func (s *Service) reads(t *router.Turn, owner jid.JID, c *store.PubsubConfig, client jid.JID) bool {
	if client.Bare() == owner {
		return true
	}
	if s.may(t, owner, c, client) != nil {
		return false
	}
	ok, err := s.reachable(t, owner, client)
	return ok && err == nil
}

// last is the newest item of a node; ok is false when there is none.
func (s *Service) last(tx *store.Tx, owner jid.JID, n *store.PubsubNode) (last store.PubsubItem, ok bool, err error) {
	if n.Node == NodeLegacyBookmarks {
		return s.legacyItem(tx, owner)
	}
	err = tx.PubsubItems(owner.String(), n.Node, true, func(it store.PubsubItem) (bool, error) {
		last, ok = it, true
		return false, nil
	})
	if err != nil {
		return last, false, failed("reading the items of", owner, n.Node, err)
	}
	return last, ok, nil
}
