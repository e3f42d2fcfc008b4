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

// declareFirst is declare for a node that starts. One whose flash is full serves the accounts it has, and tries again later.
func (n *Node) declareFirst(cfg *config.Config) error {
	err := n.declare(cfg)
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrReadOnly) {
		n.undeclared.Store(true)
		n.log.Error("the accounts of the config are not made yet; they are as soon as the store can be written", "err", err)
		return nil
	}
	return err
}

// declareLate is declare for a node whose store can be written again.
func (n *Node) declareLate() {
	n.reload.Lock()
	defer n.reload.Unlock()
	if err := n.declare(n.Config()); err != nil {
		n.log.Error("the accounts of the config are not made yet", "err", err)
		return
	}
	n.log.Info("the accounts of the config are made")
}
