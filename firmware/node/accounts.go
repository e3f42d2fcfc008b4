package node

import (
	"errors"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/jid"
)

// declare makes the accounts those that a configuration declares, and ends the streams of those that are shut out.
func (n *Node) declare(cfg *config.Config) error {
	shut, err := admin.Declare(n.db, cfg.Users)
	if err != nil {
		return err
	}
	n.undeclared.Store(false)
	for _, address := range shut {
		if j, err := jid.Parse(address); err == nil {
			n.EndSessions(j, "the account was disabled")
		}
	}
	return nil
}

// declareFirst is declare for a node that starts.
func (n *Node) declareFirst(cfg *config.Config) error { return n.unlessFull(n.declare(cfg)) }

// unlessFull lets a node start whose flash takes nothing new: it serves what it has, and tries again later.
func (n *Node) unlessFull(err error) error {
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrReadOnly) {
		n.late(err)
		return nil
	}
	return err
}

func (n *Node) late(err error) {
	n.undeclared.Store(true)
	n.log.Error("what the config declares is not made yet; it is as soon as the store can be written", "err", err)
}

// declareLate is declare for a node whose store can be written again.
func (n *Node) declareLate() {
	n.reload.Lock()
	defer n.reload.Unlock()
	cfg := n.Config()
	err := n.declare(cfg)
	if err == nil {
		err = n.declareRooms(cfg)
	}
	if err != nil {
		n.late(err)
		return
	}
	n.log.Info("what the config declares is made")
}
