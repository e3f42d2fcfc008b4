package node

import (
	"fmt"

	"longwire/store"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// owe notes whose receipts the node has to give, before the link has the entries: those of messages that asked the far client for one until this link's policy
// took it out. Where another link's had done so and this one's does not, the far client is asked after all. A message that asked no more when it was queued stays as it is.
func (n *Node) owe(peer string, entries []store.Entry, before, after map[uint64]*stanza.Stanza) error {
	owed := make(map[uint64]bool)
	for i := range entries {
		e := &entries[i]
		was, judged := before[e.ID]
		if !e.Track || e.Kind != store.KindChat || !judged && !e.Receipt {
			continue
		}
		is := after[e.ID]
		if !judged {
			var err error
			if was, err = stream.ParseStanza(e.Stanza); err != nil {
				continue
			}
			is = was
		}
		if !asks(was) || is == nil || asks(is) != e.Receipt {
			continue
		}
		e.Receipt = !e.Receipt
		owed[e.ID] = e.Receipt
	}
	p := n.peers.Peer(peer)
	if len(owed) == 0 || p == nil {
		return nil
	}
	err := n.peers.DB.Update(func(tx *store.Tx) error {
		for id, yes := range owed {
			if err := p.Queue().Owe(tx, id, yes); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("node: receipts of what goes to %s: %w", peer, err)
	}
	return nil
}

// asks tells whether a message asks for a receipt (XEP-0184 §7).
func asks(s *stanza.Stanza) bool { return s.Has("urn:xmpp:receipts", "request") }
